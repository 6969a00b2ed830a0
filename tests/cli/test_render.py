"""The verb `render`: what it writes, shows and refuses, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest

from runner_bridge.cli import CLEAN, FINDINGS, USAGE, run
from runner_bridge.cli.render import NAMES
from runner_bridge.render import ARTEFACTS, FOLDERS

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLES = sorted(CONFIG.glob("*.yaml"))
BLOG = str(CONFIG / "blog.yaml")
EXISTING = """\
concurrent = 4 # nodes are small

[[runners]]
  name = "infra-platform"
  url = "https://gitlab.example.com"
  token = "glrt-t1_4xYqA7pLwFAKETOKEN00"
  executor = "kubernetes"
  [runners.kubernetes]
    pod_annotations_overwrite_allowed = ".*"
"""

Output = pytest.CaptureFixture[str]


def render(*args: str, policy: str = BLOG) -> int:
    return run(["render", "--policy", policy, *args])


@pytest.fixture
def written(tmp_path: Path, capsys: Output) -> Path:
    assert render("-o", str(tmp_path / "out")) == CLEAN
    capsys.readouterr()
    return tmp_path / "out"


def test_the_names_of_the_help_are_those_of_the_registry() -> None:
    assert tuple(ARTEFACTS) == NAMES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_asks_for_exactly_the_pools_of_its_tiers(example: Path, tmp_path: Path) -> None:
    from runner_bridge.cli.load import read_policy

    assert render("-o", str(tmp_path), policy=str(example)) == CLEAN
    policy = read_policy(str(example))
    sections = {each["name"]: each for each in tomllib.loads((tmp_path / "config.toml").read_text())["runners"]}
    assert list(sections) == list(policy.runners)
    for runner in policy.runners.values():
        tier = policy.tiers[runner.tier]
        annotations = sections[runner.name]["kubernetes"]["pod_annotations"]
        asked = [json.loads(text) for key, text in annotations.items() if key.endswith(("ipv4pools", "ipv6pools"))]
        assert sorted(name for names in asked for name in names) == sorted(
            pool.name for pool in (tier.pools if tier.pin else ()) if pool.family in tier.families
        )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_a_folder_is_clean_right_after_and_not_after_one_byte(example: Path, tmp_path: Path, capsys: Output) -> None:
    render("-o", str(tmp_path), policy=str(example))
    assert render("--check", str(tmp_path), policy=str(example)) == CLEAN
    for path in (each for each in sorted(tmp_path.rglob("*")) if each.is_file()):
        before = path.read_bytes()
        path.write_bytes(before[:-1] + b" ")
        assert render("--check", str(tmp_path), policy=str(example)) == FINDINGS
        path.write_bytes(before)
    assert render("--check", str(tmp_path), policy=str(example)) == CLEAN


def test_the_config_is_for_its_owner_only(written: Path) -> None:
    assert (written / "config.toml").stat().st_mode & 0o777 == 0o600


def test_everything_lies_at_the_top_or_in_our_folders(written: Path) -> None:
    assert {path.name for path in written.iterdir()} <= {"config.toml", *FOLDERS}


def test_what_is_right_already_is_not_touched(written: Path, capsys: Output) -> None:
    (written / "helm" / "shared.values.yaml").unlink()
    before = (written / "config.toml").stat().st_mtime_ns
    assert render("-o", str(written)) == CLEAN
    lines = capsys.readouterr().out.splitlines()
    assert "written    helm/shared.values.yaml" in lines
    assert len([line for line in lines if line.startswith("unchanged  ")]) == len(lines) - 1
    assert (written / "config.toml").stat().st_mtime_ns == before


def test_a_stale_file_of_ours_is_found_and_removed_and_a_strangers_is_not(written: Path, capsys: Output) -> None:
    stale, stranger = written / "helm" / "gone.values.yaml", written / "helm" / "mine.yaml"
    shutil.copy(written / "helm" / "shared.values.yaml", stale)
    stranger.write_text("a: 1\n")
    assert render("--check", str(written)) == FINDINGS
    assert "helm/gone.values.yaml: the policy calls for it no longer." in capsys.readouterr().err
    assert render("-o", str(written)) == CLEAN
    assert "removed    helm/gone.values.yaml" in capsys.readouterr().out
    assert render("--check", str(written)) == CLEAN
    assert stranger.exists()
    assert not stale.exists()


def test_a_missing_file_is_found(written: Path, capsys: Output) -> None:
    (written / "config.toml").unlink()
    assert render("--check", str(written)) == FINDINGS
    shown = capsys.readouterr()
    assert "+concurrent = 62\n" in shown.out
    assert "config.toml: missing." in shown.err


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\0"])
def test_a_file_of_bytes_is_found(written: Path, data: bytes, capsys: Output) -> None:
    (written / "config.toml").write_bytes(data)
    assert render("--check", str(written)) == FINDINGS
    assert "config.toml: holds bytes that are no text of ours." in capsys.readouterr().err


def test_a_byte_order_mark_is_a_difference(written: Path) -> None:
    path = written / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert render("--check", str(written)) == FINDINGS


def test_no_diff_shows_a_token(written: Path, capsys: Output) -> None:
    path = written / "config.toml"
    path.write_text(
        path.read_text().replace('  name = "shared"', '  name = "shared"\n  token = "glrt-abcdefFAKETOKEN00"')
    )
    assert render("--check", str(written)) == FINDINGS
    shown = capsys.readouterr()
    assert "-  token = " in shown.out
    assert "FAKETOKEN" not in shown.out + shown.err


def test_one_artefact_goes_to_standard_output(capsys: Output) -> None:
    assert render("config.toml") == CLEAN
    assert tomllib.loads(capsys.readouterr().out)["concurrent"] == 62


def test_one_file_goes_to_standard_output(capsys: Output) -> None:
    assert render("helm/shared.values.yaml") == CLEAN
    assert "RUNNER_NAME" in capsys.readouterr().out


def test_an_artefact_that_is_not_called_for_is_empty(capsys: Output) -> None:
    assert render("workloads", policy=str(CONFIG / "gitlab-com.yaml")) == CLEAN
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith("workloads: the policy calls for none.\n")


@pytest.fixture
def existing(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(EXISTING)
    path.chmod(0o640)
    return path


def test_a_merge_is_shown_before_it_is_made(existing: Path, capsys: Output) -> None:
    assert render("--into", str(existing)) == FINDINGS
    shown = capsys.readouterr().out
    assert '-    pod_annotations_overwrite_allowed = ".*"\n' in shown
    assert "FAKETOKEN" not in shown
    assert existing.read_text() == EXISTING


def test_a_merge_is_written_with_the_mode_kept_and_is_then_complete(existing: Path, capsys: Output) -> None:
    assert render("--into", str(existing), "--write") == CLEAN
    merged = existing.read_text()
    assert "glrt-t1_4xYqA7pLwFAKETOKEN00" in merged
    assert "# nodes are small" in merged
    assert existing.stat().st_mode & 0o777 == 0o640
    assert render("--into", str(existing)) == CLEAN
    assert render("--into", str(existing), "--write") == CLEAN
    assert "nothing to change" in capsys.readouterr().err
    assert os.listdir(existing.parent) == ["config.toml"]  # noqa: PTH208


def test_a_file_of_any_name_is_merged_when_its_kind_is_said(tmp_path: Path) -> None:
    path = tmp_path / "runner.conf"
    path.write_text(EXISTING)
    assert render("--into", str(path)) == USAGE
    assert render("config.toml", "--into", str(path), "--write") == CLEAN


def test_values_are_merged_for_the_runner_that_they_name(tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("# ours\nenvVars:\n  - name: RUNNER_NAME\n    value: infra-19241\n")
    assert render("--into", str(path), "--write") == CLEAN
    assert path.read_text().startswith("# ours\nenvVars:\n  - name: RUNNER_NAME\n    value: infra-19241\n")
    assert "limit = 2\n" in path.read_text()
    assert render("--into", str(path)) == CLEAN


@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        (
            "a: 1\n",
            (),
            "does not say whose release it is. Name one with --runner: infra-platform, infra-19241, shared.",
        ),
        ("a: 1\n", ("--runner", "x"), "No runner is called 'x'."),
        ("extraEnv: {RUNNER_NAME: y}\n", (), "No runner is called 'y'."),
    ],
)
def test_values_of_nobody_are_refused(
    tmp_path: Path, text: str, args: tuple[str, ...], message: str, capsys: Output
) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(text)
    assert render("--into", str(path), *args) == USAGE
    assert message in capsys.readouterr().err
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (Path(BLOG).read_text(), "is a policy, not values"),
        ("apiVersion: v1\nkind: ConfigMap\ndata: {config.toml: '[[runners]]'}\n", "is a config-map, not values"),
        ("apiVersion: apps/v1\nkind: Deployment\n", "is a manifest, not values"),
        ("releases: [{values: [{runners: {config: '[[runners]]'}}]}]\n", "wraps values of the chart"),
    ],
    ids=["policy", "config-map", "deployment", "helmfile"],
)
def test_what_is_no_values_file_is_never_merged_into(tmp_path: Path, text: str, what: str, capsys: Output) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(text)
    assert render("--into", str(path), "--runner", "shared", "--write") == USAGE
    assert what in capsys.readouterr().err
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "Name a folder with -o DIR, or what to print: config.toml, helm-values"),
        (("nothing",), "'nothing' is neither an artefact nor a file of one."),
        (("helm-values",), "helm-values is 3 files. Name one of them: helm/infra-platform.values.yaml"),
        (("config.toml", "-o", "x"), "A folder holds all artefacts."),
        (("-o", ""), "--output names nothing."),
        (("config.toml", "--into", ""), "--into names nothing."),
        (("-o", "x", "--check", "x"), "--output and --check exclude each other."),
        (("config.toml", "--into", "-", "--write"), "Standard input cannot be replaced."),
        (("--check", "x", "--write"), "--write and --runner belong to --into."),
        (("--check", "/nonexistent"), "/nonexistent: no such folder."),
        (("--into", "/nonexistent.toml"), "/nonexistent.toml: no such file."),
        (("--into", str(CONFIG)), "is a folder"),
    ],
)
def test_wrong_usage_is_said_in_one_line(args: tuple[str, ...], message: str, capsys: Output) -> None:
    assert render(*args) == USAGE
    assert message in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_refused_and_nothing_is_written(tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "out"
    path.write_text("mine")
    assert render("-o", str(path)) == USAGE
    assert path.read_text() == "mine"
    assert f"{path}: is a file, expected a folder." in capsys.readouterr().err


def test_a_file_that_leaves_no_room_is_refused_with_its_place(existing: Path, capsys: Output) -> None:
    existing.write_text(EXISTING.replace("[[runners]]", "[runners]"))
    assert render("--into", str(existing), "--write") == USAGE
    assert f"{existing}:3:1: [runners], expected [[runners]]." in capsys.readouterr().err


def test_a_broken_policy_writes_nothing(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 2\n")
    assert render("-o", str(tmp_path / "out"), policy=str(policy)) == USAGE
    assert not (tmp_path / "out").exists()
