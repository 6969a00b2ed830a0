"""The loop over real HTTP: what happens in a cluster → verdicts, labels, Events, entries."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.core.actions import Mode
from runner_bridge.core.judge.doubt import SETTLE_S
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import EntryKind
from runner_bridge.flow.controller.controller import MOST_AT_ONCE
from runner_bridge.simulate.cluster import Cluster
from tests.flow.bridge import Book, Clock, pause, running
from tests.flow.world import CALICO, World, block_spec, calico

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONTAINERS = [{"name": "probe", "image": "busybox"}]


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


async def test_a_good_pod_passes_by_its_block_and_is_labelled_once(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        assert await world.labels("a") == {"tier": "infra", "pool": "infraestrutura", "verdict": "pass"}
        assert bridge.writes() == 1
    (interval,) = book.open
    assert (interval.pod, interval.address, interval.outcome) == ("a", "172.16.0.1", Outcome.PASS)
    assert (interval.handle, interval.node_addresses) == ("k8s-pod-network.sandbox-a", ("192.0.2.1",))
    assert book.intents == []


async def test_observing_writes_nothing_and_says_the_same(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book, mode=Mode.OBSERVE) as bridge:
        await world.job_pod("a", asked='["workload"]')
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.writes() == 0
        assert bridge.codes("a") == ["annotation-overwritten", "address-routable"]
    assert await world.labels("a") == {}
    assert [one.outcome for one in book.open] == [Outcome.BREACH]


async def test_a_breach_is_labelled_and_told_once_for_each_kind(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a", asked='["workload"]')
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a"))
        bridge.controller.sweep()
        await bridge.until(lambda: len(bridge.said.verdicts) > 1)
    expected = [("a", "AddressRoutable"), ("a", "AnnotationOverwritten")]
    assert await world.told() == expected
    assert await world.labels("a") == {"tier": "infra", "pool": "workload", "verdict": "breach"}

    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.proven("a"))
    assert await world.told() == expected
    assert book.intents == []


async def test_a_restart_with_all_labels_right_patches_nothing(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        for number in range(5):
            await world.job_pod(f"a{number}")
            await world.give(f"a{number}", f"172.16.0.{number + 1}", "infraestrutura")
        await bridge.until(lambda: bridge.proven(*(f"a{number}" for number in range(5))))
    told = len(book.entries)
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.proven(*(f"a{number}" for number in range(5))))
        assert bridge.writes() == 0
    assert len(book.entries) == told


async def test_a_restart_tells_nobody_again_what_is_told_already(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a", asked='["workload"]')
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a"))
        told = await world.told()
    assert told
    before = len(book.entries)
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.proven("a"))
        assert (bridge.writes(), bridge.act.already_so) == (0, 0)
    assert len(book.entries) == before
    assert await world.told() == told


async def test_an_address_that_only_the_annotation_shows_is_held_by_its_block_however_it_was_read(
    cluster: Cluster, world: World
) -> None:
    """Calico writes the block, then the annotation; kubelet's status may come late, or never."""
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("neighbour")
        await world.give("neighbour", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("neighbour"))  # and its block was read before the others are in it
        for name, address, pool in (("good", "172.16.0.2", "infraestrutura"), ("bad", "10.10.0.2", "workload")):
            await world.job_pod(name)
            await world.give(name, address, pool, status=False)
        await bridge.until(lambda: {one.pod for one in book.open} == {"neighbour", "good", "bad"})
        assert (bridge.outcome("good"), bridge.outcome("bad")) == (Outcome.PASS, Outcome.BREACH)
        labels = [await world.labels(name) for name in ("good", "bad")]
    before = len(book.entries)
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.proven("neighbour", "good", "bad"))
        assert bridge.writes() == 0
    assert book.entries[before:] == []
    assert [await world.labels(name) for name in ("good", "bad")] == labels


@pytest.mark.parametrize("restarted", [False, True], ids=["in one life", "after a restart"])
async def test_an_annotation_that_somebody_emptied_gives_no_address_back(
    cluster: Cluster, world: World, *, restarted: bool
) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        if not restarted:
            await world.empty("a")
            await bridge.until(lambda: bridge.codes("a") == ["addresses-disagree"])
    if restarted:
        await world.empty("a")
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.codes("a") == ["addresses-disagree"])
        assert (await world.labels("a"))["verdict"] == "unknown"
    assert [one.kind for one in book.entries if one.address and one.kind is not EntryKind.JUDGED] == [EntryKind.OPENED]
    assert [(one.pod, one.outcome) for one in book.open] == [("a", Outcome.UNKNOWN)]


