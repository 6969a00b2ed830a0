"""`runner-bridge doctor --gitlab`: what the tokens are good for, and what is off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from runner_bridge.cli import run

if TYPE_CHECKING:
    import pytest

    from tests.cli.served import Served


def test_what_is_off_is_said_with_the_reason(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_BRIDGE_GITLAB_TOKEN_FILE", "token")

    assert run(["doctor", "--gitlab"]) == 0

    out = capsys.readouterr().out
    assert "token read_api         from file token; scopes read_api; of an administrator" in out
    assert "instance-runners   on" in out
    assert "create-runners     off: No token with the scope create_runner is set." in out
    assert served.token not in out


def test_a_token_that_cannot_be_used_is_a_finding(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_BRIDGE_GITLAB_TOKEN", served.token)
    monkeypatch.setenv("RUNNER_BRIDGE_GITLAB_MANAGE_TOKEN", served.token)

    assert run(["doctor", "--gitlab", "-o", "json"]) == 1

    answer = json.loads(capsys.readouterr().out)
    problems = {one["purpose"]: one["problem"] for one in answer["tokens"]}
    assert problems["read_api"] == ""
    assert "has the scopes read_api, expected manage_runner" in problems["manage_runner"]


def test_without_any_token_the_variables_are_named(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--gitlab"]) == 2
    assert "RUNNER_BRIDGE_GITLAB_MANAGE_TOKEN (manage_runner)" in capsys.readouterr().err
    assert served.server.asked == []
    assert Path("policy.yaml").exists()
