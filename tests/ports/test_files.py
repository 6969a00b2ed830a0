"""A file is read with a bound and written whole or not at all."""

from __future__ import annotations

import os
import resource
import stat
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import SettingsError, StaleError, WireError
from runner_bridge.ports import files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_byte_order_mark_is_dropped_and_line_ends_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n")

    assert files.read_text(str(path)) == "a = 1\r\n"


def loop(folder: Path) -> Path:
    path = folder / "loop"
    path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda folder: folder / "none", "no such file", id="missing"),
        pytest.param(lambda folder: folder, "is a folder, expected a file", id="folder"),
        pytest.param(loop, "symbolic links lead in a circle", id="loop"),
        pytest.param(lambda folder: folder / "a\0b", "cannot be used", id="nul-in-name"),
        pytest.param(lambda folder: folder / ("x" * 300), "file name too long", id="long-name"),
    ],
)
def test_a_path_that_cannot_be_read_is_explained(tmp_path: Path, make: object, says: str) -> None:
    path = make(tmp_path)  # type: ignore[operator]

    with pytest.raises(SettingsError, match=says):
        files.read_text(str(path))


def test_an_empty_name_is_no_file() -> None:
    with pytest.raises(SettingsError, match="'': no such file"):
        files.read_text("")


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"\xff\xfea\0", "byte 0 is 0xff, expected UTF-8"), (b"a\0b", "holds NUL bytes")],
)
def test_what_is_not_text_is_said(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "binary"
    path.write_bytes(data)

    with pytest.raises(WireError, match=says):
        files.read_text(str(path))


def test_a_file_over_the_bound_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(SettingsError, match="larger than 16 MiB"):
        files.read_text(str(path))


def test_a_walk_is_sorted_and_passes_over_hidden_files_and_links_to_folders(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.yaml").touch()
    (tmp_path / "a.yml").touch()
    (tmp_path / ".hidden.yaml").touch()
    (tmp_path / "note.md").touch()
    (tmp_path / "b" / "up").symlink_to(tmp_path)

    found = [os.path.relpath(one, tmp_path) for one in files.walk(str(tmp_path), (".yaml", ".yml"))]

    assert found == ["a.yml", "b/2.yaml"]


def test_a_folder_that_cannot_be_listed_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        list(files.walk(str(tmp_path / "none"), (".yaml",)))


def test_a_file_in_a_folder_that_is_not_there_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no folder '.*none'"):
        files.write_text(str(tmp_path / "none" / "policy.yaml"), "")


def test_a_new_file_gets_the_mode_asked_for_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"

    files.write_text(str(path), "one", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    files.write_text(str(path), "two", mode=0o600)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "two"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_replaced_file_belongs_to_whom_it_belonged(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("old")
    os.chown(path, 4711, 4712)

    files.write_text(str(path), "new")

    assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


def test_a_replaced_file_is_another_one_and_newer(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("old")
    os.utime(path, (1, 1))
    before = path.stat()

    files.write_text(str(path), "new")

    assert path.stat().st_ino != before.st_ino
    assert path.stat().st_mtime > before.st_mtime


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")

    files.write_text(str(tmp_path / "link"), "new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(SettingsError, match="file too large"):
            files.write_text(str(path), "x" * 20_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


def test_a_folder_in_the_way_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="part of the path is a file"):
        files.write_text(str(tmp_path / "file" / "x"), "text")
    with pytest.raises(SettingsError, match="is a file, expected a folder"):
        files.make_folder(str(tmp_path / "file"))


def test_bytes_are_read_as_they_are_and_nothing_is_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbfa\r\n\0")
    assert files.read_bytes(str(file)) == b"\xef\xbb\xbfa\r\n\0"
    assert files.read_bytes(str(tmp_path / "b")) is None


def test_a_last_look_that_raises_leaves_everything_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old", encoding="utf-8")

    def look() -> None:
        raise StaleError("changed.")

    with pytest.raises(StaleError):
        files.write_bytes(str(file), b"new", last_look=look)
    assert [(one.name, one.read_text(encoding="utf-8")) for one in tmp_path.iterdir()] == [("a", "old")]


def test_whether_a_file_could_be_written_is_found_out_without_a_trace(tmp_path: Path) -> None:
    files.check_writable(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError, match="no such file"):
        files.check_writable(str(tmp_path / "nowhere" / "a"))


def test_a_file_is_removed_and_one_that_is_not_there_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    files.remove(str(tmp_path / "a"))
    files.remove(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError):
        files.remove(str(tmp_path))
