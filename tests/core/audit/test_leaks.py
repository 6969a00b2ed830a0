"""Who could run whose jobs."""

from __future__ import annotations

import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_bridge.core.audit import unseen
from runner_bridge.core.audit.identity import identify
from runner_bridge.core.audit.reach import Reach
from runner_bridge.core.model.gitlab import AccessLevel, RunnerType
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.audit.world import GROUPS, HSM, found, policy, project, runner, told

if TYPE_CHECKING:
    from runner_bridge.core.mapping import Mapped
    from runner_bridge.core.model.gitlab import Runner

INFRA = runner(10, name="infra-platform", tags=("infra",))
DEPLOY = project(5, "platform/net/deploy")
LEGACY = project(6, "platform/legacy", "default")
BLOG = project(7, "product/blog", "default")


@pytest.mark.parametrize(
    ("mapped", "one", "expected"),
    [
        pytest.param([DEPLOY, BLOG], INFRA, [], id="a group runner of the tier's group alone"),
        pytest.param([DEPLOY, LEGACY], INFRA, ["runner-open-to-others #10 infra: platform/legacy"], id="below it"),
        pytest.param(
            [project(6, "platform/legacy", "default", group_runners=False)], INFRA, [], id="group runners are off"
        ),
        pytest.param(
            [project(6, "platform/legacy", "default", group_runners=None)],
            INFRA,
            ["runner-open-to-others #10 infra: platform/legacy"],
            id="a switch that was not seen counts as on",
        ),
        pytest.param([project(6, "platform/a", "default", is_archived=True)], INFRA, [], id="archived"),
        pytest.param(
            [project(6, "platform/a", "default", is_leaving=True)],
            INFRA,
            ["runner-open-to-others #10 infra: platform/a"],
            id="marked for deletion it runs jobs still",
        ),
        pytest.param(
            [project(6, "platform/a", None)], INFRA, ["runner-open-to-others #10 infra: platform/a"], id="in no tier"
        ),
        pytest.param(
            [DEPLOY, LEGACY, BLOG],
            runner(10, "instance", "infra-platform", tags=("infra",)),
            ["runner-open-to-others #10 infra: platform/legacy product/blog"],
            id="one of the instance",
        ),
        pytest.param(
            [project(7, "product/blog", "default", instance_runners=False)],
            runner(10, "instance", "infra-platform", tags=("infra",)),
            [],
            id="instance runners are off",
        ),
        pytest.param(
            [DEPLOY, BLOG],
            runner(10, "project", "infra-platform", tags=("infra",), project_ids=(5, 7, 99)),
            ["runner-open-to-others #10 infra: product/blog"],
            id="a project runner that was given to others",
        ),
        pytest.param(
            [DEPLOY],
            runner(10, "project", "infra-platform", tags=("infra",), project_ids=(5,), is_locked=False),
            ["runner-unlocked #10 infra"],
            id="an unlocked one",
        ),
        pytest.param(
            [DEPLOY, LEGACY],
            runner(10, name="infra-platform", tags=(), run_untagged=True),
            ["runner-takes-untagged #10 infra: platform/legacy"],
            id="untagged alone",
        ),
        pytest.param(
            [DEPLOY, LEGACY],
            runner(10, name="infra-platform", tags=("infra",), run_untagged=True),
            [
                "runner-takes-untagged #10 infra: platform/legacy",
                "runner-open-to-others #10 infra: platform/legacy",
            ],
            id="untagged and tagged",
        ),
        pytest.param(
            [DEPLOY, LEGACY], runner(10, name="infra-platform", tags=("infra",), is_paused=True), [], id="paused"
        ),
    ],
)
def test_who_else_could_use_a_runner_of_the_tier(mapped: list[Mapped], one: Runner, expected: list[str]) -> None:
    assert told(found(policy(), mapped, [one])) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(
            runner(20, tags=("infra", "x")), ["jobs-taken-elsewhere #20 infra: platform/net/deploy"], id="tags"
        ),
        pytest.param(runner(20, tags=("x",)), [], id="other tags"),
        pytest.param(runner(20, group_ids=(3,), tags=("infra",), run_untagged=True), [], id="another group"),
        pytest.param(
            runner(20, group_ids=(2,), tags=("infra",)),
            ["jobs-taken-elsewhere #20 infra: platform/net/deploy"],
            id="a group below",
        ),
        pytest.param(runner(20, group_ids=(77,), tags=("infra",)), [], id="a group that nobody knows is told as a gap"),
        pytest.param(runner(20, "project", project_ids=(7,), tags=("infra",)), [], id="another project"),
        pytest.param(runner(20, tags=("infra",), is_paused=True, run_untagged=True), [], id="paused"),
        pytest.param(
            runner(20, "instance", run_untagged=True),
            ["untagged-taken-elsewhere #20 infra: platform/net/deploy"],
            id="untagged",
        ),
        pytest.param(
            runner(20, "instance", "shared", tags=("linux",), run_untagged=True),
            ["untagged-taken-elsewhere #20 infra: platform/net/deploy"],
            id="untagged, of a declared runner of another tier",
        ),
        pytest.param(
            runner(20, "project", project_ids=(5,), run_untagged=True, is_locked=False),
            ["untagged-taken-elsewhere #20 infra: platform/net/deploy"],
            id="an unlocked runner that is not the tier's matters only by what it takes",
        ),
    ],
)
def test_who_else_could_run_the_jobs_of_the_tier(one: Runner, expected: list[str]) -> None:
    assert told(found(policy(), [DEPLOY, BLOG], [INFRA, one])) == expected


