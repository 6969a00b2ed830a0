"""
What mode `enforce` may do to a pod now: the tiers that opt in, the limits, the brake, and the grace before a deletion.

Quarantines and deletions of the last hour are read from the ledger at a start, so a restart does not begin a new hour.
The brake begins again with the pods that are there: what that lets through is bounded by the hour. A grace whose
beginning is not in the ledger begins again, which only waits longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.actions import QUARANTINED
from runner_bridge.core.model.ledger import Step
from runner_bridge.core.quarantine import Isolation, Limits, isolation, powers_of
from runner_bridge.flow.act.entries import DELETE, QUARANTINE
from runner_bridge.flow.act.limits import WINDOW_S, Brake, Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy


class Recent(Struct, frozen=True, kw_only=True):
    """What was done before this process, uid → moment of the forward clock."""

    quarantined: Mapping[str, float] = {}
    deleted: Mapping[str, float] = {}


def recent(entries: Iterable[Entry], at: datetime, now: float) -> Recent:
    """
    Return what counts of the acts in the ledger: each that was begun, failed or not, for its outcome may not be known.

    Args:
        entries: of the last hour, in any order.
        at: the moment now, as entries have it.
        now: the same on the forward clock. What seems to lie ahead, because a clock went back, counts as of now.
    """
    found: dict[str, dict[str, float]] = {QUARANTINE: {}, DELETE: {}}
    for one in entries:
        if one.act in found and one.step is Step.INTENT:
            when = now - max(0.0, (at - one.at).total_seconds())
            found[one.act][one.pod_uid] = max(when, found[one.act].get(one.pod_uid, when))
    return Recent(quarantined=found[QUARANTINE], deleted=found[DELETE])


class Restraint:
    """
    See the module.

    Args of the constructor:
        policy: what is meant.
        elapsed: the clock that only goes forward, in seconds.
        before: what was done before.
    """

    def __init__(self, policy: Policy, elapsed: Callable[[], float], before: Recent) -> None:
        self._elapsed = elapsed
        self._quarantines = Limiter(0, before.quarantined)
        self._deletions = Limiter(0, before.deleted)
        self._brake = Brake(100)
        self._since = {uid: when for uid, when in before.quarantined.items() if elapsed() - when < WINDOW_S}
        """uid → since when its quarantine stands, as far as is known."""
        self._delete_after = 0.0
        self.adopt(policy)

    def adopt(self, policy: Policy) -> None:
        """Go on by another policy; what was done counts against its limits too."""
        self.powers = powers_of(policy)
        self._quarantines.most = policy.enforce.quarantines_per_hour
        self._deletions.most = policy.enforce.deletions_per_hour
        self._delete_after = policy.enforce.delete_after_s
        self._brake.percent = policy.enforce.brake_percent

    def see(self, verdict: Verdict, pod: Pod) -> None:
        """Take note of a pod as it is judged now."""
        if verdict.tier not in self.powers.quarantine:
            return
        called = isolation(verdict, pod, self.powers)
        self._brake.see(pod.uid, verdict.tier, is_bad=called is Isolation.LAY, now=self._elapsed())
        if pod.labels.quarantine == QUARANTINED:
            self._since.setdefault(pod.uid, self._elapsed())
        else:
            self._since.pop(pod.uid, None)

    def limits(self, verdict: Verdict, pod: Pod) -> Limits:
        """Return what there is room for now."""
        now = self._elapsed()
        if self._brake.is_on(verdict.tier, now):
            return Limits(may_quarantine=False, may_delete=False)
        since = self._since.get(pod.uid)
        stood = since is not None and now - since >= self._delete_after
        return Limits(
            may_quarantine=self._quarantines.has_room(pod.uid, now),
            may_delete=stood and self._deletions.has_room(pod.uid, now),
        )

    def quarantines(self, uid: str) -> None:
        """Count a pod that is put in quarantine now."""
        self._quarantines.take(uid, self._elapsed())

    def deletes(self, uid: str) -> None:
        """Count a pod that is deleted now."""
        self._deletions.take(uid, self._elapsed())

    def waits(self, verdict: Verdict, pod: Pod) -> bool:
        """Tell whether something may become due for a pod only because time goes by."""
        if isolation(verdict, pod, self.powers) is not Isolation.LAY:
            return False
        return pod.labels.quarantine != QUARANTINED or verdict.tier in self.powers.delete

    def forget(self, uid: str) -> None:
        """Drop when the quarantine of a pod that is gone began; it still counts against limits and brake."""
        self._since.pop(uid, None)

    def held_by(self, tier: str) -> tuple[str, str]:
        """Return what holds a pod of a tier back, and a sentence about it for a person."""
        if self._brake.is_on(tier, self._elapsed()):
            bad, all_of_them = self._brake.share(tier)
            return f"brake {tier}", (
                f"Tier {tier}: {bad} of {all_of_them} job pods of the last hour call for quarantine, more than the "
                f"{self._brake.percent} % of the policy, so nothing more is put in quarantine or deleted there. Look "
                "at the policy and at the runner's configuration first."
            )
        return "quarantines", (
            f"{self._quarantines.most} pods were put in quarantine within an hour, the most that the policy allows; "
            "others wait, labelled and told as breaches."
        )
