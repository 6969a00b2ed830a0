"""
A Secret that holds a configuration or tokens: its values, its version, and who else writes it.

What its values are is nobody's business here: they are handed on as bytes, and no message quotes one. Who writes an
object is told by the marks that each tool leaves: Helm (pkg/action/validate.go), Argo CD
(util/argo/resource_tracking.go), the labels of Flux, owner references as of External Secrets, and field managers.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_BYTES: Final = 1024 * 1024
"""Most that all values of a Secret may have together (Kubernetes, pkg/apis/core, MaxSecretSize)."""

_MARKS: Final[Mapping[str, str]] = {
    "helm.toolkit.fluxcd.io/name": "Flux's HelmRelease",
    "kustomize.toolkit.fluxcd.io/name": "Flux's Kustomization",
    "argocd.argoproj.io/tracking-id": "the Argo CD application",
    "argocd.argoproj.io/instance": "the Argo CD application",
    "meta.helm.sh/release-name": "the Helm release",
}
"""Label or annotation → what it names; those that stand on top of others come first."""
_APPLIES: Final[Mapping[str, str]] = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "helm": "Helm",
    "external-secrets": "External Secrets",
}
"""Field managers of tools that write again what somebody else changes."""


class Secret(Struct, frozen=True, kw_only=True):
    """A Secret as it was read."""

    values: Mapping[str, bytes]
    version: str
    """Its `resourceVersion`: a write with it is refused where somebody else has written since."""
    owner: str = ""
    """Who else writes it, for people; empty: nobody that is known."""
    is_immutable: bool = False

    def __repr__(self) -> str:
        return f"Secret(version={self.version!r}, keys={sorted(self.values)})"


class _Owner(Struct, frozen=True):
    kind: str = ""
    name: str = ""


class _Manager(Struct, frozen=True):
    manager: str = ""
    fields: dict[str, object] | None = msgspec.field(default=None, name="fieldsV1")


class Metadata(Struct, frozen=True, rename="camel"):
    """What an object says of itself."""

    resource_version: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None
    managed_fields: list[_Manager] | None = None


class _Wire(Struct, frozen=True):
    metadata: Metadata = Metadata()
    data: dict[str, str] | None = None
    immutable: bool | None = None


def read_secret(body: bytes, *, what: str) -> Secret:
    """
    Read a Secret.

    Raises:
        WireError: it is none; no value of it is part of the message.
    """
    try:
        found = msgspec.json.decode(body, type=_Wire)
        values = {key: b64decode(text, validate=True) for key, text in (found.data or {}).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, NoBase64, ValueError):
        message = f"{what}: the answer is no Secret. Is this the address of a Kubernetes API?"
        raise WireError(message) from None  # the cause would quote the value
    return Secret(
        values=values,
        version=found.metadata.resource_version,
        owner=owner_of(found.metadata),
        is_immutable=found.immutable is True,
    )


def owner_of(metadata: Metadata) -> str:
    """
    Return the tool that writes an object again when somebody else changes it; empty: none that is known.

    >>> owner_of(Metadata(annotations={"meta.helm.sh/release-name": "ci-main"}))
    'the Helm release ci-main'
    """
    marks = {**(metadata.annotations or {}), **(metadata.labels or {})}
    for key, words in _MARKS.items():
        if name := marks.get(key):
            return f"{words} {name.partition(':')[0]}"
    for one in metadata.owner_references or ():
        return f"the {one.kind} {one.name}"
    for manager in metadata.managed_fields or ():
        if (tool := _APPLIES.get(manager.manager)) and "f:data" in (manager.fields or {}):
            return tool
    return ""


def new_secret(name: str, values: Mapping[str, bytes]) -> bytes:
    """Return a Secret to be created."""
    metadata = {"name": name, "labels": {"app.kubernetes.io/managed-by": "runner-bridge"}}
    return msgspec.json.encode(
        {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": _encoded(values)}
    )


def changed_values(version: str, values: Mapping[str, bytes | None]) -> bytes:
    """Return the merge patch that sets some values, and removes those that are None, if nobody has written since."""
    return msgspec.json.encode({"metadata": {"resourceVersion": version}, "data": _encoded(values)})


def _encoded(values: Mapping[str, bytes | None]) -> dict[str, str | None]:
    return {key: None if value is None else b64encode(value).decode() for key, value in values.items()}
