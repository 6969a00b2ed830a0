"""One Event, two groups: `v1` and `events.k8s.io/v1` show the same stored object under different field names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import Object

_CORE_TO_EVENTS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_EVENTS_TO_CORE = {new: old for old, new in _CORE_TO_EVENTS.items()}


def as_events(obj: Object) -> Object:
    """Return a stored Event as `events.k8s.io/v1` shows it."""
    renamed = {_CORE_TO_EVENTS.get(key, key): value for key, value in obj.items()}
    return {**renamed, "kind": "Event", "apiVersion": "events.k8s.io/v1"}


def as_core(obj: Object) -> Object:
    """Return an Event of `events.k8s.io/v1` as it is stored."""
    renamed = {_EVENTS_TO_CORE.get(key, key): value for key, value in obj.items()}
    return {**renamed, "kind": "Event", "apiVersion": "v1"}
