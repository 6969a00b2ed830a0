"""Kubernetes Events as they lie on the wire → `model.cluster.SandboxFailure`: why a pod has no address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.model import cluster
from runner_bridge.core.wire import objects  # noqa: TC001 - msgspec resolves the annotations of fields
from runner_bridge.core.wire.answers import read_answer

if TYPE_CHECKING:
    from datetime import datetime

REASON = "FailedCreatePodSandBox"


class Reference(Struct, gc=False):
    """The object that an event is about."""

    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class Series(Struct, gc=False, rename="camel"):
    """How often an event came again."""

    count: int | None = None
    last_observed_time: objects.Instant | None = None


class Event(Struct, gc=False, tag_field="kind", tag="Event", rename="camel"):
    """A Kubernetes Event of `v1` or `events.k8s.io/v1`: the same object under two spellings."""

    metadata: objects.Metadata | None = None
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    involved_object: Reference | None = None
    regarding: Reference | None = None
    count: int | None = None
    deprecated_count: int | None = None
    series: Series | None = None
    event_time: objects.Instant | None = None
    first_timestamp: objects.Instant | None = None
    last_timestamp: objects.Instant | None = None
    deprecated_first_timestamp: objects.Instant | None = None
    deprecated_last_timestamp: objects.Instant | None = None


class Told(Struct, frozen=True, gc=False, kw_only=True):
    """How far an Event has been counted."""

    version: str
    """Its `resourceVersion`."""
    count: int
    """1 for an Event without a series."""
    last_at: datetime | None
    """When it was seen last; None where it does not say so."""


def series_of(body: bytes) -> Told | None:
    """Return how far an Event of `events.k8s.io/v1` has been counted; None where it is none. Never raises."""
    wire = read_answer(body, Event)
    if wire is None or wire.metadata is None:
        return None
    count = wire.series.count if wire.series else None
    last = wire.series.last_observed_time if wire.series else None
    return Told(version=wire.metadata.resource_version or "", count=max(1, count or 1), last_at=last or wire.event_time)


def failure_of(wire: Event) -> cluster.SandboxFailure | None:
    """
    Return the failure that an event reports; None for every other event.

    `v1` says `involvedObject`, `message`, `count`; `events.k8s.io/v1` says `regarding`, `note`, `deprecatedCount`; both
    may count in a `series` that takes over from the first count.
    """
    about = wire.involved_object or wire.regarding
    if wire.reason != REASON or about is None or (about.kind or "Pod") != "Pod" or not about.name:
        return None
    series = wire.series
    first = wire.first_timestamp or wire.deprecated_first_timestamp or wire.event_time
    last = (series and series.last_observed_time) or wire.last_timestamp or wire.deprecated_last_timestamp or first
    created = wire.metadata and wire.metadata.creation_timestamp
    return cluster.SandboxFailure(
        namespace=about.namespace or "",
        pod=about.name,
        uid=about.uid or "",
        message=wire.message or wire.note or "",
        count=max(1, wire.count or 0, wire.deprecated_count or 0, (series and series.count) or 0),
        first_at=first or created or None,
        last_at=last or created or None,
    )
