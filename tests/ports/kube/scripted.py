"""A real HTTP server whose answers are written down beforehand; it keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from runner_bridge.ports.kube import Access, Cluster, Patience, open_cluster, plain_access

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping, Sequence


@dataclass(kw_only=True)
class Reply:
    """One answer; `pieces` are sent one by one, then comes `end`."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = ()
    end: str = "close"
    """Of pieces: `close` as promised, `tear` the connection, `hang` on silently."""


@dataclass(kw_only=True)
class Asked:
    """What a server was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """The replies still to give, in order (the last one again and again), and the requests so far."""

    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                body=await request.read(),
            )
        )
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if not reply.pieces:
            return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
        response = web.StreamResponse(status=reply.status)
        await response.prepare(request)
        for piece in reply.pieces:
            await response.write(piece)
            await asyncio.sleep(0.01)
        if reply.end == "tear" and request.transport is not None:
            request.transport.close()
        if reply.end == "hang":
            await asyncio.sleep(30)
        return response


def answer(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(
        status=status, body=json.dumps(value).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def refusal(code: int, reason: str = "", message: str = "", **headers: str) -> Reply:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "message": message,
    }
    return answer(status, code, **headers)


@asynccontextmanager
async def serving_app(server: web.Server, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on a free port of the loopback interface; yields the address."""
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        host, port = runner.addresses[0][:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(*replies: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """Serve the replies."""
    script = Scripted(list(replies))
    async with serving_app(web.Server(script.answer), tls) as script.url:
        yield script


@dataclass
class Naps:
    """Sleeps no time, and keeps for how long it should have."""

    taken: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@asynccontextmanager
async def cluster(
    *replies: Reply, access: Access | None = None, naps: Naps | None = None
) -> AsyncIterator[tuple[Cluster, Scripted]]:
    """A client of such a server."""
    async with serving(*replies) as script:
        patience = Patience(sleep=naps or Naps())
        async with open_cluster(access or plain_access(script.url, token="t"), patience=patience) as client:
            yield client, script
