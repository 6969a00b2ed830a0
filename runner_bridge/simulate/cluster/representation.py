"""Objects as they are sent: whole, or only their metadata; lists, pages and the lines of a watch."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from runner_bridge.simulate.cluster import status
from runner_bridge.simulate.cluster.events import as_events
from runner_bridge.simulate.cluster.resources import EVENTS, Resource

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import Object
    from runner_bridge.simulate.cluster.store import Key

encode = msgspec.json.encode

_META = "meta.k8s.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the header `Accept` asks for."""

    is_partial: bool = False
    """Only metadata: `as=PartialObjectMetadata` for one object or a watch."""
    is_partial_list: bool = False
    """Only metadata: `as=PartialObjectMetadataList` for a list."""


def form_of(accept: str) -> Form:
    """Return the first form of an `Accept` header that we can give; plain JSON when it names none."""
    for entry in accept.split(","):
        parts = [part.strip() for part in entry.split(";")]
        if "as=PartialObjectMetadata" in parts:
            return Form(is_partial=True)
        if "as=PartialObjectMetadataList" in parts:
            return Form(is_partial_list=True)
        if parts[0] in {"application/json", "*/*", "application/*"}:
            return Form()
    return Form()


def _partial(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": obj["metadata"]}


def _whole(resource: Resource, obj: Object) -> Object:
    return as_events(obj) if resource is EVENTS and obj.get("apiVersion") != resource.api_version else obj


def one(resource: Resource, obj: Object, form: Form) -> bytes:
    """Return one object."""
    return encode(_partial(obj) if form.is_partial else _whole(resource, obj))


def page(resource: Resource, items: list[Object], form: Form, meta: Object) -> bytes:
    """
    Return a list, or a page of one.

    Raises:
        StatusError: 406, for the form of one object.
    """
    if form.is_partial:
        what = f"you requested PartialObjectMetadata, but the requested object is a list ({resource.kind}List)"
        raise status.not_acceptable(what)
    if form.is_partial_list:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": _META, "metadata": meta}
        return encode({**head, "items": [_partial(obj) for obj in items]})
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta}
    shown = (_whole(resource, obj) for obj in items)
    if not resource.custom:
        shown = ({key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}} for obj in shown)
    return encode({**head, "items": list(shown)})


def line(kind: str, resource: Resource, obj: Object, form: Form) -> bytes:
    """Return one line of a watch."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), one(resource, obj, form))


def bookmark(resource: Resource, version: int, form: Form, *, ends_initial_events: bool = False) -> bytes:
    """Return the line that says how far a watch has come."""
    meta: Object = {"resourceVersion": str(version)}
    if ends_initial_events:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    return line(
        "BOOKMARK", resource, {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}, form
    )


def error_line(error: status.StatusError) -> bytes:
    """Return the line by which a watch says that it cannot go on."""
    return encode({"type": "ERROR", "object": error.body}) + b"\n"


def continue_token(version: int, last: Key) -> str:
    """Return where the next page begins; version -1 for "wherever the list is then"."""
    text = encode({"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(last)})
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read_continue(token: str) -> tuple[int, Key]:
    """
    Return the version and the last key of a token.

    Raises:
        StatusError: 400.
    """
    try:
        read = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = read["start"].split("/", 1)
        return int(read["rv"]), (namespace, name)
    except (binascii.Error, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise status.bad_request(f"continue key is not valid: {error}") from error
