"""
Dumps of a cluster: files of any size, plain or gzip, read once and never copied.

A regular file is mapped, so its pages are the system's to drop and a dump larger than the memory limit can be read; a
pipe is read in pieces into one growing buffer. What the first bytes give away (`core.wire.sniff`) is refused before the
rest is read. A mapped file must not be cut short while it is read; a dump that is renamed into place is safe.
"""

from __future__ import annotations

import gzip
import mmap
import os
import stat
import sys
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from runner_bridge.core.errors import SettingsError, WireError
from runner_bridge.core.wire.sniff import GZIP, HEAD_BYTES, refusal
from runner_bridge.ports.files import STDIN, display_name, explain_os_error

if TYPE_CHECKING:
    from typing import Protocol

    class _Reader(Protocol):
        def read(self, size: int, /) -> bytes | None: ...


LIMIT_BYTES = 8 * 1024**3
"""Largest dump that is read from a pipe or unpacked: a guard against endless input, far above 100,000 pods."""

_MAP_FROM_BYTES = 1024**2
_PIECE_BYTES = 1024**2


def read_dump(path: str, *, want: str, limit_bytes: int = LIMIT_BYTES) -> memoryview:
    """
    Return the bytes of a dump, unpacked when it is gzip; `-` is standard input.

    Args:
        path: a file, a pipe (as from `<(kubectl …)`), or `-`.
        want: the kind of dump, a key of `core.wire.sniff.COMMANDS`, for the message that says how to make it.
        limit_bytes: the most that is read from a pipe or unpacked.

    Raises:
        SettingsError: it cannot be opened or read, or is larger than `limit_bytes`.
        WireError: its first bytes show that it is no dump, or the gzip data are damaged.
    """
    name = display_name(path)
    if path == STDIN:
        if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
            message = f"<stdin>: nothing is piped in. Pipe the output of kubectl into it or name a file for --{want}."
            raise SettingsError(message)
        return _read_open(sys.stdin.buffer, name, want, limit_bytes)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path("") would silently be "."
            return _read_open(file, name, want, limit_bytes)
    except (OSError, ValueError) as error:
        raise SettingsError(explain_os_error(path, error)) from error


def written_at(path: str) -> datetime | None:
    """Return when a file was last written; None for what is no file, and for one that cannot be looked at."""
    try:
        status = os.stat(path)  # noqa: PTH116 - Path("") would silently be "."
        return datetime.fromtimestamp(status.st_mtime, tz=UTC) if stat.S_ISREG(status.st_mode) else None
    except (OSError, ValueError, OverflowError):
        return None


def _read_open(file: BinaryIO, name: str, want: str, limit_bytes: int) -> memoryview:
    mapped = _map(file)
    if mapped is not None:
        head = bytes(mapped[:HEAD_BYTES])
        if not head.startswith(GZIP):
            _refuse(head, name, want)
            return mapped
    head = _peek(file)
    if head.startswith(GZIP):
        return _unpack(_Chain(head, file), name, want, limit_bytes)
    return _drain(_Chain(head, file), name, want, limit_bytes)


def _map(file: BinaryIO) -> memoryview | None:
    """Return the rest of a large regular file without reading it; None for everything else."""
    try:
        status = os.fstat(file.fileno())
        start = file.tell() if stat.S_ISREG(status.st_mode) else 0
    except (OSError, ValueError):  # no real file behind it
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size - start < _MAP_FROM_BYTES:
        return None
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[start:]


def _peek(file: BinaryIO) -> bytes:
    """Read until there is a head, or the input ends; a pipe may give it in small pieces."""
    head = b""
    while len(head) < HEAD_BYTES and (piece := file.read(HEAD_BYTES - len(head))):
        head += piece
    return head


class _Chain:
    """What was peeked at, then the rest, read as one; just enough of a file for `GzipFile`."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._rest.read(size)


def _unpack(packed: _Chain, name: str, want: str, limit_bytes: int) -> memoryview:
    try:
        with gzip.GzipFile(fileobj=packed, mode="rb") as plain:  # type: ignore[call-overload]  # only read() is used
            return _drain(plain, name, want, limit_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"{name}: the gzip data are damaged or cut off: {error}. Make the file again."
        raise WireError(message) from error


def _drain(source: _Reader, name: str, want: str, limit_bytes: int) -> memoryview:
    data = bytearray()
    while piece := source.read(_PIECE_BYTES):
        if not data:
            _refuse(piece[:HEAD_BYTES], name, want)
        data += piece
        if len(data) > limit_bytes:
            message = f"{name}: more than {limit_bytes / 1024**3:.3g} GiB, which no dump of pods is. Check the input."
            raise SettingsError(message)
    if not data:
        _refuse(b"", name, want)
    return memoryview(data)


def _refuse(head: bytes, name: str, want: str) -> None:
    if reason := refusal(head, name=name, want=want):
        raise WireError(reason)