def test_one_of_two_tags_is_a_warning_and_both_are_an_error() -> None:
    both = runner(10, name="infra-platform", tags=("infra", "linux"))
    some = [runner(20, tags=("linux",)), runner(21, tags=("linux", "infra"))]
    leaks = found(policy(), [DEPLOY], [both, *some])
    assert told(leaks) == [
        "jobs-taken-elsewhere #21 infra: platform/net/deploy",
        "tags-shared #20 infra: platform/net/deploy",
    ]
    assert [one.remedy for one in leaks] == [
        "Take [infra, linux] off runner #21 (tag_list).",
        "Take [linux] off runner #20 (tag_list).",
    ]


def test_tags_that_no_runner_would_take_from_a_project_are_not_asked_for_there() -> None:
    declared = policy(make.runner("hsm", scope=HSM, tags=("hsm",)))
    other = project(8, "platform/other")
    leaks = found(declared, [DEPLOY, other], [INFRA, runner(20, tags=("hsm",))])
    assert told(leaks) == ["jobs-taken-elsewhere #20 infra: platform/net/deploy"]


def test_a_declared_runner_that_gitlab_does_not_have_is_asked_for_by_its_declared_tags() -> None:
    stranger = runner(20, "instance", tags=("lab", "infra"))
    lab = project(8, "product/lab", "lab")
    assert told(found(policy(), [DEPLOY, BLOG, lab], [stranger])) == [
        "jobs-taken-elsewhere #20 infra: platform/net/deploy",
        "jobs-taken-elsewhere #20 lab: product/lab",
    ]
    everywhere = policy(make.runner("lab", "lab", scope=p.Scope(kind=p.ScopeKind.INSTANCE), tags=("lab",)))
    assert told(found(everywhere, [lab], [stranger])) == ["jobs-taken-elsewhere #20 lab: product/lab"]
    nowhere = policy(
        make.runner("lab", "lab", scope=p.Scope(kind=p.ScopeKind.PROJECT, target="no/such"), tags=("lab",))
    )
    assert told(found(nowhere, [lab], [stranger])) == []


def test_a_runner_that_the_policy_protects_takes_protected_refs_alone() -> None:
    declared = policy(make.runner(protected=True))
    assert told(found(declared, [DEPLOY], [INFRA])) == ["runner-unprotected #10 infra"]
    assert found(declared, [DEPLOY], [runner(10, name="infra-platform", access_level=AccessLevel.REF_PROTECTED)]) == ()


