"""A server on loopback, on a free port the first time and on the same one ever after."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

HOST = "127.0.0.1"


class Listening(ABC):
    """What answers HTTP for a pretended neighbour; `port` is 0 until it has been started once."""

    def __init__(self) -> None:
        self.port = 0
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Return the address of the server."""
        return f"http://{HOST}:{self.port}"

    @property
    def is_listening(self) -> bool:
        """Tell whether it answers."""
        return self._runner is not None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen: on a free port the first time, on the same one after a `stop`."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End all connections and stop listening; what is pretended stays."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @abstractmethod
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
