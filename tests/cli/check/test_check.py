"""`check` from the command line, on the recorded job pods: what is printed, and with which exit code it ends."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from runner_bridge.cli import run
from runner_bridge.cli.check import FORMATS
from runner_bridge.simulate import recorded

NOW = "2026-11-23T17:41:00Z"
PODS = json.loads(recorded.text("pods.json"))
BREAKOUT = "runner-4xyqa7plw-project-4218-concurrent-0-21sujyb2"
GOOD = "runner-4xyqa7plw-project-4217-concurrent-0-5h7tm534"
PENDING = "runner-4xyqa7plw-project-311-concurrent-1-pcvgs7rt"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test stands in a folder with the recorded policy and pods."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNNER_BRIDGE_TRACEBACK", raising=False)
    for name in ("policy.yaml", "pods.json", "config.toml"):
        Path(name).write_text(recorded.text(name), encoding="utf-8")
    return tmp_path


def check(*arguments: str) -> int:
    """Run `check` with the policy, as of the recording."""
    return run(["check", "--policy", "policy.yaml", "--now", NOW, *arguments])


def of(*names: str, **changes: Any) -> str:
    """Write the pods with these names to a file, each changed; return its name."""
    chosen = [pod | changes for pod in PODS["items"] if pod["metadata"]["name"] in names]
    Path("some.json").write_text(json.dumps(PODS | {"items": chosen}), encoding="utf-8")
    return "some.json"


def write(name: str, data: bytes | str | Any) -> str:
    if not isinstance(data, bytes):
        data = (data if isinstance(data, str) else json.dumps(data)).encode()
    Path(name).write_bytes(data)
    return name


def process(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "runner_bridge", "check", "--policy", "policy.yaml", "--now", NOW, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_the_recorded_pod_that_broke_out_is_a_breach_with_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--pods", "pods.json") == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert f"{BREAKOUT}, job 7311082\n  annotation-overwritten: " in out
    assert "KUBERNETES_POD_ANNOTATIONS_" in out
    assert out.endswith(
        "6 job pods: 2 pass, 3 breach, 1 pending; 2 other pods; evidence: address only\n"
        "0 GETs, 0 writes: read from pods.json.\n"
    )
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("names", "arguments", "code"),
    [
        ((GOOD,), [], 0),
        ((GOOD,), ["--expect-min", "1"], 0),
        ((GOOD,), ["--expect-min", "2"], 3),
        ((GOOD,), ["--strict"], 3),
        ((GOOD, BREAKOUT), ["--strict"], 1),
        ((BREAKOUT,), ["--expect-min", "9"], 1),
        ((PENDING,), [], 0),
        ((PENDING,), ["--now", "2026-11-23T18:41:00Z"], 3),
        ((), [], 0),
        ((), ["--expect-min", "1"], 3),
        ((GOOD,), ["-n", "other"], 0),
        ((BREAKOUT,), ["-n", "other"], 0),
        ((BREAKOUT,), ["-n", "ci-team-a"], 1),
        ((BREAKOUT,), ["-n", "other", "-A"], 1),
        ((BREAKOUT,), ["-l", "project.runner.gitlab.com/id=4217"], 0),
        ((BREAKOUT,), ["-l", "project.runner.gitlab.com/id notin (4217)"], 1),
    ],
)
def test_the_exit_code_says_what_is_proven(names: tuple[str, ...], arguments: list[str], code: int) -> None:
    assert check("--pods", of(*names), *arguments) == code


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty, expected JSON"),
        (b"[]", "holds an empty array, expected pods"),
        (b"\x7fELF\x02\x01\x01\x00", "binary data"),
        ('{"kind": "List"}'.encode("utf-16"), "UTF-16"),
        (recorded.text("pods.json")[:40_000], "cut off: it ends at byte 40000"),
        (gzip.compress(recorded.text("pods.json").encode())[:3000], "the gzip data are damaged or cut off"),
        ('{"items": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested deeper than anything that kubectl prints"),
        ("<!DOCTYPE html><title>Sign in</title>", "a web page"),
        ("error: You must be logged in to the server (Unauthorized)\n", "the words of a command that failed"),
        ("apiVersion: v1\nkind: List\n", "YAML"),
        ({"kind": "List", "items": [{"kind": "Service"}] * 3}, "holds 3 Service, expected pods"),
        ({"kind": "PartialObjectMetadataList", "items": []}, "has no spec and no status"),
        (b"\xef\xbb\xbf" + b"\r\n" * 3, "empty"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_is_no_dump_ends_with_2_and_one_line_that_says_what_to_do(
    data: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--pods", write("bad.json", data)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("runner-bridge: bad.json: ")
    assert err.count("\n") == 1
    assert "kubectl get pods" in err or "Make the file again" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policy", "policy.yaml", "--pods", "none.json"], "none.json: no such file"),
        (["--policy", "policy.yaml", "--pods", "."], ".: is a folder"),
        (["--policy", "none.yaml", "--pods", "pods.json"], "none.yaml: no such file"),
        (["--policy", "policy.yaml", "--pods", "-", "--blocks", "-"], "standard input (-) can be read only once"),
        (["--policy", "policy.yaml", "--pods", "pods.json", "-l", "a=b=c"], "not a label selector"),
        (["--policy", "policy.yaml", "--pods", "pods.json", "--now", "yesterday"], "no moment with a zone"),
        (["--policy", "policy.yaml", "--pods", "pods.json", "--now", "2026-11-23T17:41:00"], "no moment with a zone"),
        (["--policy", "policy.yaml", "--pods", "pods.json", "--blocks", "pods.json"], "expected blocks. Make it with"),
        (["--policy", "policy.yaml", "--pods", "pods.json", "--projects", "pods.json"], "expected projects"),
        (["--policy", "policy.yaml", "--pods", "pods.json", "--config", "pods.json"], "pods.json: is not TOML"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_packed_piped_marked_and_shuffled_dumps_give_the_same_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = recorded.text("pods.json")
    lines = [json.dumps({"type": "ADDED", "object": {"kind": "Pod", **pod}}) for pod in PODS["items"]]
    lines.reverse()
    answers = set()
    forms = [
        text,
        gzip.compress(text.encode()),
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        "\n".join(lines),
    ]
    for form in forms:
        assert check("--pods", write("dump", form)) == 1
        answers.add(capsys.readouterr().out)
    assert len(answers) == 1
    stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert check("--pods", "-") == 1
    assert capsys.readouterr().out == answers.pop().replace("read from dump", "read from <stdin>")


def test_one_file_may_hold_pods_pools_and_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    pool = {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "IPPool",
        "metadata": {"name": "infraestrutura"},
        "spec": {"cidr": "172.16.0.0/16"},
    }
    default = pool | {"metadata": {"name": "default"}, "spec": {"cidr": "10.244.0.0/16"}}
    items = [{"kind": "Pod", **pod} for pod in PODS["items"]]
    mixed = write("mixed.json", {"kind": "List", "items": [*items, pool, default]})
    assert check("--pods", mixed) == 1
    out = capsys.readouterr().out
    assert "No pools were given" not in out
    assert "No blocks were given" in out


def test_one_pod_that_cannot_be_read_is_unknown_and_loses_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    (good,) = [pod for pod in PODS["items"] if pod["metadata"]["name"] == GOOD]
    bad = good | {"metadata": good["metadata"] | {"name": "bad", "uid": "other", "labels": 5}, "status": {}}
    dump = write("dump.json", PODS | {"items": [good, bad]})
    assert check("--pods", dump) == 3
    out = capsys.readouterr().out
    assert "snapshot-incomplete" in out
    assert "1 pass" in out


def test_a_list_of_projects_gives_paths_and_checks_the_runner(capsys: pytest.CaptureFixture[str]) -> None:
    projects = [{"id": 4217, "path_with_namespace": "plataforma/pagamentos/api"}, {"id": "x"}]
    code = check("--pods", of(GOOD), "--projects", write("projects.json", projects), "-o", "json")
    out, err = capsys.readouterr()
    assert code == 0
    assert json.loads(out)["pods"][0]["project"]["path"] == "plataforma/pagamentos/api"
    assert "project number 2 cannot be read" in err


def test_a_config_toml_tells_whose_pods_they_are_and_its_token_is_never_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("policy.yaml", recorded.text("policy.yaml").replace(", short_ids: [4xYqA7pLw, 5wEtY1jMu]", ""))
    (good,) = [pod for pod in PODS["items"] if pod["metadata"]["name"] == GOOD]
    labels = {key: text for key, text in good["metadata"]["labels"].items() if key != "manager.runner.gitlab.com/name"}
    nameless = good | {"metadata": good["metadata"] | {"labels": labels}}
    dump = write("dump.json", PODS | {"items": [nameless]})
    check("--pods", dump, "-o", "json")
    assert '"runner": "k8s-infra"' not in capsys.readouterr().out
    assert check("--pods", dump, "--config", "config.toml", "-o", "json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["pods"][0]["runner"] == "k8s-infra"
    assert "FAKETOKEN" not in out + err


CONFIG = """
[[runners]]
  name = "k8s-infra"
  url = "{url}"
  token = "{token}"
  executor = "kubernetes"
  [runners.kubernetes.pod_annotations]
    "runner-bridge.dev/generation" = "{stamp}"
