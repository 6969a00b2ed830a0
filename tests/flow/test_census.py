"""What Calico gave out, counted beside the verdicts: slowly from all blocks, or from those that are watched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.core.errors import DeniedError, UnavailableError
from runner_bridge.core.model.cluster import Kind, Pod
from runner_bridge.core.occupancy import PoolUse, Use
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.census import AGAIN_S, CENSUS_S, GRACE_S, MOST_READS, Audit, Census
from runner_bridge.flow.observe.observer import BLOCKS
from runner_bridge.flow.observe.picture import Picture, Source
from runner_bridge.ports.kube import open_cluster, plain_access
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.access import Denial
from tests import make
from tests.flow.bridge import Said, policy
from tests.flow.world import CALICO, World, block_spec, calico

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.core.wire.stream import Key

PODS = Source(Kind.PODS, "gitlab-runners")
PATH = f"{CALICO}/ipamblocks"


def clock() -> datetime:
    return datetime.now(tz=UTC)


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


class Pauses:
    """Sleeps for nobody, and ends a life without end where it begins to wait long."""

    def __init__(self, rounds: int = 1) -> None:
        self.slept: list[float] = []
        self._rounds = rounds

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.slept.count(CENSUS_S) >= self._rounds:
            raise EOFError


async def counted(cluster: Cluster, *, reads: int = 1) -> Census:
    pauses = Pauses()
    async with open_cluster(plain_access(cluster.url)) as opened:
        census = Census(policy(), opened.reader, PATH, clock=clock, pause=pauses)
        with pytest.raises(EOFError):
            await census.run()
        assert (opened.session.reads, opened.session.writes) == (reads, 0)
    return census


async def test_all_blocks_are_read_page_by_page_and_none_is_kept(cluster: Cluster, world: World) -> None:
    for number in range(30):
        await world.allocate(f"p{number}", f"10.10.{number}.1", "workload", f"node-{number % 3}")
    await world.allocate("a", "172.16.0.1", "infraestrutura", "node-1")
    census = await counted(cluster, reads=2)
    assert census.occupancy is not None
    assert census.occupancy.of("infraestrutura") == PoolUse(
        pool="infraestrutura", blocks=1, used=1, nodes=1, fullest=census.occupancy.pools[0].fullest
    )
    workload = census.occupancy.of("workload")
    assert workload is not None
    assert (workload.blocks, workload.used, workload.nodes, workload.uses) == (30, 30, 3, None)


async def test_where_blocks_may_not_be_listed_nothing_is_counted_and_it_is_said(cluster: Cluster, world: World) -> None:
    await world.allocate("a", "172.16.0.1", "infraestrutura", "node-1")
    cluster.access.denials.append(Denial(verb="list", plural="ipamblocks", group="crd.projectcalico.org"))
    census = await counted(cluster)
    assert census.occupancy is None
    assert "403" in census.trouble


class Torn:
    """Answers once, and then no more."""

    def __init__(self) -> None:
        self.asked = 0

    async def pages(self, path: str, *, limit: int) -> Any:
        self.asked += 1
        if self.asked > 1:
            message = f"GET {path}?limit={limit}: 503."
            raise UnavailableError(message)
        yield type("Page", (), {"body": b'{"items": []}'})()


async def test_a_count_that_fails_leaves_the_last_one_with_its_age() -> None:
    reads: Any = Torn()
    census = Census(policy(), reads, PATH, clock=clock, pause=Pauses(rounds=2))
    with pytest.raises(EOFError):
        await census.run()
    assert census.occupancy is not None
    assert census.trouble == f"GET {PATH}?limit=25: 503"
    census.adopt(policy())
    assert census.occupancy is None


class Watched:
    """An audit of a picture that is set by hand, on a clock that goes by hand."""

    def __init__(self) -> None:
        self.picture = Picture([BLOCKS, PODS, Source(Kind.POOLS), Source(Kind.NAMESPACES)])
        for source in (BLOCKS, PODS, Source(Kind.POOLS), Source(Kind.NAMESPACES)):
            self.picture.replace(source, ())
        self.said = Said()
        self.now_s = 0.0
        self.pods: dict[Key, Pod | Exception] = {}
        self.asked: list[Key] = []
        self.audit = Audit(
            policy(), self.picture, self.read, says=self.said, clock=clock, pause=self.pause, elapsed=lambda: self.now_s
        )

    async def read(self, key: Key) -> Pod | None:
        self.asked.append(key)
        found = self.pods.get(key)
        if isinstance(found, Exception):
            raise found
        return found

    async def pause(self, seconds: float) -> None:
        if self.now_s > 60:
            raise EOFError
        self.now_s += seconds

    def hold(self, *names: str, first: int = 1, cidr: str = "172.16.0.0/25") -> None:
        held = {number: (name, "node-1", f"sandbox-{name}") for number, name in enumerate(names, first)}
        body = {
            "items": [
                calico("IPAMBlock", cidr.replace(".", "-").replace("/", "-"), block_spec(cidr, 128, "node-1", held))
            ]
        }
        self.picture.replace(BLOCKS, Stream(Kind.BLOCKS, packed=True).page(json.dumps(body).encode()).seen)

    async def uses(self, seconds: float = 0.0) -> dict[Use, int]:
        self.now_s += seconds
        await self.audit.once()
        assert self.audit.occupancy is not None
        return {use: number for use, number in (self.audit.occupancy.pools[0].uses or {}).items() if number}


async def test_an_address_whose_pod_is_gone_is_leaked_after_the_grace_and_a_last_look() -> None:
    one = Watched()
    one.hold("a")
    assert await one.uses() == {Use.UNCLEAR: 1}
    assert await one.uses(GRACE_S - 1) == {Use.UNCLEAR: 1}
    assert await one.uses(1) == {Use.LEAKED: 1}
    assert [(found.code.name, found.subject) for found in one.said.findings] == [
        ("address-leaked", "pool infraestrutura")
    ]
    await one.uses(1)
    assert len(one.asked) == 3
    assert len(one.said.findings) == 1
    one.hold()
    assert await one.uses() == {}


async def test_a_pod_that_comes_back_begins_a_new_grace() -> None:
    one = Watched()
    one.hold("a")
    await one.uses()
    one.pods["gitlab-runners", "a"] = make.job_pod("172.16.0.1", name="a", container_id="sandbox-a")
    assert await one.uses(AGAIN_S) == {Use.CI: 1}
    del one.pods["gitlab-runners", "a"]
    assert await one.uses(GRACE_S) == {Use.UNCLEAR: 1}


async def test_a_pod_of_others_is_told_when_it_was_read() -> None:
    one = Watched()
    one.hold("a")
    one.pods["gitlab-runners", "a"] = make.job_pod(
        "172.16.0.1", name="a", namespace="shop", container_id="sandbox-a", marks=None
    )
    assert await one.uses() == {Use.OTHERS: 1}
    assert [found.code.name for found in one.said.findings] == ["pool-held-by-others"]


async def test_a_pod_that_may_not_be_read_is_not_called_anything() -> None:
    one = Watched()
    one.hold("a")
    one.pods["gitlab-runners", "a"] = DeniedError("GET pod: 403.", verb="get", resource="pods")
    assert await one.uses(GRACE_S) == {Use.UNCLEAR: 1}
    assert one.audit.trouble == "GET pod: 403"
    del one.pods["gitlab-runners", "a"]
    await one.uses(AGAIN_S)
    assert one.audit.trouble == ""


async def test_of_very_many_some_are_asked_after_at_a_time() -> None:
    one = Watched()
    one.hold(*(f"p{number}" for number in range(100)))
    await one.uses()
    assert len(one.asked) == MOST_READS
    await one.uses()
    assert len(set(one.asked)) == 2 * MOST_READS


async def test_while_the_picture_is_in_doubt_the_last_answer_stands() -> None:
    one = Watched()
    one.hold("a")
    await one.uses()
    before = one.audit.occupancy
    one.picture.doubt(BLOCKS, "torn")
    with pytest.raises(EOFError):
        await one.audit.run()
    assert one.audit.occupancy is before
    one.audit.adopt(policy())
    assert one.audit.occupancy is None
