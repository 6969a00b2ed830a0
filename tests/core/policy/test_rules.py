"""Which rule places a project, and why the others lost."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.policy import forms
from runner_bridge.core.policy import model as p
from runner_bridge.core.policy.rules import Index
from runner_bridge.core.policy.ties import find_ties
from tests import make


def rules(**tiers: list[str]) -> list[p.Rule]:
    found = []
    for tier, texts in tiers.items():
        for text in texts:
            kind, value = forms.rule(text)
            found.append(p.Rule(kind=kind, tier=p.TierName(tier), text=text, value=value, place=make.HERE))
    return found


def project(path: str | None = None, **known: object) -> p.Project:
    return p.Project(path=p.ProjectPath(path) if path else None, **known)  # type: ignore[arg-type]


PLATFORM = Index(
    rules(
        a=["id:7", "platform/deploy", "attribute:tier=infra", "attribute:team=net"],
        b=["platform/*", "platform/*/deploy", "topic:Infra", "topic:edge"],
        c=["group:platform", "*/tools", "attribute:tier=other"],
        d=["**", "topic:other"],
    )
)


@pytest.mark.parametrize(
    ("known", "won", "lost"),
    [
        pytest.param(
            project("platform/deploy", id=7), "id:7", ["platform/deploy", "platform/*", "group:platform", "**"], id="id"
        ),
        pytest.param(project("Platform/Deploy"), "platform/deploy", ["platform/*", "group:platform", "**"], id="path"),
        pytest.param(project("platform/x"), "platform/*", ["group:platform", "**"], id="star"),
        pytest.param(project("platform/x/deploy"), "platform/*/deploy", ["group:platform", "**"], id="inner-star"),
        pytest.param(project("platform/x/y/z"), "group:platform", ["**"], id="group"),
        pytest.param(project("platform"), "**", [], id="a-group-is-no-project"),
        pytest.param(project("x/tools", id=8), "*/tools", ["**"], id="first-star"),
        pytest.param(
            project("x/y", attributes={"tier": "infra"}, topics=("infra",)),
            "attribute:tier=infra",
            ["topic:Infra", "**"],
            id="attribute",
        ),
        pytest.param(
            project("x/y", attributes={"tier": "infra", "team": "net"}),
            "attribute:team=net",
            ["attribute:tier=infra", "**"],
            id="two-attributes-of-one-tier",
        ),
        pytest.param(project("x/y", topics=("INFRA",)), "topic:Infra", ["**"], id="topic"),
        pytest.param(project(id=7), "id:7", ["**"], id="without-path"),
        pytest.param(project(), "**", [], id="nothing-known"),
    ],
)
def test_the_most_specific_rule_wins(known: p.Project, won: str, lost: list[str]) -> None:
    placement = PLATFORM.place(known)
    assert placement.rule is not None
    assert placement.rule.text == won
    assert placement.tier == placement.rule.tier
    assert [rule.text for rule, _ in placement.lost] == lost


@pytest.mark.parametrize(
    ("known", "reasons"),
    [
        (project("platform/deploy", id=7), ["an id is more specific than a path", "an id is more specific than **"]),
        (
            project("platform/deploy"),
            [
                "in segment 2, deploy is more specific than *",
                "in segment 2, deploy is more specific than **",
                "a path is more specific than **",
            ],
        ),
        (project("x/y", attributes={"tier": "infra", "team": "net"}), ["the same tier already by attribute:team=net"]),
    ],
)
def test_each_loser_is_told_why(known: p.Project, reasons: list[str]) -> None:
    told = [why for _, why in PLATFORM.place(known).lost]
    assert [why for why in reasons if why not in told] == []


@pytest.mark.parametrize(
    ("known", "tied"),
    [
        (project("x/y", attributes={"tier": "other", "team": "net"}), ["attribute:team=net", "attribute:tier=other"]),
        (project("x/y", topics=("other", "edge")), ["topic:edge", "topic:other"]),
    ],
)
def test_attributes_or_topics_of_two_tiers_place_a_project_nowhere(known: p.Project, tied: list[str]) -> None:
    placement = PLATFORM.place(known)
    assert (placement.tier, placement.rule) == (None, None)
    assert [rule.text for rule in placement.tied] == tied
    assert [rule.text for rule, _ in placement.lost] == ["**"]


def test_without_a_rule_a_project_is_in_no_tier() -> None:
    assert Index([]).place(project("a/b", id=1)).tier is None


def test_a_tie_names_what_both_stand_for() -> None:
    (tie,) = find_ties(Index(rules(a=["platform/*/deploy"], b=["platform/team-a/**"])).paths)
    assert (tie.one.text, tie.other.text) == ("platform/*/deploy", "platform/team-a/**")
    assert (tie.both, tie.example) == ("platform/team-a/deploy", "platform/team-a/deploy")


def test_an_example_has_names_for_wildcards() -> None:
    (tie,) = find_ties(Index(rules(a=["*/b/**"], b=["a/*/**"])).paths)
    assert (tie.both, tie.example) == ("a/b/**", "a/b/some-name")


def test_a_rule_for_exactly_both_decides() -> None:
    index = Index(rules(a=["platform/*/deploy"], b=["platform/team-a/**", "platform/team-a/deploy"]))
    assert find_ties(index.paths) == []
    assert index.place(project("platform/team-a/deploy")).tier == "b"


def test_a_hundred_ties_are_enough() -> None:
    groups = [f"group-{number}/**" for number in range(200)]
    assert len(find_ties(Index(rules(a=["*/deploy"], b=groups)).paths)) == 100


# --- against the definition, on a small alphabet ---

SEGMENTS = ("a", "b", "*")
RANK = {"a": 2, "b": 2, "*": 1, "**": 0}
PATTERNS = st.lists(st.sampled_from(SEGMENTS), min_size=2, max_size=3).map("/".join) | st.lists(
    st.sampled_from(SEGMENTS), min_size=1, max_size=2
).map(lambda segments: "/".join([*segments, "**"]))
RULES = st.dictionaries(PATTERNS, st.sampled_from("xyz"), min_size=1, max_size=7)
PATHS = ["/".join(path) for length in (2, 3, 4) for path in product("abc", repeat=length)]


def matches(pattern: str, path: str) -> bool:
    want, have = pattern.split("/"), path.split("/")
    if want[-1] == "**":
        want = want[:-1]
        if len(have) <= len(want):
            return False
        have = have[: len(want)]
    return len(want) == len(have) and all(one in ("*", it) for one, it in zip(want, have, strict=True))


def ranks(pattern: str) -> list[int]:
    found = [RANK[segment] for segment in pattern.split("/")]
    return found + [0] * (5 - len(found))


def beats(one: str, other: str) -> bool:
    """More specific in some segment, and less in none."""
    pairs = list(zip(ranks(one), ranks(other), strict=True))
    return one != other and all(mine >= its for mine, its in pairs)


def best(given: dict[str, str], path: str) -> set[str]:
    """The tiers of the rules for a path that no other rule for it beats."""
    found = [pattern for pattern in given if matches(pattern, path)]
    return {given[one] for one in found if not any(beats(other, one) for other in found)}


def indexed(given: dict[str, str]) -> Index:
    return Index([rule for pattern, tier in given.items() for rule in rules(**{tier: [pattern]})])


@given(RULES)
def test_ties_are_found_exactly_where_some_path_has_two_best_tiers(given: dict[str, str]) -> None:
    tied_paths = [path for path in PATHS if len(best(given, path)) > 1]
    ties = find_ties(indexed(given).paths)
    assert bool(ties) == bool(tied_paths)
    for tie in ties:
        assert matches(tie.one.value, tie.example)
        assert matches(tie.other.value, tie.example)
        assert tie.one.tier != tie.other.tier
        assert not beats(tie.one.value, tie.other.value)
        assert not beats(tie.other.value, tie.one.value)


@given(RULES.flatmap(lambda given: st.tuples(st.just(given), st.permutations(list(given.items())))))
def test_precedence_is_total_and_does_not_depend_on_the_order_of_rules(
    both: tuple[dict[str, str], list[tuple[str, str]]],
) -> None:
    given, shuffled = both
    first, second = indexed(given), indexed(dict(shuffled))
    tied = bool(find_ties(first.paths))
    for path in PATHS:
        one, other = first.place(project(path)), second.place(project(path))
        assert one == other
        if not tied:
            assert {one.tier} - {None} == best(given, path)
