"""One answer of an API server, of a shape that may or may not be met."""

from __future__ import annotations

from typing import TypeVar

import msgspec

Shape = TypeVar("Shape")


def read_answer(body: bytes | None, kind: type[Shape]) -> Shape | None:
    """Decode an answer; None where there is none, or it is not of that shape. Never raises."""
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
