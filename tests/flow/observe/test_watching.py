"""What becomes of the picture when lists and watches go wrong, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.core.errors import DeniedError, UnavailableError
from runner_bridge.core.model.cluster import Kind
from runner_bridge.flow.observe.observer import Observer
from runner_bridge.flow.observe.watching import LONGEST_PAUSE_S
from runner_bridge.ports.kube import Page, Patience, open_cluster, plain_access
from runner_bridge.simulate.cluster import Cluster, Denial, Ending, Fault, StatusError
from tests.flow.bridge import pause
from tests.flow.world import NAMESPACE, World, pod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

POOLS = "/apis/crd.projectcalico.org/v1/ippools"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster(bookmark_every_s=0.2) as started:
        yield started


@pytest.fixture
async def world(cluster: Cluster) -> AsyncIterator[World]:
    async with aiohttp.ClientSession(cluster.url) as session:
        made = World(session)
        await made.furnish()
        yield made


@asynccontextmanager
async def observing(
    cluster: Cluster, *namespaces: str, sleep: Callable[[float], Any] = pause, token: str = ""
) -> AsyncIterator[Observer]:
    patience = Patience(attempts=1, sleep=pause)
    async with open_cluster(plain_access(cluster.url, token=token), patience=patience) as client:
        observer = Observer(namespaces or (NAMESPACE,), POOLS, reads=client.reader, pause=sleep, jitter=lambda: 0.5)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(observer.run())
            try:
                yield observer
            finally:
                task.cancel()


def names(observer: Observer) -> list[str]:
    return sorted(name for (_, name), _ in observer.picture.pods())


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - it looks at the world, which tells nobody
            await asyncio.sleep(0.01)


async def whole(observer: Observer) -> None:
    await until(lambda: observer.picture.gaps == ())


class AtHand:
    """Answers every list at once with one page, and tells nothing in a watch."""

    async def pages(self, path: str, **_: Any) -> AsyncIterator[Page]:
        name = json.dumps({"metadata": {"name": "a", "namespace": path.rpartition("/")[0]}})
        yield Page(body=f'{{"items": [{name}]}}'.encode(), resource_version="7")

    async def watch(self, path: str, **_: Any) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield path.encode()


async def test_of_many_lists_one_page_is_read_before_others_have_their_turn() -> None:
    namespaces = [f"ci-{number}" for number in range(8)]
    reads: Any = AtHand()
    observer = Observer(namespaces, POOLS, reads=reads, pause=pause, jitter=lambda: 0.5)
    told: list[Any] = []
    observer.report_to(told.append)
    running = asyncio.create_task(observer.run())
    most = 0
    async with asyncio.timeout(10):
        while not all(one.listed.is_set() for one in observer.watchings):
            before = len(told)
            await asyncio.sleep(0)
            most = max(most, len(told) - before)
    running.cancel()

    assert most <= 2  # of one list its only page, of another its end


async def test_what_is_there_and_what_comes_is_seen(cluster: Cluster, world: World) -> None:
    await world.job_pod("before")
    async with observing(cluster) as observer:
        await whole(observer)
        assert names(observer) == ["before"]
        await world.job_pod("after")
        await until(lambda: names(observer) == ["after", "before"])
        await world.remove("before")
        await until(lambda: names(observer) == ["after"])
        assert [one.name for one in observer.picture.pools() or ()] == ["infraestrutura", "workload"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(verbs=frozenset({"watch"}), ending=Ending.RESET, after_bytes=40), id="torn"),
        pytest.param(Fault(verbs=frozenset({"watch"}), ending=Ending.CLOSE, is_half_line=True), id="half a line"),
        pytest.param(Fault(verbs=frozenset({"watch"}), ending=Ending.CLOSE, after_bytes=0), id="closed"),
        pytest.param(Fault(verbs=frozenset({"watch"}), refusal=StatusError(410, "Expired", "too old")), id="410"),
        pytest.param(Fault(verbs=frozenset({"watch"}), refusal=StatusError(500, "InternalError", "x")), id="500"),
        pytest.param(
            Fault(
                verbs=frozenset({"list"}),
                path="/pods",
                refusal=StatusError(429, "TooManyRequests", "x", details={"retryAfterSeconds": 1}),
                times=2,
            ),
            id="429 with Retry-After",
        ),
        pytest.param(
            Fault(verbs=frozenset({"list"}), path="/pods", ending=Ending.RESET, after_bytes=99), id="torn list"
        ),
    ],
)
async def test_trouble_is_made_up_for_by_a_list(cluster: Cluster, world: World, fault: Fault) -> None:
    cluster.faults.add(fault)
    async with observing(cluster) as observer:
        await world.job_pod("a")
        await until(lambda: names(observer) == ["a"])
        cluster.faults.clear()
        await world.remove("a")
        await world.job_pod("b")
        await until(lambda: names(observer) == ["b"])
        await whole(observer)


async def test_history_that_is_forgotten_means_listing_again(cluster: Cluster, world: World) -> None:
    async with observing(cluster) as observer:
        await world.job_pod("gone")
        await until(lambda: names(observer) == ["gone"])
        await cluster.stop()
        await until(lambda: observer.picture.gaps)
        await cluster.start()
        await world.remove("gone")
        await world.job_pod("new")
        cluster.compact()
        await until(lambda: names(observer) == ["new"])
        await whole(observer)


async def test_an_orderly_end_goes_on_without_a_list(cluster: Cluster, world: World) -> None:
    async with observing(cluster) as observer:
        await world.job_pod("a")
        await until(lambda: names(observer) == ["a"])
        cluster.faults.add(Fault(verbs=frozenset({"list"}), refusal=StatusError(500, "InternalError", "x"), times=None))
        cluster.faults.add(Fault(verbs=frozenset({"watch"}), ending=Ending.CLOSE))
        await world.job_pod("b")
        await until(lambda: names(observer) == ["a", "b"])
        assert observer.picture.gaps == ()


async def test_an_object_that_cannot_be_read_leaves_a_gap_and_no_loop(cluster: Cluster, world: World) -> None:
    async with observing(cluster) as observer:
        await whole(observer)
        await world.ask("POST", POOLS, {"metadata": {"name": "odd"}, "kind": "IPPool", "spec": {"cidr": "nowhere"}})
        await until(lambda: "nowhere" in str(observer.picture.gaps))
        assert observer.picture.doubts == ()
        await world.job_pod("a")
        await until(lambda: names(observer) == ["a"])
        await world.ask("DELETE", f"{POOLS}/odd")
        await whole(observer)
        assert [one.name for one in observer.picture.pools() or ()] == ["infraestrutura", "workload"]


async def test_who_may_not_list_pods_is_told_the_verb(cluster: Cluster, world: World) -> None:
    cluster.access.denials.append(Denial(verb="list", plural="pods"))
    with pytest.raises(ExceptionGroup) as caught:
        async with observing(cluster):
            await asyncio.sleep(10)
    assert caught.group_contains(DeniedError, match="Grant the verb list on pods")


async def test_what_no_verdict_stands_on_may_be_denied(cluster: Cluster, world: World) -> None:
    cluster.access.denials.append(Denial(verb="list", plural="nodes"))
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await pause(seconds)

    async with observing(cluster, sleep=sleep) as observer:
        await until(lambda: [gap.kind for gap in observer.picture.gaps] == [Kind.NODES] and waits)
        assert max(waits) >= LONGEST_PAUSE_S  # asking again soon changes nothing
        cluster.access.denials.clear()
        await whole(observer)


async def test_a_token_that_expired_is_a_doubt_and_no_end(cluster: Cluster, world: World) -> None:
    cluster.access.tokens["good"] = "bridge"
    async with observing(cluster, token="good") as observer:
        await whole(observer)
        cluster.access.tokens = {"other": "bridge"}
        await cluster.end_watches()
        await until(lambda: "credentials" in str(observer.picture.gaps))
        cluster.access.tokens = {"good": "bridge"}
        await whole(observer)


async def test_patterns_watch_the_whole_cluster_and_keep_what_they_name(cluster: Cluster, world: World) -> None:
    for name in ("ci-job-1", "elsewhere"):
        await world.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        await world.ask("POST", f"/api/v1/namespaces/{name}/pods", pod(f"in-{name}"))
    await world.ask("POST", "/api/v1/namespaces/ci-job-1/pods", pod("no-job") | {"metadata": {"name": "no-job"}})
    async with observing(cluster, "ci-job-*") as observer:
        await whole(observer)
        assert names(observer) == ["in-ci-job-1"]
        await world.ask("POST", "/api/v1/namespaces/ci-job-1/pods", pod("late"))
        await world.ask("POST", "/api/v1/namespaces/elsewhere/pods", pod("other"))
        await until(lambda: names(observer) == ["in-ci-job-1", "late"])
        found = await observer.read_pod(("ci-job-1", "late"))
        assert found is not None
        assert found[0].namespace == ""
        assert await observer.read_pod(("ci-job-1", "never")) is None


async def test_only_what_is_watched_is_read(cluster: Cluster, world: World) -> None:
    async with observing(cluster) as observer:
        assert await observer.read_pod(("default", "a")) is None


async def test_looking_once_says_what_is_missing_and_needs_the_rest(cluster: Cluster, world: World) -> None:
    async with open_cluster(plain_access(cluster.url), patience=Patience(attempts=1, sleep=pause)) as client:
        observer = Observer((), POOLS, reads=client.reader, pause=pause, jitter=lambda: 0.5)
        cluster.access.denials.append(Denial(verb="list", plural="events"))
        assert ["events" in one for one in await observer.list_once()] == [True]
        assert [gap.kind for gap in observer.picture.gaps] == [Kind.EVENTS]
        cluster.faults.add(Fault(path="/pods", refusal=StatusError(503, "ServiceUnavailable", "x")))
        with pytest.raises(UnavailableError):
            await observer.list_once()
