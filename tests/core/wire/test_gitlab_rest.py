"""GitLab's answers over REST: what is said is kept, what is left out is not known, what is no answer is an error."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import UnavailableError, WireError
from runner_bridge.core.model.gitlab import AccessLevel, Group, RunnerManager, RunnerType
from runner_bridge.core.wire import gitlab_rest as rest

NINE = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
READERS = {
    "projects": rest.projects,
    "project": rest.project,
    "group": rest.group,
    "runner": rest.runner,
    "managers": rest.managers,
    "created": rest.created,
    "job": rest.job,
    "jobs": rest.jobs,
    "pipeline": rest.pipeline,
    "version": rest.version,
    "is_admin": rest.is_admin,
}


def test_a_project_with_everything() -> None:
    body = b"""{"id": 7, "path_with_namespace": "a/b", "namespace": {"id": 3, "kind": "group"}, "topics": ["z", "a"],
      "custom_attributes": [{"key": "tier", "value": "gold"}, {"key": "a", "value": null}], "archived": true,
      "marked_for_deletion_on": "2026-03-08", "shared_runners_enabled": false, "group_runners_enabled": true,
      "last_activity_at": "2026-03-01T10:00:00.000+01:00", "updated_at": "2026-03-01T09:00:00Z"}"""

    found = rest.project(body, what="x")

    assert (found.id, found.path, found.group_id) == (7, "a/b", 3)
    assert (found.topics, found.attributes) == (("a", "z"), (("a", ""), ("tier", "gold")))
    assert (found.is_archived, found.is_leaving) == (True, True)
    assert (found.instance_runners, found.group_runners) == (False, True)
    assert (found.last_activity_at, found.updated_at) == (NINE, NINE)


def test_a_project_with_nothing_says_that_nothing_is_known() -> None:
    found = rest.project(
        b'{"id": 7, "path_with_namespace": "maria/b", "namespace": {"id": 3, "kind": "user"}}', what="x"
    )

    assert (found.group_id, found.topics, found.attributes) == (None, (), None)
    assert (found.is_archived, found.is_leaving) == (False, False)
    assert (found.instance_runners, found.updated_at) == (None, None)
    assert rest.project(b'{"id": 7, "path_with_namespace": "b"}', what="x").group_id is None


def test_a_page_is_a_list_of_projects() -> None:
    body = (
        b'[{"id": 7, "path_with_namespace": "a/b", "custom_attributes": []}, {"id": 8, "path_with_namespace": "a/c"}]'
    )

    first, second = rest.projects(body, what="x")

    assert (first.attributes, second.attributes) == ((), None)


def test_a_group() -> None:
    body = b'{"id": 7, "full_path": "a/b", "parent_id": null}'

    assert rest.group(body, what="x") == Group(id=7, path="a/b", parent_id=None)


def test_a_runner_with_everything() -> None:
    body = b"""{"id": 7, "runner_type": "project_type", "description": "d", "maintenance_note": "n",
      "tag_list": ["b", "a"], "run_untagged": false, "locked": true, "access_level": "ref_protected", "paused": true,
      "maximum_timeout": 3600, "status": "online", "contacted_at": "2026-03-01T09:00:00Z",
      "created_at": "2026-03-01T09:00:00Z", "token_expires_at": "2026-03-01T09:00:00Z", "groups": [],
      "projects": [{"id": 9}, {"id": 4}, {}]}"""

    found = rest.runner(body, what="x")

    assert (found.id, found.type, found.description, found.maintenance_note) == (7, RunnerType.PROJECT, "d", "n")
    assert (found.tags, found.run_untagged, found.is_locked) == (("a", "b"), False, True)
    assert (found.access_level, found.is_paused, found.max_timeout_s) == (AccessLevel.REF_PROTECTED, True, 3600)
    assert (found.status, found.contacted_at, found.created_at, found.token_expires_at) == ("online", NINE, NINE, NINE)
    assert (found.group_ids, found.project_ids, found.is_whole) == ((), (4, 9), True)


def test_a_runner_with_nothing_is_as_gitlab_makes_it() -> None:
    found = rest.runner(b'{"id": 7, "runner_type": "instance_type"}', what="x")

    assert (found.run_untagged, found.is_locked, found.is_paused) == (True, False, False)
    assert (found.access_level, found.maintenance_note, found.tags) == (AccessLevel.NOT_PROTECTED, None, ())
    assert (found.group_ids, found.project_ids, found.contacted_at) == ((), (), None)


def test_managers() -> None:
    body = b"""[{"id": 1, "system_id": "r_a", "version": "19.4.0", "status": "online", "ip_address": "203.0.113.7",
      "job_execution_status": "active", "contacted_at": "2026-03-01T09:00:00Z"}, {"id": 2, "system_id": "s_b"}]"""

    first, second = rest.managers(body, what="x")

    assert first == RunnerManager(
        id=1,
        system_id="r_a",
        version="19.4.0",
        status="online",
        is_busy=True,
        contacted_at=NINE,
        ip_address="203.0.113.7",
    )
    assert second == RunnerManager(id=2, system_id="s_b")


def test_a_token_is_read_and_not_shown() -> None:
    made = rest.created(b'{"id": 7, "token": "glrt-FAKETOKEN", "token_expires_at": null}', what="x")
    again = rest.renewed(
        b'{"token": "glrt-FAKETOKEN", "token_expires_at": "2026-03-01T09:00:00Z"}', runner_id=7, what="x"
    )

    assert (made.id, made.token.reveal(), made.was_found) == (7, "glrt-FAKETOKEN", False)
    assert (again.id, again.token_expires_at, again.was_found) == (7, NINE, True)
    assert "FAKETOKEN" not in f"{made!r} {again!r}"


def test_a_job_that_runs() -> None:
    body = b"""{"id": 7, "name": "n", "stage": "s", "status": "running", "ref": "main", "tag": true,
      "tag_list": ["b", "a"],
      "pipeline": {"id": 5}, "project": {"id": 3, "path_with_namespace": "a/b"}, "runner": {"id": 2},
      "runner_manager": {"id": 1, "system_id": "r_a"}, "user": {"id": 9, "username": "maria"}, "web_url": "u",
      "created_at": "2026-03-01T09:00:00Z", "started_at": "2026-03-01T09:00:00Z",
      "finished_at": "2026-03-01T09:00:00Z", "failure_reason": "script_failure"}"""

    found = rest.job(body, what="x")

    assert (found.id, found.name, found.stage, found.status, found.ref, found.is_tag) == (
        7,
        "n",
        "s",
        "running",
        "main",
        True,
    )
    assert (found.tags, found.pipeline_id, found.project_id, found.project_path) == (("a", "b"), 5, 3, "a/b")
    assert (found.runner_id, found.system_id, found.user, found.web_url) == (2, "r_a", "maria", "u")
    assert (found.created_at, found.started_at, found.finished_at) == (NINE, NINE, NINE)
    assert found.failure_reason == "script_failure"


def test_a_page_of_jobs_keeps_its_order_and_names_no_project() -> None:
    found = rest.jobs(b'[{"id": 8, "project": {"ci_job_token_scope_enabled": false}}, {"id": 7}]', what="x")

    assert [(one.id, one.project_id, one.project_path) for one in found] == [(8, None, ""), (7, None, "")]


def test_a_job_that_nobody_has_picked_has_no_runner() -> None:
    found = rest.job(b'{"id": 7, "runner": null, "runner_manager": null, "status": "pending"}', what="x")

    assert (found.runner_id, found.system_id, found.project_id, found.user) == (None, "", None, "")


def test_a_pipeline() -> None:
    found = rest.pipeline(b'{"id": 7, "project_id": 3, "sha": "abc", "source": "push", "ref": "main"}', what="x")

    assert (found.id, found.project_id, found.sha, found.source, found.is_tag) == (7, 3, "abc", "push", False)
    assert rest.pipeline(b'{"id": 7}', what="x").created_at is None


def test_what_a_token_says_of_itself() -> None:
    body = b'{"name": "bridge", "scopes": ["api"], "expires_at": "2026-03-31", "active": true}'

    found = rest.decode(body, rest.PersonalToken, what="x")

    assert (found.name, found.scopes, found.expires_at, found.active) == ("bridge", ["api"], date(2026, 3, 31), True)


@pytest.mark.parametrize(
    ("body", "answer"), [(b'{"is_admin": true}', True), (b'{"is_admin": false}', False), (b'{"id": 1}', None)]
)
def test_that_somebody_is_no_administrator_is_often_not_said(*, body: bytes, answer: bool | None) -> None:
    assert rest.is_admin(body, what="x") is answer


def test_a_version() -> None:
    assert rest.version(b'{"version": "17.11.0"}', what="x") == "17.11.0"


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert rest.in_utc(datetime(2026, 3, 1, 9, 0)) == NINE  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html>", "a web page"),
        (b"  <html>", "a web page"),
        (b"Retry later", "no JSON"),
        (b"", "no JSON"),
        (b'{"x": ' + b"[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_json_is_no_answer_of_gitlab(body: bytes, words: str) -> None:
    with pytest.raises(UnavailableError, match=f"get it: the answer is {words}, expected JSON"):
        rest.project(body, what="get it")


def test_another_shape_is_said_without_what_it_held() -> None:
    with pytest.raises(WireError, match="get it: the answer is not what GitLab's documentation says") as caught:
        rest.project(b'{"id": "glpat-NOTAREALTOKEN00000000"}', what="get it")

    assert "NOTAREAL" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("reader", READERS)
@given(body=st.binary(max_size=60) | JSON.map(msgspec.json.encode))
def test_whatever_comes_is_a_value_or_one_of_two_errors(reader: str, body: bytes) -> None:
    with suppress(UnavailableError, WireError):
        READERS[reader](body, what="x")
