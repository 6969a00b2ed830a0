"""The port against a real kube-apiserver: what it reads and writes, and what it says when it may not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import DeniedError, StaleError
from runner_bridge.ports.kube import open_cluster
from tests.cluster.server import NOBODY

if TYPE_CHECKING:
    from tests.cluster.server import ApiServer

pytestmark = pytest.mark.real


def pod(name: str, namespace: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [{"name": "build", "image": "none"}]},
    }


@pytest.fixture
def namespace(api_server: ApiServer, request: pytest.FixtureRequest) -> str:
    name: str = request.node.name.replace("_", "-")[:60].rstrip("-").replace("[", "-").replace("]", "")
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


async def test_pages_and_a_watch_from_where_they_end_tell_everything(api_server: ApiServer, namespace: str) -> None:
    for number in range(5):
        api_server.create(pod(f"p{number}", namespace))
    path = f"/api/v1/namespaces/{namespace}/pods"

    async with open_cluster(kubeconfig=str(api_server.kubeconfig())) as cluster:
        pages = [page async for page in cluster.reader.pages(path, limit=2)]
        assert [len(json.loads(page.body)["items"]) for page in pages] == [2, 2, 1]
        assert [page.more for page in pages] == [True, True, False]
        api_server.create(pod("late", namespace))
        watch = cluster.reader.watch(path, resource_version=pages[-1].resource_version, timeout_s=1)
        lines = b"".join([piece async for piece in watch]).splitlines()

    seen = [(one["type"], one["object"]["metadata"].get("name")) for one in map(json.loads, lines)]
    assert ("ADDED", "late") in seen


async def test_a_pod_is_labelled_only_under_its_uid(api_server: ApiServer, namespace: str) -> None:
    made = api_server.create(pod("p", namespace, keep="me", drop="me"))
    uid = made["metadata"]["uid"]

    async with open_cluster(kubeconfig=str(api_server.kubeconfig())) as cluster:
        writer = cluster.writer
        assert await writer.label(namespace=namespace, pod="p", uid=uid, labels={"new": "x", "drop": None})
        assert not await writer.label(namespace=namespace, pod="p", uid=uid[::-1], labels={"new": "y"})
        assert not await writer.label(namespace=namespace, pod="gone", uid=uid, labels={"new": "y"})

    labels = api_server.admin("GET", f"/api/v1/namespaces/{namespace}/pods/p")["metadata"]["labels"]
    assert labels == {"keep": "me", "new": "x"}


async def test_a_lease_has_one_writer(api_server: ApiServer, namespace: str) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "bridge"}, "spec": {}}

    async with open_cluster(kubeconfig=str(api_server.kubeconfig())) as cluster:
        writer = cluster.writer
        assert await writer.lease(namespace, "bridge") is None
        first = await writer.create_lease(namespace, json.dumps(lease).encode())
        with pytest.raises(StaleError):
            await writer.create_lease(namespace, json.dumps(lease).encode())
        changed = json.loads(first)
        changed["spec"]["holderIdentity"] = "me"
        await writer.update_lease(namespace, "bridge", json.dumps(changed).encode())
        with pytest.raises(StaleError):
            await writer.update_lease(namespace, "bridge", first)


async def test_an_event_is_made_once_and_counted_on(api_server: ApiServer, namespace: str) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": namespace},
        "eventTime": "2026-11-20T12:00:00.000000Z",
        "reportingController": "runner-bridge.dev/bridge",
        "reportingInstance": "bridge-0",
        "action": "Judged",
        "reason": "AddressRoutable",
        "type": "Warning",
        "regarding": {"kind": "Pod", "namespace": namespace, "name": "p", "apiVersion": "v1"},
        "note": "n",
    }
    series = {"series": {"count": 2, "lastObservedTime": "2026-11-20T12:00:01.000000Z"}}

    async with open_cluster(kubeconfig=str(api_server.kubeconfig())) as cluster:
        writer = cluster.writer
        assert await writer.create_event(namespace, json.dumps(event).encode())
        assert not await writer.create_event(namespace, json.dumps(event).encode())
        assert await writer.patch_event(namespace, "e", json.dumps(series).encode())
        assert not await writer.patch_event(namespace, "gone", json.dumps(series).encode())


async def test_who_may_nothing_is_told_the_verb(api_server: ApiServer) -> None:
    async with open_cluster(kubeconfig=str(api_server.kubeconfig(NOBODY))) as cluster:
        with pytest.raises(DeniedError, match="Grant the verb list on pods") as caught:
            [page async for page in cluster.reader.pages("/api/v1/pods")]
    assert (caught.value.verb, caught.value.resource) == ("list", "pods")


async def test_a_wrong_token_is_not_accepted(api_server: ApiServer) -> None:
    async with open_cluster(kubeconfig=str(api_server.kubeconfig(token="wrong"))) as cluster:
        with pytest.raises(DeniedError, match="our credentials are not accepted"):
            await cluster.reader.get("/api/v1/pods")


async def test_an_api_server_that_comes_back_is_asked_again(api_server: ApiServer) -> None:
    async with open_cluster(kubeconfig=str(api_server.kubeconfig())) as cluster:
        assert await cluster.reader.get("/api/v1/namespaces/default")
        api_server.kill_api()
        api_server.start_api()
        assert await cluster.reader.get("/api/v1/namespaces/default")
        # What it remembers begins with its start, so whoever watched before must list again.
        with pytest.raises(StaleError, match=r"watch pods: .*too old"):
            await anext(cluster.reader.watch("/api/v1/pods", resource_version="1", timeout_s=1))
