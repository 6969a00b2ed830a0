"""From method and path to a resource and a verb, by the URL patterns of Kubernetes' API concepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import NAMESPACES, PODS, Resource
from runner_bridge.simulate.cluster.status import method_not_allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MANY = {"GET": "list", "POST": "create"}


class RouteError(Exception):
    """No resource lives at this path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a request is about; `verb` is the one RBAC knows."""

    resource: Resource
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def route_of(resources: tuple[Resource, ...], method: str, path: str, query: Mapping[str, str]) -> Route:
    """
    Return what a request is about.

    Raises:
        RouteError: no such resource.
        StatusError: 405.
    """
    parts = path.strip("/").split("/")
    depth = 2 if parts[0] == "api" else 3
    root, rest = "/" + "/".join(parts[:depth]), parts[depth:]
    namespace = ""
    if len(rest) >= 3 and rest[0] == NAMESPACES.plural and not (len(rest) == 3 and rest[2] == "status"):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource, *more = [*rest, "", "", ""][: max(3, len(rest))]
    found = [each for each in resources if each.root == root and each.plural == plural]
    if not found or any(more) or (namespace and not found[0].namespaced):
        raise RouteError(path)
    resource = found[0]
    is_log = resource is PODS and subresource == "log"
    if subresource and not (is_log or (subresource == "status" and resource.has_status)):
        raise RouteError(path)
    if is_log and method != "GET":
        raise method_not_allowed()
    if name and resource.namespaced and not namespace:
        raise RouteError(path)
    verb = (_ONE if name else _MANY).get(method)
    if verb is None or (verb == "create" and resource.namespaced and not namespace):
        raise method_not_allowed()
    if verb == "list" and query.get("watch", "") in {"1", "true"}:
        verb = "watch"
    return Route(resource=resource, verb=verb, namespace=namespace, name=name, subresource=subresource)
