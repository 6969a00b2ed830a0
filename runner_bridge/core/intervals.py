"""
From entries to intervals: one pure step, so that what is kept while writing and what `verify` derives again agree.

The same entries give the same interval in any order and however often each is told. That holds because every field is
a minimum, a maximum, or comes whole from the latest entry. A `closed` entry ends an interval unless an `opened` one
begins later. Two stretches of one pod on one address become one interval: too long rather than too short, because an
answer that misses a holder is worse than one that lists a candidate too many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner_bridge.core.model.ledger import Entry, EntryKind, Interval

if TYPE_CHECKING:
    from datetime import datetime

EVIDENCE = (
    "gitlab",
    "policy",
    "actor",
    "namespace",
    "pod",
    "handle",
    "sequence",
    "node",
    "node_uid",
    "node_addresses",
    "project",
    "project_path",
    "runner",
    "job",
    "job_url",
    "tier",
    "pool",
    "outcome",
    "grade",
    "findings",
)
"""The fields that come whole from the latest `opened` or `judged` entry."""

OF_INTERVALS = frozenset({EntryKind.OPENED, EntryKind.JUDGED, EntryKind.CLOSED, EntryKind.CARRIED})
"""The kinds of entries that `fold` takes."""


def fold(before: Interval | None, entry: Entry) -> Interval:
    """
    Return the interval after one more entry of its key; `entry.kind` is one of `OF_INTERVALS`.

    >>> from datetime import UTC, datetime
    >>> from runner_bridge.core.model.ledger import Entry
    >>> at = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)
    >>> opened = Entry(kind=EntryKind.OPENED, at=at, cluster="prod-1", pod_uid="u1", address="172.16.12.2")
    >>> fold(None, opened).open
    True
    """
    told = _told(entry)
    return told if before is None else _join(before, told)


def carry(interval: Interval, at: datetime) -> Entry:
    """Return the entry that takes an interval over into a new segment; folding it gives the interval again."""
    told = {name: getattr(interval, name) for name in interval.__struct_fields__}
    return Entry(kind=EntryKind.CARRIED, at=at, **told)


def _told(entry: Entry) -> Interval:
    """Return what one entry alone says of its interval."""
    at = entry.at
    if entry.kind is EntryKind.CLOSED:
        to_at = entry.to_at or at
        seen_to_at = min(entry.seen_to_at or to_at, to_at)
        return Interval(
            cluster=entry.cluster,
            pod_uid=entry.pod_uid,
            address=entry.address,
            from_at=min(entry.from_at or seen_to_at, seen_to_at),
            seen_from_at=seen_to_at,
            seen_to_at=seen_to_at,
            to_at=to_at,
        )
    from_at = entry.from_at or at
    carried = entry.kind is EntryKind.CARRIED
    opened_at = entry.opened_at if carried else from_at if entry.kind is EntryKind.OPENED else None
    return Interval(
        cluster=entry.cluster,
        pod_uid=entry.pod_uid,
        address=entry.address,
        from_at=from_at,
        seen_from_at=max(entry.seen_from_at or from_at, from_at),
        seen_to_at=entry.seen_to_at if carried else None,
        to_at=entry.to_at if carried else None,
        opened_at=opened_at,
        judged_at=entry.judged_at if carried else at,
        gitlab=entry.gitlab,
        policy=entry.policy,
        actor=entry.actor,
        namespace=entry.namespace,
        pod=entry.pod,
        handle=entry.handle,
        sequence=entry.sequence,
        node=entry.node,
        node_uid=entry.node_uid,
        node_addresses=entry.node_addresses,
        project=entry.project,
        project_path=entry.project_path,
        runner=entry.runner,
        job=entry.job,
        job_url=entry.job_url,
        tier=entry.tier,
        pool=entry.pool,
        outcome=entry.outcome,
        grade=entry.grade,
        findings=entry.findings,
    )


def _join(one: Interval, other: Interval) -> Interval:
    """Join what two sources say of one interval: commutative, associative, idempotent."""
    opened_at = _latest(one.opened_at, other.opened_at)
    ending = _ending(one, other, opened_at)
    return replace(
        _better(one, other),
        from_at=min(one.from_at, other.from_at),
        seen_from_at=min(one.seen_from_at, other.seen_from_at),
        seen_to_at=ending[1] if ending else None,
        to_at=ending[0] if ending else None,
        opened_at=opened_at,
    )


def _ending(one: Interval, other: Interval, opened_at: datetime | None) -> tuple[datetime, datetime] | None:
    """Return the later end and until when it was seen; None where the interval began again after it, or has none."""
    ends = [(side.to_at, side.seen_to_at or side.to_at) for side in (one, other) if side.to_at is not None]
    if not ends:
        return None
    last = max(ends)
    return None if opened_at is not None and opened_at > last[0] else last


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _better(one: Interval, other: Interval) -> Interval:
    """Return the one with the later evidence; of the same moment, the same one whichever was told first."""
    if one.judged_at == other.judged_at:
        return max(one, other, key=lambda side: repr([getattr(side, name) for name in EVIDENCE]))
    return one if _latest(one.judged_at, other.judged_at) == one.judged_at else other
