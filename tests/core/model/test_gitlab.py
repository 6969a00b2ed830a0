"""What GitLab says, as values: a token that does not show itself, days that are left, notes with a marker."""

from __future__ import annotations

import pickle
from datetime import date

import msgspec
import pytest

from runner_bridge.core.model.gitlab import (
    Ability,
    Access,
    CreatedRunner,
    NewRunner,
    Permit,
    Purpose,
    Runner,
    RunnerToken,
    RunnerType,
    TokenScopes,
)

FAKE = "glrt-t1_NOTAREALTOKEN0000000"


def test_a_token_shows_itself_to_nobody() -> None:
    token = RunnerToken(FAKE)
    created = CreatedRunner(id=7, token=token)

    assert FAKE not in f"{token} {token!r} {created} {created!r} {[token]}"
    assert token.reveal() == FAKE


def test_a_token_is_not_written_into_anything() -> None:
    with pytest.raises(TypeError, match="not serialized"):
        pickle.dumps(RunnerToken(FAKE))
    with pytest.raises(TypeError):
        msgspec.json.encode(CreatedRunner(id=7, token=RunnerToken(FAKE)))


def test_tokens_compare_by_what_they_hold() -> None:
    assert RunnerToken(FAKE) == RunnerToken(FAKE)
    assert len({RunnerToken(FAKE), RunnerToken(FAKE)}) == 1
    assert RunnerToken(FAKE) != FAKE


def test_a_token_that_ends_today_has_no_days_left() -> None:
    scopes = TokenScopes(purpose=Purpose.READ, origin="file", expires_on=date(2026, 3, 1))

    assert scopes.days_left(date(2026, 3, 1)) == 0
    assert scopes.days_left(date(2026, 3, 2)) == -1
    assert TokenScopes(purpose=Purpose.READ, origin="file").days_left(date(2026, 3, 1)) is None


@pytest.mark.parametrize(("note", "whole"), [("", "bridge:gold"), ("Ask Ops", "Ask Ops\nbridge:gold")])
def test_the_marker_is_the_last_line_of_the_note(note: str, whole: str) -> None:
    assert NewRunner(type=RunnerType.INSTANCE, marker="bridge:gold", note=note).maintenance_note == whole


@pytest.mark.parametrize(("count", "is_whole"), [(None, True), (2, True), (3, False)])
def test_a_runner_is_whole_when_every_project_is_seen(*, count: int | None, is_whole: bool) -> None:
    runner = Runner(id=1, type=RunnerType.PROJECT, project_ids=(4, 5), project_count=count)

    assert runner.is_whole is is_whole


def test_a_project_runner_without_projects_is_not_whole() -> None:
    assert not Runner(id=1, type=RunnerType.PROJECT).is_whole
    assert Runner(id=1, type=RunnerType.GROUP).is_whole


def test_an_ability_that_is_missing_says_why() -> None:
    permits = (
        Permit(ability=Ability.PROJECTS, is_on=True),
        Permit(ability=Ability.CREATE_RUNNERS, is_on=False, why="No token."),
    )
    access = Access(url="https://gitlab.example.com", permits=permits)

    assert access.why_not(Ability.PROJECTS) is None
    assert access.why_not(Ability.CREATE_RUNNERS) == "No token."
