"""Blocks that are all watched, over real HTTP: they prove without reads, and a disagreement still takes two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.core.model.finding import Outcome
from runner_bridge.flow.observe.observer import BLOCKS
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.access import Denial
from tests.flow.bridge import Book, running
from tests.flow.world import World, calico

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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


async def test_a_pod_is_proven_by_a_watched_block_without_a_read(cluster: Cluster, world: World) -> None:
    book = Book()
    await world.job_pod("before")
    await world.give("before", "172.16.0.1", "infraestrutura")
    async with running(cluster.url, book, watch_blocks=True) as bridge:
        await bridge.until(lambda: bridge.proven("before"))
        for number in range(2, 12):
            await world.job_pod(f"p{number}")
            await world.allocate(f"p{number}", f"172.16.0.{number}", "infraestrutura", "node-1")
            await bridge.until(lambda: bridge.observer.picture.blocks()[0].used == number)  # noqa: B023 - at once
            await world.give(f"p{number}", f"172.16.0.{number}", "infraestrutura", block=False)
            await bridge.until(lambda: bridge.proven(f"p{number}"))  # noqa: B023 - at once
        bridge.controller.sweep()
        await bridge.until(lambda: not bridge.controller._prover.running)
        assert bridge.block_reads() == 0
    assert {one.handle for one in book.open} >= {"k8s-pod-network.sandbox-before", "k8s-pod-network.sandbox-p2"}


async def test_a_block_that_loses_a_pod_is_noticed_without_a_sweep_and_believed_after_fresh_reads(
    cluster: Cluster, world: World
) -> None:
    await world.job_pod("a")
    await world.give("a", "172.16.0.1", "infraestrutura")
    async with running(cluster.url, Book(), watch_blocks=True) as bridge:
        await bridge.until(lambda: bridge.proven("a"))
        await world.allocate("other", "172.16.0.1", "infraestrutura", "node-1")
        await bridge.until(lambda: bridge.codes("a") == ["block-disagrees"])
        assert bridge.block_reads() >= 2
        await world.allocate("a", "172.16.0.1", "infraestrutura", "node-1")
        await bridge.until(lambda: bridge.proven("a") and bridge.outcome("a") is Outcome.PASS)


async def test_a_block_of_another_size_needs_no_look_at_all_of_them(cluster: Cluster, world: World) -> None:
    await world.job_pod("a")
    held = {"allocations": [None, 0], "attributes": [
        {"handle_id": "k8s-pod-network.sandbox-a", "secondary": {"pod": "a", "namespace": "gitlab-runners"}}
    ]}  # fmt: skip
    odd = calico("IPAMBlock", "172-16-0-0-28", {"cidr": "172.16.0.0/28", "affinity": "host:node-1", **held})
    await world.ask("POST", "/apis/crd.projectcalico.org/v1/ipamblocks", odd)
    async with running(cluster.url, Book(), watch_blocks=True) as bridge:
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.block_reads() == 0


async def test_where_blocks_may_not_be_watched_they_are_read_and_it_is_said(cluster: Cluster, world: World) -> None:
    cluster.access.denials.append(Denial(verb="watch", plural="ipamblocks", group="crd.projectcalico.org"))
    async with running(cluster.url, Book(), watch_blocks=True) as bridge:
        await bridge.until(lambda: "watch" in bridge.observer.picture.doubt_of(BLOCKS))
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.block_reads() > 0
