"""Blocks counted one by one, by pool and by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner_bridge.core.occupancy.values import NodeFill, PoolUse, Use

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_bridge.core.model.cluster import PackedBlock
    from runner_bridge.core.policy.model import Policy

MOST_NODES: Final = 3
"""Of a pool: nodes that are named, those with the most blocks."""


class Tally:
    """
    Counts blocks one by one, and keeps none of them.

    Args of the constructor:
        policy: names the pools.
    """

    def __init__(self, policy: Policy) -> None:
        self._ranges = [
            (pool.cidr.version, int(pool.cidr.network_address), int(pool.cidr.broadcast_address), str(name))
            for name, pool in policy.pools.items()
        ]
        self._counts = {name: [0, 0, 0] for *_, name in self._ranges}
        self._nodes: dict[str, dict[str, list[int]]] = {name: {} for *_, name in self._ranges}

    def pool_of(self, block: PackedBlock) -> str:
        """Return the pool that a block is cut from; empty where it is none of the policy's."""
        for version, first, last, name in self._ranges:
            if version == block.version and first <= block.first <= last:
                return name
        return ""

    def add(self, block: PackedBlock) -> None:
        """Count a block."""
        name = self.pool_of(block)
        if not name:
            return
        for position, number in enumerate((1, block.used, block.cooling)):
            self._counts[name][position] += number
        if block.node:
            of_node = self._nodes[name].setdefault(block.node, [0, 0])
            of_node[0] += 1
            of_node[1] += block.used

    def pools(self, uses: Mapping[str, Mapping[Use, int]] | None = None) -> tuple[PoolUse, ...]:
        """Return what was counted; `uses` by pool, for those that were looked into."""
        return tuple(
            PoolUse(
                pool=name,
                blocks=blocks,
                used=used,
                cooling=cooling,
                nodes=len(self._nodes[name]),
                fullest=_fullest(self._nodes[name]),
                uses=(uses or {}).get(name),
            )
            for name, (blocks, used, cooling) in self._counts.items()
        )


def _fullest(nodes: Mapping[str, Sequence[int]]) -> tuple[NodeFill, ...]:
    ordered = sorted(nodes.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return tuple(NodeFill(node, blocks, used) for node, (blocks, used) in ordered[:MOST_NODES])