"""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CONFIG.format(url="https://other.example.com", token="glrt-4xYqA7pLwFAKETOKEN00", stamp=1), "a stranger's"),
        (CONFIG.replace("k8s-infra", "x").format(url="http://127.0.0.1:28080/", token="$T", stamp=1), "not declared"),
        (CONFIG.format(url="http://127.0.0.1:28080/", token="$TOKEN", stamp=1), "has no token in the file"),
        (CONFIG.format(url="$URL", token="glrt-4xYqA7pLwFAKETOKEN00", stamp=1), ""),
        ("[[runners]]\nexecutor = 'kubernetes'\nkubernetes = 5\n", ""),
    ],
)
def test_what_a_config_toml_cannot_tell_is_said(config: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    check("--pods", "pods.json", "--config", write("other.toml", config))
    out, err = capsys.readouterr()
    assert words in err
    assert "FAKETOKEN" not in out + err
    assert "job pod" in out


def test_a_stamp_of_the_config_that_a_pod_does_not_carry_is_only_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIG.format(url="http://127.0.0.1:28080", token="glrt-4xYqA7pLwFAKETOKEN00", stamp="newer")
    (good,) = [pod for pod in PODS["items"] if pod["metadata"]["name"] == GOOD]
    notes = good["metadata"]["annotations"] | {"runner-bridge.dev/generation": "older"}
    stamped = good | {"metadata": good["metadata"] | {"annotations": notes}}
    dump = write("dump.json", PODS | {"items": [stamped]})
    assert check("--pods", dump, "--config", write("other.toml", config), "-o", "json") == 0
    assert [note["code"] for note in json.loads(capsys.readouterr().out)["notes"]].count("stamp-stale") == 1


@pytest.mark.parametrize("form", FORMATS)
def test_no_variable_of_a_pod_is_in_any_form_of_the_answer(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    variables = [{"name": f"V{number}", "value": f"hidden-{number}"} for number in range(100)]
    items = []
    for pod in PODS["items"]:
        copy = json.loads(json.dumps(pod))
        for container in copy["spec"]["containers"]:
            container["env"] = variables
        items.append(copy)
    items.append(items[0] | {"status": {"podIPs": 7}, "metadata": items[0]["metadata"] | {"uid": "u", "name": "odd"}})
    assert check("--pods", write("dump.json", PODS | {"items": items}), "-o", form) == 1
    out, err = capsys.readouterr()
    assert "hidden-" not in out + err


def test_reports_for_gitlab_hold_every_breach(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--pods", "pods.json", "-o", "junit") == 1
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own output
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("6", "3", "1")
    assert check("--pods", "pods.json", "-o", "codequality") == 1
    report = json.loads(capsys.readouterr().out)
    assert {entry["location"]["path"] for entry in report} == {"policy.yaml"}
    assert len({entry["fingerprint"] for entry in report}) == len(report) > 3


def test_junit_fails_where_the_exit_code_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--pods", of(), "--expect-min", "1", "-o", "junit") == 3
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own output
    assert root.get("failures") == "1"
    waiver = "waivers:\n  - {code: host-network, match: {tier: infra}, until: 2027-03-31, reason: agent}\n"
    write("policy.yaml", recorded.text("policy.yaml") + waiver)
    host = "runner-5wety1jmu-project-4217-concurrent-1-zxdsjic6"
    assert check("--pods", of(host), "-o", "junit") == 0
    out = capsys.readouterr().out
    assert "host-network waived until 2027-03-31: agent" in out


def test_yaml_and_json_are_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    check("--pods", "pods.json", "-o", "json")
    tree = json.loads(capsys.readouterr().out)
    check("--pods", "pods.json", "-o", "yaml")
    assert YAML(typ="safe").load(capsys.readouterr().out) == tree


def test_a_dump_is_judged_as_of_when_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    os.utime("pods.json", (recorded.RECORDED_AT.timestamp(),) * 2)
    run(["check", "--policy", "policy.yaml", "--pods", "pods.json", "-o", "json"])
    assert json.loads(capsys.readouterr().out)["judged_at"] == recorded.RECORDED_AT.isoformat()


def test_warnings_of_the_policy_are_said_beside_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    topic = recorded.text("policy.yaml").replace("172.16.0.0/16", "172.16.0.0/12")
    write("policy.yaml", topic)
    check("--pods", "pods.json")
    out, err = capsys.readouterr()
    assert "172.16.0.0/12" in err
    assert out.startswith("PROJECT")


def test_a_closed_pipe_keeps_the_exit_code() -> None:
    many = [
        pod | {"metadata": pod["metadata"] | {"uid": "", "name": f"{pod['metadata']['name']}{number}"}}
        for number in range(200)
        for pod in PODS["items"]
    ]
    dump = write("many.json", PODS | {"items": many})
    with process("--pods", dump, "-o", "wide") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 1


def test_an_interrupt_while_reading_ends_with_130() -> None:
    with process("--pods", "-") as running:
        assert running.stdin is not None
        # More than a pipe holds: once it is written, the process is reading.
        running.stdin.write(b'{"kind": "List", "items": [' + b" " * 4_000_000)
        running.stdin.flush()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert (out, err.strip()) == (b"", b"runner-bridge: interrupted.")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from runner_bridge.cli import run\n"
        "try: run(['check', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'rich', 'msgspec', 'ruamel', 'tomlkit', 're2', 'tree_sitter'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--expect-min" in done.stdout


def test_output_that_is_no_terminal_has_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    check("--pods", "pods.json")
    assert "\x1b" not in capsys.readouterr().out
