"""
Hooks: what GitLab posts when a job or pipeline changes, taken in at once and passed on later, as hints.

GitLab switches a hook off whose deliveries fail, for good after the fortieth. So whatever is authentic gets an empty
200 without waiting for anything: also what is of no use here, cannot be read, came twice, or finds no room. What is not
authentic gets a 401 that says nothing. Everything is right without hooks too; they make it known sooner.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn

import aiohttp
from aiohttp import http_exceptions, web

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent
from runner_bridge.core.redact import redact
from runner_bridge.core.wire import hooks
from runner_bridge.core.wire.hook_proof import Check, Doubt, begin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner_bridge.core.wire.hook_proof import Secrets

    Event = JobEvent | PipelineEvent
    Hint = Callable[[Event], Awaitable[None]]
    """Is told that something changed; may take its time."""

PATH: Final = "/hooks/gitlab"
LARGEST: Final = 25 * 1024 * 1024
"""GitLab sends no larger body."""
LARGEST_KEPT: Final = 1024 * 1024
"""Of a larger body the signature is checked, and nothing is kept: it is one of a pipeline of thousands of jobs."""
_TELL_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is kept, and how long is waited."""

    waiting: int = 1000
    """Hints that wait."""
    keys: int = 10_000
    """Deliveries that are remembered, so that one that comes again is passed over."""
    in_hand: int = 16 * 1024 * 1024
    """Bytes of bodies that are coming in, of all connections: nobody knows yet whose they are."""
    body_s: float = 10.0
    """For a body; GitLab itself waits no longer."""


USUAL: Final = Bounds()


