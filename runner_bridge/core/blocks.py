"""Which blocks can hold an address, and how they are called: arithmetic, so that one is read without listing all."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model.cluster import Address, IPPool, Network

DEFAULT_SIZE = {4: 26, 6: 122}
"""Prefix length of a block where the pool names none (calico, libcalico-go/lib/clientv3/ippool.go)."""


def block_ranges(addresses: Iterable[Address], pools: Iterable[IPPool]) -> tuple[Network, ...]:
    """
    Return the ranges of the blocks that can hold some addresses, each once; an address in no pool has none.

    Source of the arithmetic: calico, libcalico-go/lib/ipam/ipam_block_reader_writer.go. Never raises.
    """
    known = tuple(pools)
    found: dict[Network, None] = {}
    for address in addresses:
        for pool in known:
            if pool.cidr.version == address.version and address in pool.cidr:
                size = max(pool.block_size or DEFAULT_SIZE[address.version], pool.cidr.prefixlen)
                found[_around(address, size)] = None
    return tuple(found)


def _around(address: Address, size: int) -> Network:
    """Return the range of a prefix length in which an address lies; numbers, because to read texts takes far longer."""
    host_bits = address.max_prefixlen - size
    first = int(address) >> host_bits << host_bits
    return IPv4Network((first, size)) if address.version == 4 else IPv6Network((first, size))


def block_name(cidr: Network) -> str:
    """
    Return the name of the block of a range (calico, libcalico-go/lib/names/cidr.go).

    >>> from ipaddress import ip_network
    >>> block_name(ip_network("172.16.12.0/25")), block_name(ip_network("fd00:10::/122"))
    ('172-16-12-0-25', 'fd00-10---122')
    """
    return str(cidr).replace(".", "-").replace(":", "-").replace("/", "-")
