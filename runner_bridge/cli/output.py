"""
Writing to the terminal: results on standard output, everything else on standard error.

A reader that closes the pipe early (`| head`) does not change the result, so a broken pipe is swallowed here and the
verb goes on to return its own exit code.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import Final

_lost: Final[list[str]] = []
"""Why standard output reaches nobody any more; empty as long as it does."""


def emit(text: str, *, has_to_arrive: bool = False) -> None:
    """
    Write a result to standard output, as it is. A closed pipe is no error: later calls write nowhere.

    A character that the terminal's encoding does not have becomes `?`: an old locale is no reason to fail.

    Args:
        text: what is written.
        has_to_arrive: a closed pipe is an error, now and in every later call.

    Raises:
        SettingsError: it cannot be written, for example because the disk is full.
    """
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "replace").decode(encoding)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_quietly("nobody reads it any more")
    except OSError as error:
        from runner_bridge.core.errors import SettingsError

        _close_quietly(f"cannot be written: {error.strerror}")
        message = f"standard output: cannot be written: {error.strerror}. Make room, or write elsewhere."
        raise SettingsError(message) from error
    if has_to_arrive and _lost:
        from runner_bridge.core.errors import SettingsError

        message = f"standard output: {_lost[0]}, so what is written is lost. Start it again with a reader that stays."
        raise SettingsError(message)


def note(text: str) -> None:
    """Write a line about the work (progress, warnings) to standard error."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def is_terminal() -> bool:
    """Tell whether a person reads standard output; colour only then, and never with NO_COLOR set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def width() -> int:
    """Return the columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 80


def _close_quietly(why: str) -> None:
    _lost.append(why)
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
