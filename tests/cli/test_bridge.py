"""The bridge as a whole, opened as `run` and `demo` open it: what it does, and what it knows of itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.cli.bridge import Bridge, Wanted, open_bridge
from runner_bridge.core.actions import Mode
from runner_bridge.core.model.cluster import Kind
from runner_bridge.ports.kube import plain_access
from runner_bridge.simulate.cluster import Cluster
from tests.flow.bridge import Said, policy
from tests.flow.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


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


def wanted(cluster: Cluster, folder: Path) -> Wanted:
    return Wanted(
        policy=policy(),
        policy_file="policy.yaml",
        ledger=f"sqlite:///{folder / 'ledger.db'}",
        mode=Mode.LABEL,
        says=Said(),
        access=plain_access(cluster.url),
        simulated=True,
    )


@asynccontextmanager
async def running(options: Wanted) -> AsyncIterator[Bridge]:
    stop = asyncio.Event()
    async with open_bridge(options) as bridge, asyncio.TaskGroup() as group:
        group.create_task(bridge.run(stop))
        yield bridge
        stop.set()


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
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
