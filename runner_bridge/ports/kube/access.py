"""Where an API server is and as whom it is asked."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

TOKEN_FRESH_S = 60.0
"""A token is read again after this time; kubelets rotate the file of a service account, plugins their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One API server and our way in."""

    server: str
    """Without a slash at the end."""
    authorization: Callable[[str], Awaitable[str]]
    """Gives the header's value, empty for none. It is handed what the server has just refused, or empty text."""
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    """The name in the server's certificate, where it is not that of the address."""
    proxy: str = ""
    namespace: str = "default"
    """Of the context."""
    context: str = ""
    """Empty for in-cluster and plain access."""


def plain_access(server: str, *, token: str = "") -> Access:
    """Return access to an address with a fixed token, or without any; for a server of our own on loopback."""

    async def authorization(_refused: str) -> str:
        return f"Bearer {token}" if token else ""

    return Access(server=server.rstrip("/"), authorization=authorization)


class Credentials:
    """
    Keeps the header's value, and gets it again when it is old or was refused.

    Args of the constructor:
        load: gets a value; handed whether the one before was refused.
        value: the first one.
        clock: seconds that only grow.
    """

    def __init__(
        self, load: Callable[[bool], Awaitable[str]], value: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._value = value
        self._clock = clock
        self._read_at = clock()
        self._lock = asyncio.Lock()

    async def header(self, refused: str) -> str:
        """Return the value to send; `refused` is the one that the server has just refused, or empty."""
        async with self._lock:  # many requests are refused at once; the first gets a new token for all
            is_refused = bool(refused) and refused == self._value
            if is_refused or self._clock() - self._read_at > TOKEN_FRESH_S:
                self._value = await self._load(is_refused)
                self._read_at = self._clock()
            return self._value
