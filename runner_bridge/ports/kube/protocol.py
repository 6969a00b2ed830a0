"""The little of the API's own words that the port must read to work: list heads, Status, the end of a watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from runner_bridge.core.errors import StaleError, UnavailableError
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.errors import NeighbourError

LONGEST_QUOTE = 300
_ABSENT = msgspec.Raw(b"")
_ITEMS = b'"items":['
_HEAD_BYTES = 4096


class _StatusCause(Struct):
    field: str = ""


class _StatusDetails(Struct):
    causes: list[_StatusCause] | None = None
    retry_after_seconds: int | None = field(default=None, name="retryAfterSeconds")


class Status(Struct):
    """The API server's answer when it refuses; every field may be missing."""

    message: str | None = None
    reason: str | None = None
    code: int | None = None
    details: _StatusDetails | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Paths of the fields that a 422 objects to."""
        return tuple(one.field for one in (self.details.causes if self.details else None) or ())

    @property
    def is_stale(self) -> bool:
        """It says that our picture is too old to go on from."""
        return self.code == 410 or self.reason in {"Expired", "Gone"}


class ListHead(Struct):
    """`metadata` of a list."""

    resource_version: str | None = field(default=None, name="resourceVersion")
    continue_: str | None = field(default=None, name="continue")
    remaining: int | None = field(default=None, name="remainingItemCount")


class _List(Struct):
    metadata: ListHead | None = None
    items: msgspec.Raw = _ABSENT


class _Change(Struct):
    type: str | None = None
    object: msgspec.Raw = msgspec.Raw(b"{}")


_STATUS = msgspec.json.Decoder(Status)
_LIST = msgspec.json.Decoder(_List)
_CHANGE = msgspec.json.Decoder(_Change)


def status_of(body: bytes) -> Status:
    """Read a body that may be a `Status`; whatever it is, something comes back. Never raises."""
    try:
        return _STATUS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Status()


def quoted(status: Status) -> str:
    """Return the server's own words, cut and without secrets, as an end of a sentence; empty where it says nothing."""
    if not status.message:
        return ""
    line = " ".join(redact(status.message).split())
    return f" ({line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 3] + '...'})"


def list_head(body: bytes, *, what: str) -> ListHead:
    """
    Read the head of a list.

    Raises:
        UnavailableError: this is no list, for example the log-in page of something in between.
    """
    try:
        found = _quick_head(body) or _LIST.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"{what}: the answer is no list ({error}). Is this an API server, or a proxy in between?"
        raise UnavailableError(message) from error
    if found.items == _ABSENT:
        message = f"{what}: the answer is JSON without items. Is this the address of an API server?"
        raise UnavailableError(message)
    return found.metadata or ListHead()


def _quick_head(body: bytes) -> _List | None:
    """
    Read the head of a list whose head comes first, as the API server writes its own kinds, without what follows.

    A page of 500 job pods is 14 MB, and to pass over it takes as long as to read a third of its pods.
    """
    at = body.find(_ITEMS, 0, _HEAD_BYTES)
    if at < 0:
        return None
    try:
        found = _LIST.decode(body[: at + len(_ITEMS)] + b"]}")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if found.metadata else None


def cut_at_error(lines: bytes, *, what: str) -> tuple[bytes, NeighbourError | None]:
    """
    Return the whole lines before an ERROR of a watch, and that error; everything and None where there is none.

    A watch that cannot go on says so in its stream, with HTTP status 200: `{"type": "ERROR", "object": Status}`.
    """
    if b'"ERROR"' not in lines:  # also in a job's own text now and then; a full look decides
        return lines, None
    at = 0
    for line in lines.splitlines(keepends=True):
        if b'"ERROR"' in line and (status := _error_in(line)) is not None:
            if status.is_stale:
                return lines[:at], StaleError(
                    f"{what}: the API server no longer has that version{quoted(status)}. List again."
                )
            return lines[:at], UnavailableError(
                f"{what}: the API server ended the watch{quoted(status)}.", retry_after_s=retry_after({}, status)
            )
        at += len(line)
    return lines, None


def retry_after(headers: Mapping[str, str], status: Status) -> float | None:
    """Return how long the server wants to be left alone, in seconds; None where it does not say."""
    text = headers.get("Retry-After", "")
    if text.isdecimal() and len(text) < 7:
        return float(text)
    seconds = status.details.retry_after_seconds if status.details else None
    return float(seconds) if seconds else None


def _error_in(line: bytes) -> Status | None:
    try:
        change = _CHANGE.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return status_of(bytes(change.object)) if change.type == "ERROR" else None
