"""What the writing half sends, and what it makes of a world that has moved on."""

from __future__ import annotations

import json

import pytest

from runner_bridge.core.errors import DeniedError, InvalidError, StaleError
from tests.ports.kube.scripted import Naps, Reply, answer, cluster, refusal


async def test_labels_are_a_merge_patch_that_touches_nothing_else() -> None:
    async with cluster(answer({})) as (client, script):
        assert await client.writer.label(namespace="ci", pod="a", uid="u1", labels={"x/y": "z", "x/old": None})
        assert (client.session.reads, client.session.writes) == (0, 1)

    asked = script.asked[0]
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/ci/pods/a")
    assert json.loads(asked.body) == {"metadata": {"uid": "u1", "labels": {"x/y": "z", "x/old": None}}}
    assert asked.headers["Content-Type"] == "application/merge-patch+json"
    assert asked.headers["Accept"] == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.mark.parametrize("code", [404, 409])
async def test_a_pod_that_left_is_no_error(code: int) -> None:
    async with cluster(refusal(code)) as (client, _):
        assert not await client.writer.label(namespace="ci", pod="a", uid="u1", labels={})
        assert not await client.writer.delete_pod(namespace="ci", pod="a", uid="u1")


@pytest.mark.parametrize(("field", "is_ours"), [("metadata.uid", True), ("metadata.labels", False)])
async def test_a_name_that_is_another_pods_now_is_told_from_a_label_that_is_refused(field: str, is_ours: bool) -> None:
    status = {"kind": "Status", "code": 422, "reason": "Invalid", "details": {"causes": [{"field": field}]}}
    async with cluster(answer(status, 422)) as (client, _):
        label = client.writer.label(namespace="ci", pod="a", uid="u1", labels={})
        if is_ours:
            assert not await label
        else:
            with pytest.raises(InvalidError):
                await label


async def test_a_pod_is_deleted_only_under_its_uid() -> None:
    async with cluster(answer({})) as (client, script):
        assert await client.writer.delete_pod(namespace="ci", pod="a", uid="u1")

    assert json.loads(script.asked[0].body)["preconditions"] == {"uid": "u1"}


@pytest.mark.parametrize(
    ("reply", "is_made"), [(answer({}, 201), True), (refusal(409, "AlreadyExists"), False), (refusal(404), False)]
)
async def test_an_event_is_made_once(reply: Reply, is_made: bool) -> None:
    async with cluster(reply) as (client, script):
        assert await client.writer.create_event("ci", b"{}") is is_made
        assert script.asked[0].path == "/apis/events.k8s.io/v1/namespaces/ci/events"


async def test_an_event_is_read_where_it_is_there() -> None:
    async with cluster(answer({"n": 1}), refusal(404)) as (client, script):
        assert await client.writer.event("ci", "e") == b'{"n": 1}'
        assert await client.writer.event("ci", "e") is None
        assert script.asked[0].path == "/apis/events.k8s.io/v1/namespaces/ci/events/e"


async def test_a_series_goes_on_as_long_as_its_event_is_there() -> None:
    async with cluster(answer({}), refusal(404)) as (client, script):
        assert await client.writer.patch_event("ci", "e", b"{}")
        assert not await client.writer.patch_event("ci", "e", b"{}")
        assert script.asked[0].path.endswith("/namespaces/ci/events/e")


async def test_a_lease_is_read_made_and_kept() -> None:
    async with cluster(refusal(404), answer({"n": 1}, 201), answer({"n": 2})) as (client, script):
        assert await client.writer.lease("ci", "bridge") is None
        assert await client.writer.create_lease("ci", b"{}") == b'{"n": 1}'
        assert await client.writer.update_lease("ci", "bridge", b"{}") == b'{"n": 2}'

    assert [(asked.method, asked.path.rpartition("/")[2]) for asked in script.asked] == [
        ("GET", "bridge"),
        ("POST", "leases"),
        ("PUT", "bridge"),
    ]


@pytest.mark.parametrize("code", [404, 409])
async def test_a_lease_that_somebody_else_wrote_is_stale(code: int) -> None:
    async with cluster(refusal(code)) as (client, _):
        with pytest.raises(StaleError):
            await client.writer.update_lease("ci", "bridge", b"{}")


async def test_a_lease_in_no_namespace_cannot_be_made() -> None:
    async with cluster(refusal(404)) as (client, _):
        with pytest.raises(InvalidError, match="namespace ci is not there"):
            await client.writer.create_lease("ci", b"{}")


async def test_a_refused_write_names_the_verb() -> None:
    async with cluster(refusal(403), naps=Naps()) as (client, _):
        with pytest.raises(DeniedError, match="patch pods in namespace ci: 403") as caught:
            await client.writer.label(namespace="ci", pod="a", uid="u", labels={})
    assert (caught.value.verb, caught.value.resource, caught.value.namespace) == ("patch", "pods", "ci")
