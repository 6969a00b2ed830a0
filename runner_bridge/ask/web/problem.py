"""Errors of the HTTP API: problem documents (RFC 9457), with as much as whoever asks may know."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from runner_bridge.ask.views import well_formed
from runner_bridge.ask.web.access import RefusedError
from runner_bridge.core.errors import LedgerError, NeighbourError, RunnerBridgeError, WireError
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE: Final = "application/problem+json"
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "runner-bridge",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response: nothing of it is kept, shown in a frame, or taken for something else by a browser."""

_HTTP: Final[Mapping[int, str]] = {
    404: "There is nothing here. The paths are listed in docs/reference/http.md.",
    405: "Everything here is only read: use GET or HEAD; POST is for hooks of GitLab alone.",
    413: "Nothing here reads a body: leave it out.",
}
_DEFECT: Final = "This is a defect of the bridge; its log says more."


class BusyError(RunnerBridgeError):
    """Too much is asked at the same time, or it takes too long."""

    exit_code = 3


_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="runner-bridge"'}
_STATUS: Final[tuple[tuple[type[Exception], int, Mapping[str, str]], ...]] = (
    (RefusedError, 403, {}),
    (WireError, 400, {}),
    (BusyError, 503, {"Retry-After": "2"}),
    (LedgerError, 503, {}),
    (NeighbourError, 502, {}),
)
"""Errors whose text is for whoever asks; what is none of them is a defect."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """
    Return a problem document.

    Args:
        status: of HTTP.
        detail: what was wrong with this very request and what to do; secrets are taken out here.
        headers: further ones.
    """
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": well_formed(redact(detail)),
    }
    return web.Response(
        body=msgspec.json.encode(document) + b"\n",
        status=status,
        headers={**HEADERS, **(headers or {}), "Content-Type": TYPE},
    )


def problem_of(error: Exception) -> web.Response:
    """Return what is said of an error; of one that is a defect, nothing but that."""
    if isinstance(error, web.HTTPException):
        kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        return problem(error.status, _HTTP.get(error.status, "The request cannot be answered."), kept)
    for kind, status, headers in _STATUS:
        if isinstance(error, kind):
            unknown = isinstance(error, RefusedError) and not error.known
            return problem(401, str(error), _CHALLENGE) if unknown else problem(status, str(error), headers)
    return problem(500, _DEFECT)
