"""`check` asks a cluster, real and pretended: what it says, what it asked, and that it wrote nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from runner_bridge.cli import run
from runner_bridge.simulate import recorded
from tests.cluster import calico
from tests.cluster.pretend import Pretend, pretending
from tests.cluster.server import READER
from tests.cluster.worlds import World, allow, deny, user_of

BREAKOUT = "runner-4xyqa7plw-project-4218-concurrent-0-21sujyb2"
GOOD = "runner-4xyqa7plw-project-4217-concurrent-0-5h7tm534"
OTHER = "debug-shell"


def pods() -> dict[str, dict[str, Any]]:
    chosen = calico.recorded_pods("ci-team-a")
    return {name: chosen[name] for name in (BREAKOUT, GOOD, OTHER)}


def blocks() -> list[dict[str, Any]]:
    every = list(pods().values())
    return [calico.block("10.244.84.128/26", *every), calico.block("172.16.84.128/26", *every)]


def check(world: World, *arguments: str, user: str = "") -> int:
    Path("policy.yaml").write_text(recorded.text("policy.yaml"), encoding="utf-8")
    kubeconfig = world.kubeconfig(user)
    return run(["check", "--policy", "policy.yaml", "--kubeconfig", str(kubeconfig), *arguments])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_breach_and_a_pass_confirmed_by_their_blocks(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for one in (*pods().values(), *blocks()):
        world.create(one)
    before = len(world.audited(READER))

    assert check(world, "-n", "ci-team-a", user=user_of(world)) == 1

    out, err = capsys.readouterr()
    assert err == ""
    assert f"{BREAKOUT}, job 7311082\n  annotation-overwritten: " in out
    assert "2 job pods: 1 pass, 1 breach; 1 other pod; evidence: 2 block" in out
    assert re.search(rf"\n8 GETs, 0 writes: asked {world.url} \(context \w+\); Calico's CRDs", out)
    asked = world.audited(READER)[before:]
    if not isinstance(world, Pretend):  # a real API server tells what was asked of it
        assert {verb for verb, _ in asked} <= {"get", "list"}
        assert sum("ipamblocks/" in uri for _, uri in asked) == 2
        assert len(asked) == 8


def test_only_what_is_selected(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for one in (*pods().values(), *blocks()):
        world.create(one)

    assert check(world, "-n", "ci-team-a", "-l", "project.runner.gitlab.com/id=4217") == 0
    assert "1 job pod: 1 pass; evidence: 1 block" in capsys.readouterr().out
    assert check(world, "-n", "default") == 0
    assert "No job pod of a declared runner was seen" in capsys.readouterr().out


def test_a_block_that_is_not_there_is_looked_at_twice_and_then_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = calico.block("172.16.99.0/26")
    world.create(pods()[GOOD])
    world.create(elsewhere)
    try:
        assert check(world, "-n", "ci-team-a") == 3
    finally:
        world.delete(elsewhere)
    assert "block-disagrees" in capsys.readouterr().out


def test_pools_without_a_single_block_are_another_ipam_and_one_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where Calico only enforces network policies, on addresses of host-local."""
    world.create(pods()[GOOD])

    assert check(world) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "calico-ipam-absent" in out
    assert "but not one block" in out
    assert "block-disagrees" not in out


def test_a_block_of_another_size_is_found_in_the_list(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    small = calico.block("172.16.84.128/28", pods()[GOOD])
    world.create(pods()[GOOD])
    world.create(small)
    try:
        assert check(world, "-n", "ci-team-a") == 0
    finally:
        world.delete(small)
    assert "1 job pod: 1 pass; evidence: 1 block" in capsys.readouterr().out


def test_what_may_not_be_read_is_named_with_its_verb(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for one in (*pods().values(), *blocks()):
        world.create(one)
    deny(world, "ipamblocks", "crd.projectcalico.org")
    try:
        assert check(world, "-n", "ci-team-a", user=user_of(world)) == 1
    finally:
        allow(world)
    out = " ".join(capsys.readouterr().out.split())
    assert "snapshot-incomplete" in out
    assert "grant the verb get on ipamblocks.crd.projectcalico.org" in out


def test_without_pods_nothing_is_judged(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    deny(world, "pods", "")
    try:
        assert check(world, user=user_of(world)) == 3
    finally:
        allow(world)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"runner-bridge: {world.url}: list pods: 403, not allowed")
    assert err.count("\n") == 1


def test_a_cluster_without_calico_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pretending(tmp_path) as world:
        world.cluster.resources = tuple(one for one in world.cluster.resources if "calico" not in one.group)
        world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ci-team-a"}})
        world.create(pods()[GOOD])
        assert check(world) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "calico-ipam-absent" in out
    assert "neither crd.projectcalico.org nor projectcalico.org serves IPPools" in out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--kubeconfig", "absent.yaml"], 2, "absent.yaml: no such file, expected a kubeconfig"),
        (["--kubeconfig", "broken.yaml"], 2, "broken.yaml: cannot be used as a kubeconfig"),
        (["--kubeconfig", "nobody.yaml", "--context", "other"], 2, "object with name other in"),
        (["--kubeconfig", "nobody.yaml"], 3, "http://127.0.0.1:1: get /apis/"),
        (["--kubeconfig", "nobody.yaml", "-l", "a in b"], 2, "a in b"),
        ([], 2, "no cluster to ask"),
        (["--pools", "x.json"], 2, "--pools says more about pods"),
        (["--now", "2026-11-23T17:41:00Z"], 2, "--now says when a dump was taken"),
    ],
    ids=[
        "no file",
        "no kubeconfig",
        "no such context",
        "nobody answers",
        "bad selector",
        "no cluster",
        "no pods",
        "no dump",
    ],
)
def test_a_cluster_that_cannot_be_asked_is_one_line(
    arguments: list[str],
    code: int,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("policy.yaml").write_text(recorded.text("policy.yaml"), encoding="utf-8")
    Path("broken.yaml").write_text("a: [", encoding="utf-8")
    Path("nobody.yaml").write_text(
        "{current-context: c, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}],"
        " contexts: [{name: c, context: {cluster: c}}]}",
        encoding="utf-8",
    )

    assert run(["check", "--policy", "policy.yaml", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
