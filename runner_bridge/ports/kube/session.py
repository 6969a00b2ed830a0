"""
The session with one API server: authorization, time-outs, counting, and errors translated once.

The only place that knows aiohttp's exceptions and the server's status codes. What leaves is bytes or one of
`core.errors`; 404 is an answer, not an error.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiohttp

from runner_bridge import __version__
from runner_bridge.core.errors import DeniedError, InvalidError, StaleError, UnavailableError
from runner_bridge.core.redact import redact
from runner_bridge.ports.kube.deed import Deed, deed_of
from runner_bridge.ports.kube.protocol import quoted, retry_after, status_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from types import TracebackType

    from runner_bridge.core.errors import NeighbourError
    from runner_bridge.ports.kube.access import Access
    from runner_bridge.ports.patience import Patience

CONNECT_S = 10.0
ANSWER_S = 60.0
"""Longest time for one whole answer that is no stream; a page of 500 job pods is 13 MB."""

JSON = {"Content-Type": "application/json"}

_ANSWER = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S)
_READ_BUFFER_BYTES = 256 * 1024
_CONNECTIONS = 64
"""Most connections for requests. Streams have others: each keeps one for minutes, and requests would wait for those."""
_NO_LIMIT = 0
"""For streams: there are as many as lists are watched, two for each namespace the policy names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: 2xx, or 404."""

    status: int
    body: bytes


class Session:
    """
    The one session with an API server.

    Args of the constructor:
        access: where and as whom.
        patience: how an unavailable server is asked again; streams are not, that is their reader's business.
    """

    def __init__(self, access: Access, *, patience: Patience) -> None:
        self._access = access
        self._patience = patience
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        self.reads = 0
        """Requests so far that change nothing, a repeated one counted again."""
        self.writes = 0

    async def __aenter__(self) -> Self:
        self._requests = _client(_CONNECTIONS)
        self._streams = _client(_NO_LIMIT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in (self._streams, self._requests):
            if client is not None:
                await client.close()

    @property
    def server(self) -> str:
        """The address of the API server, for messages."""
        return self._access.server

    def subject(self, path: str, params: Mapping[str, str]) -> str:
        """Return how messages name a GET: the server, and what was asked of it."""
        return f"{self.server}: {deed_of('GET', path, params)}"

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        harmless: bool = False,
        fence: Callable[[], None] | None = None,
    ) -> Answer:
        """
        Ask, and ask again while the server is not available. Every request of this program may be repeated.

        Args:
            method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
            path: of the object or collection.
            params: of the request.
            headers: besides those of every request.
            body: what is sent.
            harmless: it changes nothing although it is no GET, and is counted as a read.
            fence: called right before it is sent, each time; what it raises comes out here.

        Raises:
            UnavailableError: it stayed unavailable.
            DeniedError: 401 (also with a fresh token) or 403.
            StaleError: 409 or 410.
            InvalidError: any other refusal.
        """
        params = params or {}

        async def once() -> Answer:
            if fence is not None:
                fence()
            if harmless or method == "GET":
                self.reads += 1
            else:
                self.writes += 1
            async with self._open(self._requests, method, path, params, _ANSWER, headers, body) as response:
                return Answer(status=response.status, body=await response.read())

        try:
            return await once()
        except UnavailableError as error:
            return await self._patience.again(error, once)

    @asynccontextmanager
    async def stream(
        self, path: str, *, params: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[tuple[int, aiohttp.StreamReader]]:
        """
        Open an answer that goes on for long; yields its status (200 or 404) and its bytes as they come.

        Args:
            path: of the collection.
            params: of the request.
            silence_s: without a byte for longer, it is dead: `UnavailableError`.

        Raises:
            UnavailableError, DeniedError, StaleError: as `ask`, also while the stream is read inside the block.
        """
        self.reads += 1
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        async with self._open(self._streams, "GET", path, params, limits) as response:
            yield response.status, response.content

    @asynccontextmanager
    async def _open(
        self,
        client: aiohttp.ClientSession | None,
        method: str,
        path: str,
        params: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send one request, once more with a fresh token after a 401; translate what goes wrong until it is read."""
        try:
            authorization = await self._access.authorization("")
            response = await self._send(client, method, path, params, limits, _signed(headers, authorization), body)
            if response.status == 401 and authorization:
                response.release()
                authorization = await self._access.authorization(authorization)
                response = await self._send(client, method, path, params, limits, _signed(headers, authorization), body)
            async with response:
                if response.status not in {200, 201, 202, 404}:
                    raise self._refusal(response, await response.read(), deed_of(method, path, params))
                yield response
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            message = f"{self.server}: {deed_of(method, path, params)}: {_reason(error)}."
            raise UnavailableError(message) from error

    async def _send(
        self,
        client: aiohttp.ClientSession | None,
        method: str,
        path: str,
        params: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> aiohttp.ClientResponse:
        assert client is not None, "the session is not open"  # noqa: S101 - a defect of ours
        return await client.request(
            method,
            self._access.server + path,
            params=params,
            headers=headers,
            data=body,
            timeout=limits,
            allow_redirects=False,
            ssl=self._access.tls or True,
            server_hostname=self._access.server_name or None,
            proxy=self._access.proxy or None,
        )

    def _refusal(self, response: aiohttp.ClientResponse, body: bytes, deed: Deed) -> NeighbourError:
        status = status_of(body)
        subject = f"{self.server}: {deed}: {response.status}"
        said = quoted(status)
        match response.status:
            case 401:
                message = f"{subject}, our credentials are not accepted{said}. Log in again, or mend the kubeconfig."
                return DeniedError(message, verb=deed.verb, resource=deed.resource, namespace=deed.namespace)
            case 403:
                message = f"{subject}, not allowed{said}. Grant the verb {deed.verb} on {deed.resource}."
                return DeniedError(message, verb=deed.verb, resource=deed.resource, namespace=deed.namespace)
            case 409 | 410:
                return StaleError(f"{subject}, the cluster has moved on{said}. Read again.")
            case 408 | 429 | 500 | 502 | 503 | 504:
                wait = retry_after(response.headers, status)
                later = "" if wait is None else f" It asks to be left alone for {wait:g} s."
                return UnavailableError(f"{subject} {response.reason}{said}.{later}", retry_after_s=wait)
            case code:
                message = f"{subject} {response.reason}{said}, expected an API server's 200."
                return InvalidError(message, status=code, fields=status.fields)


def _client(connections: int) -> aiohttp.ClientSession:
    """Return a client with at most that many connections at a time; 0: any number."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        headers={"User-Agent": f"runner-bridge/{__version__}", "Accept-Encoding": "identity"},
        read_bufsize=_READ_BUFFER_BYTES,
        trust_env=False,  # `access` has looked already; aiohttp would also take passwords from ~/.netrc
    )


def _signed(headers: Mapping[str, str] | None, authorization: str) -> dict[str, str]:
    """Return the headers of one request, with what proves who asks; without it where that is empty."""
    return {**(headers or {}), **({"Authorization": authorization} if authorization else {})}


def _reason(error: Exception) -> str:  # noqa: PLR0911 - one line per way to fail
    """Return why a request failed, as a person would say it, without secrets."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return f"no TLS connection that can be trusted ({redact(str(error.__cause__ or error))})"
        case aiohttp.ClientProxyConnectionError():
            return f"the proxy cannot be reached ({error.os_error.strerror or error.os_error})"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused: {error.status} {error.message}"
        case aiohttp.ClientConnectorError():
            return f"cannot be reached ({error.os_error.strerror or error.os_error})"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionError():
            return "the connection broke off before the answer was complete"
        case TimeoutError():
            return "no answer in time"
        case _:
            return f"failed ({type(error).__name__}: {redact(str(error))})"
