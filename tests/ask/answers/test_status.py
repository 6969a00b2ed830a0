"""State, verdicts and what CI holds become one answer with one exit code."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.answers import check
from runner_bridge.ask.answers.check import Mark
from runner_bridge.ask.answers.status import MOST_PROBLEMS, StatusAnswer, answer, fills
from runner_bridge.core.holding import Held, Holder, Holding
from runner_bridge.core.model import Finding, Outcome
from runner_bridge.core.model.cluster import Gap, IPPool, Kind
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.state import LedgerState
from runner_bridge.core.occupancy import Occupancy, PoolUse, Use
from tests import make

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Verdict

POLICY = make.policy()
HOLDING = Holding(held=(Held(kind=Holder.JOBS, pool="infraestrutura", pool_class="nat", addresses=7),))
TORN: dict[str, Any] = {"gaps": (Gap(kind=Kind.PODS, reason="torn"),)}
FULL: dict[str, Any] = {"ledger": LedgerState(name="l", is_writable=False, trouble="full")}


def found(cause: str = "Nobody set it.", code: Any = codes.ANNOTATION_MISSING) -> Finding:
    return Finding(code=code, subject="n/p", cause=cause)


BREACH = make.verdict(Outcome.BREACH, findings=(found(),))
UNKNOWN = make.verdict(Outcome.UNKNOWN, findings=(found(code=codes.BLOCK_UNREAD),))
PENDING = make.verdict(Outcome.UNKNOWN, pending=True)


def answered(*verdicts: Verdict, is_running: bool = True, **changes: Any) -> StatusAnswer:
    checked = check.answer(make.judgement(*verdicts), source="", judged_at=make.NOW)
    return answer(make.state(**changes), checked, HOLDING, fills(POLICY, HOLDING), is_running=is_running)


@pytest.mark.parametrize(
    ("verdicts", "changes", "code"),
    [
        pytest.param([], {}, 0, id="no job pod"),
        pytest.param([make.verdict(), PENDING], {}, 0, id="a pending pod settles by itself"),
        pytest.param([UNKNOWN], {}, 3, id="unknown"),
        pytest.param([BREACH, UNKNOWN], {}, 1, id="a breach is worst"),
        pytest.param([make.verdict()], TORN, 3, id="all pass in a picture that is not whole"),
        pytest.param([make.verdict()], FULL, 3, id="nothing is recorded any more"),
        pytest.param([BREACH], TORN, 1, id="a breach that was seen stays one"),
    ],
)
def test_the_exit_code_is_that_of_the_worst(verdicts: list[Verdict], changes: dict[str, Any], code: int) -> None:
    assert answered(*verdicts, **changes).exit_code == code


def test_a_single_look_needs_no_ledger_and_no_watch() -> None:
    one = answered(make.verdict(), is_running=False, ledger=None, watches=())
    assert (one.exit_code, one.is_alive, one.is_ready, one.troubles) == (0, True, True, ())


def test_it_says_whether_it_is_alive_or_ready() -> None:
    one = answered(**FULL)
    assert (one.is_alive, one.is_ready, [each.name for each in one.troubles]) == (True, False, ["ledger"])


def test_job_pods_are_counted_once_each() -> None:
    one = answered(make.verdict(), PENDING, BREACH, UNKNOWN)
    assert one.job_pods == 4
    assert one.verdicts[Mark.PENDING] == 1


def test_a_problem_tells_one_pod_how_many_and_why() -> None:
    (one,) = answered(BREACH, make.verdict(Outcome.BREACH, pod="b", findings=(found(),))).problems
    assert (one.mark, one.pods, one.codes, one.cause) == (Mark.BREACH, 2, ("annotation-missing",), "Nobody set it.")


def test_a_problem_without_a_cause_is_told_by_its_title() -> None:
    (one,) = answered(make.verdict(Outcome.BREACH, findings=(found(cause=""),))).problems
    assert one.cause[0].isupper()
    assert one.cause.endswith(".")


def test_a_verdict_without_any_reason_is_still_shown() -> None:
    (one,) = answered(make.verdict(Outcome.UNKNOWN)).problems
    assert (one.cause, one.remedy, one.codes) == ("", "", ())


def test_no_more_than_five_kinds_of_problems_are_told_and_the_rest_is_counted() -> None:
    kinds = [codes.ANNOTATION_MISSING, codes.ADDRESS_ROUTABLE, codes.HOST_NETWORK, codes.POOL_UNKNOWN]
    kinds += [codes.BLOCK_UNREAD, codes.SNAPSHOT_INCOMPLETE, codes.ADDRESS_OUTSIDE_TIER_POOLS]
    pods = [make.verdict(Outcome.BREACH, pod=one.name, findings=(found(code=one),)) for one in kinds]
    one = answered(*pods)
    assert (len(one.problems), one.more_problems) == (MOST_PROBLEMS, 2)


def test_how_full_a_pool_is_comes_from_the_blocks_that_lie_in_it() -> None:
    counted = PoolUse(pool="infraestrutura", blocks=2, used=3, cooling=1, nodes=1, uses={Use.OTHERS: 2})
    infra, workload = fills(POLICY, HOLDING, occupancy=Occupancy(at=make.NOW, pools=(counted,)))
    assert (infra.allocated, infra.held, infra.size, workload.allocated) == (4, 7, 65536, None)
    assert (infra.cooling, infra.blocks, infra.nodes, infra.uses) == (1, 2, 1, {Use.OTHERS: 2})


def test_what_is_wrong_with_the_cluster_is_told_also_where_no_verdict_hangs_on_it() -> None:
    leaked = Finding(code=codes.ADDRESS_LEAKED, subject="pool infraestrutura")
    hint = Finding(code=codes.PROJECT_UNCHECKED, subject="projects")
    checked = check.answer(make.judgement(findings=(leaked, hint)), source="", judged_at=make.NOW)
    one = answer(make.state(), checked, HOLDING, fills(POLICY, HOLDING))
    assert (one.cluster, one.exit_code) == ((leaked.headline,), 0)


def test_without_blocks_nothing_is_said_of_others() -> None:
    assert [one.allocated for one in fills(POLICY, HOLDING)] == [None, None]


@pytest.mark.parametrize(
    ("pools", "trouble"),
    [
        (None, ""),
        ([], "the cluster has no pool of this name"),
        ([IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"))], ""),
        (
            [IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"), disabled=True)],
            "it gives no addresses: disabled",
        ),
    ],
    ids=["nobody looked", "missing", "fine", "disabled"],
)
def test_a_pool_that_gives_no_addresses_is_said(pools: list[IPPool] | None, trouble: str) -> None:
    assert fills(POLICY, HOLDING, pools=pools)[0].trouble == trouble


SOME = st.sampled_from([make.verdict(), PENDING, BREACH, UNKNOWN])


@given(st.lists(SOME, max_size=20), st.sampled_from([{}, TORN, FULL]))
def test_nothing_is_clean_that_holds_a_breach_an_unknown_or_a_doubt(
    verdicts: list[Any], changes: dict[str, Any]
) -> None:
    one = answered(*verdicts, **changes)
    assert sum(one.verdicts.values()) == len(verdicts)
    if one.exit_code == 0:
        assert not changes
        assert not {BREACH, UNKNOWN}.intersection(verdicts)


@pytest.mark.parametrize(("changes", "told"), [(TORN, 0), ({}, 1)], ids=["in the state", "nowhere else"])
def test_what_is_not_complete_is_told_once(changes: dict[str, Any], told: int) -> None:
    incomplete = make.judgement(findings=(found(code=codes.SNAPSHOT_INCOMPLETE),))
    checked = check.answer(incomplete, source="", judged_at=make.NOW)
    one = answer(make.state(**changes), checked, HOLDING, [])
    assert (len(one.cluster), one.exit_code) == (told, 3)
