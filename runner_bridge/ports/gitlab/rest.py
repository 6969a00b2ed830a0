"""
REST through python-gitlab: each request in one of a few threads, each thread with its own connection.

The library's own retries are off: they sleep where they like, and stumble over a date in `Retry-After`. A redirect is
followed only to another path of the same server, since the token would go with it. Addresses in answers are never
followed as they are: GitLab writes its external one, which may not be ours.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import gitlab
import requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.ports.gitlab.settings import Settings

_API = "/api/v4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request."""

    method: str
    """`get`, `post`, `put`, `delete`."""
    path: str
    """Below `/api/v4`."""
    params: Mapping[str, Any]
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What came back, whatever it is."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def following(self) -> Mapping[str, str] | None:
        """The query of the next page; None: there is none."""
        for link in requests.utils.parse_header_links(self.headers.get("Link", "")):
            if link.get("rel") == "next":
                return dict(parse_qsl(urlsplit(link["url"]).query, keep_blank_values=True))
        return None


class Rest:
    """The threads, and in each a client."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._settings = settings
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="gitlab")
        self._mine = threading.local()
        self._opened: list[requests.Session] = []

    async def send(self, sent: Sent, token: str) -> Raw:
        """
        Send one request, in a thread.

        Raises:
            requests.RequestException: it failed on the way.
            TimeoutError: the whole answer took too long.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._settings.whole_s):
            return await loop.run_in_executor(self._threads, partial(self._send, sent, token))

    def close(self) -> None:
        """Let go of all connections; a request that is still under way ends with its time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for session in self._opened:
            session.close()

    def _send(self, sent: Sent, token: str) -> Raw:
        path, params = sent.path, dict(sent.params)
        try:
            return self._once(sent, path, params, token)
        except requests.TooManyRedirects as error:
            moved = self._moved(error)
            if moved is None or sent.method != "get":
                raise
            return self._once(sent, *moved, token)

    def _once(self, sent: Sent, path: str, params: dict[str, Any], token: str) -> Raw:
        client = self._client(token)
        self._mine.headers = {}
        try:
            response = client.http_request(
                sent.method,
                path,
                query_data=params,
                post_data=None if sent.body is None else dict(sent.body),
                obey_rate_limit=False,
                retry_transient_errors=False,
                max_retries=0,
            )
        except (gitlab.GitlabHttpError, gitlab.GitlabAuthenticationError) as error:
            # It keeps no headers, and a 429 says in them for how long.
            return Raw(status=error.response_code or 0, body=error.response_body or b"", headers=self._mine.headers)
        return Raw(status=response.status_code, body=response.content, headers=response.headers)

    def _client(self, token: str) -> gitlab.Gitlab:
        kept: tuple[str, gitlab.Gitlab] | None = getattr(self._mine, "client", None)
        if kept is not None and kept[0] == token:
            return kept[1]
        session = self._session() if kept is None else kept[1].session
        client = gitlab.Gitlab(
            self._url,
            private_token=token,
            timeout=(self._settings.connect_s, self._settings.answer_s),  # type: ignore[arg-type] # requests takes both
            ssl_verify=self._settings.ca_file or True,
            keep_base_url=True,
            user_agent=self._settings.agent,
            session=session,
        )
        self._mine.client = token, client
        return client

    def _session(self) -> requests.Session:
        def keep(response: requests.Response, *_: object, **__: object) -> None:
            self._mine.headers = response.headers

        session = requests.Session()
        session.max_redirects = 0
        session.hooks["response"].append(keep)
        self._opened.append(session)
        return session

    def _moved(self, error: requests.TooManyRedirects) -> tuple[str, dict[str, Any]] | None:
        """Return path and query of where a redirect leads, if that is the API; whatever host it names."""
        target = urlsplit("" if error.response is None else error.response.headers.get("Location", ""))
        base = urlsplit(self._url).path + _API
        if not target.path.startswith(f"{base}/") or ".." in unquote(target.path):
            return None
        return target.path.removeprefix(base), dict(parse_qsl(target.query, keep_blank_values=True))
