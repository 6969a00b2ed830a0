"""What could not be looked at is told; it never counts as clean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.audit import unseen
from runner_bridge.core.audit.identity import identify
from runner_bridge.core.audit.reach import Reach
from runner_bridge.core.edits.live import Known
from runner_bridge.core.mapping import Doubt
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.audit.world import GROUPS, policy, project, runner

if TYPE_CHECKING:
    from runner_bridge.core.mapping import Mapped
    from runner_bridge.core.model.gitlab import Runner

INFRA = runner(10, name="infra-platform", tags=("infra",))
LAB = runner(11, "project", "lab", tags=("lab",), project_ids=(8,))
OURS = (INFRA, LAB)
ALL = (project(5, "platform/deploy"), project(8, "product/lab", "lab"))


def gaps(
    *more: Runner, ours: tuple[Runner, ...] = OURS, mapped: tuple[Mapped, ...] = ALL, **changes: Any
) -> list[tuple[str, str, str]]:
    declared = policy(gitlab=p.GitLab(url="https://gitlab.example.com", root_groups=changes.pop("roots", ())))
    listing = unseen.Listing(runners=(*ours, *more), groups=GROUPS, **changes)
    found = unseen.find(declared, listing, Reach(mapped, GROUPS), identify(declared, listing.runners, ()))
    return [(one.code.name, one.subject, one.observed or one.cause) for one in found]


def test_where_everything_was_seen_there_is_no_gap() -> None:
    assert gaps() == []


def test_runners_that_were_not_listed_are_named() -> None:
    assert gaps(missed=("instance runners", "runners of group product")) == [
        ("runners-unlisted", "https://gitlab.example.com", "instance runners, runners of group product")
    ]


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ((), "None is like it, either."),
        ((runner(20, tags=("infra",)),), "It may be #20, which has its name or tags."),
        ((runner(20, description="infra-platform"),), "It may be #20, which has its name or tags."),
    ],
)
def test_a_declared_runner_that_was_not_found_is_a_gap(more: tuple[Runner, ...], cause: str) -> None:
    assert gaps(*more, ours=(LAB,)) == [("runner-unidentified", "runner infra-platform", cause)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param(runner(20, "project", project_ids=(5,), project_count=3), "#20 by hand", id="projects not seen"),
        pytest.param(runner(20, group_ids=()), "#20 by hand", id="no group"),
        pytest.param(runner(20, group_ids=(77,)), "#20 by hand", id="a group that is not known"),
        pytest.param(runner(20, group_ids=(77,), is_paused=True), "", id="paused"),
        pytest.param(runner(20, "project", "lab", project_ids=(8, 99)), "#20 lab", id="a project outside"),
        pytest.param(runner(20, "project", "lab", project_ids=(8, 99), is_paused=True), "", id="outside, paused"),
        pytest.param(runner(20, "project", project_ids=(99,)), "", id="somebody else's runner outside"),
        pytest.param(runner(20, "project", "shared", project_ids=(99,)), "", id="a runner for everybody outside"),
        pytest.param(runner(20, "instance"), "", id="one of the instance"),
    ],
)
def test_a_runner_that_reaches_beyond_what_was_seen_is_named(more: Runner, expected: str) -> None:
    assert [one[2] for one in gaps(more)] == ([expected] if expected else [])


def test_an_instance_runner_of_a_tier_reaches_beyond_root_groups() -> None:
    everywhere = runner(12, "instance", "infra-platform")
    assert gaps(everywhere, roots=("platform",)) == [("reach-unseen", "1 runner", "#12 infra-platform")]
    assert gaps(everywhere) == []


@pytest.mark.parametrize(
    ("switches", "kind", "is_gap"),
    [
        ({"instance_runners": None}, "instance", True),
        ({"instance_runners": None}, "project", False),
        ({"group_runners": None}, "project", True),
        ({"group_runners": False}, "instance", False),
    ],
)
def test_switches_that_were_not_seen_matter_where_there_are_such_runners(
    switches: dict[str, Any], kind: str, *, is_gap: bool
) -> None:
    found = gaps(runner(20, kind), mapped=(*ALL, project(6, "platform/a", **switches)))
    assert [one[0] for one in found] == (["switches-unseen"] if is_gap else [])


def test_projects_in_doubt_are_left_out_and_counted() -> None:
    tied = project(6, "platform/b", None, doubt=Doubt.TIED)
    hidden = project(7, "platform/a", None, doubt=Doubt.ATTRIBUTES_HIDDEN)
    assert gaps(mapped=(*ALL, tied, hidden)) == [
        ("projects-in-doubt", "https://gitlab.example.com", "2 projects: platform/a, platform/b")
    ]


# --- which runner is which ---


def known(**told: Any) -> list[tuple[p.RunnerName, Known]]:
    return [(p.RunnerName("infra-platform"), Known(**told))]


@pytest.mark.parametrize(
    ("one", "told", "is_ours"),
    [
        pytest.param(runner(10, description="infra-platform", tags=("infra",)), {}, False, id="by name and tags"),
        pytest.param(runner(10), {"id": 10}, True, id="by its number"),
        pytest.param(runner(10, short_sha="t2_4xYqA"), {"short_id": "4xYqA7pLw"}, True, id="by its token"),
        pytest.param(runner(10, short_sha="4xYqA7pL"), {"short_id": "4xYqA7pLw"}, True, id="without its partition"),
        pytest.param(runner(10, short_sha="t2_4xY"), {"short_id": "4xYqA7pLw"}, False, id="by too few characters"),
        pytest.param(runner(10, short_sha="t2_4xYqB"), {"short_id": "4xYqA7pLw"}, False, id="another token"),
        pytest.param(runner(10, short_sha=""), {"short_id": "4xYqA7pLw"}, False, id="a token that was not seen"),
        pytest.param(runner(10, short_sha=""), {}, False, id="neither"),
        pytest.param(INFRA, {}, True, id="by its marker"),
        pytest.param(
            runner(10, maintenance_note="runner-bridge.dev/runner: prod-2/infra-platform"),
            {},
            False,
            id="another cluster's",
        ),
        pytest.param(
            runner(10, maintenance_note="runner-bridge.dev/runner: prod-1/gone"),
            {},
            False,
            id="one that is declared no longer",
        ),
        pytest.param(INFRA, {"short_id": "4xYqA7pLw"}, True, id="while it is rotated"),
    ],
)
def test_a_runner_is_known_by_facts(one: Runner, told: dict[str, Any], *, is_ours: bool) -> None:
    assert identify(policy(), [one], known(**told)) == ({10: "infra-platform"} if is_ours else {})


def test_a_runner_that_two_tiers_lay_claim_to_is_neithers() -> None:
    both = runner(10, name="lab", short_sha="t2_4xYqA")
    assert identify(policy(make.runner(short_ids=("4xYqA7pLw",))), [both], ()) == {}


def test_two_files_may_speak_of_one_runner() -> None:
    runners = [runner(10, short_sha="t2_4xYqA"), runner(11, short_sha="t2_9zZzZ")]
    both = known(short_id="4xYqA7pLw") + known(short_id="9zZzZ0aBc")
    assert identify(policy(), runners, both) == {10: "infra-platform", 11: "infra-platform"}
