"""A running bridge as a neighbour: its answers over HTTP, whole and bounded, errors translated once."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import aiohttp

from runner_bridge.core.errors import DeniedError, InvalidError, SettingsError, UnavailableError
from runner_bridge.core.redact import redact

TIME_OUT_S: Final = 25.0
"""More than a bridge takes for an answer at most."""
MOST_BYTES: Final = 64 * 1024 * 1024
_STATUS: Final = "/api/v1/status"


async def read_status(url: str, *, token: str = "", time_out_s: float = TIME_OUT_S) -> bytes:
    """
    Return the status of a bridge as it was sent.

    Args:
        url: of the bridge, without a path: `http://127.0.0.1:8080`.
        token: the bearer token; empty for none.
        time_out_s: how long all of it may take.

    Raises:
        SettingsError: the address is none.
        UnavailableError: it does not answer, or not in time.
        DeniedError: it does not know who asks, or does not let us.
        InvalidError: it answers something else.
    """
    base = _base(url)
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    limit = aiohttp.ClientTimeout(total=time_out_s, connect=min(5.0, time_out_s))
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.get(f"{base}{_STATUS}", allow_redirects=False) as answer,
        ):
            body = await _whole(answer, base)
    except TimeoutError as error:
        message = f"{base}: no answer within {time_out_s:g} s. Check that the bridge runs and can be reached from here."
        raise UnavailableError(message) from error
    except aiohttp.ClientError as error:
        # The text of an error of the connector tells more of TLS than anybody asked.
        said = redact(str(getattr(error, "os_error", error))) or type(error).__name__
        message = f"{base}: cannot be asked: {said}. Check that the bridge runs and can be reached from here."
        raise UnavailableError(message) from error
    _refuse(answer.status, base, body)
    return body


def _base(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        message = f"--url {redact(url)!r} is no address of a bridge. Write http://HOST:PORT, a token with --token."
        raise SettingsError(message)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


async def _whole(answer: aiohttp.ClientResponse, base: str) -> bytes:
    """Read the body, as long as it is no larger than any status can be."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            message = f"{base}: its answer is larger than {MOST_BYTES // 2**20} MiB. That is no status of a bridge."
            raise InvalidError(message, status=answer.status)
    return bytes(body)


def _refuse(status: int, base: str, body: bytes) -> None:
    if status == 200:
        return
    said = redact(body[:300].decode("utf-8", "replace").strip())
    if status in {401, 403}:
        message = f"{base}: refused with {status}: {said}. Name a file that holds a token of yours with --token."
        raise DeniedError(message, verb="get", resource="status")
    if status >= 500 or status == 429:
        message = f"{base}: answered {status}: {said}. Ask again, or look at the bridge's log."
        raise UnavailableError(message)
    message = (
        f"{base}: answered {status} to {_STATUS}: this is no bridge, or one of another release. Check the address."
    )
    raise InvalidError(message, status=status)
