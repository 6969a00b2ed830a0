from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from runner_bridge.ask.answers import check, status
from runner_bridge.ask.views.status_text import render
from runner_bridge.core.holding import Held, Holder, Holding
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.cluster import Gap, Kind
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.state import Acts, BlockReads, DriftState, LeaseState, LedgerState, Role, WatchState
from runner_bridge.core.model.verdict import Counts
from runner_bridge.core.occupancy import NodeFill, Occupancy, PoolUse, Use
from tests import make
from tests.ask.answers.test_status import BREACH, found

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Verdict

HELD = Holding(
    held=(
        Held(kind=Holder.JOBS, pool="infraestrutura", pool_class="nat", addresses=180),
        Held(kind=Holder.JOBS, pool="", pool_class="undeclared", addresses=2),
        Held(kind=Holder.MANAGERS, pool="workload", pool_class="routable", addresses=2),
        Held(kind=Holder.PAUSE_PODS, pool="workload", pool_class="routable", addresses=1),
    )
)
LEDGER = LedgerState(name="sqlite:///ledger.db", is_writable=True)
WATCHES = (WatchState(kind=Kind.PODS, namespace="ci", is_fresh=True, heard_at=make.NOW - timedelta(seconds=2)),)
SEVEN = (
    *(codes.ANNOTATION_MISSING, codes.ADDRESS_ROUTABLE, codes.HOST_NETWORK, codes.POOL_UNKNOWN),
    *(codes.BLOCK_UNREAD, codes.SNAPSHOT_INCOMPLETE, codes.ADDRESS_OUTSIDE_TIER_POOLS),
)
SCREEN = """\
cluster    prod-1 at https://10.0.0.1:6443
bridge     runner-bridge 0.1.0, mode label, without election, up 3 d 5 h
as of      2026-11-23 17:40:00 UTC

job pods   2: 1 pass, 1 breach; evidence: address only
  breach   gitlab-runners/runner-4xyqa7plw-project-4217-concurrent-0-m83eneg4
           annotation-missing; tier infra, got 172.16.84.128
           Nobody set it.

addresses  routable addresses held by CI: 3
           routable: 2 managers, 1 pause pod
           nat: 180 jobs
           outside every pool of the policy: 2 jobs
pools      infraestrutura 172.16.0.0/16 nat       CI holds 180 of 65,536
           workload       10.10.0.0/16  routable  CI holds 3 of 65,536

watches    1 of 1 fresh, last heard 2 s ago
policy     policy.yaml (000000000000), in force since 2026-11-20 12:00:00 UTC
ledger     sqlite:///ledger.db: 12 entries; head 1/abababababab
acts       120 done, 2 failed
"""


def shown(
    *verdicts: Verdict,
    is_running: bool = True,
    width: int = 80,
    colour: bool = False,
    more: Any = None,
    occupancy: Occupancy | None = None,
    **changes: Any,
) -> str:
    state = make.state(**({"watches": WATCHES, "acts": Acts(done=120, failed=2)} | changes))
    checked = check.answer(make.judgement(*verdicts, **(more or {})), source="", judged_at=make.NOW)
    fills = status.fills(make.policy(), HELD, occupancy=occupancy)
    return render(status.answer(state, checked, HELD, fills, is_running=is_running), colour=colour, width=width)


def test_one_screen_says_it_all() -> None:
    assert shown(make.verdict(), BREACH) == SCREEN


