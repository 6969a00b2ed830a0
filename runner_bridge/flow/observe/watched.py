"""
Blocks that are all watched: what `Blocks` reads on demand is at hand, as long as their watch can be relied on.

Where it cannot, everything is as without it. A block that does not agree with a pod is read in either case: two watches
are never at the same moment.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from runner_bridge.core.model.cluster import PackedBlock
from runner_bridge.core.wire.packed import unpacked
from runner_bridge.flow.observe.blocks import Blocks
from runner_bridge.flow.observe.observer import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner_bridge.core.model.cluster import Address, Block, IPPool
    from runner_bridge.core.wire.stream import Seen
    from runner_bridge.flow.observe.picture import Picture
    from runner_bridge.ports.kube import Reader

MOST_UNPACKED: Final = 256


class WatchedBlocks(Blocks):
    """
    See the module.

    Args of the constructor:
        reads: the cluster.
        path: of the collection of IPAMBlocks.
        picture: of an observer that watches them.
    """

    def __init__(self, reads: Reader, path: str, picture: Picture) -> None:
        super().__init__(reads, path)
        self._picture = picture
        self._unpacked: OrderedDict[str, tuple[PackedBlock, Block]] = OrderedDict()

    @property
    def are_watched(self) -> bool:
        """Whether `kept` answers with what a block is now."""
        return not self._picture.doubt_of(BLOCKS)

    def kept(self, addresses: Collection[Address], pools: Iterable[IPPool]) -> tuple[Block, ...]:
        """Return the blocks that cover some addresses; nothing unless each of them is covered."""
        if not self.are_watched:
            return super().kept(addresses, pools)
        found: dict[str, Block] = {}
        for address in addresses:
            covering = self._picture.blocks_at(address)
            if not covering:
                return ()
            found |= {seen.key[1]: self._block(seen) for seen in covering}
        return tuple(found.values())

    async def look(self) -> None:
        """
        See whether there is any block at all.

        Raises:
            UnavailableError, InvalidError, WireError: it could not be asked.
        """
        if self.are_watched:
            self.exist = self._picture.count(BLOCKS) > 0
        else:
            await super().look()

    def _block(self, seen: Seen) -> Block:
        """Return the same value for the same block, so that what was derived from it stays shared."""
        assert isinstance(seen.value, PackedBlock)  # noqa: S101 - the picture looked
        name = seen.key[1]
        before = self._unpacked.get(name)
        if before is None or before[0] is not seen.value:
            before = self._unpacked[name] = (seen.value, unpacked(seen.value))
        self._unpacked.move_to_end(name)
        while len(self._unpacked) > MOST_UNPACKED:
            self._unpacked.popitem(last=False)
        return before[1]
