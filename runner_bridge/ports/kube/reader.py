"""The half that looks: one object, a list in pages, a watch. It cannot write, and says nothing about what it read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.errors import NotServedError, StaleError, UnavailableError
from runner_bridge.ports.kube.protocol import cut_at_error, list_head
from runner_bridge.ports.kube.session import JSON

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from runner_bridge.ports.kube.session import Session

PAGE = 500
WATCH_S = 300
GRACE_S = 15.0
"""How much longer than its own time-out a watch may be silent before it counts as dead."""

LONGEST_LINE_BYTES = 64 * 1024 * 1024
"""More without an end of line is no watch; etcd takes no object above 1.5 MB."""


class Page(Struct, frozen=True, gc=False, kw_only=True):
    """A part of a list, as it came."""

    body: bytes
    """JSON of a list object."""
    resource_version: str = ""
    """Of the list; a watch goes on from that of the last page."""
    more: bool = False
    """Another page follows."""
    remaining: int | None = None
    """How many objects follow; None where the server does not say, as with selectors."""


class Reader:
    """
    Reads one API server.

    Args of the constructor:
        session: an open one.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def server(self) -> str:
        """The address of the API server, for messages."""
        return self._session.server

    @property
    def asked(self) -> int:
        """How many reads were sent so far, by everybody who shares the session."""
        return self._session.reads

    async def get(self, path: str, *, params: Mapping[str, str] | None = None) -> bytes | None:
        """
        Return one object, or None where there is none (404).

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        answer = await self._session.ask("GET", path, params=params)
        return None if answer.status == 404 else answer.body

    async def question(self, path: str, body: bytes) -> bytes:
        """
        Return the answer to a question that is put with POST and changes nothing, such as a SelfSubjectAccessReview.

        Raises:
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
            StaleError: the API server does not know the question (404).
        """
        answer = await self._session.ask("POST", path, headers=JSON, body=body, harmless=True)
        if answer.status == 404:
            message = f"{self.server}: {path} is not served here."
            raise StaleError(message)
        return answer.body

    async def pages(
        self, path: str, *, limit: int = PAGE, label_selector: str = "", field_selector: str = ""
    ) -> AsyncGenerator[Page]:
        """
        List a collection; all pages show it at one moment.

        Raises:
            StaleError: the list took longer than the server remembers (410): begin again.
            NotServedError: the collection is not served (404).
            UnavailableError, DeniedError, InvalidError: as `Session.ask`.
        """
        params = {"limit": str(limit), **_selectors(label_selector, field_selector)}
        subject = self._session.subject(path, params)
        while True:
            answer = await self._session.ask("GET", path, params=params)
            if answer.status == 404:
                message = f"{subject}: 404, this API server does not serve it (any more). Look again what it serves."
                raise NotServedError(message)
            head = list_head(answer.body, what=subject)
            yield Page(
                body=answer.body,
                resource_version=head.resource_version or "",
                more=bool(head.continue_),
                remaining=head.remaining,
            )
            if not head.continue_:
                return
            params["continue"] = head.continue_

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout_s: int = WATCH_S,
        grace_s: float = GRACE_S,
    ) -> AsyncGenerator[bytes]:
        """
        Yield what happens to a collection from a version on, as whole lines; ends when the server's time is up.

        Each piece is one or more lines of JSON (`{"type": …, "object": …}`), ended by a line feed. Bookmarks are asked
        for; what they mean is the caller's business. Nothing is asked again here: go on from the last version seen.

        Raises:
            StaleError: the server no longer has that version (410, as its status or in the stream): list again.
            UnavailableError: the stream broke off, ended within a line, or was silent for longer than
                `timeout_s + grace_s`.
            DeniedError, InvalidError: as `Session.ask`.
        """
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(timeout_s),
            **_selectors(label_selector, field_selector),
        }
        subject = self._session.subject(path, params)
        async with self._session.stream(path, params=params, silence_s=timeout_s + grace_s) as (status, content):
            if status == 404:
                message = f"{subject}: 404, this API server does not serve it (any more). Look again what it serves."
                raise NotServedError(message)
            tail = b""
            while piece := await content.readany():
                end = piece.rfind(b"\n") + 1
                if not end:
                    tail += piece
                    if len(tail) > LONGEST_LINE_BYTES:
                        message = f"{subject}: {len(tail)} bytes without an end of line, which no watch sends."
                        raise UnavailableError(message)
                    continue
                lines, error = cut_at_error(tail + piece[:end], what=subject)
                tail = piece[end:]
                if lines:
                    yield lines
                if error is not None:
                    raise error
            if tail:
                message = f"{subject}: the stream ended within a line."
                raise UnavailableError(message)


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    chosen = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {key: text for key, text in chosen.items() if text}
