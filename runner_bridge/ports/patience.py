"""
How a neighbour that is not available is asked again: with jitter, and not before it says.

Only the error path pays for this: a call that succeeds at once never meets it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import tenacity

from runner_bridge.core.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A policy of asking again."""

    attempts: int = 4
    """In all, the first included."""
    first_s: float = 0.2
    """About the first wait; each next one is about twice as long."""
    longest_s: float = 30.0
    """No wait is longer; a neighbour that wants to be left alone for longer is not asked again."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits that many seconds; tests hand in their own."""

    async def again(self, error: UnavailableError, call: Callable[[], Awaitable[Value]]) -> Value:
        """
        Return what `call` gives in the end, after its first attempt failed with `error`.

        Raises:
            UnavailableError: the last one, when the attempts are used up or the neighbour wants more than `longest_s`.
        """
        failed: list[UnavailableError] = [error]

        async def resume() -> Value:
            if failed:
                raise failed.pop()
            return await call()

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(self._is_worth_waiting),
            wait=self._wait,
            stop=tenacity.stop_after_attempt(self.attempts),
            sleep=self.sleep,
            reraise=True,
        )
        return await retrying(resume)

    def _is_worth_waiting(self, error: BaseException) -> bool:
        return isinstance(error, UnavailableError) and (error.retry_after_s or 0.0) <= self.longest_s

    def _wait(self, state: tenacity.RetryCallState) -> float:
        jitter = tenacity.wait_random_exponential(multiplier=self.first_s, max=self.longest_s)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, UnavailableError) else None
        # Everybody who was refused got the same number: the jitter comes on top, or all come back together.
        return jitter if asked is None else asked + min(jitter, self.first_s)
