"""
Two lines of pods that wait: for their labels, and for what comes after all labels, Events and deletions.

A pod stands in a line once, and is in one pair of hands at a time, so its actions keep their order. Nobody is served in
the second line while somebody waits in the first: in a burst every pod has its label before the first Event is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from runner_bridge.flow.measures import UNMEASURED, Measures

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_bridge.core.wire.stream import Key


class Lines:
    """
    See the module.

    Args of the constructor:
        measures: is told who comes, and how long each has waited.
        elapsed: seconds on a clock that only goes forward.
    """

    def __init__(self, measures: Measures = UNMEASURED, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._measures = measures
        self._elapsed = elapsed
        self._first: dict[Key, float] = {}
        """Who waits, and since when."""
        self._second: dict[Key, float] = {}
        self._busy: set[Key] = set()
        self._hands: tuple[deque[asyncio.Future[None]], ...] = (deque(), deque())
        """Who is free, of each line; one is woken for one pod."""
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """How many pods wait or are in hand."""
        return len(self._first.keys() | self._second.keys() | self._busy)

    def __contains__(self, key: Key) -> bool:
        """Tell whether a pod waits or is in hand."""
        return key in self._first or key in self._second or key in self._busy

    def add(self, key: Key, *, second: bool = False) -> None:
        """Queue a pod; one that waits already keeps its place."""
        line = self._second if second else self._first
        if key not in line:
            line[key] = self._elapsed()
            self._measures.queued()
        self._idle.clear()
        self._wake(second=second)

    async def take(self, *, second: bool = False) -> Key:
        """Wait for the pod that has waited longest and is not in hand; it is in hand until `done`."""
        while (key := self._next(second=second)) is None:
            free = asyncio.get_running_loop().create_future()
            self._hands[second].append(free)
            await free
        self._busy.add(key)
        if self._first:
            self._wake(second=False)
        elif self._second:
            self._wake(second=True)
        return key

    def done(self, key: Key) -> None:
        """Let a pod out of hand."""
        self._busy.discard(key)
        if not self._busy and not self._first and not self._second:
            self._idle.set()
        if self._first:
            self._wake(second=False)
        elif self._second:
            self._wake(second=True)

    async def drained(self) -> None:
        """Wait until nobody waits and nobody is in hand."""
        await self._idle.wait()

    def _wake(self, *, second: bool) -> None:
        hands = self._hands[second]
        while hands:
            free = hands.popleft()
            if not free.done():  # its task may have been told to end
                free.set_result(None)
                return

    def _next(self, *, second: bool) -> Key | None:
        if second and self._first:
            return None
        line = self._second if second else self._first
        key = next((key for key in line if key not in self._busy), None)
        if key is not None:
            self._measures.waited(self._elapsed() - line.pop(key))
        return key
