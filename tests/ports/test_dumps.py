"""Dumps from files, pipes and gzip give the same bytes; what is no dump is refused before it is read to its end."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import RunnerBridgeError, SettingsError, WireError
from runner_bridge.ports.dumps import read_dump, written_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = b'{"kind": "List", "items": []}\n'
LARGE = b'{"kind": "List", "items": [' + b" " * 3_000_000 + b"]}\n"


class Piped(io.StringIO):
    """Standard input with bytes behind it."""

    def __init__(self, raw: io.BufferedIOBase) -> None:
        super().__init__()
        self._raw = raw

    @property
    def buffer(self) -> Any:
        return self._raw


def from_file(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    return bytes(read_dump(str(path), want="pods"))


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_gives_its_bytes_packed_or_not(tmp_path: Path, data: bytes, pack: Callable[[bytes], bytes]) -> None:
    assert from_file(tmp_path / "pods.json", pack(data)) == data


def test_gzip_of_several_parts_is_one_dump(tmp_path: Path) -> None:
    assert from_file(tmp_path / "x", gzip.compress(SMALL) + gzip.compress(SMALL)) == SMALL * 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input_gives_its_bytes(monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(pack(LARGE))))
    assert bytes(read_dump("-", want="pods")) == LARGE


def test_standard_input_that_is_a_file_is_read_from_where_it_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "pods.json"
    path.write_bytes(b"skipped\n" + LARGE)
    with path.open("rb") as file:
        file.readline()
        monkeypatch.setattr(sys, "stdin", Piped(file))
        assert bytes(read_dump("-", want="pods")) == LARGE


def test_a_pipe_that_writes_slowly_gives_all_its_bytes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for start in range(0, len(SMALL), 7):
                file.write(SMALL[start : start + 7])

    writer = threading.Thread(target=write)
    writer.start()
    assert bytes(read_dump(str(pipe), want="pods")) == SMALL
    writer.join()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty, expected JSON"),
        (b"<html>" + b" " * 2_000_000, "a web page"),
        (gzip.compress(b"\0" * 10_000), "binary data"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(LARGE)[:1000], "the gzip data are damaged or cut off"),
        (gzip.compress(SMALL)[:-8] + b"\0" * 8, "the gzip data are damaged or cut off"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 100, "the gzip data are damaged or cut off"),
        (gzip.compress(SMALL) + b"garbage", "the gzip data are damaged or cut off"),
    ],
    ids=["nothing", "web-page", "packed-binary", "packed-nothing", "cut-off", "wrong-sum", "no-data", "garbage-behind"],
)
def test_what_is_no_dump_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=r"pods\.json: ") as refused:
        from_file(tmp_path / "pods.json", data)
    assert words in str(refused.value)


def test_endless_input_is_refused_by_its_first_bytes() -> None:
    with pytest.raises(WireError, match="binary data"):
        read_dump("/dev/zero", want="pods")


def test_input_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packed = tmp_path / "bomb.gz"
    packed.write_bytes(gzip.compress(LARGE))
    with pytest.raises(SettingsError, match=r"bomb\.gz: more than 0.00195 GiB"):
        read_dump(str(packed), want="pods", limit_bytes=2 * 1024**2)
    monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(LARGE)))
    with pytest.raises(SettingsError, match="<stdin>: more than"):
        read_dump("-", want="pods", limit_bytes=2 * 1024**2)


def test_a_path_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (str(tmp_path / "none"), str(tmp_path), str(loop), "", "a\0b"):
        with pytest.raises(SettingsError):
            read_dump(path, want="pods")


def test_standard_input_with_nothing_behind_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Piped(io.BytesIO(SMALL))
    closed.close()
    terminal = Piped(io.BytesIO(SMALL))
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    for stdin in (None, closed, terminal):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(RunnerBridgeError, match="nothing is piped in"):
            read_dump("-", want="pods")


def test_the_bytes_of_a_large_file_are_mapped_and_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "pods.json"
    path.write_bytes(LARGE)
    assert type(read_dump(str(path), want="pods").obj).__name__ == "mmap"


def test_a_large_packed_file_is_unpacked(tmp_path: Path) -> None:
    data = b'{"a": "' + os.urandom(1_500_000).hex().encode() + b'"}'
    packed = gzip.compress(data, 1)
    assert len(packed) > 1024**2
    assert from_file(tmp_path / "pods.json.gz", packed) == data


def test_only_a_file_has_a_time_of_writing(tmp_path: Path) -> None:
    path = tmp_path / "pods.json"
    path.write_bytes(SMALL)
    os.utime(path, (0, 0))
    assert written_at(str(path)) == datetime(1970, 1, 1, tzinfo=UTC)
    for other in (str(tmp_path), str(tmp_path / "none"), "a\0b", "/dev/null"):
        assert written_at(other) is None
