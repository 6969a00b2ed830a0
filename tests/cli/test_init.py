"""`runner-bridge init`: the starter policy, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_bridge.cli import run
from runner_bridge.cli.load import read_policy


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_writes_a_policy_that_loads_and_the_schema_that_its_first_line_names() -> None:
    assert run(["init", "--infra-cidr", "172.20.0.0/16", "--root-group", "acme"]) == 0
    assert Path("policy.yaml").read_text().startswith("# yaml-language-server: $schema=policy.schema.json\n")
    assert Path("policy.schema.json").read_text().startswith("{")
    assert read_policy("policy.yaml").gitlab.root_groups == ("acme",)


def test_it_says_what_comes_next(capsys: pytest.CaptureFixture[str]) -> None:
    run(["init", "-o", "mine.yaml"])
    assert "runner-bridge lint mine.yaml" in capsys.readouterr().err


def test_a_file_that_is_there_stays_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("mine")
    assert run(["init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (Path("policy.yaml").read_text(), Path("policy.schema.json").exists()) == ("mine", False)
    assert run(["init", "--force"]) == 0
    assert Path("policy.yaml").read_text() != "mine"


def test_a_schema_that_is_there_stays_without_force() -> None:
    Path("policy.schema.json").write_text("mine")
    assert run(["init"]) == 0
    assert Path("policy.schema.json").read_text() == "mine"


def test_standard_output_gets_the_policy_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("# yaml-language-server")
    assert list(Path().iterdir()) == []


def test_ranges_that_overlap_are_told_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--infra-cidr", "10.10.7.0/24"]) == 2
    told = capsys.readouterr().err
    assert "[policy-pools-overlap]" in told
    assert "is not written" in told
    assert list(Path().iterdir()) == []
