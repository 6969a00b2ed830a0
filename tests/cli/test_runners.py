"""`runner-bridge runners list`: declared runners beside those of a pretend GitLab."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli import run
from tests.cli.leaky import POLICY, Leaky
from tests.cli.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator


class World(Leaky):
    """A world in order, with managers."""

    def __init__(self) -> None:
        super().__init__(1)
        self.declared = (self.platform, self.vaults, self.release, self.labs, self.shared)
        for one in self.declared:
            self.world.sign_in(one, "r_first")
        self.served: Served


@pytest.fixture
def leaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    world = World()
    world.served = Served(world.world)
    policy = POLICY.format(url=world.served.server.url, vault=world.vault.id)
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    Path("token").write_text(world.served.token, encoding="utf-8")
    yield world
    world.served.close()


def listed(*more: str) -> int:
    return run(["runners", "list", "--token-file", "token", "--rate", "100", *more])


def test_declared_runners_in_order(leaky: World, capsys: pytest.CaptureFixture[str]) -> None:
    leaky.world.sign_in(leaky.platform, "r_second").version = "18.11.0"

    assert listed() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:6] == ["RUNNER", "TIER", "ID", "TYPE", "STATE", "MANAGERS"]
    assert lines[1].split("  ")[0] == "infra-platform"
    assert "2         18.11.0, 19.4.0  " in lines[1]
    assert lines[1].endswith(" s ago   does not end")
    assert lines[-1] == "5 declared, 0 not in order (0 not found); 32 in GitLab that the policy does not have."


def test_what_is_not_as_declared_is_said(leaky: World, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(tz=UTC)
    leaky.platform.tags = ["infra"]
    leaky.platform.paused = True
    leaky.platform.managers = []
    leaky.vaults.token_expires_at = now - timedelta(days=2, minutes=1)
    leaky.shared.token_expires_at = now + timedelta(days=3, minutes=1)
    del leaky.world.runners[leaky.labs.id]

    assert listed() == 1
    out = capsys.readouterr().out
    assert "paused" in out
    assert "never     does not end" in out
    assert "  ~ tag_list: infra, declared infra,terraform\n" in out
    assert "ended 2 d ago" in out
    assert "ends in 3 d" in out
    assert "lab             lab      -     -         not found" in out
    assert "5 declared, 3 not in order (1 not found)" in out
    assert "One that is not found: name its config.toml" in out


def test_a_runner_that_lies_elsewhere_is_not_as_declared(leaky: World, capsys: pytest.CaptureFixture[str]) -> None:
    leaky.labs.type, leaky.labs.group = "instance_type", None
    leaky.platform.group = leaky.net
    leaky.vaults.projects = leaky.others[:2]

    assert listed() == 1
    out = capsys.readouterr().out
    assert "  ~ scope: instance, declared group:research/lab\n" in out
    assert "  ~ scope: group:platform/net, declared group:platform\n" in out
    assert f"  ~ scope: project, declared project:{leaky.vault.id}\n" in out
    assert "5 declared, 3 not in order" in out


def test_all_runners_for_programs(leaky: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed("--all", "-o", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["runners"]) == 37
    assert answer["others"] == 32
    first = answer["runners"][0]
    assert (first["name"], first["tier"], first["scope"], first["is_in_order"]) == (
        "infra-platform",
        "infra",
        "group:platform",
        True,
    )
    assert first["live"]["tags"] == ["infra", "terraform"]
    assert [one["system_id"] for one in first["managers"]] == ["r_first"]
    assert [one["name"] for one in answer["runners"][5:]] == [None] * 32


def test_a_member_sees_what_is_his_and_is_told_what_was_not_listed(
    leaky: World, capsys: pytest.CaptureFixture[str]
) -> None:
    member = leaky.world.user("maria", platform=50, research=50, tools=40)
    Path("token").write_text(leaky.world.token(member, "read_api"), encoding="utf-8")
    leaky.vault.instance_runners = True  # its maintainers see the instance's runners

    # Nor does he see the maintenance note of an instance runner, so that only its token tells which one it is.
    Path("config.toml").write_text(
        f'[[runners]]\nname = "shared"\nurl = "{leaky.served.server.url}"\ntoken = "{leaky.shared.token}"\n'
        'executor = "kubernetes"\n',
        encoding="utf-8",
    )
    assert listed("--config", "config.toml") == 0
    out = capsys.readouterr().out
    assert "Not listed: instance runners.\n" in out

    del leaky.world.runners[leaky.labs.id]
    assert listed("--config", "config.toml") == 3
    assert "(1 not found)" in capsys.readouterr().out
    leaky.platform.tags = ["infra"]
    assert listed("--config", "config.toml") == 1


def test_a_project_that_is_not_to_be_seen_is_said(leaky: World, capsys: pytest.CaptureFixture[str]) -> None:
    member = leaky.world.user("maria", platform=50)
    Path("token").write_text(leaky.world.token(member, "read_api"), encoding="utf-8")

    assert listed() == 3
    out = capsys.readouterr().out
    assert f"Not listed: instance runners, runners of group research/lab, runners of project {leaky.vault.id}.\n" in out


def test_no_token_of_anybody_is_shown(leaky: World, capsys: pytest.CaptureFixture[str]) -> None:
    leaky.platform.description = f"old {leaky.platform.token}"
    leaky.platform.tags = [*leaky.platform.tags, leaky.platform.token]
    leaky.platform.note = ""
    for how in ([], ["-o", "json"]):
        listed("--all", *how)
        out, err = capsys.readouterr()
        assert leaky.platform.token not in out + err
        assert leaky.served.token not in out + err


@pytest.mark.parametrize(
    ("args", "words"),
    [(["--token-file", "none"], "none: no such file"), (["--config", "none.toml"], "none.toml: no such file")],
)
def test_what_is_wrong_is_said(leaky: World, capsys: pytest.CaptureFixture[str], args: list[str], words: str) -> None:
    assert listed(*args) == 2
    out, err = capsys.readouterr()
    assert (out, words in err) == ("", True)
    assert leaky.served.token not in err
