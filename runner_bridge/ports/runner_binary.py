"""
A `gitlab-runner` on this machine, asked for its own opinion of a config.toml.

`gitlab-runner lint` exists since 19.3 (GitLab Runner, commands/lint.go), reads the file and nothing else, and needs no
network. Tokens that are references to variables must be set in the environment, which is handed on.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

NAME = "gitlab-runner"
SINCE = (19, 3)
TIMEOUT_S = 30.0

_VERSION = re.compile(r"Version:\s*v?(\d+)\.(\d+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What it said about one file."""

    accepted: bool
    text: str
    """What it wrote, without colour; empty where it accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsked:
    """Why there is no answer, and what to do; one line."""

    reason: str


def find(*, timeout_s: float = TIMEOUT_S) -> str | NotAsked:
    """Return the path of a binary that is new enough, looked up in PATH; never raises."""
    path = shutil.which(NAME)
    if path is None:
        return NotAsked(reason=f"{NAME} is not on the PATH. Install {_since()} or newer, or leave out --with-runner.")
    output = _run([path, "--version"], timeout_s)
    if isinstance(output, NotAsked):
        return output
    found = _VERSION.search(output.text)
    if found is None:
        return NotAsked(reason=f"{path} --version names no version. Put the real {NAME} first in the PATH.")
    version = int(found[1]), int(found[2])
    if version < SINCE:
        seen = f"{version[0]}.{version[1]}"
        return NotAsked(reason=f"{path} is version {seen}, which cannot lint. Install {_since()} or newer.")
    return path


def lint(path: str, text: str, *, timeout_s: float = TIMEOUT_S) -> Answer | NotAsked:
    """
    Ask the binary about a text; it sees a private copy, so that standard input can be asked about too. Never raises.

    Args:
        path: of the binary, from `find`.
        text: of a config.toml.
        timeout_s: how long to wait; then the binary is killed.
    """
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8", newline="") as copy:
            copy.write(text)
            copy.flush()
            output = _run([path, "lint", "--config", copy.name], timeout_s)
            if isinstance(output, Answer):
                output = Answer(accepted=output.accepted, text=output.text.replace(copy.name, "config.toml"))
    except OSError as error:
        return NotAsked(reason=f"no temporary file for {NAME}: {error.strerror}. Free some space or set TMPDIR.")
    return Answer(accepted=True, text="") if isinstance(output, Answer) and output.accepted else output


def _run(command: list[str], timeout_s: float) -> Answer | NotAsked:
    try:
        done = subprocess.run(  # noqa: S603 - a program of the PATH, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return NotAsked(
            reason=f"{command[0]} gave no answer within {timeout_s:g} s. Run {' '.join(command[:2])} by hand."
        )
    except OSError as error:
        return NotAsked(reason=f"{command[0]} cannot be run: {error.strerror}. Check the file and its mode.")
    text = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    return Answer(accepted=done.returncode == 0, text=_COLOUR.sub("", text).strip())


def _since() -> str:
    return f"{NAME} {SINCE[0]}.{SINCE[1]}"
