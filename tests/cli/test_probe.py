"""`probe` as a person calls it: what it prints, its exit codes, and that the pod is gone after every kind of end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import run
from runner_bridge.simulate import recorded
from tests.cluster.pretend import Pretend, pretending
from tests.flow.node import GOOD, NAMESPACE, NODE_ADDRESS, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = recorded.text("policy.yaml").replace("ci-team-a", NAMESPACE)
    Path("policy.yaml").write_text(text, encoding="utf-8")


@contextmanager
def furnished(folder: Path) -> Iterator[tuple[Pretend, Node]]:
    """A pretend cluster with a node at work."""
    with pretending(folder) as pretend:
        node = Node(pretend.cluster)
        node.furnish(pools=(("infraestrutura", "172.16.0.0/16"),))
        working = asyncio.run_coroutine_threadsafe(node.run(), pretend.loop)
        try:
            yield pretend, node
        finally:
            working.cancel()
            time.sleep(0.05)


def arguments(pretend: Pretend, *more: str) -> list[str]:
    return ["probe", "infra", "--policy", "policy.yaml", "--kubeconfig", str(pretend.kubeconfig()), *more]


def pods(pretend: Pretend) -> list[str]:
    return [one["metadata"]["name"] for one in pretend.admin("GET", PODS)["items"]]


def test_a_tier_as_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with furnished(tmp_path) as (pretend, node):
        node.report = GOOD | {"echo": {"state": "yes", "said": NODE_ADDRESS}}
        assert run(arguments(pretend, "--echo", "https://echo.example.com/")) == 0
        pretend.wait(lambda: pods(pretend) == [])
    out, err = capsys.readouterr()
    assert out.startswith("tier       infra, leaves by an address of the node\n")
    assert "in infraestrutura, its block names the pod\nverdict    pass, evidence probed\n" in out
    assert re.search(r"^gitlab     \S+:\d+: yes$", out, re.MULTILINE)
    assert f"echo       https://echo.example.com/: saw {NODE_ADDRESS}\n" in out
    assert "Tier infra is as declared, and a destination saw it." in out
    assert "2 writes" in out
    assert err.count("\n") >= 3
    assert "made, image busybox:1.37" in err


def test_json_holds_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with furnished(tmp_path) as (pretend, node):
        node.report = GOOD | {"echo": {"state": "yes", "said": "203.0.113.99"}}
        assert run(arguments(pretend, "--echo", "https://echo.example.com/", "-o", "json", "--image", "i:1")) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["tier"], told["image"], told["evidence"]) == (1, "infra", "i:1", "block")
    assert told["egress"] == {"declared": "an address of the node", "seen": "203.0.113.99"}
    assert [one["code"] for one in told["findings"]] == ["egress-differs"]
    assert [one["state"] for one in told["checks"]] == ["yes"] * 4
    assert told["got"][0]["confirmed"] is True


def test_what_could_not_be_seen_is_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with furnished(tmp_path) as (pretend, node):
        node.waiting = "ImagePullBackOff"
        assert run(arguments(pretend)) == 3
    assert "probe-not-started" in capsys.readouterr().out


def test_a_pod_without_an_address_is_three_and_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with furnished(tmp_path) as (pretend, _):
        pretend.admin("DELETE", "/apis/crd.projectcalico.org/v1/ippools/infraestrutura")
        assert run(arguments(pretend)) == 3
        pretend.wait(lambda: pods(pretend) == [])
    out = capsys.readouterr().out
    assert "pool-unknown" in out
    assert "address    none\n" in out


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["gold"], "'gold' is no tier of the policy. Its tiers are "),
        (["infra", "--echo", "echo.example.com"], "--echo 'echo.example.com' is no address"),
        (["infra", "--echo", "ftp://x"], "is no address"),
        (["infra", "--echo", "http://[x"], "is no address"),
    ],
)
def test_wrong_usage_makes_no_pod(more: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", "--policy", "policy.yaml", "--kubeconfig", "absent", *more]) == 2
    assert text in capsys.readouterr().err


def test_a_tier_of_windows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("policy.yaml").read_text(encoding="utf-8")
    Path("policy.yaml").write_text(text.replace("  infra:\n", "  infra:\n    os: windows\n", 1), encoding="utf-8")
    assert run(["probe", "infra", "--policy", "policy.yaml", "--kubeconfig", "absent"]) == 2
    assert "is for Windows nodes" in capsys.readouterr().err


def test_without_calico_no_pod_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with furnished(tmp_path) as (pretend, node):
        pretend.cluster.resources = tuple(one for one in pretend.cluster.resources if "calico" not in one.group)
        assert run(arguments(pretend)) == 3
        assert node.made == []
    assert "nothing can be judged" in capsys.readouterr().err


def started(pretend: Pretend, node: Node) -> subprocess.Popen[str]:
    """A probe of its own process, as far as it asks from inside."""
    node.report = "nothing yet\n"
    process = subprocess.Popen(
        [sys.executable, "-m", "runner_bridge", *arguments(pretend, "--timeout", "600")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pretend.wait(lambda: bool(pods(pretend)) and bool(pretend.cluster.logs))
    return process


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 3)])
def test_told_to_end_it_deletes_the_pod_first(tmp_path: Path, how: signal.Signals, code: int) -> None:
    with furnished(tmp_path) as (pretend, node):
        process = started(pretend, node)
        process.send_signal(how)
        process.send_signal(how)  # an impatient person
        out, err = process.communicate(timeout=20)
        pretend.wait(lambda: pods(pretend) == [])
    assert process.returncode == code
    assert out == ""
    assert "ending; the pod is deleted first" in err
    assert "Traceback" not in err


@pytest.mark.timeout(60)
def test_what_a_killed_probe_left_goes_with_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And without a next one Kubernetes ends it by itself."""
    with furnished(tmp_path) as (pretend, node):
        process = started(pretend, node)
        process.kill()
        process.communicate(timeout=20)
        (left,) = pods(pretend)
        spec: dict[str, Any] = pretend.admin("GET", f"{PODS}/{left}")["spec"]
        assert spec["activeDeadlineSeconds"] == 660
        node.report = GOOD
        assert run(arguments(pretend)) == 0
        pretend.wait(lambda: pods(pretend) == [])
    assert f"removing {NAMESPACE}/{left}, left by an earlier probe" in capsys.readouterr().err
