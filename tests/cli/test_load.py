"""How verbs read a policy: a file, a folder, and every way in which that fails."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from runner_bridge.cli import run
from runner_bridge.cli.load import read_policy
from runner_bridge.core.errors import SettingsError, WireError
from tests.core.policy.base import POLICY, TODAY, changed


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_read(here: Path) -> None:
    (here / "policy.yaml").write_text(POLICY)
    assert list(read_policy("policy.yaml", TODAY).tiers) == ["infra", "default"]


def test_a_file_with_byte_order_mark_and_windows_line_ends_is_the_same_policy(here: Path) -> None:
    (here / "a.yaml").write_text(POLICY)
    (here / "b.yaml").write_bytes(b"\xef\xbb\xbf" + POLICY.replace("\n", "\r\n").encode())
    assert read_policy("a.yaml", TODAY).digest == read_policy("b.yaml", TODAY).digest


def test_a_folder_is_read_in_the_order_of_names_without_hidden_files(here: Path) -> None:
    head, mark, rest = POLICY.partition("tiers:\n")
    folder = here / "policy"
    folder.mkdir()
    (folder / "20-tiers.yml").write_text(mark + rest)
    (folder / "10-pools.yaml").write_text(head)
    (folder / ".draft.yaml").write_text("nonsense")
    (folder / "README.md").write_text("nonsense")
    policy = read_policy("policy", TODAY)
    assert next(iter(policy.tiers.values())).place.file == os.path.join("policy", "20-tiers.yml")  # noqa: PTH118


def test_warnings_are_told_once_and_advice_is_not(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = changed(("2027-03-31", "2026-11-24"), ("    encapsulation: none\n    generate: false\n", ""))
    (here / "policy.yaml").write_text(text)
    read_policy("policy.yaml", TODAY)
    told = capsys.readouterr()
    assert (told.out, told.err.count("[policy-waiver-expired]"), told.err.count("advice")) == ("", 1, 0)


def test_every_problem_is_told_and_the_exit_code_is_2(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "policy.yaml").write_text(changed(("class: nat", "class: net"), ("limit: 20", "limit: x")))
    with pytest.raises(click.exceptions.Exit) as caught:
        read_policy("policy.yaml", TODAY)
    assert caught.value.exit_code == 2
    told = capsys.readouterr().err
    assert "Did you mean 'nat'?" in told
    assert told.endswith("runner-bridge: the policy has 2 errors and is not used.\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("policy.yaml", "write one with: runner-bridge init"),
        ("other.yaml", "no such file"),
        ("empty", "expected files that end in .yaml or .yml"),
        ("circle.yaml", "lead in a circle"),
        ("folder-with-circle", "lead in a circle"),
        ("folder-with-folder-of-yaml-name", "no policy in this folder"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(here: Path, path: str, said: str) -> None:
    for folder in ("empty", "folder-with-circle", "folder-with-folder-of-yaml-name/x.yaml"):
        (here / folder).mkdir(parents=True)
    for link in ("circle.yaml", "folder-with-circle/a.yaml"):
        (here / link).symlink_to(here / link)
    with pytest.raises(SettingsError, match=said):
        read_policy(path, TODAY)


def test_a_file_that_is_not_text_is_told() -> None:
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WireError, match="not a text file"):
        read_policy("binary.yaml", TODAY)


def test_the_environment_names_the_policy(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "mine.yaml").write_text(changed(("2027-03-31", "2999-01-01")))
    monkeypatch.setenv("RUNNER_BRIDGE_POLICY", "mine.yaml")
    assert run(["explain", "platform/deploy"]) == 0
