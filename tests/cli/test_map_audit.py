"""`runner-bridge map --audit`: the leaks of a pretend GitLab, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli import run
from tests.cli.leaky import POLICY, Leaky
from tests.cli.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Leaky], Served]]:
    """Serve a world, with the policy and a token of an administrator in the current folder."""
    opened: list[Served] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def start(leaky: Leaky) -> Served:
        served = Served(leaky.world)
        opened.append(served)
        policy = POLICY.format(url=served.server.url, vault=leaky.vault.id)
        Path("policy.yaml").write_text(policy, encoding="utf-8")
        Path("token").write_text(served.token, encoding="utf-8")
        return served

    yield start
    for one in opened:
        one.close()


def audit(*more: str) -> int:
    return run(["map", "--audit", "--token-file", "token", "--rate", "100", *more])


def found(out: str) -> set[tuple[str, int, str, frozenset[str]]]:
    return {
        (one["code"], one["runner_id"], one["tier"], frozenset(each["path"] for each in one["projects"]))
        for one in json.loads(out)["leaks"]
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_planted_leaks_are_found_and_nothing_else(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    leaky = Leaky(seed)
    leaky.plant()
    served = serve(leaky)
    assert (len(served.world.projects), len(served.world.runners)) == (2000, 40)

    assert audit("-o", "json") == 1

    answer = json.loads(capsys.readouterr().out)
    assert found(json.dumps(answer)) == leaky.expected
    assert (answer["projects"], answer["archived"], answer["is_whole"]) == (1880, 120, True)


def test_where_nothing_leaks_it_says_so_and_exits_0(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Leaky(4))

    assert audit() == 0
    assert capsys.readouterr().out == (
        "1,880 projects and 37 runners looked at (120 archived projects and 1 paused runner left out); "
        "projects as of 0 s ago.\n"
        "Nothing found: no runner could take jobs that are not its own.\n"
    )


def test_a_runner_is_told_once_however_many_projects_there_are(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = Leaky(5)
    leaky.plant()
    served = serve(leaky)

    assert audit("--tier", "lab") == 1
    out = capsys.readouterr().out
    everybody = next(one for one in leaky.expected if one[0] == "runner-takes-untagged")[3]
    assert f"{len(everybody):,} projects: {', '.join(sorted(everybody)[:3])}, +{len(everybody) - 3:,} more" in " ".join(
        out.split()
    )
    assert "runner-bridge apply --target runner.lab" in " ".join(out.split())
    assert len(out.splitlines()) < 100
    assert served.token not in out


def test_csv_has_a_line_for_each_project(serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str]) -> None:
    leaky = Leaky(6)
    leaky.plant()
    serve(leaky)

    assert audit("-o", "csv") == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == sum(len(projects) or 1 for *_, projects in leaky.expected)
    assert {(one["code"], int(one["runner_id"]), one["tier"]) for one in rows} == {one[:3] for one in leaky.expected}


def test_what_a_member_does_not_see_is_never_clean(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = Leaky(7)
    served = serve(leaky)
    member = served.world.user("maria", platform=50, research=50, product=30)
    Path("token").write_text(served.world.token(member, "read_api"), encoding="utf-8")

    assert audit("-o", "json") == 3
    answer = json.loads(capsys.readouterr().out)
    unseen = {one["code"]: one for one in answer["findings"]}
    assert answer["leaks"] == []
    assert answer["is_whole"] is False
    assert unseen["runners-unlisted"]["observed"] == (
        f"instance runners, runners of group product, runners of project {leaky.vault.id}"
    )
    assert unseen["runner-unidentified"]["subject"] == "runner infra-vault"


def test_a_runner_of_more_projects_than_a_list_names_is_seen_whole(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = Leaky(10)
    leaky.vaults.projects += leaky.others[:150]
    serve(leaky)

    assert audit("-o", "json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert [(one["code"], len(one["projects"])) for one in answer["leaks"]] == [("runner-open-to-others", 150)]
    assert answer["is_whole"] is True


def test_a_runner_made_by_hand_is_known_by_its_token(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str]
) -> None:
    leaky = Leaky(8)
    leaky.platform.note = "made by hand"
    served = serve(leaky)

    assert audit("-o", "json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert {one["code"] for one in answer["findings"]} == {"jobs-taken-elsewhere", "runner-unidentified"}
    token = leaky.platform.token
    Path("config.toml").write_text(
        f'[[runners]]\nname = "infra-platform"\nurl = "{served.server.url}"\ntoken = "{token}"\n'
        'executor = "kubernetes"\n',
        encoding="utf-8",
    )
    assert audit("--config", "config.toml") == 0
    out, err = capsys.readouterr()
    assert token not in out + err


def test_what_managers_read_by_the_policy_tells_who_is_who(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaky = Leaky(8)
    leaky.platform.note = "made by hand"
    served = serve(leaky)
    policy = Path("policy.yaml")
    installation = "installations:\n  main:\n    configuration: {file: config.toml}\n"
    policy.write_text(policy.read_text(encoding="utf-8") + installation, encoding="utf-8")
    Path("config.toml").write_text(
        f'[[runners]]\nname = "infra-platform"\nurl = "{served.server.url}"\nid = {leaky.platform.id}\n'
        'token = "glrt-t2_elsewhereFAKETOKEN00"\nexecutor = "kubernetes"\n',
        encoding="utf-8",
    )
    assert audit() == 0

    monkeypatch.setenv("KUBECONFIG", "none")
    capsys.readouterr()
    policy.write_text(
        policy.read_text(encoding="utf-8").replace("{file: config.toml}", "{secret: ci/runner-config}"),
        encoding="utf-8",
    )
    assert audit() == 1
    out, err = capsys.readouterr()
    assert "[runner-unidentified]" in out
    assert "runner-bridge: installation main: " in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--audit", "--offline"], "leave --offline"),
        (["--audit", "--project", "a/b"], "leave --offline, --project"),
        (["--audit", "--tier", "none"], "--tier none out"),
        (["--config", "config.toml"], "--config is for --audit alone"),
    ],
)
def test_what_does_not_go_together_is_said(
    serve: Callable[[Leaky], Served], capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    serve(Leaky(9))
    assert run(["map", "--token-file", "token", *args]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
