"""A gate before a server: all passes, until the request at which a process is to be killed stands still in it."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from aiohttp import web
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")
_HOP = {"transfer-encoding", "content-length", "connection", "content-encoding", "date", "server"}


class Stop(Struct, frozen=True):
    """Where to stand still."""

    request: str
    """Regular expression of `METHOD path`."""
    number: int = 1
    """The how manieth such request."""
    is_carried_out: bool = False
    """Its answer stands still, not the request itself."""


class Gate:
    """
    Args of the constructor:
        target: the address of the server.
        stop: where to stand still; None: nowhere.
    """

    def __init__(self, target: str, stop: Stop | None) -> None:
        self.reached = threading.Event()
        self.url = ""
        self._target = target
        self._stop = stop
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._runner = self._do(self._start())

    def close(self) -> None:
        self._do(self._stop_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    async def _start(self) -> web.ServerRunner:
        self._gone = asyncio.Event()
        self._client = aiohttp.ClientSession(auto_decompress=False)
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _stop_all(self) -> None:
        self._gone.set()
        await asyncio.sleep(0.05)
        await self._runner.cleanup()
        await self._client.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        stop = self._stop
        is_here = False
        if stop is not None and re.search(stop.request, f"{request.method} {request.path}"):
            self._count += 1
            is_here = self._count == stop.number
        if is_here and stop is not None and not stop.is_carried_out:
            await self._stand_still()
            return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", *_HOP}}
        body = await request.read()
        async with self._client.request(
            request.method, self._target + request.raw_path, headers=headers, data=body, allow_redirects=False
        ) as answer:
            data = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        if is_here:
            await self._stand_still()
        return web.Response(status=answer.status, body=data, headers=kept)

    async def _stand_still(self) -> None:
        self.reached.set()
        await self._gone.wait()
