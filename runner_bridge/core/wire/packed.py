"""
Blocks where all of a cluster are kept at once: 20,000 of them, most of which nobody ever asks about.

What is counted is taken out when a block arrives; the rest is packed, and unpacked for whoever asks who holds what.
A block with 30 of its 64 addresses in use takes 14 kB as a value of the model and 3.5 kB packed; a full one 29 and 6.5
(`benchmarks/bench_blocks.py`).
"""

from __future__ import annotations

import zlib
from ipaddress import ip_network
from sys import intern
from typing import TYPE_CHECKING, Final

from msgspec.msgpack import Decoder, Encoder

from runner_bridge.core.model.cluster import PackedBlock
from runner_bridge.core.wire.calico import Attribute, BlockSpec, IPAMBlock, block_of, is_true, node_of_block, range_of

if TYPE_CHECKING:
    from runner_bridge.core.model.cluster import Block, Network

_LEVEL: Final = 1
"""The fastest; the others save 5 % and take a third longer."""
_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(BlockSpec)


def packed_of(wire: IPAMBlock) -> tuple[PackedBlock | None, str]:
    """Return the block, packed, and what of it cannot be read; None for one that is soft-deleted or has no range."""
    spec = wire.spec
    name = (wire.metadata and wire.metadata.name) or "(no name)"
    cidr, why = range_of(spec)
    if cidr is None or spec is None:
        return None, f"IPAMBlock {name}: spec.cidr {why}"
    if is_true(spec.deleted):
        return None, ""
    attributes = spec.attributes or []
    indices = [index for index in spec.allocations or () if index is not None]
    known = [attributes[index] for index in indices if 0 <= index < len(attributes)]
    cooling = sum(not _is_held(one) for one in known)
    lost = len(indices) - len(known)
    return PackedBlock(
        version=cidr.version,
        first=int(cidr.network_address),
        prefix=cidr.prefixlen,
        node=intern(node_of_block(spec)),
        used=len(indices) - cooling,
        cooling=cooling,
        body=zlib.compress(_ENCODER.encode(spec), _LEVEL),
    ), f"IPAMBlock {name}: {lost} of its addresses point at attributes that are not there" if lost else ""


def _is_held(one: Attribute) -> bool:
    return not one.released_at and bool(one.handle or (one.secondary and one.secondary.pod))


def unpacked(packed: PackedBlock) -> Block:
    """Return the block as the judge takes it."""
    block, _ = block_of(IPAMBlock(spec=_DECODER.decode(zlib.decompress(packed.body))))
    assert block is not None, "it was packed, so it has a range"  # noqa: S101 - a defect of this module
    return block


def cidr_of(packed: PackedBlock) -> Network:
    """Return its range."""
    return ip_network((packed.first.to_bytes(4 if packed.version == 4 else 16), packed.prefix))
