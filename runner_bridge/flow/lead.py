"""
Who of several bridges may write: a Lease that is renewed, watched, and given back.

Two things keep two from writing at once, whatever clocks and networks do. A Lease is taken from its holder only after
it has not changed for its whole duration on *our* clock; nothing is ever concluded from a moment that somebody else
wrote. And whoever leads stops by itself: `held` counts from before the last renewal was *sent*, and for less time than
the others wait. It is asked before each act, so that a process that was stopped and goes on does nothing any more.
After client-go, tools/leaderelection/leaderelection.go.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from runner_bridge.core.errors import DeniedError, FencedError, InvalidError, NeighbourError, StaleError, WireError
from runner_bridge.core.wire.lease import given_back, new_lease, read_lease, taken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from runner_bridge.core.wire.lease import Held


GIVE_BACK_S: Final = 0.5
"""How long to give the Lease back may take: who ends has little time, and the others only wait a little longer."""


class Leases(Protocol):
    """What reads and writes Leases: `ports.kube.Writer`."""

    async def lease(self, namespace: str, name: str) -> bytes | None:
        """Return a Lease, or None."""

    async def create_lease(self, namespace: str, body: bytes) -> bytes:
        """Create a Lease and return it."""

    async def update_lease(self, namespace: str, name: str, body: bytes) -> bytes:
        """Replace a Lease, if it still has the version in `body`, and return it."""


class Times(Struct, frozen=True, kw_only=True):
    """How long what takes, in seconds."""

    lease_s: float = 15.0
    """So long the others wait for a holder that is silent."""
    renew_s: float = 10.0
    """So long the holder holds it after a renewal was sent: less than the others wait."""
    retry_s: float = 2.0
    """Between two renewals."""
    look_s: float = 1.0
    """Between two looks of one that waits."""
    ask_s: float = 4.0
    """So long one answer may take."""


class Tools(Struct, frozen=True, kw_only=True):
    """What it is driven with; chosen by `cli`."""

    leases: Leases
    clock: Callable[[], float]
    """Seconds that only go on, also while the machine sleeps."""
    present: Callable[[], datetime]
    """For people who read the Lease."""
    pause: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]
    """A number from 0 to 1, another each time."""


class Lead:
    """
    See the module. `won`, then `lost` or `give_back`, then `won` again.

    Args of the constructor:
        namespace, name: of the Lease.
        identity: who we are; of this process alone, or a restart would take its predecessor's Lease for its own.
        tools: what it is driven with.
        times: how long what takes.
    """

    def __init__(self, namespace: str, name: str, identity: str, tools: Tools, times: Times | None = None) -> None:
        self.namespace = namespace
        self.lease_name = name
        self.identity = identity
        self.trouble = ""
        """Why it could not be read or renewed the last time; empty while all is well."""
        self._tools = tools
        self._times = times or Times()
        self._seen: Held | None = None
        self._seen_at = 0.0
        self._until: float | None = None
        """Until when we hold it; None: we do not."""
        self._has_read = False

    @property
    def name(self) -> str:
        """`namespace/name` of the Lease."""
        return f"{self.namespace}/{self.lease_name}"

    @property
    def holder(self) -> str:
        """Who held it when it was last seen; empty for nobody."""
        return self._seen.holder if self._seen is not None else ""

    @property
    def held(self) -> bool:
        """It is ours, now."""
        return self._until is not None and self._tools.clock() < self._until

    def check(self) -> None:
        """
        Ask before each write.

        Raises:
            FencedError: the Lease is not ours any more, or may not be.
        """
        if not self.held:
            message = f"lease {self.name}: it is not held (any more), so nothing is written. Whoever holds it goes on."
            raise FencedError(message)

    async def won(self) -> None:
        """
        Wait until it is ours.

        Raises:
            DeniedError, InvalidError: the first look or write is refused: a right or the namespace is missing.
        """
        while True:
            try:
                async with asyncio.timeout(self._times.ask_s):
                    if await self._take():
                        return
            except (NeighbourError, WireError, TimeoutError) as error:
                if isinstance(error, DeniedError | InvalidError) and not self._has_read:
                    raise
                self._note(error)
            await self._tools.pause(self._times.look_s * (1 + self._tools.jitter() / 5))

    async def lost(self) -> str:
        """Keep it, and return why it is not ours any more when that is so; one clause."""
        while self._until is not None:
            await self._tools.pause(min(self._times.retry_s, max(0.0, self._until - self._tools.clock())))
            left = self._until - self._tools.clock()
            if left <= 0:
                self._until = None
                return f"it could not be renewed for {self._times.renew_s:g} s ({self.trouble or 'this process stood'})"
            try:
                async with asyncio.timeout(min(self._times.ask_s, left)):
                    await self._renew()
            except (NeighbourError, WireError, TimeoutError) as error:
                self._note(error)
        return f"{self.holder or 'nobody'} holds it"

    async def give_back(self) -> None:
        """Let the next one begin at once; what it says on the way is not worth waiting for. Never raises."""
        was_ours, self._until = self.held, None
        if not was_ours or self._seen is None:
            return
        with contextlib.suppress(NeighbourError, WireError, TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S):
                body = given_back(self._seen, self._tools.present())
                self._see(await self._tools.leases.update_lease(self.namespace, self.lease_name, body))

    async def _take(self) -> bool:
        """Look, and take it where it is free; tell whether it is ours now."""
        sent_at = self._tools.clock()
        body = await self._tools.leases.lease(self.namespace, self.lease_name)
        if body is None:
            made = new_lease(self.lease_name, self.identity, self._times.lease_s, self._tools.present())
            return self._hold(await self._tools.leases.create_lease(self.namespace, made), sent_at)
        seen = self._see(body)
        if seen.holder not in ("", self.identity):
            lasts_s = seen.lasts_s or self._times.lease_s
            if self._tools.clock() - self._seen_at < lasts_s:
                self._has_read, self.trouble = True, ""
                return False
        return await self._write(seen)

    async def _renew(self) -> None:
        """Write it again; where somebody else wrote it, look who holds it."""
        assert self._seen is not None  # noqa: S101 - it is ours, so it was seen
        try:
            await self._write(self._seen)
        except StaleError:
            body = await self._tools.leases.lease(self.namespace, self.lease_name)
            if body is None or self._see(body).holder != self.identity:
                self._until = None  # removed or taken by force: whoever did it may be acting now
                if body is None:
                    self._seen = None
            else:
                await self._write(self._seen)  # somebody changed a label of it, or our own answer was lost

    async def _write(self, before: Held) -> bool:
        sent_at = self._tools.clock()
        body = taken(before, self.identity, self._times.lease_s, self._tools.present())
        return self._hold(await self._tools.leases.update_lease(self.namespace, self.lease_name, body), sent_at)

    def _hold(self, body: bytes, sent_at: float) -> bool:
        self._see(body)
        self._has_read, self.trouble = True, ""
        self._until = sent_at + self._times.renew_s
        return True

    def _see(self, body: bytes) -> Held:
        """Take note of the Lease, and of the moment at which it last changed."""
        seen = read_lease(body)
        if self._seen is None or seen.spec != self._seen.spec:
            self._seen_at = self._tools.clock()
        self._seen = seen
        return seen

    def _note(self, error: Exception) -> None:
        self.trouble = str(error).rstrip(".") or f"no answer within {self._times.ask_s:g} s"