def test_another_protected_runner_takes_less_and_takes_it_still() -> None:
    (leak,) = found(policy(), [DEPLOY], [INFRA, runner(20, tags=("infra",), access_level=AccessLevel.REF_PROTECTED)])
    assert leak.cause == (
        "It takes jobs of infra with `tags: [infra]` on protected refs. "
        "The policy does not have it, so nothing says which addresses its jobs get."
    )


# --- what is to be done ---


@pytest.mark.parametrize(
    ("declared", "one", "words"),
    [
        (
            {},
            runner(10, name="infra-platform", tags=("infra",)),
            "Turn group runners off in these projects (group_runners_enabled: false).",
        ),
        ({}, runner(10, "instance", "infra-platform", tags=("infra",)), "the scope `group:platform` in the policy"),
        (
            {},
            runner(10, "project", "infra-platform", tags=("infra",), project_ids=(6,)),
            "Take it from these projects: DELETE /projects/6/runners/10.",
        ),
        ({}, runner(10, name="infra-platform", run_untagged=True), "as the policy says, with tags: GitLab wants one"),
        (
            {"run_untagged": True},
            runner(10, name="infra-platform", run_untagged=True),
            "Set `run_untagged: false` for infra-platform in the policy, with tags",
        ),
        (
            {},
            runner(10, "project", "infra-platform", is_locked=False),
            "Set `locked: true` for infra-platform in the policy, then `runner-bridge apply`.",
        ),
        (
            {"locked": True},
            runner(10, "project", "infra-platform", is_locked=False),
            "`runner-bridge apply --target runner.infra-platform`.",
        ),
        ({"protected": True}, runner(10, name="infra-platform"), "Set access_level to ref_protected for runner #10"),
    ],
)
def test_the_remedy_names_the_setting_of_a_runner_of_the_tier(
    declared: dict[str, Any], one: Runner, words: str
) -> None:
    (leak,) = found(policy(make.runner(**declared)), [LEGACY], [one])
    assert words in leak.remedy


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (runner(20, "instance", run_untagged=True), "shared_runners_enabled: false"),
        (runner(20, run_untagged=True), "Set run_untagged to false for runner #20; group runners that are off"),
        (
            runner(20, "project", run_untagged=True, project_ids=(5,)),
            "Set run_untagged to false for runner #20, or take it from these projects: DELETE /projects/5/runners/20.",
        ),
        (runner(20, name="shared", run_untagged=True), "Set `run_untagged: false` for shared in the policy"),
        (runner(20, name="shared", tags=("infra",)), "Give shared other tags than [infra] in the policy"),
    ],
)
def test_the_remedy_names_the_setting_of_another_runner(one: Runner, words: str) -> None:
    (leak,) = found(policy(), [DEPLOY], [INFRA, one])
    assert words in leak.remedy


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"id:5": "infra"}, "`project:5`"),
        ({"platform/net/deploy": "infra"}, "`project:platform/net/deploy`"),
        ({"platform/*": "infra", "platform/**": "infra"}, "the scope `group:platform` in"),
        ({"*/net/**": "infra"}, "of the tier's projects alone"),
        ({"**": "infra"}, "of the tier's projects alone"),
    ],
)
def test_scopes_are_proposed_by_the_rules(rules: dict[str, str], words: str) -> None:
    kinds = {"id": p.RuleKind.ID, "**": p.RuleKind.CATCH_ALL}
    own = tuple(
        p.Rule(
            kind=kinds.get(text.partition(":")[0], p.RuleKind.PATH),
            tier=p.TierName("infra"),
            text=text,
            value=text.removeprefix("id:"),
            place=make.HERE,
        )
        for text in rules
    )
    declared = make.policy(make.tier(rules=own))
    (leak,) = found(declared, [LEGACY], [runner(10, "instance", "infra-platform", tags=("infra",))])
    assert words in leak.remedy


