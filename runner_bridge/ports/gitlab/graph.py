"""GraphQL through python-gitlab's `AsyncGraphQL`, on the loop, with time-outs and without its retries."""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gitlab
import httpx
from gql.transport import exceptions as graph_errors

from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.ports.gitlab.settings import Settings

# What httpx saw last, in the task that asks: gql keeps neither status nor headers of an answer that it does not like.
_seen: ContextVar[list[tuple[int, Mapping[str, str]]]] = ContextVar("seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """What came back: data, or errors, or neither where it is no GraphQL at all."""

    status: int
    headers: Mapping[str, str]
    data: Mapping[str, object] | None = None
    errors: tuple[str, ...] = field(default=())
    """What GitLab complains of, without secrets."""


class Graph:
    """The client; made anew when the token changes."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._settings = settings
        self._client: tuple[str, gitlab.AsyncGraphQL] | None = None

    async def ask(self, query: str, token: str) -> Replied:
        """
        Ask one question.

        Raises:
            httpx.HTTPError, OSError: it failed on the way.
            TimeoutError: the whole answer took too long.
        """
        client = await self._with(token)
        seen: list[tuple[int, Mapping[str, str]]] = []
        _seen.set(seen)
        data: Any = None
        errors: tuple[str, ...] = ()
        failure: BaseException | None = None
        async with asyncio.timeout(self._settings.whole_s):
            try:
                data = await client.execute(query)
            except graph_errors.TransportQueryError as error:
                errors = tuple(_words(one) for one in error.errors or ())
            except graph_errors.TransportConnectionFailed as error:
                failure = error.__cause__ or error
            except (gitlab.GitlabError, graph_errors.TransportError):
                pass  # the status says it, or that there are no data
        if failure is not None:
            raise failure  # out here, so that it does not lead back to itself
        status, headers = seen[-1] if seen else (200, {})
        return Replied(status=status, headers=headers, data=data if isinstance(data, dict) else None, errors=errors)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client[1].__aexit__()
            self._client = None

    async def _with(self, token: str) -> gitlab.AsyncGraphQL:
        if self._client is not None and self._client[0] == token:
            return self._client[1]
        await self.close()
        client = httpx.AsyncClient(
            headers={"User-Agent": self._settings.agent, "Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(self._settings.answer_s, connect=self._settings.connect_s),
            verify=ssl.create_default_context(cafile=self._settings.ca_file) if self._settings.ca_file else True,
            event_hooks={"response": [_see]},
        )
        graph = gitlab.AsyncGraphQL(
            self._url, client=client, max_retries=0, obey_rate_limit=False, retry_transient_errors=False
        )
        self._client = token, graph
        return graph


async def _see(response: httpx.Response) -> None:
    _seen.get().append((response.status_code, response.headers))


def _words(error: object) -> str:
    said = error.get("message", "") if isinstance(error, dict) else error
    return " ".join(redact(str(said)).split())[:300]
