"""The recorded half of the demo shows real answers and fits 80 columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner_bridge import cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["demo", "--recorded"]) == 0
    return capsys.readouterr().out


def test_it_names_the_hole_and_the_job_that_went_through_it(shown: str) -> None:
    assert "pod_annotations_overwrite_allowed" in shown
    assert "KUBERNETES_POD_ANNOTATIONS_1: 'cni.projectcalico.org/ipv4pools=[\"default\"]'" in shown
    assert "annotation-overwritten" in shown
    assert "job 7311082" in shown


def test_it_shows_no_token(shown: str) -> None:
    assert "FAKETOKEN" not in shown


def test_it_fits_eighty_columns(shown: str) -> None:
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_the_rights_it_asks_for_are_eight_lines_at_most(shown: str) -> None:
    rights = shown.split("rules:\n")[1].split("$", maxsplit=1)[0]

    assert len(rights.splitlines()) + 1 <= 8
    assert set(re.findall(r"verbs: \[(.*)\]", rights)) == {"get, list"}


def test_it_leaves_files_that_pass_its_own_lint(shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown
    assert cli.run(["lint", "runner-bridge-demo/out/helm", "runner-bridge-demo/out/calico"]) == 0
    assert cli.run(["render", "--policy", "runner-bridge-demo/policy.yaml", "--check", "runner-bridge-demo/out"]) == 0
    capsys.readouterr()


def test_an_empty_name_is_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["demo", "--recorded", "-o", ""]) == 2
    assert "--output names nothing" in capsys.readouterr().err
