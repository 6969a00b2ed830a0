"""Lists in pages, selectors, and watches from a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.asking import MERGE, METADATA_LIST, METADATA_ONLY, named

if TYPE_CHECKING:
    from tests.contract.asking import Api


async def _version(api: Api) -> str:
    _, listed = await api.ask("GET", api.path("configmaps"))
    version: str = listed["metadata"]["resourceVersion"]
    return version


async def test_pages_are_in_the_order_of_names_and_of_one_moment(api: Api) -> None:
    for name in "dbac":
        await api.config_map(name)
    _, first = await api.ask("GET", api.path("configmaps"), limit=3)
    assert first["metadata"]["remainingItemCount"] == 1
    await api.ask("DELETE", api.path("configmaps", "d"))
    await api.config_map("e")
    token = first["metadata"]["continue"]
    _, second = await api.ask("GET", api.path("configmaps"), **{"limit": 3, "continue": token})
    assert [each["metadata"]["name"] for each in first["items"] + second["items"]] == ["a", "b", "c", "d"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert not second["metadata"].get("continue")


async def test_items_of_a_list_do_not_repeat_their_kind(api: Api) -> None:
    await api.config_map("a")
    _, listed = await api.ask("GET", api.path("configmaps"))
    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")
    assert "kind" not in listed["items"][0]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=infra", "a"),
        ("tier==infra", "a"),
        ("tier!=infra", "bc"),
        ("tier", "ab"),
        ("!tier", "c"),
        ("tier in (infra,default)", "ab"),
        ("tier notin (infra)", "bc"),
        ("tier in (infra,default),project=7", "b"),
    ],
)
async def test_labels_select(api: Api, selector: str, expected: str) -> None:
    await api.config_map("a", labels={"tier": "infra"})
    await api.config_map("b", labels={"tier": "default", "project": "7"})
    await api.config_map("c")
    _, listed = await api.ask("GET", api.path("configmaps"), labelSelector=selector)
    assert "".join(each["metadata"]["name"] for each in listed["items"]) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("metadata.name=a", "a"), ("metadata.name!=a", "b"), ("status.phase=Pending", "ab"), ("spec.nodeName!=", "")],
)
async def test_fields_select(api: Api, selector: str, expected: str) -> None:
    await api.pod("a")
    await api.pod("b")
    _, listed = await api.ask("GET", api.path("pods"), fieldSelector=selector)
    assert "".join(each["metadata"]["name"] for each in listed["items"]) == expected


@pytest.mark.parametrize("query", [{"labelSelector": "a=b=c"}, {"fieldSelector": "spec.colour=red"}])
async def test_a_selector_that_is_none_is_a_bad_request(api: Api, query: dict[str, str]) -> None:
    status, body = await api.ask("GET", api.path("pods"), **query)
    assert (status, body["reason"]) == (400, "BadRequest")


async def test_a_list_of_only_metadata(api: Api) -> None:
    await api.pod("a")
    _, listed = await api.ask("GET", api.path("pods"), headers=METADATA_LIST)
    assert listed["kind"] == "PartialObjectMetadataList"
    assert (listed["items"][0]["kind"], "spec" in listed["items"][0]) == ("PartialObjectMetadata", False)


async def test_a_list_is_not_one_object(api: Api) -> None:
    assert (await api.ask("GET", api.path("pods"), headers=METADATA_ONLY))[0] == 406


async def test_a_watch_goes_on_from_a_version(api: Api) -> None:
    await api.config_map("before")
    version = await _version(api)
    await api.config_map("a")
    await api.ask("PATCH", api.path("configmaps", "a"), {"data": {"a": "2"}}, headers=MERGE)
    await api.ask("DELETE", api.path("configmaps", "a"))
    async with api.watch("configmaps", resourceVersion=version) as events:
        got = [await anext(events) for _ in range(3)]
        assert [named(each) for each in got] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in got]
        assert versions == sorted(set(versions))
        await api.config_map("later")
        assert named(await anext(events)) == ("ADDED", "later")


async def test_a_watch_without_a_version_begins_with_what_is_there(api: Api) -> None:
    await api.config_map("a")
    async with api.watch("configmaps") as events:
        assert named(await anext(events)) == ("ADDED", "a")


async def test_initial_events_end_with_a_bookmark(api: Api) -> None:
    await api.config_map("a")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    async with api.watch("configmaps", **query) as events:
        assert named(await anext(events)) == ("ADDED", "a")
        bookmark = await anext(events)
        assert bookmark["type"] == "BOOKMARK"
        assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert int(bookmark["object"]["metadata"]["resourceVersion"]) > 0


async def test_an_object_that_begins_or_ceases_to_match_is_added_or_deleted(api: Api) -> None:
    version = await _version(api)
    async with api.watch("configmaps", resourceVersion=version, labelSelector="tier=infra") as events:
        await api.config_map("a")
        for tier in ("infra", "default"):
            patch = {"metadata": {"labels": {"tier": tier}}}
            await api.ask("PATCH", api.path("configmaps", "a"), patch, headers=MERGE)
        assert named(await anext(events)) == ("ADDED", "a")
        assert named(await anext(events)) == ("DELETED", "a")


async def test_a_watch_of_only_metadata(api: Api) -> None:
    version = await _version(api)
    async with api.watch("pods", resourceVersion=version, headers=METADATA_ONLY) as events:
        await api.pod("a")
        seen = (await anext(events))["object"]
        assert (seen["kind"], "spec" in seen) == ("PartialObjectMetadata", False)


async def test_a_bookmark_comes_before_the_end_and_the_end_is_in_order(api: Api) -> None:
    version = await _version(api)
    async with api.watch("configmaps", resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds=3) as events:
        kinds = {each["type"] async for each in events}
    assert kinds <= {"BOOKMARK"}


async def test_a_stale_page_token_that_is_none_is_a_bad_request(api: Api) -> None:
    status, _ = await api.ask("GET", api.path("configmaps"), **{"limit": 1, "continue": "no-token"})
    assert status == 400


async def test_a_list_across_namespaces_is_in_the_order_of_namespace_and_name(api: Api) -> None:
    await api.config_map("b", labels={"of": api.namespace})
    await api.config_map("a", labels={"of": api.namespace})
    _, listed = await api.ask("GET", "/api/v1/configmaps", labelSelector=f"of={api.namespace}")
    assert [each["metadata"]["name"] for each in listed["items"]] == ["a", "b"]


def _grace(event: Any) -> tuple[str, int | None]:
    return event["type"], event["object"]["metadata"].get("deletionGracePeriodSeconds")


async def test_the_end_of_a_pod_on_a_node_is_told_in_three_events(api: Api) -> None:
    containers = [{"name": "build", "image": "registry.example.com/build:1"}]
    sent = {"metadata": {"name": "a"}, "spec": {"containers": containers, "nodeName": "node-1"}}
    made = await api.make("pods", sent)
    async with api.watch("pods", resourceVersion=made["metadata"]["resourceVersion"]) as events:
        await api.ask("DELETE", api.path("pods", "a"))
        await api.ask("DELETE", api.path("pods", "a"), {"gracePeriodSeconds": 0})
        assert [_grace(await anext(events)) for _ in range(3)] == [("MODIFIED", 30), ("MODIFIED", 0), ("DELETED", 0)]


async def test_the_end_of_a_pod_without_a_node_is_told_in_two(api: Api) -> None:
    made = await api.pod("a")
    async with api.watch("pods", resourceVersion=made["metadata"]["resourceVersion"]) as events:
        await api.ask("DELETE", api.path("pods", "a"))
        assert [_grace(await anext(events)) for _ in range(2)] == [("MODIFIED", 0), ("DELETED", 0)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "x"}, 400),
        ({"resourceVersion": "x"}, 400),
        ({"watch": "1", "resourceVersion": "x"}, 500),
        ({"watch": "1", "sendInitialEvents": "1"}, 422),
        ({"fieldSelector": "status.phase"}, 400),
        ({"watch": "1", "limit": "1", "timeoutSeconds": "1"}, 200),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422),
    ],
    ids=str,
)
async def test_a_query_is_checked(api: Api, query: dict[str, str], code: int) -> None:
    async with api.session.get(api.path("pods"), params=query) as answer:
        assert answer.status == code, await answer.text()
