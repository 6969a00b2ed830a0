"""Why a project gets its tier, and what follows from it."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from runner_bridge.ask.answers.explain import Explanation, explain, range_of
from runner_bridge.ask.views import explain_json, explain_text
from runner_bridge.core.policy import model as p
from runner_bridge.core.policy.rules import Placement
from tests import make
from tests.core.policy.base import read

CONFIG = Path(__file__).parents[3] / "config"


def answer(path: str | None, *, example: str = "blog", to: str | None = None, **known: Any) -> Explanation:
    policy = read((CONFIG / f"{example}.yaml").read_text(), f"{example}.yaml")
    project = p.Project(path=p.ProjectPath(path) if path else None, **known)
    destination = ip_address(to) if to else None
    return explain(policy, project, annotations_of=lambda _, tier: {"pools": tier.name}, destination=destination)


def test_a_project_of_a_group_gets_the_tier_of_the_group() -> None:
    got = answer("platform/deploy")
    assert got.tier is not None
    assert got.tier.name == "infra"
    assert got.annotations == {"pools": "infra"}


@pytest.mark.parametrize(
    ("known", "offered"),
    [
        pytest.param({"path": "platform/deploy"}, {"infra-platform": True, "infra-19241": None}, id="path-only"),
        pytest.param(
            {"path": "platform/deploy", "id": 7}, {"infra-platform": True, "infra-19241": False}, id="path-and-id"
        ),
        pytest.param({"path": None, "id": 19241}, {"infra-platform": None, "infra-19241": True}, id="id-only"),
        pytest.param({"path": "x/y", "id": 19241}, {"infra-platform": False, "infra-19241": True}, id="moved"),
    ],
)
def test_a_runner_is_offered_what_its_scope_covers(known: dict[str, Any], offered: dict[str, bool | None]) -> None:
    assert {one.runner.name: one.offered for one in answer(**known).offers} == offered


def test_a_project_runner_by_path_is_offered_that_project_only() -> None:
    got = answer("datacentre/switches", example="firewall")
    assert {one.runner.name: one.offered for one in got.offers} == {"legacy-switches": True, "legacy-storage": False}
    assert answer(None, example="firewall", id=7).elsewhere == ()


def test_runners_of_other_tiers_that_take_its_jobs_too_are_named() -> None:
    assert [one.name for one in answer("platform/deploy").elsewhere] == ["shared"]


@pytest.mark.parametrize(
    ("path", "example", "to", "source"),
    [
        ("platform/x", "blog", "10.10.3.4", "the pod's own address"),
        ("platform/x", "blog", "192.0.2.1", "the address of the node that the pod runs on"),
        ("platform/x", "blog", "2001:db8::1", "nothing"),
        ("other/x", "blog", "192.0.2.1", "the pod's own address"),
        ("datacentre/switches", "firewall", "192.0.2.1", "the pod's own address"),
        ("products/partner/x", "many-tiers", "192.0.2.1", "203.0.113.7"),
        ("platform/x", "dual-stack", "2001:db8:99::1", "the address of the node that the pod runs on"),
        ("legacy/x", "dual-stack", "2001:db8:99::1", "nothing"),
    ],
)
def test_a_destination_sees_the_pod_or_what_translates_it(path: str, example: str, to: str, source: str) -> None:
    (sight,) = answer(path, example=example, to=to).sights
    assert (sight.destination, sight.source) == (to, source)


@pytest.mark.parametrize(
    ("egress", "source"),
    [
        (p.Egress(kind=p.EgressKind.NONE), "nothing"),
        (
            p.Egress(kind=p.EgressKind.GATEWAY, gateway=p.PoolName("workload")),
            "an address of the gateway's pool workload, 10.10.0.0/16",
        ),
    ],
)
def test_a_declared_egress_is_what_everything_outside_sees(egress: p.Egress, source: str) -> None:
    policy = make.policy(make.tier(egress=egress), make.tier("default", make.WORKLOAD))
    policy = make.policy(*policy.tiers.values(), index=_Always())
    inside, outside = explain(policy, p.Project(), annotations_of=lambda *_: {}).sights
    assert inside.destination == "172.16.0.0/16, 10.10.0.0/16"
    assert outside.source == source


class _Always:
    def place(self, _: p.Project) -> Any:
        rule = p.Rule(kind=p.RuleKind.CATCH_ALL, tier=p.TierName("infra"), text="**", value="**", place=make.HERE)
        return Placement(tier=rule.tier, rule=rule)


@pytest.mark.parametrize(
    ("path", "known", "unsure"),
    [
        ("platform/x", {}, ["1 rule places a project by its number, which was not given (--id)."]),
        ("platform/x", {"id": 7}, []),
        (
            "elsewhere/x",
            {"id": 7},
            [
                "1 rule places a project by a custom attribute, which was not given (--attribute).",
                "1 rule places a project by a topic, which was not given (--topic).",
            ],
        ),
        ("elsewhere/x", {"id": 7, "topics": ("sandbox",), "attributes": {"a": "b"}}, []),
        (None, {"id": 19241}, []),
        (None, {"id": 7, "topics": ("x",), "attributes": {"a": "b"}}, ["6 rules place a project by its path"]),
    ],
)
def test_what_was_not_given_but_could_decide_is_told(
    path: str | None, known: dict[str, Any], unsure: list[str]
) -> None:
    told = answer(path, example="many-tiers", **known).unsure
    assert [one[: len(want)] for one, want in zip(told, unsure, strict=True)] == unsure


@pytest.mark.parametrize(
    ("cidr", "size", "told"),
    [
        ("172.16.0.0/16", 25, "172.16.0.0/16: 172.16.0.0 to 172.16.255.255 (65,536 addresses, 512 blocks)"),
        ("10.0.0.0/26", 26, "10.0.0.0/26: 10.0.0.0 to 10.0.0.63 (64 addresses, 1 block)"),
        ("fd00::/64", 122, "fd00::/64: fd00:: to fd00::ffff:ffff:ffff:ffff (2^64 addresses, 2^58 blocks)"),
    ],
)
def test_a_pool_is_told_by_its_first_and_last_address(cidr: str, size: int, told: str) -> None:
    assert range_of(make.pool(cidr=cidr, block_size=size)) == told


# --- how it is shown ---


def shown(got: Explanation, width: int = 80) -> str:
    return explain_text.render(got, colour=False, width=width)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    ("path", "example"), [("platform/deploy", "blog"), ("a/b", "blog"), ("products/partner/x", "many-tiers")]
)
def test_only_what_cannot_be_broken_is_wider_than_the_screen(path: str, example: str, width: int) -> None:
    too_wide = [line for line in shown(answer(path, example=example), width).split("\n") if len(line) > width]
    assert all(len(line.split()) <= 3 for line in too_wide)


def test_the_page_names_winner_and_losers_with_their_lines() -> None:
    text = shown(answer("platform/deploy"), 120)
    assert "platform/**  tier infra    blog.yaml:35:16  wins\n" in text
    assert "**           tier default  blog.yaml:44:16  loses: a path is more specific than **\n" in text


def test_a_tier_without_an_offered_runner_says_that_its_jobs_wait() -> None:
    policy = make.policy(make.tier(), index=_Always())
    got = explain(policy, p.Project(path=p.ProjectPath("x/y")), annotations_of=lambda *_: {})
    assert "none is offered to it: its jobs wait, or run elsewhere" in shown(got)


def test_a_tie_names_every_rule_of_it() -> None:
    text = (CONFIG / "blog.yaml").read_text()
    text = text.replace('"id:19241"', '"attribute:a=b"').replace('["**"]', '["**", "attribute:c=d"]')
    project = p.Project(path=p.ProjectPath("x/y"), id=1, attributes={"a": "b", "c": "d"})
    got = explain(read(text), project, annotations_of=lambda *_: {})
    page = shown(got)
    assert page.startswith("x/y (project 1): tier unknown, 2 rules tie\n")
    assert page.count("ties\n") == 2


def test_a_project_in_no_tier_says_so() -> None:
    policy = read((CONFIG / "blog.yaml").read_text().replace('["**"]', '["a/b"]'))
    page = shown(explain(policy, p.Project(id=5), annotations_of=lambda *_: {}))
    assert page.startswith("project 5: no tier, no rule matches\n")


def test_colour_changes_nothing_but_colour() -> None:
    got = answer("platform/deploy")
    painted = explain_text.render(got, colour=True, width=80)
    assert painted != shown(got)
    assert re.sub(r"\x1b\[\d+m", "", painted) == shown(got)


def test_programs_get_the_same_as_json() -> None:
    got = json.loads(explain_json.render(answer("platform/deploy", id=7)))
    assert (got["tier"], got["rule"]["rule"], got["rule"]["place"]) == ("infra", "platform/**", "blog.yaml:35:16")
    assert got["lost"][0]["because"] == "a path is more specific than **"
    assert got["pools"] == [{"name": "infraestrutura", "cidr": "172.16.0.0/16", "block_size": 25}]
    assert got["runners"][1] == {"name": "infra-19241", "scope": "project:19241", "offered": False}
    assert got["egress"] == {"kind": "node", "gateway": None, "addresses": []}


def test_programs_get_no_consequences_of_no_tier() -> None:
    policy = read((CONFIG / "blog.yaml").read_text().replace('["**"]', '["a/b"]'))
    got = json.loads(explain_json.render(explain(policy, p.Project(id=5), annotations_of=lambda *_: {})))
    assert (got["tier"], got["rule"]) == (None, None)
    assert "runners" not in got
