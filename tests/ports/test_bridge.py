"""A bridge as a neighbour: whatever it answers or does not, one sentence says it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from runner_bridge.ask.web import Asker, Role, Token, digest_of
from runner_bridge.core.errors import DeniedError, InvalidError, NeighbourError, SettingsError, UnavailableError
from runner_bridge.ports import bridge
from tests.ask.web.serving import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKENS = (Token(bytes.fromhex(digest_of("mine")), Asker("me", Role.VIEWER)),)


@asynccontextmanager
async def answering(raw: bytes) -> AsyncIterator[str]:
    """A server that answers everything with the same bytes, then says no more."""
    over = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        if not raw:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()


def reply(status: str, body: bytes = b"", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), len(body), headers, body)


async def test_the_answer_comes_as_it_was_sent() -> None:
    async with served(tokens=TOKENS) as client:
        body = await bridge.read_status(f"{client.url}/", token="mine")
    assert body.startswith(b"{")


async def test_a_token_that_is_not_known_is_refused_and_not_shown() -> None:
    async with served(tokens=TOKENS) as client:
        with pytest.raises(DeniedError, match=r"refused with 401: .*--token") as refused:
            await bridge.read_status(client.url, token="yours")
    assert "yours" not in str(refused.value).replace("of yours", "")


@pytest.mark.parametrize(
    ("raw", "error", "said"),
    [
        pytest.param(reply("503 No"), UnavailableError, "answered 503", id="503"),
        pytest.param(reply("429 No"), UnavailableError, "answered 429", id="429"),
        pytest.param(reply("404 No"), InvalidError, "this is no bridge", id="404"),
        pytest.param(
            reply("302 No", headers=b"Location: http://127.0.0.1:1/\r\n"), InvalidError, "answered 302", id="redirect"
        ),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", UnavailableError, "cannot be asked", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", UnavailableError, "cannot be asked", id="torn"),
        pytest.param(b"", UnavailableError, "no answer within 0.3 s", id="silent"),
    ],
)
async def test_what_is_no_answer_is_told_in_a_sentence(raw: bytes, error: type[NeighbourError], said: str) -> None:
    async with answering(raw) as url:
        with pytest.raises(error, match=said):
            await bridge.read_status(url, time_out_s=0.3)


async def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "MOST_BYTES", 1000)
    async with answering(reply("200 OK", b"x" * 5000)) as url:
        with pytest.raises(InvalidError, match="larger than"):
            await bridge.read_status(url)


async def test_where_nobody_listens_that_is_said() -> None:
    with pytest.raises(UnavailableError, match=r"^http://127.0.0.1:1: cannot be asked: .*Connect call failed"):
        await bridge.read_status("http://127.0.0.1:1")


@pytest.mark.parametrize(
    "url", ["", "bridge:8080", "ftp://x", "http://", "http://me:pw@x", "http://x/?a=1", "file:///x"]
)
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is no address of a bridge") as refused:
        await bridge.read_status(url)
    assert "me:pw" not in str(refused.value)
