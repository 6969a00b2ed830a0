"""
The rules of judging, one by one: what makes a pass, what must never be one, and what must not raise an alarm.

`docs/explanation/judging.md` explains them in the same order.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Any

import pytest
from msgspec import structs

from runner_bridge.core.judge import Evidence, judge, judge_pod
from runner_bridge.core.model import Outcome
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.verdict import Counts, Grade, Judgement, Origin, Verdict
from runner_bridge.core.policy import model as p
from tests import make

SOON = make.NOW + timedelta(seconds=5)
PLAIN = c.Namespace(name="gitlab-runners")
OTHER_ID = "2bGnS8cXe"


def policy(**changes: Any) -> p.Policy:
    return make.policy(
        make.tier("infra", make.pool(), runners=(make.runner(short_ids=(make.SHORT_ID,)),)),
        make.tier(
            "default", make.WORKLOAD, pin=False, runners=(make.runner("shared", "default", short_ids=(OTHER_ID,)),)
        ),
        **changes,
    )


def shared(**changes: Any) -> c.Pod:
    """A job pod of the tier that is judged by class; it asks nothing and has a workload address."""
    values = {"asked": c.NOTHING_ASKED, "marks": make.marks(short_id=OTHER_ID, manager="shared", project="9")}
    return make.job_pod(**({"address": "10.10.3.4"} | values | changes))


def seen(*pods: c.Pod, meant: p.Policy | None = None, **more: Any) -> Judgement:
    """Judge pods together with their namespace, five seconds after they were bound to a node."""
    options: dict[str, Any] = {"now": SOON}
    for key in ("projects", "short_ids", "stamps", "strict", "now"):
        if key in more:
            options[key] = more.pop(key)
    snapshot = c.Snapshot(pods=pods, **({"namespaces": (PLAIN,)} | more))
    return judge(meant or policy(), snapshot, **options)


def one(*pods: c.Pod, **more: Any) -> Verdict:
    (verdict,) = seen(*pods, **more).verdicts
    return verdict


def codes(verdict: Verdict) -> list[str]:
    return [finding.code.name for finding in verdict.findings]


def block(*entries: tuple[int, c.Allocation], cidr: str = "172.16.84.128/26", **changes: Any) -> c.Block:
    return c.Block(cidr=ip_network(cidr), node="node-1", allocations=dict(entries), **changes)


def holding(pod: c.Pod, /, **changes: Any) -> c.Allocation:
    values = {
        "handle": f"k8s-pod-network.{pod.container_id}",
        "pod": pod.name,
        "namespace": pod.namespace,
        "node": pod.node,
    }
    return c.Allocation(**(values | changes))


# --- a pass, and how well it is proven ---


def test_a_pod_that_asked_for_its_tiers_pool_and_got_it_passes() -> None:
    verdict = one(make.job_pod())
    assert (verdict.outcome, verdict.grade, verdict.findings) == (Outcome.PASS, Grade.ADDRESS, ())
    assert (verdict.tier, verdict.runner, verdict.project) == ("infra", "infra-platform", "4217")
    assert (verdict.intended, verdict.requested.pools, verdict.assigned[0].pool) == (("infraestrutura",),) * 2 + (
        "infraestrutura",
    )
    assert verdict.requested.origin is Origin.POD


def test_a_block_that_names_the_pod_raises_the_grade() -> None:
    pod = make.job_pod()
    assert one(pod, blocks=(block((0, holding(pod))),)).grade is Grade.BLOCK


def test_a_privileged_pod_passes_with_weak_evidence() -> None:
    verdict = one(make.job_pod(privileged=True))
    assert (verdict.outcome, verdict.grade, codes(verdict)) == (Outcome.PASS, Grade.WEAK, ["privileged"])


def test_strict_wants_the_block() -> None:
    pod = make.job_pod()
    verdict = one(pod, strict=True)
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["block-unread"])
    assert one(pod, strict=True, blocks=(block((0, holding(pod))),)).outcome is Outcome.PASS


def test_verdicts_are_ordered_by_urgency() -> None:
    pods = (make.job_pod(name="a"), make.job_pod("10.10.0.9", name="b"), make.job_pod("", name="c"))
    assert [verdict.pod for verdict in seen(*pods).verdicts] == ["b", "c", "a"]


def test_a_policys_own_name_for_a_pool_counts_whatever_the_cluster_calls_it() -> None:
    pool = c.IPPool(name="infra-v1", cidr=ip_network("172.16.0.0/16"))
    pod = make.job_pod(asked=c.Asked(ipv4_pools='["infra-v1"]'))
    verdict = one(pod, pools=(pool, c.IPPool(name="workload", cidr=ip_network("10.10.0.0/16"))))
    assert (verdict.outcome, verdict.requested.pools) == (Outcome.PASS, ("infraestrutura",))


# --- identity ---


def test_an_unknown_short_id_with_a_declared_name_is_unknown_never_unmanaged() -> None:
    verdict = one(make.job_pod(marks=make.marks(short_id="unknown12")))
    assert (verdict.outcome, codes(verdict), verdict.tier) == (Outcome.UNKNOWN, ["identity-unconfirmed"], "")
    assert "short_ids: [unknown12]" in verdict.findings[0].what_to_do


def test_a_pod_that_lost_its_short_id_is_unknown_too() -> None:
    verdict = one(make.job_pod(marks=make.marks(short_id="")))
    assert codes(verdict) == ["identity-unconfirmed"]
    assert "lost the label" in verdict.findings[0].cause


def test_short_ids_from_a_config_map_a_pod_too() -> None:
    pod = make.job_pod(marks=make.marks(short_id="fromTOML1"))
    assert one(pod, short_ids=[("fromTOML1", "infra-platform")]).outcome is Outcome.PASS


def test_a_section_of_the_config_that_the_policy_does_not_know_is_somebody_elses() -> None:
    pod = make.job_pod(marks=make.marks(short_id="fromTOML1", manager="others"))
    assert seen(pod, short_ids=[("fromTOML1", "others")]).counts == Counts(unmanaged=1)


@pytest.mark.parametrize(
    ("rules", "marks"),
    [
        pytest.param({"id:4217": "infra"}, {}, id="by number"),
        pytest.param(
            {"platform/**": "infra"},
            {"job_url": "https://gitlab.example.com/platform/net/-/jobs/7"},
            id="by the path that the job's URL claims",
        ),
    ],
)
def test_a_strangers_runner_that_serves_a_pinned_tiers_project_is_unknown(
    rules: dict[str, str], marks: dict[str, str]
) -> None:
    pod = make.job_pod(marks=make.marks(short_id="stranger1", manager="others", **marks))
    verdict = one(pod, meant=policy(index=make.rules(rules)), short_ids=[("stranger1", "others")])
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["identity-unconfirmed"])
    assert "others has this short id and is not in the policy" in verdict.findings[0].cause


@pytest.mark.parametrize(
    "url",
    [
        "https://gitlab.elsewhere.example/platform/net/-/jobs/7",
        "https://gitlab.example.com/products/shop/-/jobs/7",
        "https://gitlab.example.com/platform/net",
        "",
    ],
)
def test_other_teams_runners_are_counted_and_nothing_else(url: str) -> None:
    meant = policy(index=make.rules({"platform/**": "infra"}))
    pod = make.job_pod(marks=make.marks(short_id="stranger1", manager="others", job_url=url))
    judgement = seen(pod, meant=meant)
    assert (judgement.counts, judgement.outcome) == (Counts(unmanaged=1), Outcome.PASS)


def test_one_short_id_in_two_tiers_is_unknown() -> None:
    verdict = one(make.job_pod(), short_ids=[(make.SHORT_ID, "shared")])
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["runner-ambiguous"])


def test_one_short_id_of_two_runners_of_one_tier_is_settled_by_the_name() -> None:
    runners = tuple(make.runner(name, short_ids=(make.SHORT_ID,)) for name in ("infra-a", "infra-b"))
    meant = make.policy(make.tier("infra", make.pool(), runners=runners))
    named = one(make.job_pod(marks=make.marks(manager="infra-b")), meant=meant)
    other = one(make.job_pod(marks=make.marks(manager="gitlab-runner-6d9c5f7b48-x2lqk")), meant=meant)
    assert (named.outcome, named.runner, other.outcome, other.runner) == (Outcome.PASS, "infra-b", Outcome.PASS, "")


def test_a_short_id_and_a_name_of_different_tiers_are_unknown() -> None:
    verdict = one(make.job_pod(marks=make.marks(manager="shared")))
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["identity-unconfirmed"])


OLD = "runner-4xyqa7plw-project-4217-concurrent-0x7k2p"


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        pytest.param(OLD, None, id="before 15.9, name only"),
        pytest.param(OLD, c.Marks(job="7", claimed_project="4217", pod=OLD), id="15.9 to 17.8, annotations"),
        pytest.param("renamed", c.Marks(job="7", claimed_project="4217"), id="annotations under another name"),
    ],
)
def test_pods_of_runners_before_17_9_are_recognised_and_not_confirmed(name: str, marks: c.Marks | None) -> None:
    meant = policy(index=make.rules({"id:4217": "infra"}))
    verdict = one(make.job_pod(name=name, marks=marks), meant=meant)
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["identity-unconfirmed"])


def test_an_old_runners_pod_is_still_caught_outside_its_pools() -> None:
    verdict = one(make.job_pod("10.10.0.9", name=OLD, marks=None))
    assert (verdict.outcome, codes(verdict)) == (Outcome.BREACH, ["address-routable", "identity-unconfirmed"])
    assert verdict.runner == "infra-platform"


def test_an_old_runners_pod_is_a_strangers_only_when_all_of_ours_are_known() -> None:
    stranger = make.job_pod(name="runner-abcdefghi-project-1-concurrent-0", marks=None)
    assert seen(stranger).counts == Counts(unmanaged=1)
    some = make.policy()  # no short id is known
    assert codes(one(stranger, meant=some)) == ["identity-unconfirmed"]


def test_a_forged_annotation_about_the_project_is_told_from_its_label() -> None:
    verdict = one(make.job_pod(marks=make.marks(claimed_project="1", job="1")))
    assert (verdict.outcome, codes(verdict), verdict.project) == (Outcome.UNKNOWN, ["claim-contradicted"], "4217")


LISTED = p.Project(id=4217, path=p.ProjectPath("products/shop"))


def test_a_project_on_another_tiers_runner_is_a_breach_and_the_rest_is_judged_by_the_runner() -> None:
    meant = policy(index=make.rules({"products/**": "default"}))
    verdict = one(make.job_pod(), meant=meant, projects=[LISTED])
    assert (verdict.outcome, codes(verdict)) == (Outcome.BREACH, ["wrong-runner-for-project"])
    assert (verdict.tier, verdict.intended, verdict.project_path) == ("default", ("workload",), "products/shop")


def test_a_rule_by_number_needs_no_list_of_projects() -> None:
    verdict = one(make.job_pod(), meant=policy(index=make.rules({"id:4217": "default"})))
    assert codes(verdict) == ["wrong-runner-for-project"]


@pytest.mark.parametrize(
    ("rules", "project", "reason"),
    [
        pytest.param({}, LISTED, "no rule matches", id="no rule"),
        pytest.param(
            {"topic:a": "infra", "topic:b": "default"},
            p.Project(id=4217, path=p.ProjectPath("products/shop"), topics=("a", "b")),
            "equally specific: topic:a (infra), topic:b (default)",
            id="a tie",
        ),
    ],
)
def test_a_project_without_a_tier_is_unknown(rules: dict[str, str], project: p.Project, reason: str) -> None:
    verdict = one(make.job_pod(), meant=policy(index=make.rules(rules)), projects=[project])
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["project-unplaced"])
    assert reason in verdict.findings[0].cause


@pytest.mark.parametrize(
    ("projects", "said"), [(None, "no list of projects was given"), ([], "not in the list of projects")]
)
def test_without_the_path_the_tier_is_the_runners_and_that_is_said_once(
    projects: list[p.Project] | None, said: str
) -> None:
    meant = policy(index=make.rules({"**": "default"}))
    judgement = seen(make.job_pod(name="a"), make.job_pod("172.16.0.1", name="b"), meant=meant, projects=projects)
    (note,) = judgement.findings
    assert (judgement.outcome, note.code.name) == (Outcome.PASS, "project-unchecked")
    assert note.observed == f"2 job pods of 1 projects, {said}"


def test_a_label_that_is_no_number_does_not_disturb() -> None:
    assert one(make.job_pod(marks=make.marks(project="x" * 63))).outcome is Outcome.PASS


def test_a_job_in_an_undeclared_namespace_is_noted() -> None:
    verdict = one(make.job_pod(namespace="prod"), namespaces=(c.Namespace(name="prod"),))
    assert (verdict.outcome, codes(verdict)) == (Outcome.PASS, ["namespace-undeclared"])


# --- what must not raise an alarm ---


def test_pause_pods_are_no_job_pods() -> None:
    pause = c.Marks(short_id=make.SHORT_ID, pause=True)
    assert seen(make.job_pod("10.10.0.9", name="runner-pause-4xyqa7plw", marks=pause)).counts == Counts(other=1)


def test_a_job_pod_cannot_hide_as_a_pause_pod() -> None:
    assert one(make.job_pod("10.10.0.9", marks=make.marks(pause=True))).outcome is Outcome.BREACH


def test_an_old_runners_job_pod_cannot_hide_as_a_pause_pod_either() -> None:
    verdict = one(make.job_pod("10.10.0.9", name=OLD, marks=c.Marks(pause=True)))
    assert codes(verdict) == ["address-routable", "identity-unconfirmed"]


def test_the_runners_check_at_start_up_is_no_job_pod() -> None:
    canary = make.marks(project="0", job=str(2**63 - 1))
    assert seen(make.job_pod("10.10.0.9", marks=canary)).counts == Counts(other=1)


def test_project_zero_alone_is_no_canary() -> None:
    assert one(make.job_pod("10.10.0.9", marks=make.marks(project="0", job="7"))).outcome is Outcome.BREACH


def test_managers_and_all_other_pods_are_counted_as_other() -> None:
    manager = make.job_pod("10.10.0.9", name="gitlab-runner-6d9c5f7b48-x2lqk", marks=None)
    assert seen(manager).counts == Counts(other=1)


def test_no_pods_prove_nothing_and_alarm_nobody() -> None:
    judgement = seen()
    assert (judgement.counts, judgement.findings, judgement.outcome) == (Counts(), (), Outcome.PASS)


def test_a_finished_pods_address_is_history_and_its_block_is_not_asked() -> None:
    reused = holding(make.job_pod(name="the-next-job"))
    verdict = one(make.job_pod(phase="Succeeded"), blocks=(block((0, reused)),), strict=True)
    assert (verdict.outcome, verdict.finished, verdict.grade) == (Outcome.PASS, True, Grade.ADDRESS)


def test_a_finished_pod_that_had_an_address_elsewhere_is_still_a_breach() -> None:
    assert one(make.job_pod("10.10.0.9", phase="Failed")).outcome is Outcome.BREACH


def test_a_finished_pod_without_address_is_nothing_to_wait_for() -> None:
    verdict = one(make.job_pod("", phase="Failed"))
    assert (verdict.pending, codes(verdict)) == (True, ["finished-without-address"])


def test_a_stale_stamp_is_information() -> None:
    pod = make.job_pod(marks=make.marks(stamp="old"))
    verdict = one(pod, stamps={"infra-platform": "new"})
    assert (verdict.outcome, codes(verdict)) == (Outcome.PASS, ["stamp-stale"])
    assert codes(one(pod, stamps={"infra-platform": "old"})) == []


@pytest.mark.parametrize("asks", [None, "", '["workload"]', '["10.10.9.9/16"]', "[]"])
def test_an_unpinned_tier_is_judged_by_class(asks: str | None) -> None:
    assert one(shared(asked=c.Asked(ipv4_pools=asks))).outcome is Outcome.PASS


def test_a_second_pool_of_the_class_is_as_good_for_an_unpinned_tier() -> None:
    more = make.pool("workload-2", "10.11.0.0/16", pool_class=p.PoolClass.ROUTABLE, generated=False)
    meant = policy()
    pools = MappingProxyType(dict(meant.pools) | {more.name: more})
    assert one(shared(address="10.11.0.1"), meant=policy(pools=pools)).outcome is Outcome.PASS


def test_a_second_family_that_nobody_declared_is_one_finding_for_the_cluster() -> None:
    pods = tuple(make.job_pod(f"172.16.0.{n} fd00::{n}", name=f"job-{n}") for n in range(1, 4))
    judgement = seen(*pods)
    assert [verdict.outcome for verdict in judgement.verdicts] == [Outcome.PASS] * 3
    assert [finding.code.name for finding in judgement.findings] == ["family-undeclared", "project-unchecked"]


def test_a_pod_with_only_an_undeclared_family_is_unknown() -> None:
    assert codes(one(make.job_pod("fd00::1"))) == ["family-undeclared"]


def test_a_disabled_pool_and_one_seen_through_both_groups_do_not_overlap() -> None:
    infra = c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"), groups=("crd.projectcalico.org",))
    again = structs.replace(infra, groups=("projectcalico.org",), allocatable=True)
    old = c.IPPool(name="old", cidr=ip_network("172.16.0.0/12"), disabled=True)
    lost = c.IPPool(name="lost", cidr=ip_network("172.16.0.0/13"), allocatable=False, reason="CIDROverlap")
    judgement = seen(make.job_pod(), pools=(infra, again, old, lost))
    assert [finding.code.name for finding in judgement.findings] == ["project-unchecked"]
    assert judgement.verdicts[0].outcome is Outcome.PASS


def test_a_disabled_pool_whose_pods_still_live_is_no_fault_of_theirs() -> None:
    draining = c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"), disabled=True)
    assert one(make.job_pod(), pools=(draining,)).outcome is Outcome.PASS


def test_the_pending_clock_starts_when_the_pod_is_bound() -> None:
    waiting = make.job_pod("", created_at=make.NOW - timedelta(hours=2), scheduled_at=None)
    assert codes(one(waiting)) == ["address-pending"]
    bound = structs.replace(waiting, scheduled_at=make.NOW)
    assert codes(one(bound, now=make.NOW + timedelta(seconds=180))) == ["address-pending"]


def test_half_of_the_poll_timeout_without_address_is_too_long() -> None:
    late = make.NOW + timedelta(seconds=181)
    verdict = one(make.job_pod(""), now=late)
    assert (verdict.outcome, verdict.pending, codes(verdict)) == (Outcome.UNKNOWN, False, ["pending-too-long"])
    assert "181 s" in verdict.findings[0].observed
    assert one(make.job_pod(""), now=late, failures=()).findings[0].cause


def test_a_wait_of_hours_may_be_a_dump_that_was_copied() -> None:
    (found,) = one(make.job_pod(""), now=make.NOW + timedelta(hours=45, minutes=5)).findings
    assert "no address 45 h after it was bound" in found.observed
    assert "--now" in found.cause


def failure(message: str = 'error parsing pool "x": invalid CIDR address: x', **changes: Any) -> c.SandboxFailure:
    pod = make.job_pod()
    return c.SandboxFailure(
        **({"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid, "message": message} | changes)
    )


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        pytest.param([failure()], "address-pending", id="one refusal is noise"),
        pytest.param([failure(count=2)], "pool-unknown", id="Calico's refusal twice"),
        pytest.param([failure(), failure()], "address-pending", id="the same event listed twice is one"),
        pytest.param([failure(count=9, uid="another pod of this name")], "address-pending", id="of another pod"),
        pytest.param([failure("no space left on device", count=5)], "address-pending", id="anything, no times"),
        pytest.param(
            [
                failure(f"no space left on device {n}", first_at=make.NOW, last_at=make.NOW + timedelta(seconds=30 * n))
                for n in range(3)
            ],
            "sandbox-failing",
            id="anything three times over a minute",
        ),
        pytest.param(
            [failure("no space", count=9, first_at=make.NOW, last_at=make.NOW + timedelta(seconds=59))],
            "address-pending",
            id="anything often, within a minute",
        ),
    ],
)
def test_a_reported_failure_counts_when_it_is_repeated(failures: list[c.SandboxFailure], expected: str) -> None:
    assert codes(one(make.job_pod(""), failures=tuple(failures))) == [expected]


@pytest.mark.parametrize(
    ("pool", "code", "said"),
    [
        (c.IPPool(name="x", cidr=ip_network("192.168.0.0/16")), "pool-unknown", "no pool infraestrutura"),
        (c.IPPool(name="infra-v1", cidr=ip_network("172.16.0.0/16"), disabled=True), "pool-disabled", "disabled"),
        (
            c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"), deleting=True),
            "pool-disabled",
            "being deleted",
        ),
        (
            c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"), allocatable=False, reason="CIDROverlap"),
            "pool-disabled",
            "CIDROverlap",
        ),
    ],
)
def test_a_pool_that_cannot_give_is_seen_before_anybody_reports_it(pool: c.IPPool, code: str, said: str) -> None:
    verdict = one(make.job_pod(""), pools=(pool,))
    assert (verdict.pending, codes(verdict)) == (False, [code])
    assert said in verdict.findings[0].observed


def test_a_pool_that_can_give_leaves_a_pod_pending() -> None:
    assert codes(one(make.job_pod(""), pools=(INFRA,))) == ["address-pending"]


def test_a_reported_failure_is_over_once_there_is_an_address() -> None:
    assert one(make.job_pod(), failures=(failure(count=9),)).outcome is Outcome.PASS


def test_a_pool_that_a_refusal_names_is_disabled_or_missing() -> None:
    text = "the given pool ({}) does not exist, or is not enabled"
    for cidr, code in (("172.16.0.0/16", "pool-disabled"), ("172.16.4.0/24", "pool-unknown"), ("?", "pool-unknown")):
        assert codes(one(make.job_pod(""), failures=(failure(text.format(cidr), count=2),))) == [code]


@pytest.mark.parametrize(
    "pod",
    [make.job_pod("", deleting=True), make.job_pod("", annotated=(), container_id="71fd75da")],
    ids=["being deleted", "address released"],
)
def test_a_pod_on_its_way_out_needs_no_address(pod: c.Pod) -> None:
    verdict = one(pod)
    assert (verdict.pending, codes(verdict)) == (True, ["pod-leaving"])


@pytest.mark.parametrize("strict", [False, True])
def test_a_running_pod_that_gave_its_address_back_proves_nothing_with_it(strict: bool) -> None:
    verdict = one(make.job_pod(annotated=()), strict=strict)
    assert (verdict.pending, codes(verdict)) == (True, ["pod-leaving"])


def test_an_emptied_annotation_of_a_pod_that_lives_on_is_a_claim_that_the_block_decides() -> None:
    pod = make.job_pod(annotated=())
    still = one(pod, blocks=(block((0, holding(pod))),))
    assert (still.outcome, still.grade, codes(still)) == (Outcome.UNKNOWN, Grade.BLOCK, ["addresses-disagree"])
    assert still.assigned
    gone = one(pod, blocks=(block(),))
    assert (gone.pending, codes(gone), gone.assigned) == (True, ["pod-leaving"], ())


def test_of_two_addresses_behind_an_emptied_annotation_the_one_in_its_block_is_held() -> None:
    pod = make.job_pod("172.16.84.128 172.16.84.129", annotated=())
    verdict = one(pod, blocks=(block((1, holding(pod))),))
    assert [str(found.address) for found in verdict.assigned] == ["172.16.84.129"]


def test_an_annotation_that_a_failed_attempt_emptied_hides_no_refusal() -> None:
    refused = failure("cannot allocate new block due to per host block limit", count=2)
    pod = make.job_pod("", annotated=(), container_id="")
    assert codes(one(pod, failures=(refused,))) == ["block-limit-reached"]


def test_a_deleted_pod_whose_block_is_gone_already_is_merely_leaving() -> None:
    verdict = one(make.job_pod(deleting=True), blocks=())
    assert (verdict.pending, codes(verdict)) == (True, ["pod-leaving"])


@pytest.mark.parametrize("pools", [None, ()], ids=["pods without traces of Calico", "a cluster without pools"])
def test_where_calico_does_not_give_the_addresses_there_is_one_line_and_no_verdict(
    pools: tuple[c.IPPool, ...] | None,
) -> None:
    pod = make.job_pod("192.0.2.7", annotated=None, container_id="")
    judgement = seen(pod, make.job_pod("192.0.2.9", host_network=True, annotated=None, container_id=""), pools=pools)
    assert ([finding.code.name for finding in judgement.findings], judgement.verdicts) == (["calico-ipam-absent"], ())
    assert judgement.outcome is Outcome.UNKNOWN


def test_pools_that_could_not_be_read_are_not_taken_for_none() -> None:
    gap = c.Gap(kind=c.Kind.POOLS, reason="the list was cut")
    judgement = seen(make.job_pod(), pools=(), gaps=(gap,))
    assert [finding.code.name for finding in judgement.findings] == ["snapshot-incomplete", "project-unchecked"]
    assert judgement.verdicts[0].outcome is Outcome.PASS


# --- the request ---


ASKS: list[tuple[str | None, list[str]]] = [
    (None, ["annotation-missing"]),
    ("", ["annotation-missing"]),
    ("[]", ["annotation-asks-nothing"]),
    ("null", ["annotation-asks-nothing"]),
    ("infraestrutura", ["annotation-malformed"]),
    ("[" * 100_000, ["annotation-malformed"]),
    ('["\\ud800"]', ["annotation-malformed"]),
    ('["workload"]', ["annotation-overwritten"]),
    ('["infraestrutura", "workload"]', ["annotation-overwritten"]),
    ('["Infraestrutura"]', ["annotation-overwritten"]),
    ('["172.16.0.0/17"]', ["annotation-overwritten"]),
    ('["172.16.0.0/99"]', ["annotation-overwritten"]),
    ('["infraestrutura"]', []),
    ('["infraestrutura", "infraestrutura"]', []),
    (' [ "infr\\u0061estrutura" ] ', []),
    ('["172.16.9.9/16"]', []),
]


@pytest.mark.parametrize(("asks", "expected"), ASKS, ids=[str(row[0])[:30] for row in ASKS])
def test_another_request_than_the_tiers_is_a_breach_even_when_the_address_is_inside(
    asks: str | None, expected: list[str]
) -> None:
    verdict = one(make.job_pod(asked=c.Asked(ipv4_pools=asks)))
    assert (verdict.outcome, codes(verdict)) == (Outcome.BREACH if expected else Outcome.PASS, expected)


def test_the_namespaces_annotation_is_in_force_where_the_pod_has_none() -> None:
    namespace = c.Namespace(name="gitlab-runners", asked=c.Asked(ipv4_pools='["infraestrutura"]'))
    for asked in (c.NOTHING_ASKED, c.Asked(ipv4_pools="")):
        verdict = one(make.job_pod(asked=asked), namespaces=(namespace,))
        assert (verdict.outcome, verdict.requested.origin) == (Outcome.PASS, Origin.NAMESPACE)
    assert codes(one(make.job_pod(asked=c.Asked(ipv4_pools="[]")), namespaces=(namespace,))) == [
        "annotation-asks-nothing"
    ]
    elsewhere = structs.replace(namespace, asked=c.Asked(ipv4_pools='["workload"]'))
    verdict = one(make.job_pod(asked=c.NOTHING_ASKED), namespaces=(elsewhere,))
    assert codes(verdict) == ["annotation-overwritten"]
    assert "namespace's annotation" in verdict.findings[0].cause


@pytest.mark.parametrize("namespaces", [None, ()], ids=["not given", "not among them"])
def test_a_namespace_that_was_not_read_proves_nothing(namespaces: tuple[c.Namespace, ...] | None) -> None:
    verdict = one(make.job_pod(asked=c.NOTHING_ASKED), namespaces=namespaces)
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["request-unproven"])
    assert verdict.requested.origin is Origin.UNREAD


def test_a_missing_annotation_is_named_when_the_address_shows_it() -> None:
    verdict = one(make.job_pod("10.10.0.9", asked=c.NOTHING_ASKED), namespaces=None)
    assert codes(verdict) == ["annotation-missing", "address-routable"]


def test_why_the_annotation_is_missing_is_inferred_from_the_runners_other_pods() -> None:
    bare = make.job_pod("10.10.0.9", name="a", asked=c.NOTHING_ASKED)
    assert "The configuration of infra-platform does not set it." in one(bare).findings[0].cause
    beside = seen(bare, make.job_pod(name="b")).verdicts[0]
    assert "Other job pods of infra-platform carry it" in beside.findings[0].cause


def test_an_unpinned_tier_without_namespaces_rests_on_a_stated_assumption() -> None:
    judgement = seen(shared(), namespaces=None)
    assert judgement.verdicts[0].outcome is Outcome.PASS
    assert "No namespaces were given" in judgement.assumptions[0]
    assert codes(seen(shared(), namespaces=()).verdicts[0]) == ["request-unproven"]


UNPINNED: list[tuple[str, list[str]]] = [
    ('["infraestrutura"]', ["annotation-overwritten"]),
    ("workload", ["annotation-malformed"]),
    ('["nowhere"]', ["pool-unknown"]),
    ('["extra"]', ["pool-undeclared"]),
]


@pytest.mark.parametrize(("asks", "expected"), UNPINNED)
def test_an_unpinned_tier_may_ask_for_its_class_only(asks: str, expected: list[str]) -> None:
    pools = (
        c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16")),
        c.IPPool(name="workload", cidr=ip_network("10.10.0.0/16")),
        c.IPPool(name="extra", cidr=ip_network("192.168.0.0/16")),
    )
    assert codes(one(shared(asked=c.Asked(ipv4_pools=asks)), pools=pools)) == expected


def test_who_overwrote_it_is_inferred_from_the_runners_other_pods() -> None:
    overwritten = make.job_pod(name="a", asked=c.Asked(ipv4_pools='["workload"]'))
    alone = one(overwritten).findings[0].cause
    assert "or the configuration of infra-platform is not the rendered one" in alone
    strangers = (make.job_pod("172.16.0.9", name="s", marks=None), shared(name="t"))
    verdicts = seen(overwritten, make.job_pod("172.16.0.2", name="b"), make.job_pod("172.16.0.3", name="c"), *strangers)
    assert "a job variable KUBERNETES_POD_ANNOTATIONS_… overwrote it" in verdicts.verdicts[0].findings[0].cause


DOORS = [
    ("ip_addrs", '["172.16.200.7"]', "ip-addrs-requested"),
    ("ip_addrs_no_ipam", '["192.0.2.1"]', "ip-addrs-no-ipam-requested"),
    ("floating_ips", '["192.0.2.1"]', "floating-ips-requested"),
    ("allowed_source_prefixes", '["0.0.0.0/0"]', "allowed-source-prefixes-requested"),
    ("ip_families", '["IPv4","IPv6"]', "ip-families-requested"),
    ("ip_families", "IPv4", "ip-families-requested"),
    ("ip_families", "[]", "ip-families-requested"),
    ("ipv6_pools", '["infra-v6"]', "annotation-overwritten"),
    ("ipv6_pools", "infra-v6", "annotation-malformed"),
]


@pytest.mark.parametrize(("field", "text", "code"), DOORS)
def test_every_other_door_is_a_breach_of_its_own(field: str, text: str, code: str) -> None:
    asked = structs.replace(make.job_pod().asked, **{field: text})
    assert codes(one(make.job_pod(asked=asked))) == [code]


@pytest.mark.parametrize(("field", "text"), [("ip_families", '["IPv4"]'), ("ipv6_pools", "[]"), ("ip_addrs", "")])
def test_what_asks_for_nothing_else_is_fine(field: str, text: str) -> None:
    asked = structs.replace(make.job_pod().asked, **{field: text})
    assert one(make.job_pod(asked=asked)).outcome is Outcome.PASS


def test_families_of_an_unpinned_tier_are_bounded_by_its_own() -> None:
    assert one(shared(asked=c.Asked(ip_families='["IPv4"]'))).outcome is Outcome.PASS
    assert codes(one(shared(asked=c.Asked(ip_families='["IPv6"]')))) == ["ip-families-requested"]


def test_an_annotation_that_was_written_later_proves_no_request() -> None:
    assert codes(one(make.job_pod(set_later=True))) == ["annotation-after-creation"]
    assert one(make.job_pod(set_later=False)).outcome is Outcome.PASS


V6 = make.pool("infra-v6", "fd00:172::/112", block_size=122)


def dual() -> p.Policy:
    return make.policy(make.tier("infra", make.pool(), V6, runners=(make.runner(short_ids=(make.SHORT_ID,)),)))


def test_a_dual_stack_tier_asks_for_both_families() -> None:
    both = c.Asked(ipv4_pools='["infraestrutura"]', ipv6_pools='["infra-v6"]')
    assert one(make.job_pod("172.16.0.1 fd00:172::1", asked=both), meant=dual()).outcome is Outcome.PASS
    assert codes(one(make.job_pod("172.16.0.1 fd00:172::1"), meant=dual())) == ["annotation-missing"]


def test_a_pool_of_the_other_family_is_refused_by_calico() -> None:
    asked = c.Asked(ipv4_pools='["infra-v6"]', ipv6_pools='["infra-v6"]')
    assert codes(one(make.job_pod("", asked=asked), meant=dual())) == ["annotation-malformed", "address-pending"]


def test_the_origin_of_an_ipv6_only_tiers_request_is_its_own_familys() -> None:
    meant = make.policy(make.tier("infra", V6, runners=(make.runner(short_ids=(make.SHORT_ID,)),)))
    verdict = one(make.job_pod("fd00:172::1", asked=c.Asked(ipv6_pools='["infra-v6"]')), meant=meant)
    assert (verdict.outcome, verdict.requested.origin) == (Outcome.PASS, Origin.POD)


# --- the address ---


def test_a_host_network_pod_is_told_apart_from_a_wrong_pool() -> None:
    verdict = one(make.job_pod("10.20.0.11", host_network=True, annotated=None, container_id=""), pools=(INFRA,))
    assert (verdict.outcome, verdict.grade, codes(verdict)) == (Outcome.BREACH, Grade.WEAK, ["host-network"])


INFRA = c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"))
EXTRA = c.IPPool(name="extra", cidr=ip_network("192.168.0.0/16"))

PLACES = [
    pytest.param(make.job_pod("10.10.0.9"), "address-routable", id="routable"),
    pytest.param(make.job_pod("192.0.2.1"), "address-in-no-pool", id="no pool"),
    pytest.param(make.job_pod("192.168.0.1"), "address-outside-tier-pools", id="a pool the policy does not know"),
    pytest.param(shared(address="172.16.0.1"), "address-outside-tier-pools", id="another class, unpinned"),
    pytest.param(shared(address="192.168.0.1"), "pool-undeclared", id="unknown class, unpinned"),
]


@pytest.mark.parametrize(("pod", "code"), PLACES)
def test_an_address_elsewhere_has_its_own_name(pod: c.Pod, code: str) -> None:
    workload = c.IPPool(name="workload", cidr=ip_network("10.10.0.0/16"))
    verdict = one(pod, pools=(INFRA, EXTRA, workload))
    assert codes(verdict) == [code]
    assert verdict.outcome is not Outcome.PASS


def test_a_pool_that_was_removed_under_its_pods_is_unknown() -> None:
    assert codes(one(make.job_pod(), pools=(EXTRA,))) == ["pool-unknown"]
    assert codes(one(make.job_pod(phase="Succeeded"), pools=(EXTRA,))) == []


def test_how_the_address_came_there_is_said() -> None:
    follows = one(make.job_pod("10.10.0.9", asked=c.Asked(ipv4_pools='["workload"]'))).findings[1]
    later = one(make.job_pod("10.10.0.9")).findings[0]
    chosen = one(make.job_pod("10.10.0.9", asked=c.NOTHING_ASKED)).findings[1]
    default = one(shared(address="172.16.0.1")).findings[0]
    unread = one(shared(address="172.16.0.1"), namespaces=()).findings[0]
    assert "follows from what the pod asks" in follows.cause
    assert "added later" in later.cause
    assert "Calico chose" in chosen.cause
    assert "Calico's own selection" in default.cause
    assert "not proven either" in unread.cause


POD = make.job_pod()
WRONG = [
    pytest.param((), "in no block", id="no block"),
    pytest.param((block(),), "free in block", id="free"),
    pytest.param((block((0, c.Allocation(released_at=make.NOW))),), "cooling down", id="cooling"),
    pytest.param((block((0, holding(POD, pod="other"))),), "held by gitlab-runners/other", id="another pod"),
    pytest.param((block((0, holding(POD, namespace="x"))),), "held by x/", id="another namespace"),
    pytest.param((block((0, holding(POD, node="node-2"))),), "on node node-2, not node-1", id="another node"),
    pytest.param((block((0, holding(POD, handle="net.gone"))),), "another sandbox", id="another sandbox"),
    pytest.param(
        (block((0, c.Allocation(handle="ipip-tunnel-addr-node-1", node="node-1", use="ipipTunnelAddress"))),),
        "held by ipipTunnelAddress",
        id="a tunnel",
    ),
    pytest.param((block((0, holding(POD)), deleted=True),), "in no block", id="deleted block"),
]


@pytest.mark.parametrize(("blocks", "said"), WRONG)
def test_a_block_that_does_not_name_the_pod_is_unknown(blocks: tuple[c.Block, ...], said: str) -> None:
    verdict = one(POD, blocks=blocks)
    assert (verdict.outcome, codes(verdict)) == (Outcome.UNKNOWN, ["block-disagrees"])
    assert said in verdict.findings[0].observed


def test_an_old_carriage_return_in_a_handle_is_cut_off() -> None:
    old = holding(POD, handle=f"k8s-pod-network.{POD.container_id}\r\nrest")
    assert one(POD, blocks=(block((0, old)),)).grade is Grade.BLOCK


def test_two_live_pods_with_one_address_are_both_unknown() -> None:
    judgement = seen(make.job_pod(name="a"), make.job_pod(name="b"), make.job_pod(name="gone", deleting=True))
    assert [codes(verdict) for verdict in judgement.verdicts] == [["address-given-twice"]] * 2 + [[]]
    assert judgement.verdicts[0].findings[0].observed == "172.16.84.128 held by gitlab-runners/b too"


def test_the_block_tells_which_of_two_pods_holds_the_address() -> None:
    holder, other = make.job_pod(name="a"), make.job_pod(name="b")
    verdicts = seen(holder, other, blocks=(block((0, holding(holder))),)).verdicts
    assert [(verdict.pod, codes(verdict)) for verdict in verdicts] == [("b", ["block-disagrees"]), ("a", [])]


def test_an_old_status_after_a_new_sandbox_takes_nobodys_address() -> None:
    restarted = make.job_pod(name="b", annotated=(ip_address("172.16.84.140"),))
    assert [codes(verdict) for verdict in seen(make.job_pod(name="a"), restarted).verdicts] == [
        ["addresses-disagree"],
        [],
    ]


def test_overlapping_blocks_that_name_one_holder_are_said_once() -> None:
    blocks = (block((0, holding(POD))), block((0, holding(POD)), cidr="172.16.84.128/28"))
    judgement = seen(POD, blocks=blocks)
    assert judgement.verdicts[0].grade is Grade.BLOCK
    assert [finding.code.name for finding in judgement.findings] == ["blocks-overlap", "project-unchecked"]


def test_overlapping_blocks_of_which_one_has_the_address_free_confirm() -> None:
    blocks = (block((0, holding(POD))), block(cidr="172.16.84.128/28"))
    assert one(POD, blocks=blocks).grade is Grade.BLOCK


STALE = make.job_pod(annotated=(ip_address("172.16.84.140"),))


def test_status_and_annotation_that_differ_are_unknown_without_a_block() -> None:
    assert codes(one(STALE)) == ["addresses-disagree"]


def test_the_block_decides_between_status_and_annotation() -> None:
    new = one(STALE, blocks=(block((12, holding(STALE))),))
    old = one(STALE, blocks=(block((0, holding(STALE))),))
    neither = one(STALE, blocks=(block(),))
    assert (str(new.assigned[0].address), new.grade) == ("172.16.84.140", Grade.BLOCK)
    assert (str(old.assigned[0].address), old.grade) == ("172.16.84.128", Grade.BLOCK)
    assert codes(neither) == ["addresses-disagree", "block-disagrees"]


def test_an_early_annotation_counts_once_a_block_confirms_it() -> None:
    early = make.job_pod("", annotated=(ip_address("172.16.84.128"),), container_id="71fd75da")
    assert codes(one(early)) == ["address-pending"]
    assert one(early, blocks=(block((0, holding(early))),)).outcome is Outcome.PASS


# --- the cluster, waivers, completeness ---


def test_overlapping_pools_and_a_pool_of_another_range_are_said_for_the_cluster() -> None:
    moved = c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/17"))
    wide = c.IPPool(name="wide", cidr=ip_network("172.16.0.0/12"))
    judgement = seen(make.job_pod(), pools=(wide, moved))
    assert [finding.code.name for finding in judgement.findings][:2] == ["pools-overlap", "pool-differs"]
    assert judgement.outcome is Outcome.UNKNOWN


def test_gaps_and_objects_that_could_not_be_read_are_said() -> None:
    gap = c.Gap(kind=c.Kind.PODS, reason="the list goes on elsewhere")
    broken = block(problems=("allocations is no list",))
    judgement = seen(make.job_pod(problems=("status.podIPs[0].ip is no address",)), blocks=(broken,), gaps=(gap, gap))
    assert [finding.code.name for finding in judgement.findings][:2] == ["snapshot-incomplete"] * 2
    assert "snapshot-incomplete" in codes(judgement.verdicts[0])


def waiver(code: str, **match: str) -> p.Waiver:
    return p.Waiver(code=code, until=date(2026, 11, 23), reason="approved NET-114", place=make.HERE, **match)


HOST = make.job_pod("10.20.0.11", host_network=True)

WAIVERS = [
    pytest.param({"tier": "infra"}, True, id="tier"),
    pytest.param({"tier": "default"}, False, id="another tier"),
    pytest.param({"namespace": "gitlab-*"}, True, id="namespace"),
    pytest.param({"namespace": "prod"}, False, id="another namespace"),
    pytest.param({"pool": "infraestrutura"}, True, id="pool"),
    pytest.param({"pool": "workload"}, False, id="another pool"),
    pytest.param({"project": "platform/*"}, True, id="path"),
    pytest.param({"project": "Platform/**"}, True, id="path, any case, all below"),
    pytest.param({"project": "platform/net/**"}, False, id="above what is waived"),
    pytest.param({"project": "products/*"}, False, id="another path"),
    pytest.param({"project": "platform/*", "tier": "default"}, False, id="both must hold"),
]


@pytest.mark.parametrize(("match", "holds"), WAIVERS)
def test_a_waiver_holds_where_everything_matches(match: dict[str, str], holds: bool) -> None:
    meant = policy(waivers=(waiver("host-network", **match),), index=make.rules({"platform/**": "infra"}))
    projects = [p.Project(id=4217, path=p.ProjectPath("platform/net"))]
    judgement = seen(HOST, meant=meant, projects=projects)
    (verdict,) = judgement.verdicts
    assert (verdict.outcome is Outcome.PASS) == holds
    assert judgement.counts.waived == int(holds)
    if holds:
        assert (verdict.waived[0].reason, verdict.findings) == ("approved NET-114", ())


def test_a_path_that_is_only_claimed_earns_no_waiver() -> None:
    meant = policy(waivers=(waiver("host-network", project="platform/*"),))
    claims = make.marks(job_url="https://gitlab.example.com/platform/net/-/jobs/1")
    assert one(structs.replace(HOST, marks=claims), meant=meant).outcome is Outcome.BREACH


def test_a_pool_that_is_only_asked_for_earns_no_waiver() -> None:
    meant = policy(waivers=(waiver("annotation-overwritten", pool="legacy"), waiver("address-routable", pool="legacy")))
    pod = make.job_pod("10.10.0.9", asked=c.Asked(ipv4_pools='["workload","legacy"]'))
    assert codes(one(pod, meant=meant)) == ["annotation-overwritten", "address-routable"]


def test_an_accepted_pool_excuses_no_address_of_another() -> None:
    legacy = make.pool("legacy", "fd00:10::/112", pool_class=p.PoolClass.ROUTABLE)
    meant = policy(waivers=(waiver("address-routable", pool="legacy"),))
    meant = dataclasses.replace(meant, pools=MappingProxyType({**meant.pools, legacy.name: legacy}))
    verdict = one(make.job_pod("10.10.0.9 fd00:10::7"), meant=meant)
    assert [finding.observed for finding in verdict.findings] == ["10.10.0.9 in workload"]
    assert [waived.finding.observed for waived in verdict.waived] == ["fd00:10::7 in legacy"]


def test_a_waiver_covers_one_code_and_ends_with_its_last_day() -> None:
    meant = policy(waivers=(waiver("host-network", tier="infra"),))
    assert one(make.job_pod("10.10.0.9"), meant=meant).outcome is Outcome.BREACH
    assert one(HOST, meant=meant, now=datetime(2026, 11, 23, 23, 59, tzinfo=UTC)).outcome is Outcome.PASS
    assert one(HOST, meant=meant, now=datetime(2026, 11, 24, 0, 1, tzinfo=UTC)).outcome is Outcome.BREACH


def test_a_finding_about_pools_is_waived_by_a_pool() -> None:
    wide = c.IPPool(name="wide", cidr=ip_network("172.16.0.0/12"))
    meant = policy(waivers=(waiver("pools-overlap", pool="infraestrutura"),))
    judgement = seen(make.job_pod(), pools=(wide, INFRA), meant=meant)
    assert [one.finding.code.name for one in judgement.waived] == ["pools-overlap"]
    assert judgement.outcome is Outcome.PASS


def test_what_was_not_given_is_assumed_aloud() -> None:
    assert len(seen(make.job_pod(), namespaces=None).assumptions) == 3
    assert seen(make.job_pod(), pools=(INFRA,), blocks=()).assumptions == ()


def test_one_pod_can_be_judged_alone() -> None:
    evidence = Evidence.of(policy(), c.Snapshot(namespaces=(PLAIN,)))
    verdict = judge_pod(evidence, make.job_pod(), now=SOON)
    assert verdict is not None
    assert verdict.outcome is Outcome.PASS
    assert judge_pod(evidence, make.job_pod(name="debug-shell", marks=None), now=SOON) is None


def test_counts_add_up() -> None:
    pods = (
        make.job_pod(name="a"),
        make.job_pod("10.10.0.9", name="b"),
        make.job_pod("", name="c"),
        make.job_pod("172.16.0.5", name="d", set_later=True),
        make.job_pod("172.16.0.6", name="e", marks=make.marks(short_id="stranger1", manager="x")),
        make.job_pod(name="f", marks=None, address="10.10.0.10"),
    )
    counts = seen(*pods).counts
    assert counts == Counts(passed=1, breach=1, unknown=1, pending=1, unmanaged=1, other=1)
    assert counts.job_pods == 4


def test_no_secret_and_no_line_break_leaves_through_a_quotation() -> None:
    text = "glrt-t1_4xYqA7pLwFAKETOKEN00\n" + "x" * 1000
    finding = one(make.job_pod(asked=c.Asked(ipv4_pools=text))).findings[0]
    assert "FAKETOKEN" not in finding.headline
    assert "\n" not in finding.headline
    assert len(finding.observed) < 200


def test_an_index_of_projects_is_taken_as_it_is() -> None:
    index = {str(LISTED.id): LISTED}
    listed, indexed = (Evidence.of(policy(), c.Snapshot(pods=()), projects=one) for one in ([LISTED], index))
    assert listed.ground.projects == index
    assert indexed.ground.projects is index
