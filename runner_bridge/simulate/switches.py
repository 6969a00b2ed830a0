"""Switches for faults: each hits the requests that match it, so many times."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Fault(Protocol):
    """What a kind of fault has to say of itself."""

    @property
    def times(self) -> int | None:
        """How many requests it hits; None for all until it is taken away."""

    def meets(self, verb: str, path: str) -> bool:
        """Tell whether it is about this request."""


F = TypeVar("F", bound=Fault)


class Faults(Generic[F]):
    """The faults that are switched on, oldest first."""

    def __init__(self) -> None:
        self._on: list[tuple[F, int]] = []

    def add(self, fault: F) -> None:
        """Switch a fault on."""
        self._on.append((fault, 0))

    def clear(self) -> None:
        """Switch all faults off."""
        self._on.clear()

    def hit(self, verb: str, path: str) -> F | None:
        """Return the first fault that this request meets, and count it."""
        for index, (fault, hits) in enumerate(self._on):
            if fault.meets(verb, path):
                if fault.times is not None and hits + 1 >= fault.times:
                    del self._on[index]
                else:
                    self._on[index] = fault, hits + 1
                return fault
        return None
