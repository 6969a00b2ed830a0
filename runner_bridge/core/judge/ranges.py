"""Which ranges cover an address: exact for overlapping ranges too, one dictionary look-up per prefix length in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model.cluster import Address, Network

T = TypeVar("T")


class RangeMap(Generic[T]):
    """
    Values by range, asked by address.

    Pools and blocks of one cluster use a handful of prefix lengths, so this is as fast as a bisection of sorted ranges
    and, unlike it, also right where ranges overlap, which is one of the faults to be found.
    """

    __slots__ = ("_tables",)

    def __init__(self, items: Iterable[tuple[Network, T]]) -> None:
        tables: dict[tuple[int, int], dict[int, list[T]]] = {}
        for network, value in items:
            shift = network.max_prefixlen - network.prefixlen
            table = tables.setdefault((network.version, shift), {})
            table.setdefault(int(network.network_address) >> shift, []).append(value)
        # Smallest range first.
        self._tables: dict[int, list[tuple[int, dict[int, list[T]]]]] = {4: [], 6: []}
        for (version, shift), table in sorted(tables.items(), key=lambda item: item[0]):
            self._tables[version].append((shift, table))

    def first(self, address: Address) -> T | None:
        """Return the value of the smallest range that covers `address`; None where none does."""
        number = int(address)
        for shift, table in self._tables[address.version]:
            found = table.get(number >> shift)
            if found:
                return found[0]
        return None

    def all(self, address: Address) -> list[T]:
        """Return the values of all ranges that cover `address`, smallest range first."""
        number = int(address)
        found: list[T] = []
        for shift, table in self._tables[address.version]:
            found += table.get(number >> shift, ())
        return found
