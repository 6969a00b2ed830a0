"""A claim is contradicted only by what cannot be otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runner_bridge.core.claims import SKEW, Claim, compare, no_number, no_such_job, path_of
from runner_bridge.core.model.gitlab import Job
from runner_bridge.core.model.ledger import Standing
from tests.make import NOON

CONFIRMED, CONTRADICTED = Standing.CONFIRMED, Standing.CONTRADICTED
LATER = NOON + timedelta(hours=1)


def claim(**changes: Any) -> Claim:
    values: dict[str, Any] = {
        "pod_uid": "a",
        "namespace": "gitlab-runners",
        "pod": "runner-a",
        "project": "7",
        "short_id": "4xYqA7pLw",
        "runner": "infra-platform",
        "job": "4711",
        "created_at": NOON,
    }
    return Claim(**(values | changes))


def job(**changes: Any) -> Job:
    values: dict[str, Any] = dict.fromkeys(("name", "stage", "ref", "system_id", "user", "failure_reason"), "")
    values |= {"id": 4711, "project_id": 7, "project_path": "platform/net", "status": "running", "is_tag": False}
    values |= {"tags": (), "pipeline_id": 90, "runner_id": 3, "web_url": ""}
    values |= {"created_at": NOON, "started_at": NOON, "finished_at": None}
    return Job(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "sha", "standing", "says"),
    [
        ({}, "4xYqA7pL", CONFIRMED, ""),
        ({}, "t1_4xYqA", CONFIRMED, ""),
        ({}, None, CONFIRMED, "runner 3 is not shown to us"),
        ({"runner_id": None}, None, CONFIRMED, "GitLab does not say"),
        ({"project_id": None}, "4xYqA7pL", CONFIRMED, ""),
        ({"finished_at": NOON - SKEW}, "4xYqA7pL", CONFIRMED, ""),
        ({"project_id": 8}, "4xYqA7pL", CONTRADICTED, "job of project 8, not of 7"),
        ({}, "2bGnS8cX", CONTRADICTED, "Runner 3 took it"),
        ({"finished_at": NOON - timedelta(minutes=3)}, "4xYqA7pL", CONTRADICTED, "ended at 2026-11-20 11:57:00Z"),
        ({"runner_id": None, "started_at": None, "status": "created"}, None, CONTRADICTED, "as created"),
    ],
)
def test_a_claim_stands_as_gitlab_has_it(
    changes: dict[str, Any], sha: str | None, standing: Standing, says: str
) -> None:
    told = compare(claim(), job(**changes), short_sha=sha, now=LATER)

    assert told is not None
    assert told.standing is standing
    assert says in told.text
    assert bool(told.text) is bool(says)


def test_a_job_that_gitlab_has_not_given_out_yet_is_asked_for_again() -> None:
    pending = job(runner_id=None, started_at=None, status="pending")

    assert compare(claim(), pending, short_sha=None, now=NOON + SKEW / 2) is None
    assert compare(claim(created_at=None), pending, short_sha=None, now=NOON) is not None


def test_a_pod_without_moment_or_short_id_is_compared_by_the_rest() -> None:
    told = compare(claim(created_at=None, short_id=""), job(finished_at=NOON), short_sha="4xYqA7pL", now=LATER)

    assert told is not None
    assert told.standing is CONFIRMED


def test_no_such_job_contradicts_only_where_others_are_shown() -> None:
    assert no_such_job(claim(), shows_others=True).standing is CONTRADICTED
    assert no_such_job(claim(), shows_others=False).standing is Standing.UNSEEN


@pytest.mark.parametrize("text", ["", "x", "4７11", "-1", "1" * 20, "4711 "])
def test_what_is_no_number_is_not_asked_for(text: str) -> None:
    assert not claim(job=text).is_number
    assert no_number(claim(job=text)).standing is CONTRADICTED
    assert claim().is_number


@pytest.mark.parametrize(
    ("url", "base", "path"),
    [
        ("https://gitlab.example.com/a/b/c/-/jobs/1", "https://gitlab.example.com/", "a/b/c"),
        ("https://example.com/gitlab/a/b/-/jobs/1", "https://example.com/gitlab", "a/b"),
        ("https://example.com/a/b/-/jobs/1", "https://example.com/gitlab", ""),
        ("https://gitlab.example.com/a/b/-/pipelines/1", "https://gitlab.example.com", ""),
        ("https://[/a/-/jobs/1", "https://gitlab.example.com", ""),
        ("", "", ""),
    ],
)
def test_the_path_of_a_project_stands_in_the_address_of_its_job(url: str, base: str, path: str) -> None:
    assert path_of(url, base) == path
