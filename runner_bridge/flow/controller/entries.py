"""
What the ledger has to be told so that its open intervals are what pods hold now. Pure.

Not a report of changes: the open intervals are compared with the picture, so it does not matter what was missed, told
twice, or left unfinished by a process that died. Once told, nothing is left to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.model.ledger import Entry, EntryKind, IntervalKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from runner_bridge.core.model.cluster import Address, Allocation, Node, Pod
    from runner_bridge.core.model.ledger import Interval
    from runner_bridge.core.model.verdict import Assigned, Verdict


class Context(Struct, frozen=True, kw_only=True):
    """What is the same in all entries of one process."""

    cluster: str
    gitlab: str
    policy: str
    actor: str


class Held(Struct, frozen=True, kw_only=True):
    """A judged pod, with what else is known of its place."""

    pod: Pod
    verdict: Verdict
    node: Node | None
    allocations: Mapping[Address, Allocation]
    """Of the addresses that a block confirms."""


def told(
    context: Context, held: Held, intervals: Mapping[IntervalKey, Interval], at: datetime, *, unproven: bool = False
) -> list[Entry]:
    """
    Return the entries that are missing for what a pod holds: `opened`, or `judged` where more or other is known.

    Args:
        context: of this process.
        held: the pod.
        intervals: open ones of pods of this name.
        at: now.
        unproven: the block is being read, so less known than before is no news.
    """
    found: list[Entry] = []
    for one in _holds(held):
        key = IntervalKey(context.cluster, held.pod.uid, str(one.address))
        before = intervals.get(key)
        kind = EntryKind.OPENED if before is None or not before.open else EntryKind.JUDGED
        entry = _entry(context, held, one, kind, at)
        if kind is EntryKind.JUDGED and before is not None:
            waits = unproven and before.outcome is entry.outcome
            if waits or not _differs(before, entry):
                continue
        found.append(entry)
    return found


def kept(context: Context, held: Held) -> frozenset[IntervalKey]:
    """Return the intervals of a pod that are open as long as this is true of it."""
    return frozenset(IntervalKey(context.cluster, held.pod.uid, str(one.address)) for one in _holds(held))


def closed(
    context: Context, intervals: Iterable[Interval], at: datetime, *, seen_to_at: datetime | None = None
) -> list[Entry]:
    """
    Return the entries that close intervals.

    Args:
        context: of this process.
        intervals: open ones, whose pods do not hold their addresses any more.
        at: now.
        seen_to_at: when the picture was whole the last time, where that is not now: they ended in between.
    """
    return [
        Entry(
            kind=EntryKind.CLOSED,
            at=at,
            cluster=one.cluster,
            gitlab=context.gitlab,
            policy=context.policy,
            actor=context.actor,
            pod_uid=one.pod_uid,
            namespace=one.namespace,
            pod=one.pod,
            address=one.address,
            seen_to_at=seen_to_at,
        )
        for one in sorted(intervals, key=lambda interval: interval.key)
    ]


def gap(context: Context, from_at: datetime, to_at: datetime, why: str) -> Entry:
    """Return the entry about a time in which the cluster was not seen."""
    return Entry(
        kind=EntryKind.GAP,
        at=to_at,
        cluster=context.cluster,
        gitlab=context.gitlab,
        policy=context.policy,
        actor=context.actor,
        from_at=from_at,
        to_at=to_at,
        text=f"{why}.",
    )


def _holds(held: Held) -> tuple[Assigned, ...]:
    """Return what a pod holds now."""
    return () if held.pod.has_left else held.verdict.assigned


def _entry(context: Context, held: Held, one: Assigned, kind: EntryKind, at: datetime) -> Entry:
    pod, verdict, node = held.pod, held.verdict, held.node
    allocation = held.allocations.get(one.address)
    since = (allocation and allocation.allocated_at) or pod.scheduled_at or pod.created_at or at
    return Entry(
        kind=kind,
        at=at,
        cluster=context.cluster,
        gitlab=context.gitlab,
        policy=context.policy,
        actor=context.actor,
        pod_uid=pod.uid,
        namespace=pod.namespace,
        pod=pod.name,
        address=str(one.address),
        handle=allocation.handle if allocation else "",
        sequence=allocation.sequence if allocation else None,
        node=pod.node,
        node_uid=node.uid if node else "",
        node_addresses=tuple(str(address) for address in node.addresses) if node else (),
        project=verdict.project,
        project_path=verdict.project_path,
        runner=verdict.runner,
        job=verdict.job.id,
        job_url=verdict.job.url,
        tier=verdict.tier,
        pool=one.pool,
        outcome=verdict.outcome,
        grade=verdict.grade,
        findings=tuple(dict.fromkeys(finding.code.name for finding in verdict.findings)),
        from_at=min(since, at),
        seen_from_at=at,
    )


def _differs(before: Interval, entry: Entry) -> bool:
    return any(getattr(before, name) != getattr(entry, name) for name in _TOLD)


_TOLD = (
    "policy",
    "handle",
    "sequence",
    "node",
    "node_uid",
    "node_addresses",
    "project_path",
    "runner",
    "tier",
    "pool",
    "outcome",
    "grade",
    "findings",
)
"""The fields whose change is worth an entry."""
