"""
Listening, within bounds: how many connections, how large a request, how long anybody may take for one.

A connection that has not sent a whole request after ten seconds is closed, however slowly it drips; so is one that is
idle for as long, and, on Linux, one that takes nothing of its answer for as long. What is no HTTP is answered with the
same problem documents as everything else.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner_bridge.ask.web.problem import problem
from runner_bridge.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.web_request import BaseRequest

IDLE_S: Final = 10.0
MOST_CONNECTIONS: Final = 128
LONGEST_LINE: Final = 4096
LONGEST_FIELD: Final = 4096
MOST_FIELDS: Final = 64
_END_S: Final = 1.0
"""How long answers that are under way may take once the bridge ends."""


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, most: int = MOST_CONNECTIONS, idle_s: float = IDLE_S
) -> AsyncIterator[str]:
    """
    Listen for as long as the context lasts; yield the address, for example `http://127.0.0.1:8080`.

    Args:
        app: as of `make_app`.
        host: to listen on; empty: everywhere.
        port: 0: any that is free.
        most: how many connections at a time; more are closed at once.
        idle_s: how long a connection may take for a request.

    Raises:
        SettingsError: nobody can listen there.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - it is set up
    loop = asyncio.get_running_loop()

    def connected() -> asyncio.Protocol:
        if len(server.connections) >= most:
            return _TurnedAway()
        return _Connection(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None is taken for none, as AppRunner does
            keepalive_timeout=idle_s,
            lingering_time=0.0,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_FIELD,
            max_headers=MOST_FIELDS,
        )

    try:
        listening = await loop.create_server(connected, host or None, port, reuse_address=True)
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        message = f"--listen {host}:{port}: nobody can listen there: {error}. Choose another address or port."
        raise SettingsError(message) from error
    try:
        yield _address(listening.sockets[0])
    finally:
        listening.close()
        await server.shutdown(_END_S)
        await runner.cleanup()


class _Connection(web.RequestHandler):
    """A connection whose errors are problem documents; aiohttp's own would show its name, and what it choked on."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; whoever does not take what was sent is given up as whoever sends nothing."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            patience_ms = int(self.keepalive_timeout * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)

    def handle_error(
        self,
        request: BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        if status == 400:
            detail = "The request is no HTTP/1.1 that can be understood, or its line or headers are too long."
        else:
            detail = "This is a defect of the bridge."
        response = problem(status, detail)
        response.force_close()
        return response


class _TurnedAway(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - only shown
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
