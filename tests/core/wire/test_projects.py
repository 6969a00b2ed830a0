"""GitLab's list of projects, as it answers it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import WireError
from runner_bridge.core.wire.projects import read_projects

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Project

API = {
    "id": 4217,
    "path_with_namespace": "plataforma/pagamentos/api",
    "topics": ["infra"],
    "tag_list": ["old"],
    "custom_attributes": [{"key": "zone", "value": "dmz"}, {"key": None, "value": "x"}],
    "runners_token": "hidden",
}


def read(*pages: Any) -> tuple[tuple[Project, ...], tuple[str, ...]]:
    return read_projects(b"\n".join(json.dumps(page).encode() for page in pages), name="projects.json")


def test_a_project_keeps_number_path_topics_and_attributes() -> None:
    (project,), problems = read([API])
    assert (project.id, project.path, project.topics) == (4217, "plataforma/pagamentos/api", ("infra",))
    assert dict(project.attributes) == {"zone": "dmz"}
    assert problems == ()


def test_pages_may_follow_one_another_and_the_last_answer_counts() -> None:
    moved = API | {"path_with_namespace": "moved/api"}
    projects, _ = read([API, {"id": 2, "path_with_namespace": "a/b"}], [moved])
    assert [(one.id, one.path) for one in projects] == [(4217, "moved/api"), (2, "a/b")]
    assert read(API)[0] == read([API])[0]


def test_topics_of_an_old_gitlab_are_its_tags_and_none_are_none() -> None:
    (old,), _ = read([{"id": 1, "path_with_namespace": "a/b", "tag_list": ["t"]}])
    (bare,), _ = read([{"id": 1, "path_with_namespace": "a/b"}])
    assert (old.topics, bare.topics) == (("t",), ())


def test_no_projects_are_no_projects() -> None:
    assert read([]) == ((), ())


def test_one_bad_entry_is_said_and_loses_no_other() -> None:
    projects, problems = read([API, {"id": "x", "path_with_namespace": "a/b"}])
    assert len(projects) == 1
    assert problems == ("projects.json: project number 2 cannot be read: expected int, got str",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"message": "401 Unauthorized"}', "(GitLab says '401 Unauthorized')"),
        (b'{"error": "insufficient_scope"}', "(GitLab says 'insufficient_scope')"),
        (b'{"kind": "PodList", "items": []}', "missing required field id, expected projects"),
        (b"[7]", "expected object, got int"),
        (b'[{"id": 1, "path_with', "cut off"),
        (b"", "empty"),
        (b"<html>", "a web page"),
        (b"[" * 20_000, "nested deeper"),
    ],
)
def test_what_is_no_list_of_projects_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(WireError) as refused:
        read_projects(data, name="projects.json")
    assert words in str(refused.value)
    assert "glab api" in str(refused.value)
