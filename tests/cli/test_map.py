"""`runner-bridge map`: projects of a pretend GitLab by tier, kept for when it is away."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli import run

if TYPE_CHECKING:
    from tests.cli.served import Served


def mapped(*more: str) -> int:
    return run(["map", "--token-file", "token", "--rate", "100", *more])


def test_every_project_has_its_tier(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert mapped("-o", "json") == 0

    out, err = capsys.readouterr()
    answer = json.loads(out)
    tiers = {one["project"]: one["tier"] for one in answer["projects"]}
    assert tiers == {
        one.path: "infra" if one.path.startswith("platform/") else "default" for one in served.world.projects.values()
    }
    assert sum(answer["counts"].values()) == 300
    assert err == ""


def test_the_table_ends_with_how_many_and_how_old(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert mapped("--tier", "infra") == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["PROJECT", "ID", "TIER", "RULE"]
    assert all(line.startswith("platform/") for line in lines[1:-1])
    count = sum(one.path.startswith("platform/") for one in served.world.projects.values())
    assert lines[-1] == f"{count} of 300 projects: infra {count}, default {300 - count}; as of 0 s ago."


def test_csv_is_read_back(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert mapped("-o", "csv") == 0

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["project"] for row in rows] == sorted(one.path for one in served.world.projects.values())
    assert {row["rule"] for row in rows} == {"platform/**", "**"}


def test_what_is_kept_serves_while_gitlab_is_away(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert mapped("-o", "csv") == 0
    before = capsys.readouterr().out
    served.do(served.server.stop)

    assert run(["map", "--offline", "-o", "csv"]) == 0
    assert capsys.readouterr().out == before


def test_one_project_is_asked_for_by_itself(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    one = served.some("platform/")
    for named in (one.path, str(one.id), f"{served.server.url}/{one.path}/-/jobs/7"):
        assert mapped("--project", named) == 0
        assert f"{one.path}  {one.id}  infra  platform/**" in capsys.readouterr().out
    assert all("/projects/" in path for _, path in served.server.asked)


def test_a_project_that_no_rule_stands_for_is_a_finding(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Path("policy.yaml")
    policy.write_text(policy.read_text(encoding="utf-8").replace('["**"]', '["infra/**"]'), encoding="utf-8")

    assert mapped("--tier", "none") == 1
    assert "no rule" in capsys.readouterr().out
    assert mapped("--tier", "infra") == 0


def test_hidden_attributes_are_told(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Path("policy.yaml")
    text = policy.read_text(encoding="utf-8").replace('"id:19241"]', '"attribute:tier=gold"]')
    policy.write_text(text, encoding="utf-8")
    assert mapped("-o", "json") == 0
    gold = {one.path for one in served.world.projects.values() if one.attributes.get("tier") == "gold"}
    shown = {one["project"] for one in json.loads(capsys.readouterr().out)["projects"] if one["tier"] == "infra"}
    assert gold <= shown
    member = served.world.user("maria", product=20)
    Path("token").write_text(served.world.token(member, "read_api"), encoding="utf-8")

    assert mapped("--all") == 1
    assert "custom attributes hidden: attribute:tier=gold → infra" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--tier", "gold"], 2, "is no tier of the policy. Its tiers are infra, default"),
        (["--project", "deploy"], 2, "expected a full path"),
        (["--project", "https://elsewhere.example.com/a/b"], 2, "expected a full path"),
        (["--project", "no/such"], 2, "there is no project no/such that the token sees"),
        (["--token-file", "none"], 2, "none: no such file"),
        (["--cache", "no/such/folder"], 2, "there is no folder"),
        (["--offline"], 2, "holds no projects"),
        (["--rate", "0"], 2, "--rate"),
    ],
)
def test_what_is_wrong_is_said(
    served: Served, capsys: pytest.CaptureFixture[str], args: list[str], code: int, words: str
) -> None:
    assert mapped(*args) == code
    out, err = capsys.readouterr()
    assert words in err
    assert out == ""
    assert served.token not in err


def test_without_a_token_it_says_which_one_is_needed(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["map"]) == 2
    assert "It needs the scope read_api" in capsys.readouterr().err
    assert served.server.asked == []


def test_an_offline_project_is_found_among_those_that_are_kept(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mapped() == 0
    one = served.some("platform/")
    assert run(["map", "--offline", "--project", one.path.upper()]) == 0
    assert one.path in capsys.readouterr().out
    assert run(["map", "--offline", "--project", "no/such"]) == 2
    assert "not among those that are kept" in capsys.readouterr().err


def test_a_refused_token_means_that_nothing_is_proven(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.world.tokens.clear()

    assert mapped() == 3
    assert "401, the token from file token is not accepted" in capsys.readouterr().err
