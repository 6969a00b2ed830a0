"""
How often GitLab is asked: a bucket that fills at a steady rate, and a count of what was asked and answered.

Everybody who asks waits in line, so that a sweep of ten thousand projects does not starve a job's question for long
but both together never ask more than was agreed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(slots=True, kw_only=True)
class Budget:
    """A token bucket on a clock that is handed in."""

    per_s: float = 1.0
    """Requests in a second, over a long time."""
    burst: int = 5
    """Requests at once after a rest."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, never set back."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    waited_s: float = 0.0
    """How long requests have waited in all."""
    _full_at: float | None = None

    async def take(self) -> None:
        """Wait until one more request is agreed; whoever comes first goes first."""
        now = self.clock()
        each_s = 1.0 / self.per_s
        # The bucket is full again at that moment; a place in line is one step further, taken before anybody waits.
        self._full_at = max(now, self._full_at or now) + each_s
        wait_s = self._full_at - now - self.burst * each_s
        if wait_s > 0:
            self.waited_s += wait_s
            await self.sleep(wait_s)

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long: GitLab said so to one of us and means all."""
        until = self.clock() + seconds + (self.burst - 1) / self.per_s
        self._full_at = max(until, self._full_at or until)


@dataclass(slots=True, kw_only=True)
class Requests:
    """What was asked so far; the metrics show it."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By endpoint and how it ended: `("project", "200")`, `("runner", "time-out")`. Both are of a small fixed set."""
    remaining: int | None = None
    """What GitLab's last answer left of its limit; None where it does not say."""

    def count(self, endpoint: str, ending: str) -> None:
        """Count one request."""
        self.counts[endpoint, ending] += 1

    @property
    def total(self) -> int:
        """How many there were, repeated ones counted again."""
        return self.counts.total()
