"""What a request does, in the words of RBAC: a verb on a resource, maybe in a namespace. Errors are worded with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One request, as the API server's authorizer sees it."""

    verb: str
    resource: str
    """With its group, `ipamblocks.crd.projectcalico.org`; the bare path where it names no resource."""
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f" in namespace {self.namespace}" if self.namespace else "")


def deed_of(method: str, path: str, params: Mapping[str, str]) -> Deed:
    """
    Read a request as the API server does (apiserver, pkg/endpoints/request/requestinfo.go). Never raises.

    >>> str(deed_of("GET", "/api/v1/namespaces/ci/pods/a", {}))
    'get pods in namespace ci'
    >>> str(deed_of("GET", "/apis/crd.projectcalico.org/v1/ipamblocks", {"watch": "1"}))
    'watch ipamblocks.crd.projectcalico.org'
    """
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["api", _, *rest]:
            group = ""
        case ["apis", group, _, *rest]:
            pass
        case _:
            return Deed(verb="get", resource=path)
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    if not rest:
        return Deed(verb="get", resource=path)
    resource = "/".join((rest[0], *rest[2:3])) + (f".{group}" if group else "")
    verb = _VERBS.get(method) or ("get" if len(rest) > 1 else "watch" if params.get("watch") else "list")
    return Deed(verb=verb, resource=resource, namespace=namespace)