class Result(StrEnum):
    """What became of a hook."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """Its key was seen already."""
    UNINTERESTING = "uninteresting"
    """Neither a job's nor a pipeline's."""
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    DROPPED = "dropped"
    """Too many hints wait."""
    REFUSED = "refused"
    """Not authentic."""


_WHY: Final[Mapping[Doubt, str]] = {
    Doubt.UNSIGNED: "it is not signed. Set the signing token of the hook in GitLab (19.0 or later)",
    Doubt.MALFORMED: "its signature is none of Standard Webhooks",
    Doubt.FORGED: "it is signed with another key. Set the same one in GitLab and here",
    Doubt.STALE: "it was signed with our key, but not just now: it was recorded and sent again, or the clocks differ",
    Doubt.TOKEN: "its X-Gitlab-Token is missing or another one. Set the same one in GitLab and here",
}


class Receiver:
    """
    Takes hooks in, and passes hints on while `work` runs.

    Args of the constructor:
        secrets: those of now.
        hint: is told of each change; one at a time.
        count: is told what became of each hook.
        tell: tells the log one sentence.
        now: seconds since 1970.
        bounds: how much is kept, and how long is waited.
    """

    def __init__(
        self,
        *,
        secrets: Callable[[], Secrets],
        hint: Hint,
        count: Callable[[Result], None],
        tell: Callable[[str], None],
        now: Callable[[], float] = time.time,
        bounds: Bounds = USUAL,
    ) -> None:
        self._secrets = secrets
        self._hint = hint
        self._count = count
        self._tell = tell
        self._now = now
        self._bounds = bounds
        self._in_hand = 0
        self._keys: dict[str, None] = {}
        self._waiting: dict[tuple[type, int, int], Event] = {}
        self._is_some = asyncio.Event()
        self._told: dict[Doubt, tuple[float, int]] = {}

    @property
    def waiting(self) -> int:
        """Return how many hints wait."""
        return len(self._waiting)

    async def receive(self, request: web.BaseRequest) -> web.Response:
        """Answer a hook: 200 if it is authentic, else 401; 400, 408 and 413 for what is no whole request."""
        check = begin(self._secrets(), request.headers, now=self._now())
        if isinstance(check, Doubt):
            return self._refuse(check, request)
        try:
            async with asyncio.timeout(self._bounds.body_s):
                body = await self._read(request, check)
        except TimeoutError:
            return self._broken(408)
        except (aiohttp.ClientError, http_exceptions.HttpProcessingError, web.RequestPayloadError, OSError):
            return self._broken(400)
        except _TooLargeError:
            return self._broken(413)
        if (doubt := check.end()) is not None:
            return self._refuse(doubt, request)
        self._count(self._take(body, check.key))
        return web.Response()

    async def work(self) -> NoReturn:
        """Pass hints on, until cancelled; one that fails does not keep the others."""
        while True:
            await self._is_some.wait()
            event = self._waiting.pop(next(iter(self._waiting)))
            if not self._waiting:
                self._is_some.clear()
            try:
                await self._hint(event)
            except Exception as error:  # noqa: BLE001 - a hint is never worth more than that
                self._tell(f"a hint of GitLab led to nothing: {type(error).__name__}: {redact(str(error))}")

    async def _read(self, request: web.BaseRequest, check: Check) -> bytes | None:
        """
        Read the body while it is checked, and return it; None for one that is too large to be kept.

        Raises:
            _TooLargeError: it is larger than any of GitLab's.
        """
        if (request.content_length or 0) > LARGEST:
            raise _TooLargeError
        pieces: list[bytes] | None = []
        size = kept = 0
        try:
            while piece := await request.content.readany():
                size += len(piece)
                if size > LARGEST:
                    raise _TooLargeError
                check.feed(piece)
                has_room = size <= LARGEST_KEPT and self._in_hand + len(piece) <= self._bounds.in_hand
                if pieces is not None and has_room:
                    pieces.append(piece)
                    kept += len(piece)
                    self._in_hand += len(piece)
                else:
                    pieces = None
                    self._in_hand -= kept
                    kept = 0
            return None if pieces is None else b"".join(pieces)
        finally:
            self._in_hand -= kept

    def _take(self, body: bytes | None, key: str) -> Result:
        """Keep what an authentic hook says, if it is new, and there is room."""
        if key and key in self._keys:
            return Result.DUPLICATE
        result = self._keep(body)
        if key and result is not Result.DROPPED:  # sent again, it may find room
            self._keys[key] = None
            if len(self._keys) > self._bounds.keys:
                del self._keys[next(iter(self._keys))]
        return result

    def _keep(self, body: bytes | None) -> Result:
        if body is None:
            return Result.TOO_LARGE
        try:
            event = hooks.read(body)
        except WireError:
            return Result.UNREADABLE
        if event is None:
            return Result.UNINTERESTING
        where = _where(event)
        before = self._waiting.get(where)
        if before is None and len(self._waiting) >= self._bounds.waiting:
            return Result.DROPPED
        if before is None or _is_later(event, before):
            self._waiting[where] = event
        self._is_some.set()
        return Result.ACCEPTED

    def _refuse(self, doubt: Doubt, request: web.BaseRequest) -> web.Response:
        """Say why in the log, at most once a minute for each reason, and nothing to whoever sent it."""
        self._count(Result.REFUSED)
        now = self._now()
        told_at, more = self._told.get(doubt, (None, 0))
        if told_at is not None and now - told_at < _TELL_AGAIN_S:
            self._told[doubt] = told_at, more + 1
        else:
            also = f" {more} more were refused for that since this was last said." if more else ""
            self._tell(f"a hook from {request.remote or 'somewhere'} was refused: {_WHY[doubt]}.{also}")
            self._told[doubt] = now, 0
        return _closed(401)

    def _broken(self, status: int) -> web.Response:
        self._count(Result.REFUSED)
        return _closed(status)


class _TooLargeError(Exception):
    """A body is larger than any that GitLab sends."""


def _closed(status: int) -> web.Response:
    """Answer without a word; what is left of the request is not read."""
    response = web.Response(status=status)
    response.force_close()
    return response


def _where(event: Event) -> tuple[type, int, int]:
    number = event.job_id if isinstance(event, JobEvent) else event.pipeline_id
    return type(event), event.project_id, number


def _is_later(event: Event, before: Event) -> bool:
    """Tell whether a hook is newer than one that came earlier; they overtake each other."""
    return event.at is None or before.at is None or event.at >= before.at
