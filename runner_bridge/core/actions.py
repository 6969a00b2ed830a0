"""
What is due: a verdict and what stands on the pod now → actions. Pure.

Labels in our own domain, and one Event per kind of breach; nothing else of a pod is ever touched. Convergent: once a
plan has been performed, the next one is empty. Nothing is due for a pod that has finished or is leaving, and nothing
but observing in mode `observe`.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from runner_bridge.core.marks import label_value
from runner_bridge.core.model.cluster import NOT_LABELLED, Labels
from runner_bridge.core.model.finding import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.model.verdict import Verdict

LABELS: Final[Mapping[str, str]] = {
    "tier": "runner-bridge.dev/tier",
    "pool": "runner-bridge.dev/pool",
    "verdict": "runner-bridge.dev/verdict",
}
"""Field of `Labels` → the label's key."""

LONGEST_NOTE = 1024
"""Of an Event (kubernetes, pkg/apis/core/validation/events.go)."""
_LONGEST_NAME = 200


class Mode(StrEnum):
    """What the bridge may do to the cluster."""

    OBSERVE = "observe"
    """Nothing."""
    LABEL = "label"
    """Labels in its own domain, and Events."""
    ENFORCE = "enforce"
    """Also, in tiers that opt in: quarantine, and deletion."""


class LabelPod(Struct, frozen=True, gc=False, kw_only=True):
    """Make our labels on a pod say what the verdict says."""

    namespace: str
    pod: str
    uid: str
    labels: Labels
    """As they will stand; an empty one is taken away."""
    changes: tuple[tuple[str, str | None], ...]
    """Key and value of each label that does not stand so yet; None takes it away."""


class EmitEvent(Struct, frozen=True, gc=False, kw_only=True):
    """Tell of a breach where `kubectl describe pod` shows it."""

    namespace: str
    pod: str
    uid: str
    name: str
    """Of the Event: the same for the same breach of the same pod, so the API server itself refuses a second one."""
    reason: str
    """The finding's code in CamelCase."""
    note: str


Action: TypeAlias = LabelPod | EmitEvent


def plan(verdict: Verdict, pod: Pod, told: Collection[str], mode: Mode) -> tuple[Action, ...]:
    """
    Return what is due for a pod, labels first. Never raises.

    Args:
        verdict: what was judged.
        pod: as it stands now.
        told: names of the Events that are known to stand.
        mode: what is allowed.
    """
    if mode is Mode.OBSERVE or pod.has_left or pod.deleting or pod.uid != verdict.uid:
        return ()
    labels = _labels(verdict, pod, wanted(verdict))
    events = (event_of(verdict, finding) for finding in verdict.findings if finding.code.outcome is Outcome.BREACH)
    due = {event.name: event for event in events if event.name not in told}
    return (*labels, *due.values())


def wanted(verdict: Verdict) -> Labels:
    """
    Return the labels that a verdict calls for; none while it is merely pending.

    >>> from runner_bridge.core.model.verdict import Grade, Origin, Requested, Verdict
    >>> asked = Requested(origin=Origin.POD)
    >>> wanted(
    ...     Verdict(namespace="a", pod="b", outcome=Outcome.PASS, grade=Grade.BLOCK, requested=asked, tier="infra")
    ... ).verdict
    'pass'
    """
    if verdict.pending:
        return NOT_LABELLED
    pools = dict.fromkeys(one.pool for one in verdict.assigned if one.pool)
    return Labels(tier=label_value(verdict.tier), pool=_joined(pools), verdict=str(verdict.outcome))


def event_of(verdict: Verdict, finding: Finding) -> EmitEvent:
    """Return the Event that tells of one finding. Never raises."""
    reason = camel_case(finding.code.name)
    mark = sha256(f"{verdict.uid} {reason}".encode()).hexdigest()[:16]
    note = " ".join(part for part in (finding.headline, finding.cause, finding.what_to_do) if part)
    return EmitEvent(
        namespace=verdict.namespace,
        pod=verdict.pod,
        uid=verdict.uid,
        name=f"{verdict.pod[:_LONGEST_NAME].rstrip('.-')}.{mark}",
        reason=reason,
        note=_cut(note),
    )


def camel_case(code: str) -> str:
    """
    Return a code as the reason of an Event.

    >>> camel_case("address-outside-tier-pools")
    'AddressOutsideTierPools'
    """
    return "".join(word.capitalize() for word in code.split("-"))


def _labels(verdict: Verdict, pod: Pod, labels: Labels) -> tuple[LabelPod, ...]:
    changes = tuple(
        (key, getattr(labels, field) or None)
        for field, key in LABELS.items()
        if getattr(labels, field) != getattr(pod.labels, field)
    )
    if not changes:
        return ()
    return (LabelPod(namespace=verdict.namespace, pod=verdict.pod, uid=verdict.uid, labels=labels, changes=changes),)


def _joined(pools: Collection[str]) -> str:
    """Return names of pools as one label; no pool has a `_` in its name."""
    return label_value("_".join(pools))


def _cut(note: str) -> str:
    data = note.encode()
    return note if len(data) <= LONGEST_NOTE else data[: LONGEST_NOTE - 3].decode(errors="ignore") + "…"
