"""
Calico's blocks, read on demand: the one block that can hold an address, once for all pods that ask at the same time.

No watch: each start and stop of any pod rewrites a block, and the bridge must not be a burden. A read serves only who
asked before it began, for what it answers may be older than what a later one has seen.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from runner_bridge.core.blocks import block_name
from runner_bridge.core.errors import NeighbourError, WireError
from runner_bridge.core.model.cluster import Block, Kind
from runner_bridge.core.wire.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from runner_bridge.core.model.cluster import Network

MOST_KEPT = 256
MOST_AT_ONCE = 16


class Blocks:
    """
    See the module.

    Args of the constructor:
        get: reads one object by its path; None where there is none.
        path: of the collection of IPAMBlocks.
    """

    def __init__(self, get: Callable[[str], Awaitable[bytes | None]], path: str) -> None:
        self.done = 0
        """Reads that were answered."""
        self.failed = 0
        self._get = get
        self._path = path
        self._stream = Stream(Kind.BLOCKS)
        self._kept: OrderedDict[str, tuple[int, Block]] = OrderedDict()
        self._running: dict[str, asyncio.Task[Block | None]] = {}
        self._next: dict[str, asyncio.Task[Block | None]] = {}
        self._few = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def under_way(self) -> int:
        """How many reads have begun and not ended."""
        return len(self._running)

    def kept(self, ranges: Iterable[Network]) -> tuple[Block, ...]:
        """Return the blocks of these ranges that were read before, as they were then."""
        found = (self._kept.get(block_name(one)) for one in ranges)
        return tuple(block for one in found if one is not None for block in (one[1],))

    async def fresh(self, ranges: Iterable[Network]) -> tuple[Block, ...]:
        """
        Return the blocks of these ranges as they are now; those that do not exist are left out.

        Raises:
            NeighbourError: one could not be read.
            WireError: one cannot be understood.
        """
        found = await asyncio.gather(*(self._after_now(block_name(one)) for one in ranges))
        return tuple(block for block in found if block is not None)

    async def close(self) -> None:
        """Give up the reads that are under way."""
        tasks = [*self._running.values(), *self._next.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _after_now(self, name: str) -> Block | None:
        """Join the read that begins next."""
        task = self._next.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._in_turn(name), name=f"block {name}")
            self._next[name] = task
        return await asyncio.shield(task)

    async def _in_turn(self, name: str) -> Block | None:
        if (before := self._running.get(name)) is not None:
            await asyncio.wait([before])
        async with self._few:
            task = self._next.pop(name)
            self._running[name] = task
            try:
                found = await self._read(name)
            except (NeighbourError, WireError):
                self.failed += 1
                raise
            else:
                self.done += 1
                return found
            finally:
                del self._running[name]

    async def _read(self, name: str) -> Block | None:
        body = await self._get(f"{self._path}/{name}")
        if body is None:
            self._kept.pop(name, None)
            return None
        seen = self._stream.item(body)
        before = self._kept.get(name)
        if before is not None and before[0] == seen.version:
            self._kept.move_to_end(name)
            return before[1]  # the same value, so that what was derived from it stays shared
        if not isinstance(seen.value, Block):
            return None
        self._kept[name] = (seen.version, seen.value)
        self._kept.move_to_end(name)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return seen.value