async def test_a_pod_whose_network_is_made_anew_holds_what_its_blocks_say(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        await world.empty("a")
        await world.allocate("", "172.16.0.1", "infraestrutura", "node-1")
        await bridge.until(lambda: not book.open)
        assert bridge.codes("a") == ["pod-leaving"]
        await bridge.until(lambda: bridge.act.waiting == 0)
        assert "verdict" not in await world.labels("a")
        await world.give("a", "172.16.0.2", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        assert (await world.labels("a"))["verdict"] == "pass"
    assert [(one.pod, one.address) for one in book.open] == [("a", "172.16.0.2")]
    assert {one.outcome for one in bridge.said.verdicts if one.assigned} == {Outcome.PASS}


async def test_what_happened_while_nobody_watched_is_made_up_for(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        for name, address in (("gone", "172.16.0.1"), ("done", "172.16.0.2"), ("stays", "172.16.0.3")):
            await world.job_pod(name)
            await world.give(name, address, "infraestrutura")
        await bridge.until(lambda: len(book.open) == 3)
    await world.remove("gone")
    await world.finish("done")
    await world.job_pod("new")
    await world.give("new", "172.16.0.1", "infraestrutura")
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: {one.pod for one in book.open} == {"stays", "new"})
        await bridge.until(lambda: bridge.proven("new"))
    assert (await world.labels("new"))["verdict"] == "pass"


async def test_a_stuck_pod_is_explained_from_its_event(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        uid = await world.job_pod("a")
        await bridge.until(lambda: bridge.codes("a") == ["address-pending"])
        assert await world.labels("a") == {}
        await world.refuse("a", uid, 'plugin type="calico" failed (add): No IPs available in pools: [172.16.0.0/16]')
        await bridge.until(lambda: bridge.codes("a") == ["pool-exhausted"])
        assert (await world.labels("a"))["verdict"] == str(bridge.outcome("a"))
    assert book.open == []


async def test_a_pod_without_an_address_is_unknown_when_its_time_is_up(cluster: Cluster, world: World) -> None:
    clock = Clock()  # stands still, however slow the machine is
    async with running(cluster.url, Book(), clock=clock.moment) as bridge:
        await world.job_pod("a")
        await bridge.until(lambda: bridge.codes("a") == ["address-pending"])
        clock.gone += 180
        await bridge.until(lambda: bridge.codes("a") == ["pending-too-long"])
        assert (await world.labels("a")) == {"tier": "infra", "verdict": "unknown"}


async def test_a_block_that_lags_behind_turns_no_verdict(cluster: Cluster, world: World) -> None:
    """It disagrees at the first read and agrees at the second."""
    mended = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await (mended.wait() if seconds == SETTLE_S else pause(seconds))

    async with running(cluster.url, Book(), sleep=sleep) as bridge:
        await world.job_pod("a")
        await world.allocate("other", "172.16.0.1", "infraestrutura", "node-1")
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: (one := bridge.verdict("a")) and one.assigned)
        assert bridge.outcome("a") is Outcome.PASS
        await world.allocate("a", "172.16.0.1", "infraestrutura", "node-1")
        mended.set()
        await bridge.until(lambda: bridge.proven("a"))
        assert {one.outcome for one in bridge.said.verdicts if one.assigned} == {Outcome.PASS}


async def test_a_block_of_another_size_is_found_in_the_list(cluster: Cluster, world: World) -> None:
    """Left over from a pool that was made anew with another size of blocks."""
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a")
        held = {1: ("a", "node-1", "sandbox-a")}
        odd = calico("IPAMBlock", "172-16-0-0-28", block_spec("172.16.0.0/28", 16, "node-1", held))
        await world.ask("POST", f"{CALICO}/ipamblocks", odd)
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.outcome("a") is Outcome.PASS


async def test_addresses_of_another_ipam_are_one_line_and_no_verdict(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await bridge.until(lambda: bridge.codes("a") == ["address-pending"])
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: bridge.said.findings)
        await world.job_pod("b")
        await world.give("b", "172.16.0.2", "infraestrutura", block=False)
        await asyncio.sleep(0.1)
        assert [one.code.name for one in bridge.said.findings] == ["calico-ipam-absent"]
        assert book.open == []
        assert await world.labels("a") == {}
        await world.job_pod("c")
        await world.give("c", "172.16.0.3", "infraestrutura")
        await bridge.until(lambda: bridge.proven("c"))


async def test_a_restart_takes_nothing_back_before_the_block_was_read(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.allocate("other", "172.16.0.1", "infraestrutura", "node-1")
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: bridge.codes("a") == ["block-disagrees"])
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.codes("a") == ["block-disagrees"])
        assert [one.outcome for one in bridge.said.verdicts] == [Outcome.UNKNOWN]
        assert bridge.writes() == 0


async def test_a_block_that_goes_on_to_disagree_makes_the_pod_unknown(cluster: Cluster, world: World) -> None:
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a")
        await world.allocate("other", "172.16.0.1", "infraestrutura", "node-1")
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: bridge.codes("a") == ["block-disagrees"])
        assert (await world.labels("a"))["verdict"] == "unknown"


