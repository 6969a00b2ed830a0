"""What can be made to go wrong on a pretend cluster, seen by a plain HTTP client."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.simulate.cluster import Cluster, Denial, Ending, Fault
from runner_bridge.simulate.cluster import status as statuses
from runner_bridge.simulate.cluster.resources import (
    BUILT_IN,
    CALICO_AGGREGATED,
    CALICO_V1,
    CALICO_V3,
    PODS,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/api/v1/namespaces/default/pods"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster(bookmark_every_s=0.05) as started:
        yield started


@pytest.fixture
async def session(cluster: Cluster) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cluster.url) as opened:
        yield opened


def add_pod(cluster: Cluster, name: str) -> dict[str, Any]:
    containers = [{"name": "build", "image": "registry.example.com/build:1"}]
    return cluster.objects.create(PODS, "default", {"metadata": {"name": name}, "spec": {"containers": containers}})


async def ask(session: aiohttp.ClientSession, path: str = PATH, **more: Any) -> tuple[int, Any]:
    async with session.get(path, **more) as answer:
        return answer.status, await answer.json()


def watch(session: aiohttp.ClientSession, version: int, **query: str) -> Any:
    params = {"watch": "1", "resourceVersion": str(version), "timeoutSeconds": "5", **query}
    return session.get(PATH, params=params)


async def test_a_refusal_is_the_answer_as_often_as_it_was_said(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    cluster.faults.add(Fault(verbs=frozenset({"list"}), times=2, refusal=statuses.too_many_requests(3)))
    for _ in range(2):
        async with session.get(PATH) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
            assert (await answer.json())["reason"] == "TooManyRequests"
    assert (await ask(session))[0] == 200


async def test_an_internal_error_hits_only_its_path(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(path="/nodes$", times=None, refusal=statuses.internal_error("etcdserver: timeout")))
    assert (await ask(session))[0] == 200
    code, body = await ask(session, "/api/v1/nodes")
    assert (code, body["message"]) == (500, "Internal error occurred: etcdserver: timeout")
    cluster.faults.clear()
    assert (await ask(session, "/api/v1/nodes"))[0] == 200


async def test_an_answer_can_be_late(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(delay_s=30))
    with pytest.raises(TimeoutError):
        await ask(session, timeout=aiohttp.ClientTimeout(total=0.05))


async def test_a_list_can_be_torn(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    add_pod(cluster, "a")
    cluster.faults.add(Fault(verbs=frozenset({"list"}), ending=Ending.RESET, after_bytes=40))
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(session)


async def test_a_watch_can_end_in_half_a_line(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(verbs=frozenset({"watch"}), ending=Ending.CLOSE, is_half_line=True))
    async with watch(session, cluster.store.version) as answer:
        add_pod(cluster, "a")
        text = await answer.content.read()
    assert text.startswith(b'{"type":"ADDED"')
    assert b"\n" not in text


async def test_a_watch_can_begin_with_a_line_that_is_damaged(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(verbs=frozenset({"watch"}), inserted=b'{"type":"ADDED","object":{"kind":"Po\xff}\n'))
    async with watch(session, cluster.store.version) as answer:
        add_pod(cluster, "a")
        assert b"\xff" in await answer.content.readline()
        assert json.loads(await answer.content.readline())["object"]["metadata"]["name"] == "a"


async def test_an_object_can_be_what_no_server_would_hold(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    wrong = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "labels": [1]}, "status": None}
    cluster.objects.force(PODS, "default", "a", wrong)
    cluster.objects.force(PODS, "default", "b", {"metadata": None})
    _, listed = await ask(session)
    assert listed["items"][0]["metadata"]["labels"] == [1]
    assert list(listed["items"][1]["metadata"]) == ["resourceVersion"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/unheard", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("GET", "/api/v1/pods/a", 404),
        ("GET", "/api/v1/namespaces/default/pods/a/log", 404),
        ("GET", "/apis/apps/v1/daemonsets/a/b/c/d", 404),
        ("DELETE", "/api/v1/namespaces/default/pods", 405),
        ("POST", "/api/v1/pods", 405),
        ("GET", "/api/v1/namespaces/default/status", 200),
        ("GET", "/version", 200),
        ("GET", "/api", 200),
        ("GET", "/apis/apps", 200),
        ("GET", "/api/v1/namespaces/default", 200),
        ("GET", "/readyz", 200),
        ("POST", "/apis/authorization.k8s.io/v1/localsubjectaccessreviews", 404),
    ],
)
async def test_a_path_leads(session: aiohttp.ClientSession, method: str, path: str, code: int) -> None:
    async with session.request(method, path, json={}) as answer:
        assert answer.status == code


async def test_a_watch_can_be_torn(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(verbs=frozenset({"watch"}), ending=Ending.RESET, after_bytes=25))
    async with watch(session, cluster.store.version) as answer:
        add_pod(cluster, "a")
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()


async def test_a_watch_can_fall_silent_past_its_own_time_out(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(verbs=frozenset({"watch"}), ending=Ending.SILENCE, is_half_line=True))
    async with watch(session, cluster.store.version, timeoutSeconds="1") as answer:
        add_pod(cluster, "a")
        assert await answer.content.readany()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer.content.readany(), 1.3)


async def test_every_watch_can_be_broken_off_at_once(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    async with watch(session, cluster.store.version) as one, watch(session, cluster.store.version) as other:
        await cluster.end_watches()
        for answer in (one, other):
            with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
                await answer.content.read()


async def test_a_restart_keeps_objects_history_and_address(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    version = cluster.store.version
    add_pod(cluster, "a")
    url = cluster.url
    await cluster.restart(down_s=0.05)
    assert cluster.url == url
    async with watch(session, version) as answer:
        assert json.loads(await answer.content.readline())["object"]["metadata"]["name"] == "a"


async def test_nobody_answers_while_it_is_down(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    await cluster.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(session)


async def test_after_compaction_a_watch_says_410_in_its_stream(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    version = cluster.store.version
    add_pod(cluster, "a")
    cluster.compact()
    async with watch(session, version) as answer:
        assert answer.status == 200
        assert json.loads(await answer.content.read()) == {
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": f"too old resource version: {version} ({version + 1})",
                "reason": "Expired",
                "code": 410,
            },
        }


async def test_a_watch_that_has_seen_everything_survives_compaction(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    add_pod(cluster, "a")
    async with watch(session, cluster.store.version) as answer:
        cluster.objects.patch(PODS, "default", "a", {"metadata": {"labels": {"x": "1"}}})
        assert json.loads(await answer.content.readline())["type"] == "MODIFIED"
        cluster.compact()
        add_pod(cluster, "b")
        assert json.loads(await answer.content.readline())["object"]["metadata"]["name"] == "b"


async def test_a_watch_can_be_refused_with_410_itself(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.faults.add(Fault(verbs=frozenset({"watch"}), refusal=statuses.too_old(1, 2)))
    async with watch(session, 1) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (410, "Expired")


async def test_after_compaction_the_next_page_has_expired_but_offers_to_go_on(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    for name in "abc":
        add_pod(cluster, name)
    _, first = await ask(session, params={"limit": "1"})
    add_pod(cluster, "d")
    cluster.compact()
    code, gone = await ask(session, params={"limit": "1", "continue": first["metadata"]["continue"]})
    assert (code, gone["reason"]) == (410, "Expired")
    _, rest = await ask(session, params={"continue": gone["metadata"]["continue"]})
    assert [each["metadata"]["name"] for each in rest["items"]] == ["b", "c", "d"]


async def test_an_old_list_has_expired_too(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    version = str(cluster.store.version)
    add_pod(cluster, "a")
    exact = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
    assert (await ask(session, params=exact))[1]["items"] == []
    cluster.compact()
    assert (await ask(session, params=exact))[0] == 410


async def test_only_so_much_history_is_kept() -> None:
    cluster = Cluster(keep_changes=3)
    first = cluster.store.version
    for number in range(20):
        add_pod(cluster, f"p{number}")
    assert cluster.store.oldest > first
    assert len(cluster.store.since(PODS.storage, first)) <= 6


async def test_bookmarks_come_as_often_as_wanted(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    async with watch(session, cluster.store.version, allowWatchBookmarks="true") as answer:
        cluster.objects.create(BUILT_IN[1], "", {"metadata": {"name": "elsewhere"}})
        lines = [json.loads(await answer.content.readline()) for _ in range(2)]
    assert {each["type"] for each in lines} == {"BOOKMARK"}
    assert lines[-1]["object"]["metadata"]["resourceVersion"] == str(cluster.store.version)


async def test_a_token_is_asked_for_and_can_expire(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.access.tokens["first"] = "system:serviceaccount:ci:bridge"
    headers = {"Authorization": "Bearer first"}
    assert (await ask(session))[0] == 401
    assert (await ask(session, headers=headers))[0] == 200
    cluster.access.tokens = {"second": "system:serviceaccount:ci:bridge"}
    code, body = await ask(session, headers=headers)
    assert (code, body["message"]) == (401, "Unauthorized")


async def test_a_denied_verb_is_refused_and_reviewed(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    cluster.access.tokens["t"] = "jane"
    cluster.access.denials.append(Denial(verb="list", plural="pods", group=""))
    headers = {"Authorization": "Bearer t"}
    code, body = await ask(session, headers=headers)
    assert code == 403
    assert body["message"] == (
        'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"'
    )
    reviews = "/apis/authorization.k8s.io/v1/selfsubject"
    attributes = {"verb": "list", "resource": "pods", "namespace": "default"}
    sent = {"spec": {"resourceAttributes": attributes}}
    async with session.post(reviews + "accessreviews", json=sent, headers=headers) as answer:
        assert (await answer.json())["status"]["allowed"] is False
    async with session.post(reviews + "rulesreviews", json={"spec": {"namespace": "default"}}, headers=headers) as got:
        rules = (await got.json())["status"]["resourceRules"]
    pods = next(rule for rule in rules if rule["resources"] == ["pods"])
    assert "list" not in pods["verbs"]
    assert "watch" in pods["verbs"]


@pytest.mark.parametrize(
    ("calico", "pools", "blocks"),
    [(CALICO_V1, "crd.projectcalico.org", 200), (CALICO_V3, "projectcalico.org", 200)],
    ids=["v1", "v3"],
)
async def test_calico_can_be_installed_in_either_group(calico: tuple[Any, ...], pools: str, blocks: int) -> None:
    async with Cluster(resources=(*BUILT_IN, *calico)) as cluster, aiohttp.ClientSession(cluster.url) as session:
        version = "v1" if pools.startswith("crd") else "v3"
        root = f"/apis/{pools}/{version}"
        assert (await ask(session, f"{root}/ippools"))[1]["kind"] == "IPPoolList"
        assert (await ask(session, f"{root}/ipamblocks"))[0] == blocks


async def test_the_aggregated_server_has_pools_and_no_blocks() -> None:
    resources = (*BUILT_IN, *CALICO_V1, *CALICO_AGGREGATED)
    async with Cluster(resources=resources) as cluster, aiohttp.ClientSession(cluster.url) as session:
        _, listed = await ask(session, "/apis/projectcalico.org/v3")
        plurals = {each["name"] for each in listed["resources"]}
        assert "ippools" in plurals
        assert "ipamblocks" not in plurals
        async with session.get("/apis/projectcalico.org/v3/ipamblocks") as answer:
            assert answer.status == 404


async def test_a_kubeconfig_names_server_and_token(cluster: Cluster) -> None:
    read = json.loads(cluster.kubeconfig("t"))
    assert read["clusters"][0]["cluster"]["server"] == cluster.url
    assert read["users"][0]["user"] == {"token": "t"}


async def test_a_large_list_is_packed_where_that_is_wanted(cluster: Cluster, session: aiohttp.ClientSession) -> None:
    for number in range(500):
        add_pod(cluster, f"p{number}")
    async with session.get(PATH, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len((await answer.json())["items"]) == 500
    async with session.get(PATH, headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers


async def test_a_body_can_be_too_large_or_no_json(session: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * (1 << 20)

    async with session.post(PATH, data=chunks()) as answer:
        assert answer.status == 413
    for text in (b"{", b"[]"):
        async with session.post(PATH, data=text) as answer:
            assert answer.status == 400
