"""
One session with one GitLab: budget, tokens, counting, asking again, and errors translated once.

What leaves is bytes, data, or one of `core.errors`; 404 is an answer, not an error. No exception of a library leaves,
and none stays chained: their frames and texts hold the headers that were sent.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import requests

from runner_bridge.core.errors import DeniedError, UnavailableError, WireError
from runner_bridge.core.redact import MASK, redact
from runner_bridge.ports.gitlab.graph import Graph
from runner_bridge.ports.gitlab.refusals import LostError, Refusal, translate
from runner_bridge.ports.gitlab.rest import Raw, Rest, Sent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from runner_bridge.core.errors import NeighbourError
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.ports.gitlab.budget import Budget, Requests
    from runner_bridge.ports.gitlab.refusals import Deed
    from runner_bridge.ports.gitlab.settings import Settings
    from runner_bridge.ports.gitlab.tokens import Tokens

Value = TypeVar("Value")

_TALKATIVE = ("gql", "httpx", "httpcore", "urllib3")
"""Libraries whose lines at level debug quote whole answers and headers, and with them what no log may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: 2xx, or 404."""

    status: int
    body: bytes
    following: Mapping[str, str] | None
    """The query of the next page; None: there is none."""

    @property
    def is_missing(self) -> bool:
        """GitLab has no such thing, or does not let us see it."""
        return self.status == 404


class _SettledError(Exception):
    """Carries an error past whoever would ask again."""

    def __init__(self, error: LostError) -> None:
        self.error = error


class Session:
    """
    The one session with a GitLab; `async with`.

    Args of the constructor:
        url: of the instance, without a trailing slash.
        tokens: those that there are.
        settings: time-outs and patience.
        budget: how often it may be asked.
        requests: where it is counted.
    """

    def __init__(self, url: str, *, tokens: Tokens, settings: Settings, budget: Budget, requests: Requests) -> None:
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self.url = url
        self.tokens = tokens
        self._counts = requests
        self._settings = settings
        self._budget = budget
        self._rest = Rest(url, settings)
        self._graph = Graph(url, settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rest.close()
        await self._graph.close()

    async def rest(
        self,
        method: str,
        path: str,
        *,
        deed: Deed,
        purpose: Purpose,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        repeat: bool = True,
    ) -> Answer:
        """
        Ask over REST, and ask again while GitLab is not available.

        Args:
            method: `get`, `post`, `put`, `delete`.
            path: below `/api/v4`.
            deed: how messages and counters call it.
            purpose: which token it goes with.
            params: of the query.
            body: what is sent.
            repeat: False: it is not sent again once it may have been carried out.

        Raises:
            UnavailableError: it stayed unavailable; `LostError` where the request may have been carried out.
            DeniedError: 401 (also with a fresh token) or 403.
            StaleError: 409 or 410.
            InvalidError: any other refusal.
            SettingsError: the token cannot be read.
        """
        sent = Sent(method=method, path=path, params=params or {}, body=body)

        async def once(token: str) -> Answer:
            raw = await self._rest.send(sent, token)
            self._note(raw.headers)
            if raw.status // 100 != 2 and raw.status != 404:
                # An administrator can give tokens any prefix, so that no pattern knows ours where it is quoted back.
                body = raw.body.replace(token.encode(), MASK.encode())
                raise self._refused(Raw(status=raw.status, body=body, headers=raw.headers), deed, purpose)
            self._counts.count(deed.endpoint, str(raw.status))
            return Answer(status=raw.status, body=raw.body, following=raw.following)

        return await self._persist(once, deed=deed, purpose=purpose, repeat=repeat)

    async def graph(self, query: str, *, deed: Deed, purpose: Purpose) -> Mapping[str, object]:
        """
        Ask over GraphQL; every question of ours may be repeated. Returns what stands under `data`.

        Raises:
            WireError: GitLab does not understand the question: a version that is not supported.
            and whatever `rest` raises.
        """

        async def once(token: str) -> Mapping[str, object]:
            replied = await self._graph.ask(query, token)
            self._note(replied.headers)
            if replied.status != 200:
                body = "; ".join(replied.errors).replace(token, MASK).encode()
                raise self._refused(Raw(status=replied.status, body=body, headers=replied.headers), deed, purpose)
            if replied.data is None:
                self._counts.count(deed.endpoint, "unreadable")
                raise self._complaint("; ".join(replied.errors).replace(token, MASK), deed)
            self._counts.count(deed.endpoint, "200")
            return replied.data

        return await self._persist(once, deed=deed, purpose=purpose, repeat=True)

    def subject(self, deed: Deed) -> str:
        """Return how messages name a request."""
        return f"{self.url}: {deed}"

    async def _persist(
        self, once: Callable[[str], Awaitable[Value]], *, deed: Deed, purpose: Purpose, repeat: bool
    ) -> Value:
        """Ask, with a token that is fresh, and again as long as that may help."""

        async def attempt() -> Value:
            token = await self.tokens.read(purpose)
            try:
                try:
                    return await self._counted(once, token, deed)
                except DeniedError:
                    fresh = await self.tokens.read(purpose)
                    if fresh == token:
                        raise
                    return await self._counted(once, fresh, deed)
            except LostError as error:
                if repeat:
                    raise
                raise _SettledError(error) from None

        try:
            try:
                return await attempt()
            except UnavailableError as error:
                return await self._settings.patience.again(error, attempt)
        except _SettledError as settled:
            raise settled.error from None

    async def _counted(self, once: Callable[[str], Awaitable[Value]], token: str, deed: Deed) -> Value:
        """Send one request within the budget; say in our words how it failed on the way."""
        await self._budget.take()
        try:
            return await once(token)
        except (OSError, httpx.HTTPError) as error:  # TimeoutError and those of requests are OSErrors
            ending, is_lost, reason = _failure(error)
        self._counts.count(deed.endpoint, ending)
        message = f"{self.subject(deed)}: {reason}."
        raise LostError(message) if is_lost else UnavailableError(message)

    def _refused(self, raw: Raw, deed: Deed, purpose: Purpose) -> NeighbourError:
        self._counts.count(deed.endpoint, str(raw.status))
        error = translate(
            Refusal(status=raw.status, body=raw.body, headers=raw.headers),
            deed,
            server=self.url,
            origin=self.tokens.origin(purpose),
            now=self._settings.now(),
        )
        if raw.status == 429 and isinstance(error, UnavailableError) and error.retry_after_s:
            self._budget.pause(error.retry_after_s)
        return error

    def _complaint(self, said: str, deed: Deed) -> NeighbourError | WireError:
        """Say what an answer with status 200 means that holds no data."""
        subject = self.subject(deed)
        if not said:
            message = f"{subject}: the answer is no GraphQL, expected JSON with data."
            return UnavailableError(f"{message} Is this GitLab's address, or does something in between answer?")
        said = said[:300]
        words = said.lower()
        if "timeout" in words or "timed out" in words or "internal server error" in words:
            return UnavailableError(f"{subject}: GitLab failed over it ({said}).")
        if "permission" in words or "invalid token" in words or "insufficient_scope" in words:
            message = f"{subject}: GitLab does not let us ({said}). Give the token's owner the role that this needs."
            return DeniedError(message, verb=deed.verb, resource=deed.resource)
        return WireError(f"{subject}: GitLab does not understand the question ({said}). Is this version supported?")

    def _note(self, headers: Mapping[str, str]) -> None:
        with suppress(ValueError):
            self._counts.remaining = int(headers.get("RateLimit-Remaining", ""))


def _failure(error: Exception) -> tuple[str, bool, str]:
    """Return how a request failed on the way, for the counter; whether it may have been carried out; and why."""
    match error:
        case requests.exceptions.SSLError() | requests.exceptions.ProxyError():
            kind = "TLS connection that can be trusted" if "SSL" in type(error).__name__ else "way through the proxy"
            return "unreachable", False, f"no {kind} ({_reason(error)})"
        case requests.ConnectTimeout() | httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            return "unreachable", False, f"cannot be reached ({_reason(error)})"
        case requests.TooManyRedirects():
            return "redirect", False, f"it redirects{_whither(error)}, expected an answer. Correct gitlab.url"
        case requests.Timeout() | httpx.TimeoutException() | TimeoutError():
            return "time-out", True, "no answer in time"
        case requests.ConnectionError() if "NewConnectionError" in str(error) or "NameResolutionError" in str(error):
            return "unreachable", False, f"cannot be reached ({_reason(error)})"
        case _:
            return "broken", True, "the connection broke off before the answer was complete"


def _reason(error: BaseException) -> str:
    """Return the innermost reason that says something, without secrets, addresses of objects or our own URL."""
    line: list[BaseException] = [error]
    while (deeper := line[-1].__cause__ or line[-1].__context__) is not None and deeper not in line:
        line.append(deeper)
    words = redact(str(getattr(line[-1], "strerror", None) or line[-1]))
    return " ".join(words.split())[:200] or type(line[-1]).__name__


def _whither(error: requests.TooManyRedirects) -> str:
    """Name the host that a redirect leads to; the rest of the address may hold what was sent."""
    target = urlsplit(error.response.headers.get("Location", "") if error.response is not None else "")
    return f" to {target.scheme}://{target.hostname}" if target.hostname else ""
