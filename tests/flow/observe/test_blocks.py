"""Blocks are read once for all who ask together, and never with an answer that is older than the question."""

from __future__ import annotations

import asyncio
import json
from ipaddress import IPv4Network, ip_address, ip_network
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import DeniedError, StaleError, UnavailableError, WireError
from runner_bridge.core.model.cluster import Block, IPPool
from runner_bridge.flow.observe.blocks import LIST_FROM, MOST_KEPT, Blocks
from runner_bridge.ports.kube import Page

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

RANGE = ip_network("172.16.0.0/25")
ADDRESS = (ip_address("172.16.0.0"),)
POOLS = (IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/12"), block_size=25),)


class Server:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.version = 1
        self.go = asyncio.Event()
        self.go.set()
        self.answer: Any = None
        self.all: Any = ()
        """What the list holds, or what it fails with."""

    async def pages(self, path: str, limit: int = 500) -> AsyncGenerator[Page]:
        self.asked.append(f"{path}?limit={limit}")
        if isinstance(self.all, Exception):
            raise self.all
        for items in (self.all[:1], self.all[1:]):
            yield Page(body=json.dumps({"items": items}).encode())

    async def get(self, path: str) -> bytes | None:
        self.asked.append(path)
        body = json.dumps(self.block()).encode() if self.answer is None else self.answer
        await self.go.wait()
        if isinstance(body, Exception):
            raise body
        return body or None

    async def is_asked(self) -> None:
        while not self.asked:  # noqa: ASYNC110 - a few turns of the loop
            await asyncio.sleep(0)

    def block(self, cidr: object = RANGE) -> Any:
        meta = {"name": "b", "resourceVersion": str(self.version)}
        spec = {"cidr": str(cidr), "allocations": [0], "attributes": [{"handle_id": f"net.{self.version}"}]}
        return {"kind": "IPAMBlock", "metadata": meta, "spec": spec}


def blocks_of(server: Any) -> Blocks:
    return Blocks(server, "/blocks")


async def fresh(blocks: Blocks, *, thorough: bool = False) -> tuple[Block, ...]:
    return await blocks.holding(ADDRESS, POOLS, thorough=thorough)


def handles(found: Any) -> list[str]:
    return [one.allocations[0].handle for one in found]


async def test_neighbours_share_a_read() -> None:
    server = Server()
    blocks = blocks_of(server)
    found = await asyncio.gather(*(fresh(blocks) for _ in range(5)))
    assert server.asked == ["/blocks/172-16-0-0-25"]
    assert [handles(one) for one in found] == [["net.1"]] * 5


async def test_who_asks_while_a_read_is_under_way_gets_the_next_one() -> None:
    server = Server()
    blocks = blocks_of(server)
    server.go.clear()
    first = asyncio.create_task(fresh(blocks))
    await server.is_asked()
    server.version = 2
    later = [asyncio.create_task(fresh(blocks)) for _ in range(3)]
    await asyncio.sleep(0.01)
    server.go.set()
    assert handles(await first) == ["net.1"]
    assert [handles(await one) for one in later] == [["net.2"]] * 3
    assert len(server.asked) == 2


async def test_an_unchanged_block_is_the_same_value() -> None:
    server = Server()
    blocks = blocks_of(server)
    assert (await fresh(blocks))[0] is (await fresh(blocks))[0]
    assert blocks.kept(ADDRESS, POOLS) == await fresh(blocks)
    server.version = 2
    assert handles(await fresh(blocks)) == ["net.2"]


async def test_a_block_that_is_gone_is_forgotten() -> None:
    server = Server()
    blocks = blocks_of(server)
    await fresh(blocks)
    server.answer = b""
    assert await fresh(blocks) == ()
    assert blocks.kept(ADDRESS, POOLS) == ()


@pytest.mark.parametrize("error", [UnavailableError("no answer in time."), b"<html>"])
async def test_an_error_reaches_all_who_asked_and_not_the_next(error: Any) -> None:
    server = Server()
    blocks = blocks_of(server)
    server.answer = error
    found = await asyncio.gather(*(fresh(blocks) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in found] == [UnavailableError if isinstance(error, Exception) else WireError] * 2
    server.answer = None
    assert len(await fresh(blocks)) == 1


async def test_who_stops_waiting_spoils_no_other() -> None:
    server = Server()
    blocks = blocks_of(server)
    server.go.clear()
    first, second = (asyncio.create_task(fresh(blocks)) for _ in range(2))
    await server.is_asked()
    first.cancel()
    server.go.set()
    assert handles(await second) == ["net.1"]


async def test_reads_under_way_end_with_the_bridge() -> None:
    server = Server()
    blocks = blocks_of(server)
    server.go.clear()
    waiting = asyncio.create_task(fresh(blocks))
    await server.is_asked()
    await blocks.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_not_more_blocks_are_kept_than_memory_allows() -> None:
    server = Server()
    blocks = blocks_of(server)
    ranges = islice(IPv4Network("172.16.0.0/12").subnets(new_prefix=25), MOST_KEPT + 10)
    addresses = [one.network_address for one in ranges]
    for one in addresses:
        await blocks.holding([one], POOLS, thorough=False)
    assert len([one for one in addresses if blocks.kept([one], POOLS)]) == MOST_KEPT


@pytest.mark.parametrize("size", [24, 28, 32])
async def test_a_block_of_another_size_is_found_in_the_list_and_asked_for_by_its_name_from_then_on(size: int) -> None:
    server = Server()
    blocks = blocks_of(server)
    odd = ip_network(f"172.16.0.0/{size}")
    server.all = (server.block(ip_network("172.16.9.0/25")), server.block(odd))
    server.answer = b""
    assert await fresh(blocks) == ()
    assert [one.cidr for one in await fresh(blocks, thorough=True)] == [odd]
    server.answer = json.dumps(server.block(odd)).encode()
    assert odd in {one.cidr for one in await fresh(blocks)}
    assert server.asked[-1] == f"/blocks/172-16-0-0-{size}"


async def test_the_list_is_read_once_for_all_who_lack_a_block() -> None:
    server = Server()
    blocks = blocks_of(server)
    server.answer = b""
    assert await asyncio.gather(*(fresh(blocks, thorough=True) for _ in range(5))) == [()] * 5
    assert server.asked == ["/blocks/172-16-0-0-25", "/blocks?limit=500"]
    assert blocks.exist is False


async def test_who_has_its_block_asks_for_no_list() -> None:
    server = Server()
    assert len(await fresh(blocks_of(server), thorough=True)) == 1
    assert server.asked == ["/blocks/172-16-0-0-25"]


async def test_an_address_in_no_pool_asks_for_nothing() -> None:
    server = Server()
    assert await blocks_of(server).holding([ip_address("192.0.2.1")], POOLS, thorough=True) == ()
    assert server.asked == []


async def test_many_blocks_are_listed_instead_of_read_one_by_one() -> None:
    server = Server()
    server.all = (server.block(), server.block(ip_network("172.30.0.0/25")))
    addresses = [one.network_address for one in islice(IPv4Network("172.16.0.0/12").subnets(new_prefix=25), LIST_FROM)]
    assert [one.cidr for one in await blocks_of(server).holding(addresses, POOLS, thorough=False)] == [RANGE]
    assert server.asked == ["/blocks?limit=500"]


@pytest.mark.parametrize("many", [1, LIST_FROM])
async def test_what_could_be_read_by_name_counts_where_the_list_is_refused(many: int) -> None:
    server = Server()
    server.all = DeniedError("403", verb="list", resource="ipamblocks", namespace="")
    blocks = blocks_of(server)
    addresses = [one.network_address for one in islice(IPv4Network("172.16.0.0/12").subnets(new_prefix=25), many)]
    if many == 1:
        server.answer = b""
    found = await blocks.holding(addresses, POOLS, thorough=True)
    assert len(found) == (0 if many == 1 else many)
    assert blocks.refused == "may not be listed: grant the verb list on ipamblocks"


@pytest.mark.parametrize(
    ("holds", "exist"),
    [
        ((), False),
        (({"kind": "IPAMBlock", "metadata": {"name": "b"}, "spec": {"cidr": str(RANGE)}},), True),
        (({"spec": 7},), True),
        (DeniedError("403", verb="list", resource="ipamblocks", namespace=""), None),
        (StaleError("404"), None),
    ],
    ids=["none", "one", "one that cannot be read", "may not be listed", "not served"],
)
async def test_one_small_question_tells_whether_there_is_any_block(holds: Any, exist: bool | None) -> None:
    server = Server()
    server.all = holds
    blocks = blocks_of(server)
    await blocks.look()
    assert blocks.exist is exist
    assert server.asked == ["/blocks?limit=1"]
