"""
What is due: a verdict and what stands on the pod now → actions. Pure.

Labels in our own domain, one Event per kind of breach, and in a tier that opts in quarantine and deletion; nothing else
of a pod is ever touched. Convergent: once a plan has been performed, the next one is empty. Nothing is due for a pod
that has finished or is leaving, and nothing but observing in mode `observe`.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct, structs

from runner_bridge.core.marks import label_value
from runner_bridge.core.model.cluster import NOT_LABELLED, Labels
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.quarantine import NO_POWERS, UNLIMITED, Isolation, Limits, Powers, grounds, isolation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.model.verdict import Verdict

QUARANTINED: Final = "true"
"""The value of the quarantine label; the rendered network policy selects it."""
LABELS: Final[Mapping[str, str]] = {
    "tier": "runner-bridge.dev/tier",
    "pool": "runner-bridge.dev/pool",
    "verdict": "runner-bridge.dev/verdict",
    "quarantine": "runner-bridge.dev/quarantine",
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
    """Make our labels on a pod say what the verdict says; the quarantine label is one of them."""

    namespace: str
    pod: str
    uid: str
    labels: Labels
    """As they will stand; an empty one is taken away."""
    changes: tuple[tuple[str, str | None], ...]
    """Key and value of each label that does not stand so yet; None takes it away."""
    because: tuple[str, ...] = ()
    """Names of the codes for which the pod is put in quarantine."""

    @property
    def quarantines(self) -> bool:
        """It puts the pod in quarantine."""
        return (LABELS["quarantine"], QUARANTINED) in self.changes

    @property
    def releases(self) -> bool:
        """It takes the pod out of quarantine."""
        return (LABELS["quarantine"], None) in self.changes


class Related(Struct, frozen=True, gc=False, kw_only=True):
    """The object beside the pod that an Event is about."""

    kind: str
    """`IPPool` or `Node`."""
    name: str


class EmitEvent(Struct, frozen=True, gc=False, kw_only=True):
    """Tell of a breach, or of what was done because of one, where `kubectl describe pod` shows it."""

    namespace: str
    pod: str
    uid: str
    name: str
    """Of the Event: the same for the same breach of the same pod, so the API server itself refuses a second one."""
    reason: str
    """The finding's code in CamelCase, or `Quarantined`, `Deleting`."""
    did: str
    """`Judged`, `Quarantine` or `Delete`."""
    note: str
    related: Related | None = None


class DeletePod(Struct, frozen=True, gc=False, kw_only=True):
    """Delete a pod whose quarantine has stood for as long as the policy says."""

    namespace: str
    pod: str
    uid: str
    """A pod that took the name over is not deleted."""
    because: tuple[str, ...]
    """Names of the codes that justify it."""


Action: TypeAlias = LabelPod | EmitEvent | DeletePod


def plan(
    verdict: Verdict,
    pod: Pod,
    told: Collection[str],
    mode: Mode,
    powers: Powers = NO_POWERS,
    limits: Limits = UNLIMITED,
) -> tuple[Action, ...]:
    """
    Return what is due for a pod: labels first, then Events, deletion last. Never raises.

    Args:
        verdict: what was judged.
        pod: as it stands now.
        told: names of the Events that are known to stand.
        mode: what is allowed.
        powers: in which tiers what mode `enforce` may do is wanted.
        limits: whether there is room for one quarantine, one deletion more.
    """
    if mode is Mode.OBSERVE or pod.has_left or pod.deleting or pod.uid != verdict.uid:
        return ()
    called = isolation(verdict, pod, powers if mode is Mode.ENFORCE else NO_POWERS)
    because = grounds(verdict) if called is Isolation.LAY else ()
    labels = structs.replace(wanted(verdict, pod.labels), quarantine=_quarantine(called, pod.labels, limits))
    events = [event_of(verdict, finding) for finding in verdict.findings if finding.code.outcome is Outcome.BREACH]
    if because and labels.quarantine == QUARANTINED:
        events.append(_quarantined(verdict, because))
    due: list[Action] = []
    if because and pod.labels.quarantine == QUARANTINED and verdict.tier in powers.delete and limits.may_delete:
        events.append(_deleting(verdict, because))
        due.append(DeletePod(namespace=verdict.namespace, pod=verdict.pod, uid=verdict.uid, because=because))
    untold = {event.name: event for event in events if event.name not in told}
    return (*_labels(verdict, pod, labels, because), *untold.values(), *due)


