"""The bridge as a whole, opened as `run` and `demo` open it: what it does, and what it knows of itself."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.ask.answers.health import ready
from runner_bridge.cli.bridge.opening import Bridge, open_bridge
from runner_bridge.cli.bridge.terms import Terms
from runner_bridge.cli.bridge.wanted import Wanted
from runner_bridge.core.actions import Mode
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.model.ledger import EntryKind, Step
from runner_bridge.core.model.state import Role
from runner_bridge.core.model.verdict import Grade
from runner_bridge.flow.lead import Times
from runner_bridge.ports.kube import plain_access
from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate.cluster import Cluster
from tests import make
from tests.flow.bridge import Said, policy
from tests.flow.world import INFRA, World
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from runner_bridge.core.model.ledger import Entry

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as started:
        yield started


@pytest.fixture
async def world(cluster: Cluster) -> AsyncIterator[World]:
    async with aiohttp.ClientSession(cluster.url) as session:
        made = World(session)
        await made.furnish()
        yield made


def wanted(cluster: Cluster, folder: Path, **changes: Any) -> Wanted:
    options = Wanted(
        policy=policy(),
        policy_file="policy.yaml",
        ledger=f"sqlite:///{folder / 'ledger.db'}",
        mode=Mode.LABEL,
        says=Said(),
        access=plain_access(cluster.url),
        simulated=True,
    )
    return replace(options, **changes)


@asynccontextmanager
async def running(options: Wanted) -> AsyncIterator[Bridge]:
    stop = asyncio.Event()
    async with open_bridge(options) as bridge, asyncio.TaskGroup() as group:
        group.create_task(bridge.run(stop))
        yield bridge
        stop.set()


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(allowed(seconds)):
        while not holds():  # noqa: ASYNC110 - it looks at the world, which tells nobody
            await asyncio.sleep(0.02)


async def test_it_knows_what_it_watches_records_and_does(cluster: Cluster, world: World, tmp_path: Path) -> None:
    await world.job_pod("a")
    await world.give("a", "172.16.0.1", "infraestrutura")
    async with running(wanted(cluster, tmp_path)) as bridge:
        await until(lambda: bridge.state().acts.done)
        state = bridge.state()
        await until(lambda: bridge.state().acts.waiting == 0)
    assert state.is_whole
    assert (state.cluster, state.mode, state.server, state.simulated) == ("prod-1", "label", cluster.url, True)
    assert {(one.kind, one.is_fresh, one.objects) for one in state.watches} == {
        (Kind.PODS, True, 1),
        (Kind.POOLS, True, 2),
        (Kind.NAMESPACES, True, 3),
        (Kind.NODES, True, 2),
        (Kind.EVENTS, True, 0),
    }
    assert all(one.heard_at and abs((state.at - one.heard_at).total_seconds()) < 10 for one in state.watches)
    assert state.ledger is not None
    assert (state.ledger.is_writable, state.ledger.segment, len(state.ledger.head)) == (True, 1, 64)
    assert state.ledger.entries >= 2
    assert (state.blocks.readable, state.blocks.done, state.blocks.failed) == (True, 1, 0)


async def test_what_is_not_heard_is_said_in_its_state(cluster: Cluster, world: World, tmp_path: Path) -> None:
    await world.job_pod("a")
    async with running(wanted(cluster, tmp_path)) as bridge:
        await until(lambda: bridge.is_whole)
        await cluster.stop()
        await until(lambda: bridge.state().gaps)
        state = bridge.state()
    assert not state.is_whole
    pods = next(one for one in state.watches if one.kind is Kind.PODS)
    assert (pods.is_fresh, pods.restarts > 0, bool(pods.trouble)) == (False, True, True)


QUICK = Times(lease_s=3.0, renew_s=2.0, retry_s=0.1, look_s=0.05, ask_s=1.0)


def contender(cluster: Cluster, folder: Path) -> Wanted:
    return wanted(cluster, folder, lease="default/bridge", lease_times=QUICK)


def roles(*bridges: Bridge) -> list[Role]:
    return sorted(one.role for one in bridges)


def entries(folder: Path) -> list[Entry]:
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", read_only=True)
    try:
        assert ledger.verify() == []
        return [one.entry for one in ledger.entries()]
    finally:
        ledger.close()


def open_pods(folder: Path) -> set[str]:
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", read_only=True)
    try:
        return {one.pod for one in ledger.open_intervals("prod-1")}
    finally:
        ledger.close()


async def test_one_that_stands_by_sees_everything_and_writes_nothing(
    cluster: Cluster, world: World, tmp_path: Path
) -> None:
    await world.job_pod("a", asked='["workload"]')
    await world.give("a", "10.10.0.1", "workload")
    held = {"holderIdentity": "somebody", "leaseDurationSeconds": 600}
    await world.ask("POST", LEASES, {"metadata": {"name": "bridge"}, "spec": held})
    async with running(contender(cluster, tmp_path)) as bridge:
        await until(lambda: [one.grade for one in bridge.verdicts] == [Grade.BLOCK])
        state = bridge.state()
    assert (state.role, state.ledger, state.is_whole) == (Role.STANDBY, None, True)
    assert state.lease is not None
    assert (state.lease.name, state.lease.holder) == ("default/bridge", "somebody")
    assert await world.labels("a") == {}
    assert entries(tmp_path) == []


async def test_the_next_takes_over_with_the_picture_it_holds(cluster: Cluster, world: World, tmp_path: Path) -> None:
    for name, address in (("stays", "172.16.0.1"), ("goes", "172.16.0.2")):
        await world.job_pod(name)
        await world.give(name, address, "infraestrutura")
    async with AsyncExitStack() as stack:
        first_life = AsyncExitStack()
        first = await first_life.enter_async_context(running(contender(cluster, tmp_path)))
        await until(lambda: first.role is Role.LEADER and first.state().acts.done == 2)
        second = await stack.enter_async_context(running(contender(cluster, tmp_path)))
        await until(lambda: second.is_whole and len(second.verdicts) == 2)
        await first_life.aclose()
        began = asyncio.get_running_loop().time()
        await until(lambda: second.role is Role.LEADER)
        assert asyncio.get_running_loop().time() - began < QUICK.renew_s
        await world.remove("goes")
        await world.job_pod("new")
        await world.give("new", "172.16.0.3", "infraestrutura")
        await until(lambda: second.state().acts.done == 1 and second.state().acts.waiting == 0)
    assert await world.labels("new") == {"tier": "infra", "pool": "infraestrutura", "verdict": "pass"}
    assert open_pods(tmp_path) == {"stays", "new"}
    opened = [one.pod for one in entries(tmp_path) if one.kind is EntryKind.OPENED]
    assert sorted(opened) == ["goes", "new", "stays"]  # what the first told is not told again


async def bridges_rest() -> None:
    await asyncio.sleep(0.05)


async def test_a_lease_that_is_stolen_makes_no_second_event_and_loses_no_row(
    cluster: Cluster, world: World, tmp_path: Path
) -> None:
    routable_pods = {f"p{number:02}" for number in range(0, 40, 4)}
    async with running(contender(cluster, tmp_path)) as first, running(contender(cluster, tmp_path)) as second:
        await until(lambda: roles(first, second) == [Role.LEADER, Role.STANDBY])
        for number in range(40):
            name, routable = f"p{number:02}", number % 4 == 0
            await world.job_pod(name, asked='["workload"]' if routable else INFRA)
            base, pool = ("10.10.0", "workload") if routable else ("172.16.0", "infraestrutura")
            await world.give(name, f"{base}.{number + 1}", pool)
            if number % 10 == 5:
                lease = await world.ask("GET", f"{LEASES}/bridge")
                thief = second if first.role is Role.LEADER else first
                spec = lease["spec"] | {"holderIdentity": thief.lead.identity if thief.lead else ""}
                await world.ask("PUT", f"{LEASES}/bridge", lease | {"spec": spec})
        await until(lambda: roles(first, second) == [Role.LEADER, Role.STANDBY])
        leader = first if first.role is Role.LEADER else second
        await until(lambda: leader.is_whole and leader.state().acts.waiting == 0)
        await until(lambda: len(open_pods(tmp_path)) == 40)
        for number in range(40):
            expected = "breach" if number % 4 == 0 else "pass"
            async with asyncio.timeout(allowed(10)):
                while (await world.labels(f"p{number:02}")).get("verdict") != expected:
                    await bridges_rest()
        # Events come after labels. What is in hand when it is told to end is cut off after two seconds, and left for
        # the next term to find out; that is not what is tested here.
        async with asyncio.timeout(allowed(10)):
            while {name for name, _ in await world.told()} != routable_pods:
                await bridges_rest()
        await until(lambda: leader.state().acts.waiting == 0)
    told = await world.told()
    assert sorted(told) == sorted(set(told))
    assert {name for name, _ in told} == routable_pods
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", read_only=True)
    assert ledger.unsettled("prod-1") == []
    assert len(ledger.segments()) >= 2
    ledger.close()
    entries(tmp_path)  # the chain is whole


async def test_what_came_of_an_act_is_told_also_by_one_that_leads_no_more(tmp_path: Path) -> None:
    """Whoever leads now may have looked for intents before this one was there, and would not look again."""
    ledger, ours = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}"), True
    terms = Terms(ledger, None, is_ours=lambda: ours)
    now = datetime.now(tz=UTC)
    act = {"at": now, "pod_uid": "u", "act": "label-pod", "act_id": "1", "text": "a=b"}
    async with terms.term(policy(), now):
        await terms.record((make.entry(EntryKind.ACTED, step=Step.INTENT, **act),))
        ours = False
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await terms.record((make.entry(EntryKind.ACTED, step=Step.INTENT, **act | {"act_id": "2"}),))
        await terms.record((make.entry(EntryKind.ACTED, step=Step.DONE, **act),))
    assert ledger.unsettled("prod-1") == []
    ledger.close()
    assert [one.step for one in entries(tmp_path)] == [Step.INTENT, Step.DONE]


async def test_a_witness_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    def full(_line: str) -> None:
        raise OSError(28, "No space left on device")

    ledger, now = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}"), datetime.now(tz=UTC)
    terms = Terms(ledger, full, is_ours=lambda: True)
    async with terms.term(policy(), now):
        await terms.record((make.entry(at=now),))
        state = terms.state()
    ledger.close()
    assert state is not None
    assert (state.is_writable, state.trouble) == (True, "")
    assert state.witness_trouble.endswith("No space left on device")


async def test_one_that_loses_the_lease_stands_by_and_leads_again(
    cluster: Cluster, world: World, tmp_path: Path
) -> None:
    async with running(contender(cluster, tmp_path)) as bridge:
        await until(lambda: bridge.role is Role.LEADER)
        lease = await world.ask("GET", f"{LEASES}/bridge")
        spec = {"holderIdentity": "thief", "leaseDurationSeconds": 1}
        await world.ask("PUT", f"{LEASES}/bridge", lease | {"spec": spec})
        await until(lambda: bridge.role is Role.STANDBY)
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await until(lambda: bridge.role is Role.LEADER and bridge.state().acts.done == 1)
    assert open_pods(tmp_path) == {"a"}


async def test_a_ledger_that_breaks_stops_all_acting_until_it_works_again(
    cluster: Cluster, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner_bridge.cli.bridge.opening.LEDGER_AGAIN_S", 0.3)
    path = tmp_path / "ledger.db"
    async with running(wanted(cluster, tmp_path)) as bridge:
        await until(lambda: (state := bridge.state().ledger) is not None and state.is_writable)
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await until(lambda: (state := bridge.state().ledger) is not None and not state.is_writable, 15)
        state = bridge.state().ledger
        assert state is not None
        assert "locked" in state.trouble
        assert not ready(bridge.state()).ok
        await until(lambda: [one.grade for one in bridge.verdicts] == [Grade.BLOCK])  # it goes on judging
        assert await world.labels("a") == {}
        locker.execute("ROLLBACK")
        locker.close()
        await until(lambda: bridge.state().acts.done == 1, 15)
        assert ready(bridge.state()).ok
    assert (await world.labels("a"))["verdict"] == "pass"
    assert open_pods(tmp_path) == {"a"}


async def test_without_calicos_objects_nothing_is_judged_until_they_are_back(
    cluster: Cluster, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner_bridge.cli.bridge.opening.CALICO_SOON_S", 0.05)
    await world.job_pod("a")
    await world.give("a", "172.16.0.1", "infraestrutura")
    async with running(wanted(cluster, tmp_path)) as bridge:
        await until(lambda: bridge.state().acts.done == 1)
        served = cluster.resources
        cluster.resources = tuple(one for one in served if one.group != "crd.projectcalico.org")
        await cluster.end_watches()
        await until(lambda: not bridge.state().calico.is_judgeable)
        await until(lambda: bridge.verdicts == ())
        assert not ready(bridge.state()).ok
        cluster.resources = served
        await until(lambda: bridge.is_whole and [one.grade for one in bridge.verdicts] == [Grade.BLOCK])
    assert open_pods(tmp_path) == {"a"}
