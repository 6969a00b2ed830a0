"""
Calico's blocks, read on demand: the one block that can hold an address, once for all pods that ask at the same time.

No watch: each start and stop of any pod rewrites a block, and the bridge must not be a burden. A read serves only who
asked before it began, for what it answers may be older than what a later one has seen.
Which block that is follows from the size that its pool gives its blocks now. One that was cut by another size is found
in the list of all, which is read when an address stays without a block, and asked for by its own name from then on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from runner_bridge.core.blocks import block_name, block_ranges
from runner_bridge.core.errors import DeniedError, NeighbourError, StaleError, WireError
from runner_bridge.core.model.cluster import Block, Kind
from runner_bridge.core.wire.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner_bridge.core.model.cluster import Address, IPPool, Network
    from runner_bridge.ports.kube import Reader

MOST_KEPT: Final = 256
MOST_AT_ONCE: Final = 16
LIST_FROM: Final = 200
"""From so many blocks on, listing all of them asks less of the API server than reading each."""
_MOST_ODD: Final = 4096
_ALL: Final = ""
"""Stands for the list among the names of blocks."""


class Blocks:
    """
    See the module.

    Args of the constructor:
        reads: the cluster.
        path: of the collection of IPAMBlocks.
    """

    def __init__(self, reads: Reader, path: str) -> None:
        self.exist: bool | None = None
        """Whether the cluster has any block at all, when that was seen last; None: it is not known."""
        self.refused = ""
        """Why blocks may not be listed, so that one of another size is not found; empty where they may, or need not."""
        self.done = 0
        """Reads that were answered."""
        self.failed = 0
        self._reads = reads
        self._path = path
        self._stream = Stream(Kind.BLOCKS)
        self._kept: OrderedDict[str, tuple[int, Block]] = OrderedDict()
        self._odd: dict[Network, None] = {}
        """Ranges of blocks that are not of the size of their pool."""
        self._running: dict[str, asyncio.Task[tuple[Block, ...]]] = {}
        self._next: dict[str, asyncio.Task[tuple[Block, ...]]] = {}
        self._few = asyncio.Semaphore(MOST_AT_ONCE)

    @property
    def are_watched(self) -> bool:
        """Whether `kept` answers with what a block is now, so that nothing has to be read again."""
        return False

    @property
    def under_way(self) -> int:
        """How many reads have begun and not ended."""
        return len(self._running)

    def kept(self, addresses: Collection[Address], pools: Iterable[IPPool]) -> tuple[Block, ...]:
        """Return the blocks that can hold some addresses as they were read before; nothing unless each was."""
        found = [self._kept.get(block_name(one)) for one in self._ranges(addresses, pools)]
        known = [one[1] for one in found if one is not None]
        return tuple(known) if len(known) == len(found) else ()

    async def holding(
        self, addresses: Collection[Address], pools: Iterable[IPPool], *, thorough: bool
    ) -> tuple[Block, ...]:
        """
        Return the blocks that can hold some addresses as they are now; those that do not exist are left out.

        Args:
            addresses: of pods.
            pools: of the cluster.
            thorough: where an address of a pool is left without a block, look for it in the list of all blocks.

        Raises:
            NeighbourError: one could not be read.
            WireError: one cannot be understood.
        """
        known = tuple(pools)
        ranges = self._ranges(addresses, known)
        found: tuple[Block, ...] = ()
        if len(ranges) < LIST_FROM:
            found = await self._fresh(ranges)
            if not thorough or all(_covers(found, one) for one in addresses if block_ranges((one,), known)):
                return found
        try:
            every = await self._after_now(_ALL)
        except DeniedError as error:
            self.refused = f"may not be listed: grant the verb {error.verb} on {error.resource}"
            return found or (await self._fresh(ranges) if len(ranges) >= LIST_FROM else ())
        self.refused = ""
        self._learn(every, known)
        return tuple(block for block in every if any(_covers((block,), one) for one in addresses))

    async def look(self) -> None:
        """
        See whether there is any block at all; where blocks may not be listed, that stays unknown.

        Raises:
            UnavailableError, InvalidError, WireError: it could not be asked.
        """
        try:
            async with aclosing(self._reads.pages(self._path, limit=1)) as pages:
                first = self._stream.page((await anext(pages)).body)
        except (DeniedError, StaleError):  # stale: they are not served any more
            self.exist = None
        else:
            self.exist = bool(first.seen or first.lost)

    async def close(self) -> None:
        """Give up the reads that are under way."""
        tasks = [*self._running.values(), *self._next.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ranges(self, addresses: Collection[Address], pools: Iterable[IPPool]) -> tuple[Network, ...]:
        odd = (one for one in self._odd if any(_contains(one, address) for address in addresses))
        return tuple(dict.fromkeys((*block_ranges(addresses, pools), *odd)))

    def _learn(self, blocks: Iterable[Block], pools: tuple[IPPool, ...]) -> None:
        odd = (one.cidr for one in blocks if one.cidr not in block_ranges((one.cidr.network_address,), pools))
        self._odd = dict.fromkeys(sorted(odd, key=str)[:_MOST_ODD])

    async def _fresh(self, ranges: Iterable[Network]) -> tuple[Block, ...]:
        found = await asyncio.gather(*(self._after_now(block_name(one)) for one in ranges))
        return tuple(block for blocks in found for block in blocks)

    async def _after_now(self, name: str) -> tuple[Block, ...]:
        """Join the read that begins next."""
        task = self._next.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._in_turn(name), name=f"block {name or 'list'}")
            self._next[name] = task
        return await asyncio.shield(task)

    async def _in_turn(self, name: str) -> tuple[Block, ...]:
        if (before := self._running.get(name)) is not None:
            await asyncio.wait([before])
        async with self._few:
            task = self._next.pop(name)
            self._running[name] = task
            try:
                found = await (self._read(name) if name != _ALL else self._list())
            except (NeighbourError, WireError):
                self.failed += 1
                raise
            else:
                self.done += 1
                return found
            finally:
                del self._running[name]

    async def _list(self) -> tuple[Block, ...]:
        async with aclosing(self._reads.pages(self._path)) as pages:
            found = [self._stream.page(page.body) async for page in pages]
        self.exist = any(page.seen or page.lost for page in found)
        return tuple(seen.value for page in found for seen in page.seen if isinstance(seen.value, Block))

    async def _read(self, name: str) -> tuple[Block, ...]:
        body = await self._reads.get(f"{self._path}/{name}")
        if body is None:
            self._kept.pop(name, None)
            return ()
        self.exist = True
        seen = self._stream.item(body)
        before = self._kept.get(name)
        if before is not None and before[0] == seen.version:
            self._kept.move_to_end(name)
            return (before[1],)  # the same value, so that what was derived from it stays shared
        if not isinstance(seen.value, Block):
            return ()
        self._kept[name] = (seen.version, seen.value)
        self._kept.move_to_end(name)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return (seen.value,)


def _contains(cidr: Network, address: Address) -> bool:
    return cidr.version == address.version and address in cidr


def _covers(blocks: Iterable[Block], address: Address) -> bool:
    return any(_contains(block.cidr, address) for block in blocks)
