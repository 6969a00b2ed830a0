"""The wall clock jumps under a running bridge: what is held stays held, and no verdict of an address changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import EntryKind
from runner_bridge.core.model.verdict import Grade
from runner_bridge.simulate.cluster import Cluster
from tests.flow.bridge import Book, running
from tests.flow.world import World


class Clock:
    """The machine's, and how far somebody has set it."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(tz=UTC) + self.off


@pytest.mark.parametrize("off_s", [-86_400, -3600, -60, 60, 3600, 86_400], ids=lambda one: f"{one:+} s")
async def test_a_jump_closes_nothing_and_turns_no_verdict(off_s: int) -> None:
    clock, book = Clock(), Book()
    async with Cluster() as cluster, aiohttp.ClientSession(cluster.url) as session:
        world = World(session)
        await world.furnish()
        async with running(cluster.url, book, clock=clock) as bridge:
            for name, address, pool in (("good", "172.16.0.1", "infraestrutura"), ("bad", "10.10.0.1", "workload")):
                await world.job_pod(name)
                await world.give(name, address, pool)
            # Said first and recorded then: what the ledger holds is what must not change any more.
            await bridge.until(lambda: {one.pod for one in book.open if one.grade is Grade.BLOCK} == {"good", "bad"})
            writes, entries = bridge.writes(), len(book.entries)
            clock.off = timedelta(seconds=off_s)
            bridge.controller.sweep()
            await world.job_pod("next")
            await world.give("next", "172.16.0.2", "infraestrutura")
            await bridge.until(lambda: bridge.proven("good", "bad", "next"))
            assert (bridge.outcome("good"), bridge.outcome("bad")) == (Outcome.PASS, Outcome.BREACH)
            assert bridge.controller.is_whole
            assert [one.pod for one in book.entries[entries:] if one.pod != "next"] == []
            assert bridge.writes() - writes <= 2  # the labels of the new pod, with and without its block
            clock.off = timedelta()
            await world.remove("bad")
            await bridge.until(lambda: {one.pod for one in book.open} == {"good", "next"})
    assert [one.pod for one in book.entries if one.kind is EntryKind.CLOSED] == ["bad"]
    assert not [one for one in book.entries if one.kind is EntryKind.GAP]


async def test_a_clock_that_was_set_back_calls_no_pod_late() -> None:
    """A wait that has not begun yet, by our clock, has not lasted too long."""
    clock = Clock()
    clock.off = timedelta(hours=-1)
    async with Cluster() as cluster, aiohttp.ClientSession(cluster.url) as session:
        world = World(session)
        await world.furnish()
        async with running(cluster.url, Book(), clock=clock) as bridge:
            await world.job_pod("waits", waited_s=5)
            await bridge.until(lambda: bridge.codes("waits") == ["address-pending"])


async def test_a_clock_that_was_set_ahead_is_not_believed_for_longer_than_it_is_wrong() -> None:
    """While it is wrong a waiting pod may be called late, which is unknown and never a pass; then it is as before."""
    clock = Clock()
    async with Cluster() as cluster, aiohttp.ClientSession(cluster.url) as session:
        world = World(session)
        await world.furnish()
        async with running(cluster.url, Book(), clock=clock) as bridge:
            await world.job_pod("waits", waited_s=5)
            await bridge.until(lambda: bridge.codes("waits") == ["address-pending"])
            clock.off = timedelta(hours=1)
            await bridge.until(lambda: bridge.codes("waits") == ["pending-too-long"])
            assert bridge.outcome("waits") is Outcome.UNKNOWN
            clock.off = timedelta()
            await bridge.until(lambda: bridge.codes("waits") == ["address-pending"])
            assert "verdict" not in await world.labels("waits")
