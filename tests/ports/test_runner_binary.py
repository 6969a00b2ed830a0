"""A gitlab-runner on the PATH: found, too old, slow, broken. The stand-in is a script that answers as was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner_bridge.ports.runner_binary import Answer, NotAsked, find, lint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Put = Callable[[str], str]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Put a shell script as gitlab-runner first in the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def write(script: str) -> str:
        path = folder / "gitlab-runner"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


VERSION = 'if [ "$1" = --version ]; then echo "Version:      {}"; exit 0; fi'


def reason(answer: object) -> str:
    assert isinstance(answer, NotAsked)
    return answer.reason


def test_a_new_enough_binary_is_found(put: Put) -> None:
    path = put(VERSION.format("19.3.0"))
    assert find() == path


@pytest.mark.parametrize("version", ["19.2.9", "v17.11.0"])
def test_an_old_one_cannot_lint(put: Put, version: str) -> None:
    put(VERSION.format(version))
    assert "which cannot lint. Install gitlab-runner 19.3 or newer." in reason(find())


def test_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "is not on the PATH" in reason(find())


def test_a_program_of_that_name_that_is_something_else(put: Put) -> None:
    put("echo hello")
    assert "names no version" in reason(find())


def test_one_that_hangs_is_not_waited_for(put: Put) -> None:
    path = put("exec sleep 60")
    assert f"{path} gave no answer within 0.2 s" in reason(find(timeout_s=0.2))
    assert "gave no answer within 0.2 s" in reason(lint(path, "", timeout_s=0.2))


def test_one_that_cannot_be_run(tmp_path: Path) -> None:
    assert "cannot be run" in reason(lint(str(tmp_path / "gone"), ""))


def test_a_good_file_is_accepted(put: Put) -> None:
    path = put('grep -q "concurrent = 4" "$3" && echo "Configuration file is valid." >&2')
    assert lint(path, "concurrent = 4\n") == Answer(accepted=True, text="")


def test_a_refusal_comes_without_colour_and_with_the_name_of_the_file(put: Put) -> None:
    path = put('printf "\\033[31;1mFATAL: bad $3 \\033[0;m\\n" >&2; exit 1')
    assert lint(path, "") == Answer(accepted=False, text="FATAL: bad config.toml")


def test_no_room_for_the_copy(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put("exit 0")
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert "no temporary file" in reason(lint(path, ""))
