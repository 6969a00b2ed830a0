"""Declared runners against GitLab's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from runner_bridge.core.edits import runners
from runner_bridge.core.edits.live import Known
from runner_bridge.core.edits.marker import UNFINISHED, marker
from runner_bridge.core.model.gitlab import AccessLevel, RunnerType
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.edits.base import MARK, SHARED, infra, installation, live_runners, policy

BUSY = datetime(2026, 11, 20, tzinfo=UTC)
PROJECT = p.Scope(kind=p.ScopeKind.PROJECT, target="19241")
NOBODY: dict[p.RunnerName, Known] = {}


def told(compared: runners.Compared) -> list[str]:
    return [
        f"{one.deed.symbol} {one.address}"
        + "".join(f" {field.name} {field.before}→{field.after}" for field in one.fields)
        for one in compared.edits
    ]


def test_what_is_as_declared_needs_nothing() -> None:
    compared = runners.compare(policy(), live_runners())
    assert (compared.edits, compared.unseen) == ((), ())
    assert {name: one.id for name, one in compared.matched.items()} == {"infra-platform": 17, "shared": 3}


@pytest.mark.parametrize(
    ("declared", "seen", "expected"),
    [
        ({}, {"tags": ("a", "infra")}, "tag_list a,infra→infra"),
        ({"tags": ("b", "a")}, {"tags": ("a", "b")}, ""),
        ({}, {"run_untagged": True}, "run_untagged true→false"),
        ({}, {"is_locked": True}, ""),
        ({}, {"access_level": AccessLevel.REF_PROTECTED}, ""),
        ({"protected": False}, {"access_level": AccessLevel.REF_PROTECTED}, "access_level ref_protected→not_protected"),
        ({"protected": True}, {}, "access_level not_protected→ref_protected"),
        ({}, {"is_paused": True}, ""),
        ({"paused": False}, {"is_paused": True}, "paused true→false"),
        ({"maximum_timeout_s": 7200}, {}, "maximum_timeout →7200"),
        ({}, {"max_timeout_s": 7200}, ""),
        ({}, {"description": "renamed"}, "description renamed→infra-platform"),
        ({}, {"description": "theirs", "maintenance_note": "by hand"}, ""),
        ({}, {"description": "theirs", "maintenance_note": None}, ""),
    ],
)
def test_only_what_is_declared_is_compared(declared: dict[str, Any], seen: dict[str, Any], expected: str) -> None:
    compared = runners.compare(policy(make.runner(**declared)), live_runners(infra(**seen), SHARED))
    assert told(compared) == ([f"~ runner.infra-platform {expected}"] if expected else [])


def test_a_lock_counts_on_a_project_runner() -> None:
    declared = make.runner(scope=PROJECT, locked=True)
    seen = infra(type=RunnerType.PROJECT, group_ids=(), project_ids=(19241,))
    compared = runners.compare(policy(declared), live_runners(seen, SHARED))
    assert told(compared) == ["~ runner.infra-platform locked false→true"]


def test_a_runner_is_known_by_its_number_then_its_token_then_its_marker() -> None:
    by_token = {p.RunnerName("infra-platform"): Known(short_id="AAAAAAAAA", is_signed_in=True)}
    for known in (by_token, NOBODY):
        other = infra(id=18, maintenance_note="", short_sha="CCCCCCCC")
        compared = runners.compare(policy(), live_runners(other, infra(), SHARED, known=known))
        assert compared.matched[p.RunnerName("infra-platform")].id == 17


def test_one_runner_is_never_two_declared_ones() -> None:
    twice = (make.runner("a"), make.runner("b"))
    known = {p.RunnerName(name): Known(id=17, is_signed_in=True) for name in "ab"}
    served = {"ci-main": installation(runners=(p.RunnerName("a"), p.RunnerName("b")))}
    compared = runners.compare(
        policy(*twice, installations=served), live_runners(infra(maintenance_note=""), known=known)
    )
    assert list(compared.matched) == ["a"]
    assert "+ runner.b" in " ".join(told(compared))


def test_a_runner_that_is_not_there_is_created_paused_and_for_its_tags_alone() -> None:
    compared = runners.compare(policy(), live_runners(SHARED, known=NOBODY))
    (made,) = (one for one in compared.edits if one.name == "infra-platform")
    assert {one.name: one.after for one in made.fields} == {
        "access_level": "not_protected",
        "description": "infra-platform",
        "paused": "true",
        "run_untagged": "false",
        "tag_list": "infra",
    }


def test_a_project_runner_is_created_locked_unless_the_policy_says_otherwise() -> None:
    for declared, expected in ((None, "true"), (False, "false")):
        wanted = make.runner(scope=PROJECT, locked=declared, maximum_timeout_s=600)
        made = runners.compare(policy(wanted), live_runners(SHARED)).edits[0]
        fields = {one.name: one.after for one in made.fields}
        assert (fields["locked"], fields["maximum_timeout"]) == (expected, "600")


@pytest.mark.parametrize(
    ("changes", "live", "code"),
    [
        ({}, {"targets": {"group:platform": None}}, "scope-missing"),
        ({"installations": {}}, {}, "runner-nowhere"),
        ({"installations": {"ci-main": installation(tokens=None)}}, {}, "runner-nowhere"),
    ],
)
def test_nothing_is_created_that_would_be_lost(changes: dict[str, Any], live: dict[str, Any], code: str) -> None:
    compared = runners.compare(policy(**changes), live_runners(SHARED, **live))
    assert [one.code.name for one in compared.unseen] == [code]
    assert compared.edits == ()


@pytest.mark.parametrize(
    ("declared", "seen", "where"),
    [
        ({}, {"type": RunnerType.INSTANCE}, "instance"),
        ({}, {"group_ids": (8,)}, "another group"),
        ({"scope": PROJECT}, {"type": RunnerType.PROJECT, "project_ids": (5,), "project_count": 1}, "another project"),
    ],
)
def test_a_runner_elsewhere_is_not_moved(declared: dict[str, Any], seen: dict[str, Any], where: str) -> None:
    compared = runners.compare(policy(make.runner(**declared)), live_runners(infra(**seen), SHARED))
    (told_,) = compared.edits
    assert told_.deed.symbol == "!"
    assert told_.fields[0].before == where
    assert told_.text.endswith("3. runner-bridge apply --target runner.infra-platform\n")
    assert "infra-platform" not in compared.matched


def test_a_project_that_is_not_seen_is_no_other_project() -> None:
    seen = infra(type=RunnerType.PROJECT, project_ids=(), project_count=3)
    assert not runners.compare(policy(make.runner(scope=PROJECT)), live_runners(seen, SHARED)).edits


def test_two_with_one_marker_are_in_doubt_and_neither_is_touched() -> None:
    two = (infra(run_untagged=True), infra(id=18, short_sha="CCCCCCCC"))
    compared = runners.compare(policy(), live_runners(*two, SHARED, known={p.RunnerName("shared"): Known(id=3)}))
    assert [(one.code.name, one.observed) for one in compared.unseen] == [("runner-doubtful", "#17 and #18")]
    assert compared.edits == ()


def test_the_second_of_a_cut_off_apply_is_deleted_when_a_configuration_names_the_first() -> None:
    compared = runners.compare(policy(), live_runners(infra(), infra(id=18, short_sha="CCCCCCCC"), SHARED))
    assert told(compared) == ["- runner.#18 description infra-platform→"]


def test_a_runner_of_ours_that_is_declared_no_longer_is_deleted_and_others_are_not() -> None:
    gone = infra(id=20, maintenance_note=marker("prod-1", "old"), contacted_at=BUSY)
    theirs = infra(id=21, maintenance_note="by hand")
    other_cluster = infra(id=22, maintenance_note=marker("prod-2", "old"))
    compared = runners.compare(policy(), live_runners(infra(), SHARED, gone, theirs, other_cluster))
    assert [one.name for one in compared.edits] == ["#20"]
    assert compared.edits[0].warning


@pytest.mark.parametrize(
    ("seen", "known", "expected"),
    [
        ({}, Known(id=17), ["~ token.infra-platform"]),
        ({"contacted_at": BUSY}, Known(id=17), ["! token.infra-platform"]),
        ({}, Known(id=17, is_kept=True), []),
        ({}, Known(id=17, is_signed_in=True), []),
        ({"maintenance_note": "by hand"}, Known(id=17), []),
    ],
)
def test_a_token_that_nobody_has_is_renewed_only_if_nobody_uses_it(
    seen: dict[str, Any], known: Known, expected: list[str]
) -> None:
    both = {p.RunnerName("infra-platform"): known, p.RunnerName("shared"): Known(id=3, is_signed_in=True)}
    one = live_runners(infra(**seen), SHARED, known=both)
    assert told(runners.compare(policy(), one)) == expected


@pytest.mark.parametrize(("paused", "after"), [(None, "false"), (False, "false"), (True, "true")])
def test_a_runner_that_a_cut_off_apply_left_paused_is_put_into_service(paused: bool | None, after: str) -> None:
    seen = infra(is_paused=True, maintenance_note=f"{UNFINISHED}\n{MARK}")
    compared = runners.compare(policy(make.runner(paused=paused)), live_runners(seen, SHARED))
    assert told(compared) == [f"~ service.infra-platform paused true→{after}"]