def test_a_narrower_group_is_proposed_where_the_rules_have_one() -> None:
    rule = p.Rule(
        kind=p.RuleKind.PATH, tier=p.TierName("infra"), text="platform/net/**", value="platform/net/**", place=make.HERE
    )
    declared = make.policy(make.tier(rules=(rule,)))
    (leak,) = found(declared, [LEGACY], [INFRA])
    assert "or give infra-platform the scope `group:platform/net` in the policy" in leak.remedy


def test_a_finding_counts_projects_and_names_three() -> None:
    many = [project(100 + number, f"platform/old/p{number}", "default") for number in range(5)]
    (leak,) = found(policy(), many, [INFRA])
    assert leak.finding.observed == "5 projects: platform/old/p0, platform/old/p1, platform/old/p2, +2 more"
    assert leak.finding.subject == "runner infra-platform (#10)"


def test_a_token_in_a_description_is_not_shown() -> None:
    (leak,) = found(
        policy(), [DEPLOY], [INFRA, runner(20, tags=("infra",), description="glrt-t1_4xYqA7pLwFAKETOKEN00")]
    )
    assert "4xYqA7pLw" not in leak.finding.headline
    (leak,) = found(policy(), [DEPLOY], [INFRA, runner(20, tags=("infra",), description="")])
    assert leak.subject == "runner #20"


# --- against a plain version ---

TAGS = ("a", "b", "c")
PATHS = ("platform/a", "platform/net/b", "product/c", "product/lab")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[p.Policy, list[Mapped], list[Runner]]:
    tags = st.lists(st.sampled_from(TAGS), unique=True, max_size=3).map(lambda some: tuple(sorted(some)))
    declared = policy(
        make.runner(tags=draw(tags), protected=draw(st.sampled_from([None, True, False]))),
        make.runner("lab", "lab", scope=p.Scope(kind=p.ScopeKind.PROJECT, target="product/lab"), tags=draw(tags)),
    )
    mapped = [
        project(
            number,
            path,
            draw(st.sampled_from(["infra", "lab", "default", None])),
            instance_runners=draw(st.sampled_from([True, False, None])),
            group_runners=draw(st.sampled_from([True, False, None])),
            is_archived=draw(st.booleans()),
        )
        for number, path in enumerate(PATHS, 1)
    ]
    runners = [
        runner(
            number,
            kind,
            draw(st.sampled_from(["", "infra-platform", "lab", "shared"])),
            tags=draw(tags),
            run_untagged=draw(st.booleans()),
            is_locked=draw(st.booleans()),
            is_paused=draw(st.sampled_from([False, False, True])),
            access_level=draw(st.sampled_from(list(AccessLevel))),
            group_ids=(draw(st.sampled_from([1, 2, 3])),) if kind == "group" else (),
            project_ids=tuple(sorted(draw(st.sets(st.integers(1, 4))))) if kind == "project" else (),
        )
        for number, kind in enumerate(draw(st.lists(st.sampled_from(["instance", "group", "project"]), max_size=4)), 10)
    ]
    return declared, mapped, runners


def could_use(one: Runner, mapped: Mapped) -> bool:
    project = mapped.project
    if one.type is RunnerType.INSTANCE:
        return project.instance_runners is not False
    if one.type is RunnerType.GROUP:
        inside = any(project.path.startswith(f"{GROUPS[number]}/") for number in one.group_ids)
        return inside and project.group_runners is not False
    return project.id in one.project_ids


def takes(one: Runner, asked: frozenset[str]) -> bool:
    return asked <= set(one.tags) if asked else one.run_untagged


OWN = {"infra-platform": "infra", "lab": "lab"}
JOBS = [frozenset(some) for count in range(len(TAGS) + 1) for some in combinations(TAGS, count)]
Pair = tuple[str, int, str, str]


def plain(declared: p.Policy, mapped: list[Mapped], runners: list[Runner]) -> set[Pair]:
    """Each runner with each project and each job that could be: (code, runner, tier, path), a path of "" for none."""
    result: set[Pair] = set()
    for one in runners:
        own = OWN.get(one.description)
        if own and not one.is_paused:
            if one.type is RunnerType.PROJECT and not one.is_locked:
                result.add(("runner-unlocked", one.id, own, ""))
            if declared.runners[p.RunnerName(one.description)].protected and one.access_level == "not_protected":
                result.add(("runner-unprotected", one.id, own, ""))
        for each in mapped:
            if not each.project.is_archived and not one.is_paused and could_use(one, each):
                if own:
                    result |= open_to(one, own, each)
                else:
                    result |= taken_by(one, each, wanted(declared, runners, each))
    return result


