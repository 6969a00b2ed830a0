"""`status`: of a bridge that runs, over HTTP; of a cluster without one, at one look."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from runner_bridge.ask.web import Asker, Role, Token, digest_of
from runner_bridge.cli import run
from runner_bridge.core.model import Outcome
from runner_bridge.simulate import recorded
from tests import make
from tests.ask.web.serving import served
from tests.cli.check.test_live import BREAKOUT, blocks, pods
from tests.cluster.server import READER

if TYPE_CHECKING:
    from tests.cluster.worlds import World

TOKENS = (Token(bytes.fromhex(digest_of("mine")), Asker("me", Role.VIEWER)),)
DEAF = replace(make.state(), ledger=None)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("RUNNER_BRIDGE_URL", "RUNNER_BRIDGE_TOKEN"):
        monkeypatch.delenv(name, raising=False)


async def status(*arguments: str) -> int:
    return await asyncio.to_thread(run, ["status", *arguments])


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({}, 0, "job pods   1: 1 pass"),
        ({"verdicts": lambda: [make.verdict(Outcome.BREACH)]}, 1, "  breach   gitlab-runners/"),
        ({"verdicts": lambda: [make.verdict(Outcome.UNKNOWN)]}, 3, "  unknown  gitlab-runners/"),
        ({"state": lambda: DEAF}, 3, "NOT READY  ledger: nothing is recorded."),
    ],
    ids=["clean", "breach", "unknown", "not ready"],
)
async def test_a_bridge_is_shown_as_it_stands(
    changes: dict[str, Any], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(**changes) as client:
        assert await status("--url", client.url) == code
    out, err = capsys.readouterr()
    assert out.startswith("cluster    prod-1 at https://10.0.0.1:6443\nbridge     runner-bridge 0.1.0, mode label")
    assert said in out
    assert max(map(len, out.splitlines())) <= 80
    assert err == ""


async def test_json_is_what_the_bridge_sent(capsys: pytest.CaptureFixture[str]) -> None:
    async with served() as client:
        assert await status("--url", client.url, "-o", "json") == 0
        _, sent, _ = await client.get("/api/v1/status")
    assert json.loads(capsys.readouterr().out) == sent


@pytest.fixture
def token() -> str:
    Path("token").write_text("mine\n", encoding="utf-8")
    return "token"


async def test_a_token_comes_from_a_file_or_the_environment(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tokens=TOKENS) as client:
        monkeypatch.setenv("RUNNER_BRIDGE_URL", client.url)
        assert await status() == 3
        assert await status("--token", token) == 0
        monkeypatch.setenv("RUNNER_BRIDGE_TOKEN", "mine")
        assert await status() == 0


def test_where_nobody_answers_nothing_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--url", "http://127.0.0.1:1"]) == 3
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "Check that the bridge runs" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kubeconfig", "x"], "needs a policy"),
        (["--context", "x"], "needs a policy"),
        (["--policy", "p", "--url", "http://x"], "Give one of both"),
        (["--policy", "p", "--token", "t"], "Give one of both"),
        (["--policy", "p"], "p: "),
        (["--url", "nowhere"], "is no address of a bridge"),
        (["--token", "missing"], "missing: "),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_cluster_without_a_bridge_is_looked_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for one in (*pods().values(), *blocks()):
        world.create(one)
    Path("policy.yaml").write_text(recorded.text("policy.yaml"), encoding="utf-8")
    before = len(world.audited(READER))

    code = run(["status", "--policy", "policy.yaml", "--kubeconfig", str(world.kubeconfig())])

    out, _ = capsys.readouterr()
    assert code == 1
    assert "this is no running bridge" in out
    assert BREAKOUT in out
    assert "routable addresses held by CI: " in out
    assert "watches" not in out
    assert {verb for verb, _ in world.audited(READER)[before:]} <= {"get", "list"}
