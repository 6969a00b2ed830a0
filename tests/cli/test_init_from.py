"""`init --from` from the command line: what is written, what is told where, and with which exit code it ends."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from runner_bridge.cli import run

SAMPLES = Path(__file__).parents[1] / "core" / "adopt" / "samples"
POOLS = ("--pool", "infraestrutura=172.16.0.0/16,nat", "--pool", "workload=10.10.0.0/16,routable")
DUMP = """\
kind: List
items:
- {kind: IPPool, metadata: {name: workload}, spec: {cidr: 10.10.0.0/16}}
- kind: IPPool
  metadata: {name: infraestrutura}
  spec: {cidr: 172.16.0.0/16, natOutgoing: true, nodeSelector: "!all()"}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test stands in a folder with what an admin has."""
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text((SAMPLES / "grown.toml").read_text(encoding="utf-8"), encoding="utf-8")
    Path("values.yaml").write_text((SAMPLES / "release.values.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    Path("pools.yaml").write_text(DUMP, encoding="utf-8")
    return tmp_path


def test_a_config_toml_becomes_a_policy_beside_its_schema_and_stays_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = Path("config.toml").read_bytes()
    assert run(["init", "--from", "config.toml", *POOLS]) == 0
    assert Path("policy.yaml").read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=policy.schema.")
    assert Path("policy.schema.json").exists()
    assert Path("config.toml").read_bytes() == before
    told = capsys.readouterr()
    assert told.out == ""
    assert 'pod_annotations_overwrite_allowed = "" (was ".*")' in told.err


def test_what_was_told_is_all_that_render_then_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--from", "config.toml", *POOLS]) == 0
    assert run(["render", "--into", "config.toml", "--write"]) == 0
    assert run(["init", "--from", "config.toml", *POOLS, "--force"]) == 0
    assert "this policy changes there nothing." in " ".join(capsys.readouterr().err.split())
    sections = tomllib.loads(Path("config.toml").read_text(encoding="utf-8"))["runners"]
    assert [one["token"][-11:] for one in sections] == ["FAKETOKEN00"] * 4


def test_pools_of_a_dump_do_instead_of_flags() -> None:
    assert run(["init", "--from", "config.toml", "--pools", "pools.yaml"]) == 0
    assert "infraestrutura: {cidr: 172.16.0.0/16, class: nat}" in Path("policy.yaml").read_text(encoding="utf-8")


def test_rules_and_names_are_taken_over() -> None:
    rules = ("--project-rule", "infraestrutura=attribute:tier=infra", "--cluster-name", "prod-1")
    assert run(["init", "--from", "config.toml", *POOLS, *rules]) == 0
    text = Path("policy.yaml").read_text(encoding="utf-8")
    assert 'projects: ["attribute:tier=infra"]' in text
    assert "name: prod-1" in text


def test_values_of_a_release_become_a_policy() -> None:
    assert run(["init", "--from", "values.yaml", *POOLS, "--namespace", "ci-infra", "-o", "p.yaml"]) == 0
    assert "- name: infra-platform" in Path("p.yaml").read_text(encoding="utf-8")


def test_a_policy_on_standard_output_is_nothing_but_the_policy() -> None:
    command = [sys.executable, "-m", "runner_bridge", "init", "--from", "-", "-o", "-", *POOLS]
    ended = subprocess.run(command, input=Path("config.toml").read_bytes(), capture_output=True, check=True, timeout=50)
    assert ended.stdout.startswith(b"# yaml-language-server")
    assert b"Made from <stdin>" in ended.stderr
    assert b"Compare:" not in ended.stderr


def test_everything_that_is_open_is_told_at_once_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--from", "config.toml"]) == 2
    told = capsys.readouterr().err
    assert "3 things are open" in told
    for flag in (
        "--pool infraestrutura=CIDR,CLASS",
        "--pool NAME=172.16.0.0/16,CLASS",
        "--pool NAME=CIDR,CLASS,automatic",
    ):
        assert flag in told
    assert max(map(len, told.splitlines()[1:])) <= 80
    assert not Path("policy.yaml").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(("--from", "cluster"), "belongs to a later release", id="a cluster"),
        pytest.param(("--from", "pools.yaml"), "It looks like ip-pools.", id="another kind of file"),
        pytest.param(("--from", "empty.txt"), "is neither a config.toml nor values", id="nothing"),
        pytest.param(("--from", "app.yaml"), "app.yaml: wraps values", id="values inside of another file"),
        pytest.param(("--from", "missing.toml"), "no such file", id="no file"),
        pytest.param(("--from", "config.toml", "--pool", "x"), "--pool 'x' is not understood", id="half a pool"),
        pytest.param(("--from", "config.toml", "--pools", "config.toml"), "config.toml", id="a dump that is none"),
        pytest.param(("--from", "config.toml", "--project-rule", "x"), "expected TIER=RULE", id="half a rule"),
        pytest.param(("--from", "-", "--pools", "-"), "cannot both be standard input", id="one input for two"),
        pytest.param(("--from", "config.toml", "--infra-cidr", "10.0.0.0/8"), "--infra-cidr: not with", id="not with"),
        pytest.param(
            ("--pool", "a=10.0.0.0/8,nat", "--runner-name", "x"), "--pool, --runner-name: only", id="only with"
        ),
    ],
)
def test_what_cannot_be_adopted_ends_with_2_and_one_clear_text(
    args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.txt").write_text("", encoding="utf-8")
    Path("app.yaml").write_text("spec: {values: {runners: {config: '[[runners]]'}}}", encoding="utf-8")
    assert run(["init", *args]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_a_policy_that_is_there_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("mine", encoding="utf-8")
    assert run(["init", "--from", "config.toml", *POOLS]) == 2
    assert "--force" in capsys.readouterr().err
    assert Path("policy.yaml").read_text(encoding="utf-8") == "mine"
