"""
The whole bridge against a real API server, RBAC on, as the ServiceAccount of `deploy/rbac-run.yaml`.

Pods go through their life, some bad in several ways, and the server is killed and started again in the middle:
verdicts, labels, Events and intervals are exactly the expected set. Of a bridge that observes, the server's own audit
log holds no write.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from ruamel.yaml import YAML

from runner_bridge.core.actions import Mode
from runner_bridge.ports.kube.kubeconfig import find_access
from tests.cluster.server import ADMIN, BRIDGE
from tests.flow.bridge import Book, running
from tests.flow.world import CALICO, NAMESPACE, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from runner_bridge.ports.kube import Access
    from tests.cluster.server import ApiServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]
RBAC = Path(__file__).parents[2] / "deploy" / "rbac-run.yaml"
GOOD = [f"good-{number:02}" for number in range(40)]
GONE = GOOD[:10]
EXHAUSTED = 'plugin type="calico" failed (add): No IPs available in pools: [172.16.0.0/16]'


@pytest.fixture
def allowed(api_server: ApiServer) -> Iterator[ApiServer]:
    """RBAC as documented, for the account of the tests."""
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    account = BRIDGE.rpartition(":")[2]
    for document in YAML(typ="safe").load_all(RBAC):
        if document["kind"].startswith("ClusterRole"):
            for subject in document.get("subjects", ()):
                subject["name"] = account
            api_server.create(document)
    yield api_server
    for kind in ("clusterrolebindings", "clusterroles"):
        for name in ("runner-bridge-observe", "runner-bridge-label"):
            api_server.admin("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{kind}/{name}")


@pytest.fixture
async def world(allowed: ApiServer) -> AsyncIterator[World]:
    headers = {"Authorization": f"Bearer {ADMIN}"}
    connector = aiohttp.TCPConnector(ssl=allowed.tls() or True, force_close=True)
    async with aiohttp.ClientSession(allowed.url, headers=headers, connector=connector) as session:
        made = World(session)
        await made.furnish()
        yield made
        for path in (f"{CALICO}/ipamblocks", f"{CALICO}/ippools", f"/api/v1/namespaces/{NAMESPACE}/pods"):
            await made.ask("DELETE", path, {"gracePeriodSeconds": 0})
        await made.ask("DELETE", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
        for node in ("node-1", "node-2"):
            await made.ask("DELETE", f"/api/v1/nodes/{node}")
    await asyncio.sleep(0.3)  # TLS connections, the bridge's among them, end a moment after they are closed


async def access(server: ApiServer) -> Access:
    return await find_access(kubeconfig=str(server.kubeconfig(BRIDGE)))


async def good(world: World, names: list[str]) -> None:
    for name in names:
        number = GOOD.index(name)
        await world.job_pod(name, node=f"node-{1 + number % 2}")
        await world.give(name, f"172.16.{number % 2}.{number}", "infraestrutura")


async def bad(world: World) -> dict[str, tuple[str, set[str]]]:
    """Pods that are bad in different ways; return what is to be said of each, written by hand."""
    await world.job_pod("overwritten", asked='["workload"]')
    await world.give("overwritten", "10.10.0.1", "workload")
    await world.job_pod("late-annotation")
    await world.give("late-annotation", "10.10.0.2", "workload")
    await world.job_pod("silent", asked=None)
    await world.give("silent", "10.10.0.3", "workload")
    await world.job_pod("host", hostNetwork=True)
    await world.job_pod("stuck")
    stuck = (await world.ask("GET", world.path("stuck")))["metadata"]["uid"]
    await world.refuse("stuck", stuck, EXHAUSTED)
    await world.job_pod("typo", asked='["infraestrutra"]')
    await world.job_pod("not-its-own")
    await world.allocate("somebody-else", "172.16.9.9", "infraestrutura", "node-1")
    await world.give("not-its-own", "172.16.9.9", "infraestrutura", block=False)
    await world.job_pod("too-long", waited_s=900)
    return {
        "overwritten": ("breach", {"annotation-overwritten", "address-routable"}),
        "late-annotation": ("breach", {"address-routable"}),
        "silent": ("breach", {"annotation-missing", "address-routable"}),
        "host": ("breach", {"host-network"}),
        "stuck": ("unknown", {"pool-exhausted"}),
        "typo": ("breach", {"annotation-overwritten", "pool-unknown"}),
        "not-its-own": ("unknown", {"block-disagrees"}),
        "too-long": ("unknown", {"pending-too-long"}),
    }


async def test_every_pod_gets_its_verdict_though_the_server_dies(allowed: ApiServer, world: World) -> None:
    book = Book()
    async with running(await access(allowed), book) as bridge:
        await good(world, GOOD[:20])
        await bridge.until(lambda: bridge.proven(*GOOD[:20]), 60)
        allowed.kill_api()
        await bridge.until(lambda: bridge.said.doubts, 60)
        allowed.start_api()  # in this thread: the server ends with the thread that started it
        await good(world, GOOD[20:])
        expected = await bad(world)
        for name in GONE:
            await (world.finish if name < "good-05" else world.remove)(name)
        stay = [name for name in GOOD if name not in GONE]
        await bridge.until(lambda: bridge.proven(*stay), 60)
        await bridge.until(lambda: all(_of(bridge, name)[1] == codes for name, (_, codes) in expected.items()), 60)
        await bridge.until(lambda: not set(GONE) & {one.pod for one in book.open}, 60)
        said = {name: _of(bridge, name) for name in expected}
    assert said == expected
    labels = {name: (await world.labels(name)).get("verdict") for name in (*stay, *expected)}
    assert labels == dict.fromkeys(stay, "pass") | {name: outcome for name, (outcome, _) in expected.items()}
    assert await world.told() == [
        ("host", "HostNetwork"),
        ("late-annotation", "AddressRoutable"),
        ("overwritten", "AddressRoutable"),
        ("overwritten", "AnnotationOverwritten"),
        ("silent", "AddressRoutable"),
        ("silent", "AnnotationMissing"),
        ("typo", "AnnotationOverwritten"),
    ]
    holders = {"overwritten", "late-annotation", "silent", "not-its-own"}
    assert {one.pod for one in book.open} == {*stay, *holders}
    assert {one.pod for one in book.intervals.values() if not one.open} == set(GONE)
    assert book.intents == []

    # A new process finds everything as it should be.
    told = len(book.entries)
    async with running(await access(allowed), book) as bridge:
        await bridge.until(lambda: bridge.proven(*stay) and len(bridge.controller.verdicts) >= len(stay) + 8, 60)
        await bridge.until(lambda: bridge.codes("not-its-own") == ["block-disagrees"], 60)
    assert [(one.kind, one.pod, one.text) for one in book.entries[told:] if one.act == "label-pod" or one.address] == []


async def test_observing_nothing_is_written(allowed: ApiServer, world: World) -> None:
    book = Book()
    before = len(allowed.audited(BRIDGE))
    async with running(await access(allowed), book, mode=Mode.OBSERVE) as bridge:
        await good(world, GOOD[:3])
        expected = await bad(world)
        await bridge.until(lambda: all(_of(bridge, name)[1] == codes for name, (_, codes) in expected.items()), 60)
    asked = allowed.audited(BRIDGE)[before:]
    assert {verb for verb, _ in asked} == {"get", "list", "watch"}
    assert await world.told() == []


def _of(bridge: Any, name: str) -> tuple[str, set[str]]:
    return str(bridge.outcome(name)), set(bridge.codes(name))
