"""GitLab's answers over GraphQL: pages of projects and runners; null wherever it may be."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.gitlab import AccessLevel, RunnerType
from runner_bridge.core.wire import gitlab_graph as graph

NINE = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RUNNER: dict[str, object] = {"id": "gid://gitlab/Ci::Runner/7", "runnerType": "GROUP_TYPE"}
PROJECT: dict[str, object] = {"id": "gid://gitlab/Project/7", "fullPath": "a/b"}


@pytest.mark.parametrize("text", ['a"b', "a\\", "データ", "a\nb", "}{", "$x", "😀"])
@pytest.mark.parametrize("ask", [graph.projects_of_group, graph.runners_of_group, graph.runners_of_project])
def test_whatever_a_path_holds_stays_a_text(text: str, ask: object) -> None:
    """Read back by another library than the one that asks."""
    document = graphql.parse(ask(text, text))  # type: ignore[operator]

    found = [one.value for one in _values(document)]
    assert found.count(text) == 2


def _values(document: graphql.DocumentNode) -> list[graphql.StringValueNode]:
    class Collect(graphql.Visitor):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[graphql.StringValueNode] = []

        def enter_string_value(self, node: graphql.StringValueNode, *_: object) -> None:
            self.found.append(node)

    collect = Collect()
    graphql.visit(document, collect)
    return collect.found


def test_the_first_page_has_no_cursor() -> None:
    assert "after" not in graph.runners_of_instance(None)
    assert 'after: "abc"' in graph.runners_of_instance("abc")


def test_a_page_of_projects_says_where_the_next_begins() -> None:
    full = PROJECT | {
        "archived": True,
        "markedForDeletionOn": "2026-03-08T00:00:00Z",
        "topics": ["z", "a"],
        "updatedAt": "2026-03-01T09:00:00Z",
        "sharedRunnersEnabled": False,
        "group": {"id": "gid://gitlab/Group/3"},
        "ciCdSettings": {"groupRunnersEnabled": True},
    }
    nodes = {"nodes": [full, None, PROJECT], "pageInfo": {"hasNextPage": True, "endCursor": "abc"}}

    page = graph.projects({"group": {"projects": nodes}}, what="x")

    assert page is not None
    assert page.after == "abc"
    first, second = page.items
    assert (first.id, first.path, first.group_id, first.topics) == (7, "a/b", 3, ("a", "z"))
    assert (first.is_archived, first.is_leaving, first.instance_runners, first.group_runners) == (
        True,
        True,
        False,
        True,
    )
    assert first.updated_at == NINE
    assert (second.group_id, second.attributes, second.group_runners, second.is_leaving) == (None, None, None, False)


def test_a_page_of_runners() -> None:
    full = RUNNER | {
        "description": "d",
        "maintenanceNote": "n",
        "tagList": ["b", "a"],
        "runUntagged": False,
        "locked": True,
        "accessLevel": "REF_PROTECTED",
        "paused": True,
        "maximumTimeout": 3600,
        "status": "NEVER_CONTACTED",
        "createdAt": "2026-03-01T09:00:00Z",
        "shortSha": "t2_abcde",
        "projectCount": 3,
        "groups": {"nodes": [{"id": "gid://gitlab/Group/3"}, None]},
        "projects": {"nodes": None},
    }
    page = graph.runners({"runners": {"nodes": [full, RUNNER], "pageInfo": {"hasNextPage": False}}}, what="x")

    assert page is not None
    assert page.after is None
    first, second = page.items
    assert (first.id, first.type, first.description, first.maintenance_note) == (7, RunnerType.GROUP, "d", "n")
    assert (first.tags, first.run_untagged, first.is_locked, first.is_paused) == (("a", "b"), False, True, True)
    assert (first.access_level, first.max_timeout_s) == (AccessLevel.REF_PROTECTED, 3600)
    assert (first.status, first.created_at, first.short_sha) == ("never_contacted", NINE, "t2_abcde")
    assert (first.group_ids, first.project_ids, first.is_whole) == ((3,), (), False)
    assert (second.run_untagged, second.maintenance_note, second.group_ids) == (True, None, ())


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"maintenanceNote": None, "userPermissions": {"updateRunner": True}}, ""),
        ({"maintenanceNote": "", "userPermissions": {"updateRunner": True}}, ""),
        ({"maintenanceNote": "n", "userPermissions": {"updateRunner": True}}, "n"),
        ({"maintenanceNote": None, "userPermissions": {"updateRunner": False}}, None),
        ({"maintenanceNote": None}, None),
    ],
)
def test_a_note_that_is_not_there_is_told_from_one_that_is_hidden(said: dict[str, object], note: str | None) -> None:
    page = graph.runners({"runners": {"nodes": [RUNNER | said]}}, what="x")

    assert page is not None
    assert page.items[0].maintenance_note == note


@pytest.mark.parametrize(
    "data",
    [
        {"group": None},
        {"group": {"runners": None, "projects": None}},
        {"runners": None, "projects": None},
        {"group": {}},
        {},
    ],
)
def test_what_is_not_there_is_none(data: dict[str, object]) -> None:
    assert graph.runners(data, what="x") is None
    assert graph.projects(data, what="x") is None


@pytest.mark.parametrize("nodes", [{"nodes": None}, {"nodes": []}, {}])
def test_an_empty_page_is_the_last(nodes: dict[str, object]) -> None:
    page = graph.projects({"group": {"projects": nodes}}, what="x")

    assert page is not None
    assert (page.items, page.after) == ((), None)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "gid://gitlab/Ci::Runner/x", "runnerType": "GROUP_TYPE"},
        {"id": 7, "runnerType": "GROUP_TYPE"},
        {"id": "gid://gitlab/Ci::Runner/7", "runnerType": "GALAXY_TYPE"},
        RUNNER | {"accessLevel": "SECRET"},
        RUNNER | {"tagList": "a,b"},
    ],
)
def test_another_shape_is_said(odd: dict[str, object]) -> None:
    with pytest.raises(WireError, match="list it: the answer is not what GitLab's documentation says"):
        graph.runners({"runners": {"nodes": [odd]}}, what="list it")


def test_a_project_of_another_shape_is_said() -> None:
    with pytest.raises(WireError, match="list it"):
        graph.projects({"group": {"projects": {"nodes": [{"id": "x"}]}}}, what="list it")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nodes", "pageInfo", "id", "projects", "runners"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["group", "runners", "projects"]), VALUES, max_size=2))
def test_whatever_comes_is_a_page_none_or_an_error(data: dict[str, object]) -> None:
    for read in (graph.projects, graph.runners):
        with suppress(WireError):
            read(data, what="x")
