"""What mode `enforce` may do now: tiers, limits, brake and grace together, also after a restart."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

from msgspec import structs

from runner_bridge.core.model import cluster
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Finding, Outcome
from runner_bridge.core.model.ledger import Entry, EntryKind, Step
from runner_bridge.core.model.verdict import Assigned, Verdict
from runner_bridge.core.policy import model as p
from runner_bridge.core.quarantine import Limits
from runner_bridge.flow.act.limits import WINDOW_S
from runner_bridge.flow.act.restraint import Recent, Restraint, recent
from tests import make

ALL = Limits(may_quarantine=True, may_delete=True)
NEVER_DELETE = Limits(may_quarantine=True, may_delete=False)
NONE = Limits(may_quarantine=False, may_delete=False)


class Clock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


def policy(**limits: int) -> p.Policy:
    opted = p.TierEnforcement(quarantine=True, delete=True)
    return make.policy(make.tier(enforce=opted), enforce=p.Enforcement(**limits))


def bad(uid: str, *, isolated: bool = False) -> tuple[Verdict, cluster.Pod]:
    finding = Finding(code=codes.ADDRESS_ROUTABLE, subject="gitlab-runners/a")
    held = (Assigned(address=ip_address("10.10.0.1"), pool="workload", confirmed=True),)
    verdict = make.verdict(Outcome.BREACH, uid=uid, findings=(finding,), assigned=held)
    labels = cluster.Labels(quarantine="true" if isolated else "")
    return verdict, make.job_pod("10.10.0.1", uid=uid, labels=labels)


def good(uid: str) -> tuple[Verdict, cluster.Pod]:
    return make.verdict(uid=uid), make.job_pod(uid=uid)


def test_a_pod_is_deleted_after_its_quarantine_has_stood_for_the_grace() -> None:
    clock = Clock()
    restraint = Restraint(policy(delete_after_s=300), clock, Recent())
    restraint.see(*bad("u", isolated=True))
    clock.now += 299
    assert restraint.limits(*bad("u", isolated=True)) == NEVER_DELETE
    clock.now += 1
    assert restraint.limits(*bad("u", isolated=True)) == ALL


def test_the_grace_begins_again_when_the_quarantine_did() -> None:
    clock = Clock()
    restraint = Restraint(policy(delete_after_s=300), clock, Recent())
    for isolated in (True, False, True):
        restraint.see(*bad("u", isolated=isolated))
        clock.now += 200
    assert restraint.limits(*bad("u", isolated=True)) == NEVER_DELETE
    restraint.forget("u")
    restraint.see(*bad("u", isolated=True))
    clock.now += 300
    assert restraint.limits(*bad("u", isolated=True)) == ALL


def acted(act: str, uid: str, minutes_ago: float, step: Step = Step.INTENT) -> Entry:
    at = make.NOW - timedelta(minutes=minutes_ago)
    return Entry(kind=EntryKind.ACTED, at=at, cluster="prod-1", pod_uid=uid, act=act, act_id=f"{act}{at}", step=step)


def test_after_a_restart_the_hour_and_the_grace_go_on() -> None:
    clock = Clock()
    done = [acted("quarantine-pod", "u", 50), acted("quarantine-pod", "v", 10), acted("label-pod", "w", 1)]
    before = recent(done, make.NOW, clock())
    restraint = Restraint(policy(quarantines_per_hour=2), clock, before)
    restraint.see(*bad("u", isolated=True))
    assert restraint.limits(*bad("u", isolated=True)) == ALL
    assert restraint.limits(*bad("x")) == NONE
    clock.now += 600
    assert restraint.limits(*bad("x")) == NEVER_DELETE


def test_what_was_recorded_ahead_of_a_clock_that_went_back_counts_as_of_now() -> None:
    done = [acted("delete-pod", "u", -30), acted("delete-pod", "u", 20), acted("delete-pod", "v", 5, Step.DONE)]
    assert recent(done, make.NOW, 100.0) == Recent(deleted={"u": 100.0})


def test_when_most_of_a_tier_is_bad_nothing_more_is_done_and_a_person_is_told_why() -> None:
    clock = Clock()
    restraint = Restraint(policy(brake_percent=25, delete_after_s=0), clock, Recent())
    for number in range(6):
        restraint.see(*good(f"good-{number}"))
    for uid in ("a", "b", "c"):
        restraint.see(*bad(uid, isolated=uid == "a"))
    assert restraint.limits(*bad("a", isolated=True)) == NONE
    what, text = restraint.held_by("infra")
    assert what == "brake infra"
    assert "3 of 9 job pods of the last hour call for quarantine, more than the 25 %" in text
    for number in range(6, 9):
        restraint.see(*good(f"good-{number}"))
    assert restraint.limits(*bad("a", isolated=True)) == ALL
    assert restraint.held_by("infra")[0] == "quarantines"


def test_pods_of_other_tiers_do_not_count() -> None:
    restraint = Restraint(policy(brake_percent=25), Clock(), Recent())
    for number in range(9):
        verdict, pod = bad(f"u{number}")
        restraint.see(structs.replace(verdict, tier="default"), pod)
    assert restraint.limits(*bad("a")).may_quarantine


def test_a_new_policy_counts_what_was_done_under_the_old_one() -> None:
    clock = Clock()
    restraint = Restraint(policy(quarantines_per_hour=5), clock, Recent())
    for uid in ("a", "b", "c"):
        restraint.quarantines(uid)
    restraint.adopt(policy(quarantines_per_hour=3, deletions_per_hour=1))
    assert not restraint.limits(*bad("d")).may_quarantine
    assert restraint.limits(*bad("a")).may_quarantine
    restraint.deletes("a")
    restraint.see(*bad("b", isolated=True))
    clock.now += WINDOW_S - 1
    restraint.see(*bad("b", isolated=True))
    assert not restraint.limits(*bad("b", isolated=True)).may_delete
    clock.now += 1
    assert restraint.limits(*bad("b", isolated=True)).may_delete


def test_a_pod_waits_only_while_something_may_become_due_for_it() -> None:
    restraint = Restraint(policy(), Clock(), Recent())
    assert restraint.waits(*bad("a"))
    assert restraint.waits(*bad("a", isolated=True))
    assert not restraint.waits(*good("a"))
    restraint.adopt(make.policy(make.tier(enforce=p.TierEnforcement(quarantine=True))))
    assert not restraint.waits(*bad("a", isolated=True))
