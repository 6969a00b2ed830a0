"""Blocks that overlap, and what they gave out twice; of every pool, and of none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner_bridge.core.judge.problem import Problem, quote
from runner_bridge.core.judge.waivers import Match
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.wire.packed import cidr_of, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Address, Allocation, PackedBlock
    from runner_bridge.core.occupancy.tally import Tally

MOST_PAIRS: Final = 20
"""Pairs of blocks that overlap; the rest of them have the same cause."""


def overlaps(tally: Tally, blocks: Sequence[PackedBlock]) -> Iterator[tuple[Finding, Match]]:
    """Yield findings, each with what a waiver can match. Never raises."""
    for one, two in _overlapping(blocks):
        pools = tuple(name for name in dict.fromkeys((tally.pool_of(one), tally.pool_of(two))) if name)
        nodes = sorted({quote(block.node or "no node") for block in (one, two)})
        seen = f"{cidr_of(one)} and {cidr_of(two)}"
        overlap = Problem(codes.BLOCKS_OVERLAP, seen, "ranges apart from each other")
        yield overlap.on(f"blocks of {' and '.join(nodes)}"), Match(pools=pools)
        held = [{address: _holder(entry) for address, entry in _entries(block)} for block in (one, two)]
        twice = sorted(address for address in held[0].keys() & held[1].keys() if held[0][address] != held[1][address])
        if twice:
            address = twice[0]
            more = f", and {len(twice) - 1} more" if len(twice) > 1 else ""
            text = f"{held[0][address]} and {held[1][address]}{more}"
            problem = Problem(codes.ADDRESS_GIVEN_TWICE, text, "one holder", f"The blocks {seen} overlap.")
            yield problem.on(f"address {address}"), Match(pools=pools)


def _entries(block: PackedBlock) -> Iterator[tuple[Address, Allocation]]:
    whole = unpacked(block)
    for ordinal, entry in whole.allocations.items():
        if is_held(entry):
            yield whole.cidr.network_address + ordinal, entry


def _holder(entry: Allocation) -> str:
    return quote(f"{entry.namespace}/{entry.pod}" if entry.pod else entry.use or entry.handle)


def _overlapping(blocks: Iterable[PackedBlock]) -> list[tuple[PackedBlock, PackedBlock]]:
    """Return pairs whose ranges overlap, in the order of their addresses; a sweep, not every pair."""
    found: list[tuple[PackedBlock, PackedBlock]] = []
    around: list[tuple[int, int, PackedBlock]] = []
    for version, first, prefix, block in sorted(
        ((one.version, one.first, one.prefix, one) for one in blocks), key=lambda item: item[:3]
    ):
        last = first + (1 << ((32 if version == 4 else 128) - prefix)) - 1
        around = [one for one in around if one[0] == version and one[1] >= first]
        found += [(other, block) for *_, other in around]
        around.append((version, last, block))
        if len(found) >= MOST_PAIRS:
            break
    return found[:MOST_PAIRS]


def is_held(entry: Allocation) -> bool:
    """Tell whether somebody holds what is allocated; else it cools down."""
    return entry.released_at is None and bool(entry.handle or entry.pod)
