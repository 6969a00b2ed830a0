"""`runner-bridge explain`: what may be given, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli import run

if TYPE_CHECKING:
    from tests.cli.served import Served

BLOG = str(Path(__file__).parents[2] / "config" / "blog.yaml")
MANY = str(Path(__file__).parents[2] / "config" / "many-tiers.yaml")


def explained(capsys: pytest.CaptureFixture[str], *args: str, policy: str = BLOG) -> dict[str, object]:
    assert run(["explain", *args, "-p", policy, "-o", "json"]) == 0
    got: dict[str, object] = json.loads(capsys.readouterr().out)
    return got


@pytest.mark.parametrize(
    ("args", "path", "number"),
    [
        (["platform/deploy"], "platform/deploy", None),
        (["/platform/deploy/"], "platform/deploy", None),
        (["https://gitlab.example.com/platform/deploy"], "platform/deploy", None),
        (["https://gitlab.example.com/platform/deploy/-/jobs/7"], "platform/deploy", None),
        (["https://gitlab.example.com/platform/deploy.git"], "platform/deploy", None),
        (["platform/deploy", "--id", "7"], "platform/deploy", 7),
        (["19241"], None, 19241),
        (["19241", "--id", "19241"], None, 19241),
    ],
)
def test_a_project_is_a_path_a_number_or_the_address_of_its_page(
    capsys: pytest.CaptureFixture[str], args: list[str], path: str | None, number: int | None
) -> None:
    got = explained(capsys, *args)
    assert (got["tier"], got["project"]) == ("infra", {"id": number, "path": path, "topics": [], "attributes": {}})


def test_topics_and_attributes_are_given_by_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(capsys, "x/y", "--attribute", "tier=infra", policy=MANY)["tier"] == "infra"
    assert explained(capsys, "x/y", "--topic", "sandbox", policy=MANY)["tier"] == "sandbox"


def test_the_annotation_is_the_one_that_is_rendered(capsys: pytest.CaptureFixture[str]) -> None:
    got = explained(capsys, "platform/deploy")
    assert got["annotations"] == {"cni.projectcalico.org/ipv4pools": '["infraestrutura"]'}


def test_people_get_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "platform/deploy", "-p", BLOG, "--to", "192.0.2.10"]) == 0
    assert capsys.readouterr().out.startswith("platform/deploy: tier infra\n")


def test_a_project_in_no_tier_is_exit_code_1(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(Path(BLOG).read_text().replace('["**"]', '["a/b"]'))
    assert run(["explain", "x/y", "-p", str(policy)]) == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["deploy"], "expected a full path"),
        (["https://elsewhere.example.com/a/b"], "below https://gitlab.example.com"),
        (["a//b"], "expected a full path"),
        (["git@gitlab.example.com:a/b.git"], "expected a full path"),
        (["7", "--id", "8"], "two numbers"),
        (["a/b", "--attribute", "x"], "expected KEY=VALUE"),
        (["a/b", "--to", "somewhere"], "expected an address"),
        (["a/b", "--id", "0"], "--id"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_sentence(
    capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    assert run(["explain", *args, "-p", BLOG]) == 2
    assert said in capsys.readouterr().err


def test_a_project_is_asked_of_gitlab(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    one = served.some("platform/")
    before = one.path
    served.world.rename(one, "renamed")
    for named in (before, one.path, str(one.id), f"{served.server.url}/{one.path}/-/jobs/7"):
        assert run(["explain", "--live", "--token-file", "token", "-o", "json", named]) == 0
        got = json.loads(capsys.readouterr().out)
        assert (got["project"]["path"], got["project"]["id"], got["tier"]) == (one.path, one.id, "infra")
        assert got["unsure"] == []


def test_what_gitlab_says_is_not_said_twice(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    live = ["explain", "--live", "--token-file", "token"]
    assert run([*live, "--id", "7", "platform/deploy"]) == 2
    assert "Leave them out, or --live" in capsys.readouterr().err
    assert run([*live, "no/such"]) == 2
    assert "there is no project no/such that the token sees" in capsys.readouterr().err


def test_attributes_that_are_hidden_leave_the_tier_unsure(
    served: Served,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = served.some("product/")
    policy = Path("policy.yaml")
    policy.write_text(
        policy.read_text(encoding="utf-8").replace('"id:19241"]', '"attribute:tier=gold"]'), encoding="utf-8"
    )
    Path("token").write_text(served.world.token(served.world.user("maria", product=20), "read_api"), encoding="utf-8")

    assert run(["explain", "--live", "--token-file", "token", "-o", "json", one.path]) == 0
    assert "by a custom attribute, which was not given" in json.loads(capsys.readouterr().out)["unsure"][0]
