"""
Files of the user: read with a bound, written whole or not at all.

Every way in which a path can be wrong becomes one `SettingsError` with what to do; nobody else opens files.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner_bridge.core.errors import SettingsError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STDIN = "-"
TEXT_LIMIT_BYTES = 16 * 1024 * 1024
"""Largest file of settings that is read: a policy, a config.toml, values, manifests. Dumps have their own reader."""


def read_text(path: str, *, limit_bytes: int = TEXT_LIMIT_BYTES) -> str:
    """
    Return the text of a UTF-8 file, or of standard input for `-`; a byte order mark is dropped, line ends stay.

    Raises:
        SettingsError: it cannot be opened, is a folder, or is larger than `limit_bytes`.
        WireError: it is not UTF-8 text.
    """
    data = _read_stdin(limit_bytes) if path == STDIN else _read_file(path, limit_bytes)
    name = display_name(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = (
            f"{name}: not a text file: byte {error.start} is 0x{data[error.start]:02x}, expected UTF-8. "
            "Convert the file to UTF-8 or name another one."
        )
        raise WireError(message) from error
    if "\0" in text:
        message = f"{name}: not a text file: it holds NUL bytes. Name the text file itself, or save it as UTF-8."
        raise WireError(message)
    return text


def read_bytes(path: str, *, limit_bytes: int = TEXT_LIMIT_BYTES) -> bytes | None:
    """
    Return the bytes of a file as they are; None: there is none.

    Raises:
        SettingsError: it cannot be opened, is a folder, or is larger than `limit_bytes`.
    """
    return _read_file(path, limit_bytes) if os.path.lexists(path) else None


def display_name(path: str) -> str:
    """Return how a path is called in messages: `<stdin>` for `-`, else as it was given."""
    return "<stdin>" if path == STDIN else path


def _read_stdin(limit_bytes: int) -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        message = "<stdin>: nothing is connected to standard input. Pipe a file into it or name one."
        raise SettingsError(message)
    data = sys.stdin.buffer.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise SettingsError(_too_large("<stdin>", limit_bytes))
    return data


def _read_file(path: str, limit_bytes: int) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path("") would silently be "."
            data = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        raise SettingsError(explain_os_error(path, error)) from error
    if len(data) > limit_bytes:
        raise SettingsError(_too_large(path, limit_bytes))
    return data


def _too_large(name: str, limit_bytes: int) -> str:
    return (
        f"{name}: larger than {limit_bytes // 1024 // 1024} MiB, which no file of settings is. "
        "Check that the right file is named."
    )


def explain_os_error(path: str, error: OSError | ValueError) -> str:
    """Return one sentence on why a path cannot be used, and what to do."""
    path = path or "''"
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file. Check the name; the current folder is {_cwd()}."
    if isinstance(error, IsADirectoryError):
        return f"{path}: is a folder, expected a file. Name a file in it."
    if isinstance(error, NotADirectoryError):
        return f"{path}: a part of the path is a file, not a folder. Check the name."
    if isinstance(error, PermissionError):
        return f"{path}: permission denied. Run as a user who may access it, or change its mode."
    if isinstance(error, OSError) and error.errno == 40:  # ELOOP
        return f"{path}: symbolic links lead in a circle. Name the file itself."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path}: cannot be used: {reason[:1].lower()}{reason[1:]}. Check the path."


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "gone"


def walk(folder: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """
    Yield the files below a folder that end in one of `suffixes`, sorted; hidden ones are passed over.

    A link to a folder is not followed, so a circle of links cannot trap it.

    Raises:
        SettingsError: the folder, or one below it, cannot be listed.
    """
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError as error:
        raise SettingsError(explain_os_error(folder, error)) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from walk(str(entry), suffixes)
        elif entry.name.endswith(suffixes):
            yield str(entry)


def write_text(path: str, text: str, *, mode: int | None = None) -> None:
    """
    Write a text as `write_bytes` does.

    Raises:
        SettingsError: as `write_bytes`.
    """
    write_bytes(path, text.encode(), mode=mode)


def write_bytes(
    path: str, data: bytes, *, mode: int | None = None, last_look: Callable[[], None] | None = None
) -> None:
    """
    Replace or create a file atomically: a reader sees the old bytes or the new ones, never a part.

    A temporary file in the same folder is written, synced and renamed, so the modification time is fresh: the runner
    reloads a file only when it is newer. An existing file keeps its owner and mode; `mode` is for a new one (default
    0644).
    A link is followed, so that the file it names is replaced and not the link. `last_look` is called when everything
    is written and only the renaming is left; what it raises comes out here, and nothing has changed.

    Raises:
        SettingsError: the folder cannot be written, the owner cannot be kept, or the disk is full; the old file is
            untouched.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target) or "."  # noqa: PTH120
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=folder)  # noqa: PTH119
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            _keep_owner_and_mode(file.fileno(), target, mode)
            os.fsync(file.fileno())
        if last_look is not None:
            last_look()
        os.replace(temporary, target)  # noqa: PTH105
        temporary = ""
        _sync_folder(folder)
    except FileNotFoundError as error:
        message = f"{path}: there is no folder {os.path.dirname(path)!r}. Create it, or name another."  # noqa: PTH120
        raise SettingsError(message) from error
    except (OSError, ValueError) as error:
        raise SettingsError(explain_os_error(path, error)) from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108


def remove(path: str) -> None:
    """
    Remove a file; one that is not there is fine.

    Raises:
        SettingsError: it cannot be removed.
    """
    try:
        Path(path).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise SettingsError(explain_os_error(path, error)) from error


def check_writable(path: str) -> None:
    """
    Find out whether a file could be written, by writing and removing one beside it.

    Raises:
        SettingsError: it could not.
    """
    folder = os.path.dirname(os.path.realpath(path)) or "."  # noqa: PTH120
    try:
        handle, temporary = tempfile.mkstemp(prefix=".runner-bridge.", dir=folder)
        os.close(handle)
        os.unlink(temporary)  # noqa: PTH108
    except (OSError, ValueError) as error:
        raise SettingsError(explain_os_error(folder, error)) from error


def _keep_owner_and_mode(handle: int, target: str, mode: int | None) -> None:
    """Let a replaced file belong to whom it belonged: a runner must still be able to read its config.toml."""
    try:
        old = os.stat(target)  # noqa: PTH116
    except FileNotFoundError:
        os.fchmod(handle, 0o644 if mode is None else mode)
        return
    new = os.fstat(handle)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, old.st_mode & 0o7777)


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: str, *, mode: int = 0o777) -> None:
    """
    Create a folder and those above it; one that is there already is fine. `mode` is for a new one.

    Raises:
        SettingsError: it cannot be created, or is a file.
    """
    try:
        Path(path).mkdir(mode=mode, parents=True, exist_ok=True)
    except FileExistsError as error:
        message = f"{path}: is a file, expected a folder. Name another folder."
        raise SettingsError(message) from error
    except (OSError, ValueError) as error:
        raise SettingsError(explain_os_error(path, error)) from error
