"""Blocks are read once for all who ask together, and never with an answer that is older than the question."""

from __future__ import annotations

import asyncio
import json
from ipaddress import IPv4Network, ip_network
from itertools import islice
from typing import Any

import pytest

from runner_bridge.core.errors import UnavailableError, WireError
from runner_bridge.flow.observe.blocks import MOST_KEPT, Blocks

RANGE = ip_network("172.16.0.0/25")


class Server:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.version = 1
        self.go = asyncio.Event()
        self.go.set()
        self.answer: Any = None

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

    def block(self) -> Any:
        meta = {"name": "b", "resourceVersion": str(self.version)}
        spec = {"cidr": str(RANGE), "allocations": [0], "attributes": [{"handle_id": f"net.{self.version}"}]}
        return {"kind": "IPAMBlock", "metadata": meta, "spec": spec}


def handles(found: Any) -> list[str]:
    return [one.allocations[0].handle for one in found]


async def test_neighbours_share_a_read() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    found = await asyncio.gather(*(blocks.fresh([RANGE]) for _ in range(5)))
    assert server.asked == ["/blocks/172-16-0-0-25"]
    assert [handles(one) for one in found] == [["net.1"]] * 5


async def test_who_asks_while_a_read_is_under_way_gets_the_next_one() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    server.go.clear()
    first = asyncio.create_task(blocks.fresh([RANGE]))
    await server.is_asked()
    server.version = 2
    later = [asyncio.create_task(blocks.fresh([RANGE])) for _ in range(3)]
    await asyncio.sleep(0.01)
    server.go.set()
    assert handles(await first) == ["net.1"]
    assert [handles(await one) for one in later] == [["net.2"]] * 3
    assert len(server.asked) == 2


async def test_an_unchanged_block_is_the_same_value() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    assert (await blocks.fresh([RANGE]))[0] is (await blocks.fresh([RANGE]))[0]
    assert blocks.kept([RANGE]) == await blocks.fresh([RANGE])
    server.version = 2
    assert handles(await blocks.fresh([RANGE])) == ["net.2"]


async def test_a_block_that_is_gone_is_forgotten() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    await blocks.fresh([RANGE])
    server.answer = b""
    assert await blocks.fresh([RANGE]) == ()
    assert blocks.kept([RANGE]) == ()


@pytest.mark.parametrize("error", [UnavailableError("no answer in time."), b"<html>"])
async def test_an_error_reaches_all_who_asked_and_not_the_next(error: Any) -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    server.answer = error
    found = await asyncio.gather(*(blocks.fresh([RANGE]) for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in found] == [UnavailableError if isinstance(error, Exception) else WireError] * 2
    server.answer = None
    assert len(await blocks.fresh([RANGE])) == 1


async def test_who_stops_waiting_spoils_no_other() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    server.go.clear()
    first, second = (asyncio.create_task(blocks.fresh([RANGE])) for _ in range(2))
    await server.is_asked()
    first.cancel()
    server.go.set()
    assert handles(await second) == ["net.1"]


async def test_reads_under_way_end_with_the_bridge() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    server.go.clear()
    waiting = asyncio.create_task(blocks.fresh([RANGE]))
    await server.is_asked()
    await blocks.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_not_more_blocks_are_kept_than_memory_allows() -> None:
    server = Server()
    blocks = Blocks(server.get, "/blocks")
    ranges = list(islice(IPv4Network("172.16.0.0/12").subnets(new_prefix=25), MOST_KEPT + 10))
    await blocks.fresh(ranges)
    assert len(blocks.kept(ranges)) == MOST_KEPT