def test_what_calico_gave_out_is_shown_with_who_else_is_there_and_how_old_it_is() -> None:
    use = PoolUse(
        pool="infraestrutura",
        blocks=3,
        used=40,
        cooling=2,
        nodes=2,
        fullest=(NodeFill("node-7", 2, 30),),
        uses={Use.CI: 36, Use.OTHERS: 3, Use.LEAKED: 1, Use.NODES: 0},
    )
    occupancy = Occupancy(at=make.NOW, pools=(use,))
    counted = BlockReads(watched=True, counted_at=make.NOW - timedelta(seconds=14))
    screen = shown(occupancy=occupancy, blocks=counted, width=200)
    assert "42 of 65,536 used (0%), CI 180" in screen
    assert "  3 held by others, 1 leaked\n" in screen
    assert "  3 blocks on 2 nodes, most on node-7: 2 with 30 addresses\n" in screen
    assert "used as of the watched blocks 14 s ago\n" in screen
    more = shown(occupancy=occupancy, blocks=replace(counted, watched=False, count_trouble="pods: 403"), width=200)
    assert "used as read from all blocks 14 s ago\n           pods: 403\n" in more
    assert "not counted: 403\n" in shown(blocks=BlockReads(count_trouble="403"))


def test_probes_are_counted_beside_job_pods() -> None:
    assert "job pods   0; 2 probes\n" in shown(more={"counts": Counts(probes=2)})


def test_a_bridge_at_rest_is_shown_without_what_is_not() -> None:
    lines = shown(watches=(), acts=Acts(), ledger=None, mode="observe").splitlines()
    assert "job pods   0" in lines
    assert lines[-4:-3] == ["watches    none"]
    assert lines[-2:] == [
        "ledger     nothing is recorded by this process",
        "acts       none: mode observe writes nothing to the cluster",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"acts": Acts(done=3, held_back=("brake infra",))}, "acts       3 done; quarantine held back by brake infra"),
        ({"simulated": True}, "cluster    prod-1 at https://10.0.0.1:6443, simulated"),
        ({"gaps": (Gap(kind=Kind.PODS, reason="pods: torn"),)}, "NOT READY  picture: pods: torn."),
        ({"gaps": (Gap(kind=Kind.PODS, reason="pods: torn"),)}, "job pods   0; as they were last known"),
        (
            {"started_at": make.NOON, "watches": (WatchState(kind=Kind.PODS, namespace="ci"),)},
            "NOT ALIVE  watch pods of",
        ),
        (
            {"policy": replace(make.state().policy, trouble="policy.yaml:3: bad")},
            "POLICY     the changed file was refused",
        ),
        ({"blocks": BlockReads(trouble="403")}, "BLOCKS     not readable, addresses are as the pods say: 403."),
        ({"lease": LeaseState(name="n/l", trouble="503")}, "LEASE      503."),
        ({"ledger": replace(LEDGER, witness_trouble="the disk is full")}, "WITNESS    the disk is full."),
        ({"role": Role.LEADER, "lease": LeaseState(name="n/l", holder="a")}, "mode label, leader by lease n/l, up"),
        ({"role": Role.STANDBY, "lease": LeaseState(name="n/l", holder="b-0")}, "standby; b-0 leads by lease n/l"),
        ({"role": Role.STANDBY, "lease": LeaseState(name="n/l")}, "standby; nobody leads by lease n/l"),
        ({"role": Role.STANDBY}, "mode label, standby, up"),
        (
            {"watches": (replace(WATCHES[0], is_fresh=False, restarts=4),)},
            "0 of 1 fresh (not pods of ci), last heard 2 s",
        ),
        ({"watches": (replace(WATCHES[0], restarts=1),)}, "ago, 1 restart"),
        ({"watches": (replace(WATCHES[0], namespace="", is_fresh=False),)}, "(not pods)"),
        ({"watches": (replace(WATCHES[0], heard_at=None, tried_at=make.NOW),)}, "watches    1 of 1 fresh\n"),
        ({"watches": (replace(WATCHES[0], namespace=""),)}, "of the whole cluster only pods with a runner's label"),
        ({"ledger": replace(LEDGER, entries=1, waiting=7, head="")}, "ledger.db: 1 entry, 7 waiting\n"),
    ],
)
def test_what_is_out_of_the_ordinary_is_said(changes: dict[str, Any], line: str) -> None:
    assert line in shown(width=200, **changes)


