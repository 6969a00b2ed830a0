"""
The log of a long run: one event to a line, with key and value, as text for a person or as JSON for a collector.

An event is a kebab-case word that never changes, what differs stands in its values. Every text passes `core.redact`
on its way out, so no caller can forget it. What is logged at which level: docs/howto/run-the-bridge.md.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger, Processor

LEVELS: Final = {"debug": 10, "info": 20, "warn": 30, "error": 40}
_WORDS: Final = {"warning": "warn", "critical": "error", "exception": "error"}


class _Lines:
    """Hands each finished line on; structlog calls it by the level's name."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def msg(self, line: str) -> None:
        self._write(line)

    debug = info = warning = error = critical = msg


def open_log(
    *, write: Callable[[str], None], clock: Callable[[], datetime], level: str = "info", json_lines: bool = False
) -> FilteringBoundLogger:
    """
    Open a log.

    Args:
        write: takes a line without its end.
        clock: the present.
        level: one of `LEVELS`; what is below is dropped before it costs anything.
        json_lines: JSON, one object to a line; else text.
    """

    def stamped(_logger: object, method: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"at": clock(), "level": _WORDS.get(method, method), **values}

    processors: list[Processor] = [stamped, _redacted, _json if json_lines else _text]
    log: FilteringBoundLogger = structlog.wrap_logger(
        _Lines(write), processors=processors, wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level])
    )
    return log


def no_log() -> FilteringBoundLogger:
    """Return a log that nobody reads."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        _Lines(lambda _: None), processors=[], wrapper_class=structlog.make_filtering_bound_logger(50)
    )
    return log


def _redacted(_logger: object, _method: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _clean(one) for key, one in values.items()}


def _clean(value: object) -> object:
    match value:
        case str():
            return redact(value)
        case tuple() | list():
            return [_clean(one) for one in value]
        case BaseException():
            return redact(str(value))
        case _:
            return value


def _json(_logger: object, _method: str, values: MutableMapping[str, Any]) -> str:
    head = {"at": values["at"].isoformat(timespec="milliseconds")}
    return msgspec.json.encode({**values, **head}, enc_hook=str).decode()


def _text(_logger: object, _method: str, values: MutableMapping[str, Any]) -> str:
    at, level, event = values.pop("at"), values.pop("level"), values.pop("event")
    more = "".join(f" {key}={_quoted(one)}" for key, one in values.items())
    return f"{at:%H:%M:%S} {level:<5} {event}{more}"


def _quoted(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if text and not set(text) & set(' "=\n') else json.dumps(text, ensure_ascii=False)