def wanted(verdict: Verdict, standing: Labels = NOT_LABELLED) -> Labels:
    """
    Return the labels that a verdict calls for; the one about quarantine is left as it stands.

    While a verdict is merely pending it calls for none, and the tier is left alone: a rendered runner makes its pods
    with that label.

    >>> from runner_bridge.core.model.verdict import Grade, Origin, Requested, Verdict
    >>> asked = Requested(origin=Origin.POD)
    >>> wanted(
    ...     Verdict(namespace="a", pod="b", outcome=Outcome.PASS, grade=Grade.BLOCK, requested=asked, tier="infra")
    ... ).verdict
    'pass'
    """
    if verdict.pending:
        return structs.replace(standing, pool="", verdict="")
    pools = dict.fromkeys(one.pool for one in verdict.assigned if one.pool)
    return Labels(
        tier=label_value(verdict.tier),
        pool=_joined(pools),
        verdict=str(verdict.outcome),
        quarantine=standing.quarantine,
    )


def event_of(verdict: Verdict, finding: Finding) -> EmitEvent:
    """Return the Event that tells of one finding. Never raises."""
    note = " ".join(part for part in (finding.headline, finding.cause, finding.what_to_do) if part)
    return _event(verdict, camel_case(finding.code.name), "Judged", note)


def camel_case(code: str) -> str:
    """
    Return a code as the reason of an Event.

    >>> camel_case("address-outside-tier-pools")
    'AddressOutsideTierPools'
    """
    return "".join(word.capitalize() for word in code.split("-"))


def _quarantine(called: Isolation, standing: Labels, limits: Limits) -> str:
    """Return the value of the quarantine label as it has to stand."""
    match called:
        case Isolation.LAY if limits.may_quarantine or standing.quarantine == QUARANTINED:
            return QUARANTINED
        case Isolation.LIFT:
            return ""
        case _:
            return standing.quarantine


def _labels(verdict: Verdict, pod: Pod, labels: Labels, because: tuple[str, ...]) -> tuple[LabelPod, ...]:
    changes = tuple(
        (key, getattr(labels, field) or None)
        for field, key in LABELS.items()
        if getattr(labels, field) != getattr(pod.labels, field)
    )
    if not changes:
        return ()
    action = LabelPod(namespace=verdict.namespace, pod=verdict.pod, uid=verdict.uid, labels=labels, changes=changes)
    return (structs.replace(action, because=because) if action.quarantines else action,)


def _quarantined(verdict: Verdict, because: tuple[str, ...]) -> EmitEvent:
    note = (
        f"{verdict.namespace}/{verdict.pod}: taken off the network because of {', '.join(because)}. Where the rendered "
        f'network policy is in force, the label {LABELS["quarantine"]}: "{QUARANTINED}" cuts new connections; those '
        "that stand go on. It is taken off when the breach is over."
    )
    return _event(verdict, "Quarantined", "Quarantine", note)


def _deleting(verdict: Verdict, because: tuple[str, ...]) -> EmitEvent:
    note = (
        f"{verdict.namespace}/{verdict.pod}: to be deleted because of {', '.join(because)}, as the policy wants for "
        f"tier {verdict.tier}: its quarantine has stood for as long as it says."
    )
    return _event(verdict, "Deleting", "Delete", note)


def _event(verdict: Verdict, reason: str, did: str, note: str) -> EmitEvent:
    mark = sha256(f"{verdict.uid} {reason}".encode()).hexdigest()[:16]
    return EmitEvent(
        namespace=verdict.namespace,
        pod=verdict.pod,
        uid=verdict.uid,
        name=f"{verdict.pod[:_LONGEST_NAME].rstrip('.-')}.{mark}",
        reason=reason,
        did=did,
        note=_cut(note),
        related=_related(verdict),
    )


def _related(verdict: Verdict) -> Related | None:
    """Return the pool that the pod has an address of and should not; where it has the node's address, the node."""
    foreign = next((one.pool for one in verdict.assigned if one.pool and one.pool not in verdict.intended), "")
    if foreign:
        return Related(kind="IPPool", name=foreign)
    on_node = any(finding.code is codes.HOST_NETWORK for finding in verdict.findings)
    return Related(kind="Node", name=verdict.node) if on_node and verdict.node else None


def _joined(pools: Collection[str]) -> str:
    """Return names of pools as one label; no pool has a `_` in its name."""
    return label_value("_".join(pools))


def _cut(note: str) -> str:
    data = note.encode()
    return note if len(data) <= LONGEST_NOTE else data[: LONGEST_NOTE - 3].decode(errors="ignore") + "…"
