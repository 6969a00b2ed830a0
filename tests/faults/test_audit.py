"""`run --blocks watch` against the pretend and the real API server: every address of a pool of CI is accounted for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.cli import CLEAN
from runner_bridge.simulate.cluster import Cluster
from tests.cli.test_run_bridge import POLICY
from tests.cluster.server import BRIDGE
from tests.faults.process import bridge, files
from tests.flow.world import CALICO, World, calico

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.server import ApiServer

ROLES = "/apis/rbac.authorization.k8s.io/v1"
POOL = 'ippool="infraestrutura"'


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def entry(pod: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {"handle_id": f"net.{pod}", "secondary": {"pod": pod, "namespace": namespace, "node": "node-1"}, **more}


async def furnish(world: World) -> None:
    """A job pod, a pod of others, one that is gone, an address that cools down, blocks that overlap."""
    await world.job_pod("mine")
    await world.give("mine", "172.16.0.1", "infraestrutura")
    await world.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    web = {"metadata": {"name": "web"}, "spec": {"nodeName": "node-1", "containers": [{"name": "a", "image": "a"}]}}
    await world.ask("POST", "/api/v1/namespaces/shop/pods", web)
    notes = {f"cni.projectcalico.org/{key}": "172.16.1.1/32" for key in ("podIP", "podIPs")}
    await world.merge("/api/v1/namespaces/shop/pods/web/status", {"metadata": {"annotations": notes}})
    attributes = [entry("web", "shop"), entry("gone", "shop"), entry("", "", releasedAt="2026-11-20T12:00:00Z")]
    strangers = {"cidr": "172.16.1.0/25", "affinity": "host:node-1", "allocations": [None, 0, 1, 2]}
    inner = {"cidr": "172.16.1.0/28", "affinity": "host:node-2", "allocations": [None, 0]}
    for name, spec in (
        ("172-16-1-0-25", strangers | {"attributes": attributes}),
        ("172-16-1-0-28", inner | {"attributes": [entry("other", "shop")]}),
    ):
        await world.ask("POST", f"{CALICO}/ipamblocks", calico("IPAMBlock", name, spec | {"unallocated": []}))


async def audits(world: World, flags: list[str]) -> None:
    await furnish(world)
    port = free_port()
    async with bridge(*flags, "--blocks", "watch", "--listen", f"127.0.0.1:{port}") as running:
        await running.until(lambda: "mine" in running.proven)
        codes = {"pool-held-by-others", "blocks-overlap", "address-given-twice"}
        await running.until(lambda: {one["code"] for one in running.events("finding")} >= codes, seconds=30)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            metrics = await (await session.get("/metrics")).text()
            status = await (await session.get("/api/v1/status")).json()
        assert await running.end() == CLEAN, running.text
    for state, number in (("ci", 1), ("others", 1), ("unclear", 2), ("leaked", 0), ("cooling", 1), ("allocated", 5)):
        assert f'runner_bridge_pool_addresses{{{POOL},state="{state}"}} {number}.0' in metrics
    assert f"runner_bridge_pool_blocks{{{POOL}}} 3.0" in metrics
    (said,) = (one["text"] for one in running.events("finding") if one["code"] == "pool-held-by-others")
    assert "172.16.1.1 of shop/web on node-1" in said
    assert any("172.16.1.1 of shop/web" in one for one in status["cluster"]), status["cluster"]
    assert status["state"]["blocks"]["watched"] is True
    assert status["state"]["blocks"]["done"] == 0
    assert [one["node"] for one in status["pools"] if one["name"] == "infraestrutura" for one in one["fullest"]] == [
        "node-1",
        "node-2",
    ]


async def test_a_pretend_cluster(tmp_path: Path) -> None:
    async with Cluster() as cluster, aiohttp.ClientSession(cluster.url) as session:
        world = World(session)
        await world.furnish()
        config = tmp_path / "kubeconfig"
        config.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
            f"clusters: [{{name: a, cluster: {{server: {cluster.url}}}}}]\n"
            "contexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {}}]\n"
        )
        _, flags = files(tmp_path, config, POLICY)
        await audits(world, flags)


@pytest.mark.real
@pytest.mark.timeout(120)
async def test_a_real_api_server_with_the_verb_that_it_takes(allowed: ApiServer, world: World, tmp_path: Path) -> None:
    rule = {"apiGroups": ["crd.projectcalico.org"], "resources": ["ipamblocks"], "verbs": ["watch"]}
    role = {"metadata": {"name": "bridge-blocks"}, "rules": [rule]}
    await world.ask("POST", f"{ROLES}/clusterroles", role)
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bridge-blocks"}
    subject = {"kind": "ServiceAccount", "namespace": "runner-bridge", "name": BRIDGE.rpartition(":")[2]}
    await world.ask(
        "POST",
        f"{ROLES}/clusterrolebindings",
        {"metadata": {"name": "bridge-blocks"}, "roleRef": ref, "subjects": [subject]},
    )
    _, flags = files(tmp_path, allowed.kubeconfig(BRIDGE), POLICY)
    try:
        await audits(world, flags)
    finally:
        for path in (
            f"{ROLES}/clusterrolebindings/bridge-blocks",
            f"{ROLES}/clusterroles/bridge-blocks",
            "/api/v1/namespaces/shop/pods/web",
        ):
            await world.ask("DELETE", path, {"gracePeriodSeconds": 0})


@pytest.mark.real
@pytest.mark.timeout(120)
async def test_without_that_verb_it_is_said_and_addresses_are_proven_all_the_same(
    allowed: ApiServer, world: World, tmp_path: Path
) -> None:
    _, flags = files(tmp_path, allowed.kubeconfig(BRIDGE), POLICY)
    port = free_port()
    await world.job_pod("mine")
    await world.give("mine", "172.16.0.1", "infraestrutura")
    async with bridge(*flags, "--blocks", "watch", "--listen", f"127.0.0.1:{port}") as running:
        await running.until(lambda: "mine" in running.proven)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            status = await (await session.get("/api/v1/status")).json()
        await running.end()
    (blocks,) = (one for one in status["state"]["watches"] if one["kind"] == "blocks")
    assert not blocks["is_fresh"]
    assert "verb watch on ipamblocks" in blocks["trouble"]