def test_a_single_look_says_that_it_is_no_bridge() -> None:
    text = shown(is_running=False, gaps=(Gap(kind=Kind.EVENTS, reason="may not be read"),))
    assert "this is no running bridge" in text
    assert "NOT WHOLE  events: may not be read." in text
    assert "watches" not in text


def test_strangers_and_findings_about_the_cluster_are_said() -> None:
    more = {"counts": Counts(unmanaged=3), "findings": (found(code=codes.POOLS_OVERLAP),)}
    text = shown(more=more)
    assert "job pods   0; 3 of other runners" in text
    assert "CLUSTER    n/p:" in text


def test_groups_that_do_not_fit_are_counted() -> None:
    bad = [
        make.verdict(Outcome.BREACH, pod=str(n), assigned=(), findings=(found(code=code),))
        for n, code in enumerate(SEVEN)
    ]
    text = shown(*bad)
    assert "and 2 more kinds of trouble" in text
    assert "got no address" in text


@pytest.mark.parametrize(
    ("cidr", "allocated", "text"),
    [
        ("172.16.0.0/16", None, "CI holds 180 of 65,536"),
        ("172.16.0.0/16", 6554, "6,554 of 65,536 used (10%), CI 180"),
        ("2001:db8::/64", None, "CI holds 180 of 2^64"),
        ("2001:db8::/64", 9, "9 of 2^64 used, CI 180"),
    ],
)
def test_how_full_a_pool_is_is_said_as_far_as_it_is_known(cidr: str, allocated: int | None, text: str) -> None:
    fill = status.PoolFill(
        name="p", cidr=cidr, pool_class="nat", size=ip_network(cidr).num_addresses, held=180, allocated=allocated
    )
    checked = check.answer(make.judgement(), source="", judged_at=make.NOW)
    one = status.answer(make.state(), checked, HELD, [replace(fill, trouble="gone")])
    page = render(one, colour=False, width=80)
    assert text in page
    assert "p: gone" in page


def test_only_the_words_are_coloured() -> None:
    text = shown(BREACH, colour=True)
    assert "\x1b[1;31m  breach   \x1b[0mgitlab-runners/" in text
    assert shown(BREACH) == text.replace("\x1b[1;31m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")


@given(st.text(), st.integers(0, 120))
def test_no_name_can_steer_the_terminal_or_widen_the_page(name: str, width: int) -> None:
    text = shown(make.verdict(Outcome.BREACH, pod=name, findings=(found(cause=name),)), width=width)
    assert all(line.isprintable() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= max(width, 60)


def test_a_problem_without_a_cause_and_a_policy_without_pools_leave_no_empty_lines() -> None:
    checked = check.answer(make.judgement(make.verdict(Outcome.UNKNOWN)), source="", judged_at=make.NOW)
    lines = render(status.answer(make.state(), checked, Holding(), []), colour=False, width=80).splitlines()
    assert not any(line.startswith("pools") for line in lines)
    assert "addresses  routable addresses held by CI: 0" in lines


@pytest.mark.parametrize(
    ("drift", "line"),
    [
        (DriftState(), "drift      being looked for"),
        (DriftState(trouble="no token"), "drift      not known: no token"),
        (DriftState(looked_at=make.NOW - timedelta(minutes=3)), "drift      none, 3 min 0 s ago"),
        (
            DriftState(looked_at=make.NOW, found=("runner a: runner-gone",), unseen=2, trouble="away"),
            (
                "drift      1 thing not as declared: runner a: runner-gone; runner-bridge drift says what mends it; "
                "2 could not be compared; not looked again: away"
            ),
        ),
        (
            DriftState(looked_at=make.NOW, found=tuple(f"runner {name}: runner-gone" for name in "abcde")),
            (
                "drift      5 things not as declared: runner a: runner-gone; runner b: runner-gone; "
                "runner c: runner-gone; and 2 more; runner-bridge drift says what mends it"
            ),
        ),
    ],
)
def test_drift_is_said_where_it_is_looked_for(drift: DriftState, line: str) -> None:
    assert line in shown(drift=drift, width=300).splitlines()