async def test_an_address_that_goes_from_pod_to_pod_within_seconds_is_never_shared(
    cluster: Cluster, world: World
) -> None:
    """With a pool that no node keeps blocks of, each lone job gets the address of the one before."""
    book = Book()
    async with running(cluster.url, book) as bridge:
        for name in ("first", "second", "third"):
            await world.job_pod(name)
            await world.give(name, "172.16.0.1", "infraestrutura")
            await bridge.until(partial(bridge.proven, name))
            await world.allocate("", "172.16.0.1", "infraestrutura", "node-1")
            await world.remove(name)
        await bridge.until(lambda: not book.open)
    assert [one.pod for one in sorted(book.intervals.values(), key=lambda one: one.from_at)] == [
        "first",
        "second",
        "third",
    ]
    assert {one.outcome for one in bridge.said.verdicts if one.assigned} == {Outcome.PASS}


async def test_a_probe_is_left_alone(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        labels = {"runner-bridge.dev/probe": "infra", "runner-bridge.dev/tier": "infra"}
        probe = {
            "metadata": {"name": "probe", "labels": labels},
            "spec": {"nodeName": "node-1", "containers": CONTAINERS},
        }
        await world.ask("POST", "/api/v1/namespaces/gitlab-runners/pods", probe)
        await world.give("probe", "172.16.0.1", "infraestrutura")
        await world.job_pod("job")
        await world.give("job", "172.16.0.2", "infraestrutura")
        await bridge.until(lambda: bridge.proven("job"))
        assert bridge.verdict("probe") is None
        assert await world.labels("probe") == {"probe": "infra", "tier": "infra"}
    assert {one.pod for one in book.entries if one.address} == {"job"}


async def test_forged_annotations_are_no_address(cluster: Cluster, world: World) -> None:
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a", asked=None)
        await world.give("a", "172.16.0.9", "infraestrutura", block=False, status=False)
        await bridge.until(lambda: bridge.verdict("a"))
        await world.allocate("a", "10.10.0.9", "workload", "node-1")
        await world.merge(
            f"{world.path('a')}/status", {"status": {"phase": "Running", "podIPs": [{"ip": "10.10.0.9"}]}}
        )
        await bridge.until(lambda: "address-routable" in bridge.codes("a"))


async def test_the_api_server_may_go_away_and_come_back(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("before")
        await world.give("before", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("before"))
        await cluster.stop()
        await bridge.until(lambda: bridge.said.doubts)
        await cluster.start()
        cluster.compact()
        await world.job_pod("after")
        await world.give("after", "172.16.0.2", "infraestrutura")
        await bridge.until(lambda: bridge.proven("after"))
        assert bridge.controller.is_whole
        assert bridge.said.doubts[-1] == ()
    assert {one.pod for one in book.open} == {"before", "after"}
    assert [one.kind for one in book.entries if one.kind is EntryKind.GAP] == [EntryKind.GAP]


async def test_what_is_judged_late_in_a_long_round_is_not_dated_to_its_beginning(
    cluster: Cluster, world: World
) -> None:
    """The ledger refuses entries older than those that were recorded meanwhile: the clock would seem to be set back."""
    pods = [f"p{number}" for number in range(MOST_AT_ONCE * 2 + 1)]
    for number, pod in enumerate(pods):
        await world.job_pod(pod)
        await world.give(pod, f"172.16.{number // 100}.{number % 100}", "infraestrutura")
    book = Book()
    async with running(cluster.url, book, mode=Mode.OBSERVE) as bridge:
        await bridge.until(lambda: len(book.open) == len(pods))
    assert len({one.at for one in book.entries if one.kind is EntryKind.OPENED}) >= 3
