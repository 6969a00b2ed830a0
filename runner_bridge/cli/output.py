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


def emit(text: str) -> None:
    """
    Write a result to standard output, as it is. A closed pipe is no error: later calls write nowhere.

    A character that the terminal's encoding does not have becomes `?`: an old locale is no reason to fail.

    Raises:
        SettingsError: it cannot be written, for example because the disk is full.
    """
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "replace").decode(encoding)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_quietly()
    except OSError as error:
        from runner_bridge.core.errors import SettingsError

        _close_quietly()
        message = f"standard output: cannot be written: {error.strerror}. Make room, or write elsewhere."
        raise SettingsError(message) from error


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


def _close_quietly() -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
