"""
Events of `events.k8s.io/v1`: one for each pod and reason, counted on as long as it holds.

The same breach that is seen again, on a sweep or after a restart, is no second Event but the next of its series, as in
client-go (tools/events/event_broadcaster.go): count and last moment. It is counted at most every `COUNT_EVERY_S`
seconds, and each write lets the Event live for its hour again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import json

from runner_bridge.core.errors import StaleError
from runner_bridge.core.model.ledger import Step
from runner_bridge.core.wire.events import series_of

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.actions import EmitEvent, Related
    from runner_bridge.ports.kube import Writer

CONTROLLER: Final = "runner-bridge.dev/runner-bridge"
"""Who reports."""
COUNT_EVERY_S: Final = 1800.0
"""`refreshTime` of client-go; half of the time that an API server keeps an Event by default."""
_API: Final = {"IPPool": "projectcalico.org/v3", "Node": "v1"}


async def tell(writes: Writer, action: EmitEvent, at: datetime) -> tuple[Step, float]:
    """
    Make an Event, or count on the one that is there; return the outcome, and how many seconds ago it was told.

    Raises:
        UnavailableError, DeniedError, InvalidError: as `Writer.create_event`.
    """
    if await writes.create_event(action.namespace, event_body(action, at)):
        return Step.DONE, 0.0
    body = await writes.event(action.namespace, action.name)
    series = series_of(body) if body is not None else None
    if series is None:  # its hour is over just now, or its namespace is going
        return Step.SKIPPED, COUNT_EVERY_S
    age = max(0.0, (at - series.last_at).total_seconds()) if series.last_at else COUNT_EVERY_S
    if age < COUNT_EVERY_S:
        return Step.ALREADY_SO, age
    patch = counted_body(series.version, series.count + 1, at)
    try:
        counted = await writes.patch_event(action.namespace, action.name, patch)
    except StaleError:  # somebody else has counted it at this very moment
        return Step.ALREADY_SO, 0.0
    return (Step.DONE, 0.0) if counted else (Step.SKIPPED, COUNT_EVERY_S)


def event_body(action: EmitEvent, at: datetime) -> bytes:
    """Return the Event about a pod."""
    regarding = {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": action.namespace,
        "name": action.pod,
        "uid": action.uid,
    }
    related = {"related": _reference(action.related)} if action.related else {}
    return json.encode(
        {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": action.namespace, "name": action.name},
            "eventTime": _micro(at),
            "type": "Warning",
            "reason": action.reason,
            "action": action.did,
            "note": action.note,
            "regarding": regarding,
            **related,
            "reportingController": CONTROLLER,
            "reportingInstance": "runner-bridge",
        }
    )


def counted_body(version: str, count: int, at: datetime) -> bytes:
    """Return the patch that counts an Event on, if it is still of that `resourceVersion`."""
    series = {"count": count, "lastObservedTime": _micro(at)}
    return json.encode({"metadata": {"resourceVersion": version}, "series": series})


def _reference(related: Related) -> dict[str, str]:
    return {"apiVersion": _API[related.kind], "kind": related.kind, "name": related.name}


def _micro(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
