"""
Which pods show an address: one, but for a fault, so that only for the others a set is made.

Tens of thousands of addresses are kept, so by their numbers, which the addresses themselves hold already, and which
are compared faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.wire.stream import Key

_IPV4: Final = 4


class ByAddress:
    """See the module. Addresses are numbers here, as `numbers_of` gives them."""

    __slots__ = ("_more", "_one")

    def __init__(self) -> None:
        self._one: dict[int, Key] = {}
        self._more: dict[int, set[Key]] = {}
        """The others, where several show it."""

    def all(self, number: int) -> Collection[Key]:
        """Return who shows an address."""
        one = self._one.get(number)
        if one is None:
            return ()
        return (one, *self._more[number]) if number in self._more else (one,)

    def within(self, version: int, first: int, prefix: int) -> list[tuple[int, Collection[Key]]]:
        """
        Return who shows an address of a range: its distance from the first one, and the pods.

        Args:
            version: of IP.
            first: the first address, as a number that is not negative.
            prefix: length of the prefix.
        """
        size, sign = (1 << (32 - prefix), 1) if version == _IPV4 else (1 << (128 - prefix), -1)
        if size <= len(self._one):
            found = (number for number in range(first, first + size) if sign * number in self._one)
        else:  # far larger than a block is
            found = (sign * one for one in self._one if first <= sign * one < first + size)
        return [(number - first, self.all(sign * number)) for number in found]

    def add(self, number: int, key: Key) -> None:
        """Take note that a pod shows an address."""
        if self._one.setdefault(number, key) != key:
            self._more.setdefault(number, set()).add(key)

    def drop(self, number: int, key: Key) -> None:
        """Take note that a pod does not show an address any more."""
        others = self._more.get(number, set())
        others.discard(key)
        if self._one.get(number) == key:
            del self._one[number]
            if others:
                self._one[number] = others.pop()
        if not others:
            self._more.pop(number, None)


def numbers_of(pod: Pod) -> tuple[int, ...]:
    """Return every address that a pod tells of, maybe twice; the number of an IPv6 address is negative here."""
    addresses = pod.addresses
    if pod.annotated and pod.annotated is not addresses:
        addresses = (*addresses, *pod.annotated)
    return tuple([int(one) if one.version == _IPV4 else -int(one) for one in addresses])