def open_to(one: Runner, own: str, each: Mapped) -> set[Pair]:
    jobs = [job for job in JOBS if takes(one, job)] if each.tier != own else []
    codes = {"runner-open-to-others" if job else "runner-takes-untagged" for job in jobs}
    return {(code, one.id, own, each.project.path) for code in codes}


def wanted(declared: p.Policy, runners: list[Runner], each: Mapped) -> list[frozenset[str]]:
    """The tags of the runners of a project's tier that could run its jobs; of one that is missing, as declared."""
    path, found = each.project.path, []
    for name, tier in OWN.items():
        live = [two for two in runners if two.description == name]
        if tier == each.tier and live:
            found += [frozenset(two.tags) for two in live if could_use(two, each)]
        elif tier == each.tier:
            is_reached = path == "product/lab" if tier == "lab" else path.startswith("platform/")
            if is_reached and (tier == "lab" or each.project.group_runners is not False):
                found.append(frozenset(declared.runners[p.RunnerName(name)].tags))
    return found


def taken_by(one: Runner, each: Mapped, tags: list[frozenset[str]]) -> set[Pair]:
    if each.tier not in {"infra", "lab"}:
        return set()
    asked = [job for job in JOBS if job and any(job <= some for some in tags) and takes(one, job)]
    codes = {"untagged-taken-elsewhere"} if takes(one, frozenset()) else set()
    if asked:
        codes.add("jobs-taken-elsewhere" if any(job in tags for job in asked) else "tags-shared")
    return {(code, one.id, str(each.tier), each.project.path) for code in codes}


@settings(max_examples=300)
@given(worlds())
def test_it_finds_what_a_plain_version_finds(world: tuple[p.Policy, list[Mapped], list[Runner]]) -> None:
    leaks = found(*world)
    pairs = {(one.code.name, one.runner.id, str(one.tier), each.path) for one in leaks for each in one.projects}
    pairs |= {(one.code.name, one.runner.id, str(one.tier), "") for one in leaks if not one.projects}
    assert pairs == plain(*world)
    assert len({(one.code.name, one.runner.id, one.tier) for one in leaks}) == len(leaks)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_what_was_read_does_not_matter(
    world: tuple[p.Policy, list[Mapped], list[Runner]], chance: Any
) -> None:
    declared, mapped, runners = world
    before = found(declared, mapped, runners)
    mapped, runners = list(mapped), list(runners)
    chance.shuffle(mapped)
    chance.shuffle(runners)
    assert found(declared, mapped, runners) == before


def test_ten_thousand_projects_and_a_hundred_runners_take_two_seconds_at_most() -> None:
    tiers = ("infra", "lab", "default")
    mapped = [project(n, f"{GROUPS[n % 3 + 1]}/g{n % 50}/p{n}", tiers[n % 3]) for n in range(1, 10_001)]
    names = ("", "infra-platform", "lab", "shared")
    runners = [
        runner(
            20_000 + n,
            ("instance", "group", "project")[n % 3],
            names[n % 4],
            tags=("infra", "lab") if n % 2 else ("infra",),
            run_untagged=True,
            group_ids=(n % 3 + 1,),
            project_ids=tuple(range(1, 101)) if n % 3 == 2 else (),
        )
        for n in range(100)
    ]
    declared = policy()
    started = time.process_time()
    reach = Reach(mapped, GROUPS)
    named = identify(declared, runners, ())
    leaks = found(declared, mapped, runners)
    unseen.find(declared, unseen.Listing(runners=tuple(runners), groups=GROUPS), reach, named)
    assert [one.finding for one in leaks]
    assert time.process_time() - started <= 2
