"""`lint` from the command line: what is printed, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from runner_bridge.cli import run

GOOD = """\
apiVersion: projectcalico.org/v3
kind: IPPool
metadata:
  name: infra
spec:
  cidr: 172.16.0.0/16
  blockSize: 25
  ipipMode: Never
  natOutgoing: true
  allowedUses: [Workload]
"""
ADVICE = GOOD.replace("  blockSize: 25\n", "")
WARNING = GOOD.replace("natOutgoing", "natOutGoing")
ERROR = GOOD.replace("/16", "/99")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNNER_BRIDGE_TRACEBACK", raising=False)
    return tmp_path


def write(**files: str) -> None:
    for name, text in files.items():
        Path(f"{name}.yaml").write_text(text)


def program(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The real program, in a process of its own."""
    command = [sys.executable, "-m", "runner_bridge", "lint", *args]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=50)


@pytest.mark.parametrize(
    ("text", "fail_on", "code"),
    [
        (GOOD, "advice", 0),
        (ADVICE, "warning", 0),
        (ADVICE, "advice", 1),
        (WARNING, "error", 0),
        (WARNING, "warning", 1),
        (ERROR, "error", 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_finding(text: str, fail_on: str, code: int) -> None:
    write(a=text)
    assert run(["lint", "a.yaml", "--fail-on", fail_on]) == code


def test_text_shows_the_line_and_the_caret(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=WARNING)
    run(["lint", "a.yaml"])
    assert capsys.readouterr().out == (
        "a.yaml:9:3: warning: pool infra: a field that an IPPool does not have\n"
        "    [ippool-unknown-field]\n"
        "  9 |   natOutGoing: true\n"
        "    |   ^^^^^^^^^^^\n"
        '  seen      "natOutGoing"\n'
        "  expected  natOutgoing\n"
        "  do        Write natOutgoing.\n"
        "\n"
        "1 file checked: 1 warning.\n"
    )


@pytest.mark.parametrize(
    ("files", "path", "lines"),
    [
        ({"a": GOOD}, "a.yaml", ["1 file checked, nothing found."]),
        ({"a": ADVICE}, "a.yaml", ["1 file checked: 1 advice.", "Nothing is as severe as --fail-on warning."]),
        ({"a": "x: 1"}, "a.yaml", ["Nothing was checked.", "1 file not checked: see the messages."]),
        (
            {"a": GOOD, "b": "x: 1"},
            ".",
            ["1 file checked, nothing found.", "1 file passed over: of no kind that lint knows."],
        ),
        (
            {"a": GOOD.replace("172.16.0.0/16", "${CIDR}")},
            "a.yaml",
            [
                "1 file checked: 1 advice.",
                "Nothing is as severe as --fail-on warning.",
                "Checked in part, because of templates: a.yaml.",
            ],
        ),
    ],
)
def test_the_footer_says_what_was_looked_at(
    files: dict[str, str], path: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(**files)
    run(["lint", path])
    assert capsys.readouterr().out.rpartition("\n\n")[2].splitlines() == lines


def test_files_that_cannot_be_read_keep_no_other_from_being_linted(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=WARNING, other="x: 1")
    assert run(["lint", "gone.yaml", "a.yaml", "other.yaml", "a.yaml"]) == 2
    out, err = capsys.readouterr()
    assert "1 file checked: 1 warning.\n2 files not checked: see the messages.\n" in out
    first, second = err.splitlines()
    assert first.startswith("runner-bridge: gone.yaml: no such file.")
    assert second.startswith("runner-bridge: other.yaml: cannot tell what this file is:")


def test_a_folder_is_searched_and_somebody_elses_files_are_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("d/e").mkdir(parents=True)
    Path("d/e/pool.yml").write_text(ERROR)
    Path("d/web.yaml").write_text("kind: Deployment\n")
    Path("d/notes.txt").write_text("x")
    assert run(["lint", "d", "-o", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == [{"name": "d/e/pool.yml", "kinds": ["ip-pools"]}]
    assert report["passed_over"] == ["d/web.yaml"]


def test_the_kind_may_be_given() -> None:
    write(a="x: 1")
    assert run(["lint", "--kind", "ip-pools", "a.yaml"]) == 0


def test_an_empty_name_is_not_the_current_folder(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=WARNING)
    assert run(["lint", ""]) == 2
    assert "an empty name was given" in capsys.readouterr().err


def test_json_has_a_stable_head(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=WARNING)
    run(["lint", "a.yaml", "gone", "-o", "json"])
    report = json.loads(capsys.readouterr().out)
    assert list(report) == ["version", "files", "passed_over", "problems", "fail_on", "counts", "findings"]
    assert report["counts"] == {"error": 0, "warning": 1, "advice": 0}
    assert report["problems"][0].startswith("gone: no such file.")
    assert report["findings"][0]["place"] == {"file": "a.yaml", "line": 9, "column": 3, "end_column": 14}


def test_code_quality_names_paths_of_the_repository(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    write(a=WARNING)
    run(["lint", f"{folder}/a.yaml", "-o", "codequality"])
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["location"] == {"path": "a.yaml", "lines": {"begin": 9}}


def test_sarif_names_this_program(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=WARNING)
    run(["lint", "a.yaml", "-o", "sarif"])
    driver = json.loads(capsys.readouterr().out)["runs"][0]["tool"]["driver"]
    assert driver["name"] == "runner-bridge"
    assert driver["rules"][0]["id"] == "ippool-unknown-field"


def test_junit_fails_what_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=WARNING.replace("  blockSize: 25\n", ""), b=GOOD)
    run(["lint", "a.yaml", "b.yaml", "gone", "-o", "junit"])
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own text
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("a.yaml", "2", "1"),
        ("b.yaml", "1", "0"),
        ("files", "1", "1"),
    ]
    assert root[0][0].get("name") == "ippool-block-size-absent: pool infra (line 4)"


def test_context_comes_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=GOOD.replace("172.16.0.0/16", "172.16.0.0/24") + "  assignmentMode: Manual\n")
    run(["lint", "a.yaml", "--nodes", "3", "--calico-version", "v3.28.5", "-o", "json"])
    found = [one["code"] for one in json.loads(capsys.readouterr().out)["findings"]]
    assert found == ["ippool-too-few-blocks", "ippool-field-ignored", "ippool-selector-not-protection"]


POLICY = """\
version: 1
gitlab: {url: "https://gitlab.example.com"}
cluster: {name: c, namespaces: [ci], pod_cidrs: [172.16.0.0/16]}
pools:
  infra: {cidr: 172.16.0.0/16, class: isolated}
"""
TIERS = """\
tiers:
  infra:
    pools: [infra]
    projects: ["**"]
    runners: [{name: infra, scope: instance, run_untagged: true}]
"""


@pytest.mark.parametrize("path", ["policy.yaml", "policy"])
def test_a_policy_may_be_named_to_compare_with(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(a=GOOD, policy=POLICY + TIERS)
    Path("policy").mkdir()
    Path("policy/a.yaml").write_text(POLICY)
    Path("policy/b.yaml").write_text(TIERS)
    assert run(["lint", "a.yaml", "--policy", path]) == 1
    assert "ippool-nat-against-class" in capsys.readouterr().out


def test_a_policy_to_compare_with_that_is_refused_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=GOOD, policy=POLICY)
    assert run(["lint", "a.yaml", "--policy", "policy.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("policy.yaml")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["a.yaml", "--nodes", "0"],
        ["a.yaml", "--calico-version", "latest"],
        ["a.yaml", "--kind", "poem"],
        ["a.yaml", "-o", "wide"],
    ],
)
def test_wrong_usage(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write(a=GOOD)
    assert run(["lint", *args]) == 2
    assert capsys.readouterr().out == ""


CONFIG = 'concurrent = 4\n\n[[runners]]\n  name = "a"\n  executor = "kubernetes"\n'


def put_runner(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "bin").mkdir()
    path = folder / "bin" / "gitlab-runner"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "Version: 19.4.0"; exit 0; fi\n{script}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


UNKNOWN_KEY = "FATAL: 1 unknown key(s) found in config.toml:\\n  unknown key: runners.executor \\n"


def test_the_runners_own_answer_is_merged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(folder, monkeypatch, f"printf '{UNKNOWN_KEY}' >&2; exit 1")
    Path("config.toml").write_text(CONFIG)
    run(["lint", "config.toml", "--with-runner", "-o", "json"])
    answers = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["code"].startswith("runner-does")]
    assert [(one["subject"], one["place"]["line"]) for one in answers] == [("runners.executor", 5)]


def test_what_both_found_is_told_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(folder, monkeypatch, f"printf '{UNKNOWN_KEY}' | sed s/executor/exekutor/ >&2; exit 1")
    Path("config.toml").write_text(CONFIG.replace("executor", "exekutor"))
    run(["lint", "config.toml", "--with-runner", "-o", "json"])
    lines = [one["code"] for one in json.loads(capsys.readouterr().out)["findings"] if one["place"]["line"] == 5]
    assert lines == ["unknown-key"]


@pytest.mark.parametrize("script", ["exit 0", "echo 'Configuration file is valid.' >&2"])
def test_a_runner_that_agrees_adds_nothing(
    script: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(folder, monkeypatch, script)
    Path("config.toml").write_text(CONFIG)
    run(["lint", "config.toml", "--with-runner"])
    assert "gitlab-runner itself" not in capsys.readouterr().out


def test_without_a_runner_nothing_is_proven(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    Path("config.toml").write_text("")
    assert run(["lint", "config.toml", "--with-runner", "--fail-on", "error"]) == 3
    assert "runner-bridge: gitlab-runner is not on the PATH." in capsys.readouterr().err


def test_a_runner_that_cannot_be_asked_midway_proves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(folder, monkeypatch, "exit 0")
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    Path("config.toml").write_text(CONFIG)
    run(["lint", "config.toml", "--with-runner"])
    assert "no temporary file for gitlab-runner" in capsys.readouterr().err


def test_a_runner_is_not_asked_about_pools(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    write(a=GOOD)
    assert run(["lint", "a.yaml", "--with-runner"]) == 0
    assert capsys.readouterr().err == ""


BOMB = "a: &a [x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        pytest.param(b"\xef\xbb\xbf" + GOOD.encode(), 0, "", id="a byte order mark"),
        pytest.param(GOOD.replace("\n", "\r\n").encode(), 0, "", id="CRLF"),
        pytest.param(b"", 2, "cannot tell what this file is", id="nothing"),
        pytest.param(b"\x7fELF\x00\x01", 2, "NUL bytes", id="binary"),
        pytest.param(b"\xff\xfe" + "kind: IPPool".encode("utf-16-le"), 2, "not a text file", id="UTF-16"),
        pytest.param(BOMB.encode() + b"kind: IPPool\n", 1, "", id="an anchor bomb"),
        pytest.param(b"kind: IPPool\nspec: " + b"[" * 10_000 + b"]" * 10_000, 1, "", id="10,000 levels"),
        pytest.param(b'{"kind": "IPPool", "spec": ' + b'{"a":' * 10_000, 1, "", id="10,000 levels, cut off"),
        pytest.param(b"#" * (16 * 1024 * 1024 + 1), 2, "larger than 16 MiB", id="too large"),
    ],
)
def test_bad_input_never_yields_a_traceback(data: bytes, code: int, says: str) -> None:
    done = program("-", stdin=data)
    assert done.returncode == code, done
    assert says.encode() in done.stderr
    assert b"Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == (1 if says else 0)


def test_a_circle_of_links_in_a_folder(folder: Path) -> None:
    write(a=GOOD)
    Path("loop.yaml").symlink_to("loop.yaml")
    Path("here").symlink_to(folder)
    done = program(".")
    assert done.returncode == 2
    assert b"symbolic links lead in a circle" in done.stderr
    assert b"1 file checked" in done.stdout


def test_a_file_whose_name_is_no_text() -> None:
    Path(os.fsdecode(b"\xff.yaml")).write_text(WARNING)
    done = program(".")
    assert done.returncode == 1, done
    assert b"Traceback" not in done.stderr


def test_a_terminal_that_knows_few_characters() -> None:
    write(a=GOOD.replace("172.16.0.0/16", "é" * 200))
    command = [sys.executable, "-m", "runner_bridge", "lint", "a.yaml"]
    done = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_reader_that_has_seen_enough_changes_nothing() -> None:
    write(**{f"p{number}": WARNING.replace("name: infra", f"name: n{number}") for number in range(300)})
    script = f"{sys.executable} -m runner_bridge lint . | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (1, b"")


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from runner_bridge.cli import run; run(['lint', '--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    heavy = {"pydantic", "rich", "tree_sitter", "ruamel", "msgspec", "re2", "tomlkit", "kubernetes", "aiohttp"}
    assert heavy.isdisjoint(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({}, "nothing to check", id="empty-folder"),
        pytest.param({"web": "kind: Deployment\n"}, "nothing to check", id="somebody-elses"),
        pytest.param({"bad": "a: [\n"}, "nothing to check", id="unreadable"),
    ],
)
def test_a_pipeline_that_checks_nothing_is_not_green(
    capsys: pytest.CaptureFixture[str], files: dict[str, str], says: str
) -> None:
    write(**files)

    assert run(["lint", "."]) == 2
    assert says in capsys.readouterr().err


def test_a_named_file_that_is_no_yaml_is_said_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    write(bad="a: 1\nb: [\n")

    assert run(["lint", "bad.yaml"]) == 2
    assert "runner-bridge: bad.yaml:" in capsys.readouterr().err
