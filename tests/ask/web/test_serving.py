"""Bounds that hold against whoever means ill: slow, large, many, or no HTTP at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from runner_bridge.ask.web import make_app, serve
from runner_bridge.ask.web.serving import LONGEST_FIELD, LONGEST_LINE, MOST_FIELDS
from runner_bridge.core.errors import SettingsError
from tests import make
from tests.ask.web.serving import served, sources

if TYPE_CHECKING:
    from tests.ask.web.serving import Client

IDLE_S = 0.3


async def connect(client: Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = client.url.removeprefix("http://").rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def answer_to(client: Client, request: bytes) -> tuple[int, str]:
    """Send bytes as they are; return the status of the first answer and all that came."""
    reader, writer = await connect(client)
    writer.write(request)
    await writer.drain()
    async with asyncio.timeout(5):
        text = (await reader.read()).decode()
    writer.close()
    return int(text.split()[1]), text


@pytest.mark.parametrize(
    "dripped", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"G"], ids=["nothing", "headers", "G"]
)
async def test_a_connection_without_a_whole_request_is_closed_in_time(dripped: bytes) -> None:
    async with served(idle_s=IDLE_S) as client:
        reader, writer = await connect(client)
        writer.write(dripped)
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert asyncio.get_running_loop().time() - began < IDLE_S + 2
        writer.close()


async def test_dripping_a_header_at_a_time_does_not_keep_a_connection() -> None:
    async with served(idle_s=IDLE_S) as client:
        reader, writer = await connect(client)
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        dripped = 0
        while not reader.at_eof() and dripped < 100:
            writer.write(b"X-%d: y\r\n" % dripped)
            dripped += 1
            try:
                async with asyncio.timeout(0.05):
                    await reader.read(1)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        writer.close()
    assert dripped < 100


async def test_an_idle_connection_is_closed_after_its_answer() -> None:
    async with served(idle_s=IDLE_S) as client:
        status, text = await answer_to(client, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, text.endswith("ok\n")) == (200, True)


HUGE = b"y" * (max(LONGEST_FIELD, LONGEST_LINE) + 2)


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % HUGE, id="a long line"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: %s\r\n\r\n" % HUGE, id="a long header"),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-A: y\r\n" * (MOST_FIELDS + 1) + b"\r\n", id="many headers"
        ),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS"),
        pytest.param(b"hello\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", id="a length below nothing"),
    ],
)
async def test_what_is_too_large_or_no_http_is_a_problem_document_and_the_end(request_bytes: bytes) -> None:
    async with served() as client:
        status, text = await answer_to(client, request_bytes)
    head, _, body = text.partition("\r\n\r\n")
    assert status == 400
    assert json.loads(body)["title"] == "Bad Request"
    assert "application/problem+json" in head
    assert "yyyy" not in text
    assert "aiohttp" not in text
    assert "Traceback" not in text


async def test_a_body_that_is_announced_and_never_sent_holds_nobody_up() -> None:
    async with served() as client:
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"
        status, _ = await answer_to(client, request)
    assert status == 413


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives up a connection for what it does not take")
async def test_whoever_does_not_take_the_answer_is_given_up() -> None:
    many = [make.verdict(pod=f"runner-{number}") for number in range(20_000)]
    async with served(idle_s=IDLE_S, verdicts=lambda: many) as client:
        host, _, port = client.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port))) as deaf:
            deaf.sendall(b"GET /api/v1/check HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asyncio.sleep(6)
            deaf.setblocking(False)
            taken = 0
            with contextlib.suppress(ConnectionError, BlockingIOError):
                while piece := deaf.recv(1 << 20):
                    taken += len(piece)
                    await asyncio.sleep(0.001)
    assert taken < 8_000_000  # of more than ten million


async def test_a_connection_too_many_is_closed_and_the_others_go_on() -> None:
    async with served(most=2) as client:
        held = [await connect(client) for _ in range(2)]
        await asyncio.sleep(0.05)
        reader, writer = await connect(client)
        assert await reader.read() == b""
        held[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await held[0][0].read()).startswith(b"HTTP/1.1 200")
        for one in (writer, *(each for _, each in held)):
            one.close()


async def test_closing_does_not_wait_for_idle_connections() -> None:
    began = asyncio.get_running_loop().time()
    async with served() as client:
        _, writer = await connect(client)
    writer.close()
    assert asyncio.get_running_loop().time() - began < 3


async def test_where_somebody_listens_already_nobody_else_can() -> None:
    async with served() as client:
        port = int(client.url.rpartition(":")[2])
        with pytest.raises(SettingsError, match=f"--listen 127.0.0.1:{port}: nobody can listen there"):
            async with serve(make_app(sources()), "127.0.0.1", port):
                pass


@pytest.mark.parametrize(("host", "port"), [("no such host.invalid", 0), ("127.0.0.1", 70000)])
async def test_a_place_that_is_none_is_said(host: str, port: int) -> None:
    with pytest.raises(SettingsError, match="nobody can listen there"):
        async with serve(make_app(sources()), host, port):
            pass


@pytest.mark.parametrize(("host", "shown"), [("", "http://127.0.0.1:"), ("127.0.0.2", "http://127.0.0.2:")])
async def test_the_address_can_be_followed_wherever_it_listens(host: str, shown: str) -> None:
    async with serve(make_app(sources()), host, 0) as url:
        assert url.startswith(shown)
