"""
A small cluster in motion, over HTTP: whoever makes job pods, moves them on and gives them addresses in the tests.

It speaks to whatever API server it is given, the pretend one or a real one. What Calico and kubelet write, and in which
order, is as recorded (tests/core/wire/samples): the block first, then the pod's annotations, then its status.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.cluster.server import ADMIN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cluster.server import ApiServer

CALICO = "/apis/crd.projectcalico.org/v1"
NAMESPACE = "gitlab-runners"
SHORT_ID = "4xYqA7pLw"
INFRA = '["infraestrutura"]'
_BLOCK_SIZE = {"infraestrutura": 25, "workload": 26}


class World:
    """See the module; `session` has the server's address as its base and whatever proves who asks."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._blocks: dict[str, dict[str, Any]] = {}

    async def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            text = await answer.text()
            assert answer.status < 300 or answer.status in {404, 409}, f"{method} {path}: {answer.status} {text}"
            return json.loads(text) if answer.status < 300 else {}

    async def merge(self, path: str, body: Any) -> dict[str, Any]:
        return await self.ask("PATCH", path, body, "application/merge-patch+json")

    async def furnish(self, *nodes: str) -> None:
        """Two pools, the namespace of the job pods, nodes."""
        for name, cidr in (("infraestrutura", "172.16.0.0/16"), ("workload", "10.10.0.0/16")):
            spec = {"cidr": cidr, "blockSize": _BLOCK_SIZE[name], "natOutgoing": name != "workload"}
            await self.ask("POST", f"{CALICO}/ippools", calico("IPPool", name, spec))
        await self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for number, name in enumerate(nodes or ("node-1", "node-2"), 1):
            await self.ask("POST", "/api/v1/nodes", {"metadata": {"name": name}})
            status = {"addresses": [{"type": "InternalIP", "address": f"192.0.2.{number}"}]}
            await self.merge(f"/api/v1/nodes/{name}/status", {"status": status})

    async def job_pod(self, name: str, *, waited_s: int = 0, **changes: Any) -> str:
        """Make a job pod as GitLab Runner would, bound to a node, without an address; return its uid."""
        made = await self.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", pod(name, **changes))
        condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": present(-waited_s)}
        await self.merge(f"{self.path(name)}/status", {"status": {"conditions": [condition]}})
        return str(made["metadata"]["uid"])

    async def give(self, name: str, address: str, pool: str, *, block: bool = True, status: bool = True) -> None:
        """Give a pod an address as Calico and kubelet do; without `block`, it only says so."""
        seen = await self.ask("GET", self.path(name))
        if block:
            await self.allocate(name, address, pool, seen["spec"].get("nodeName", ""))
        notes = {
            "cni.projectcalico.org/containerID": f"sandbox-{name}",
            "cni.projectcalico.org/podIP": f"{address}/32",
            "cni.projectcalico.org/podIPs": f"{address}/32",
        }
        await self.merge(f"{self.path(name)}/status", {"metadata": {"annotations": notes}})
        if status:
            now = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
            await self.merge(f"{self.path(name)}/status", {"status": now})

    async def allocate(self, name: str, address: str, pool: str, node: str, sandbox: str = "") -> None:
        """Write the address into its block; an empty name: free it."""
        cidr = ip_network(f"{address}/{_BLOCK_SIZE[pool]}", strict=False)
        block = self._blocks.setdefault(str(cidr), {"held": {}, "made": False})
        ordinal = int(ip_network(address).network_address) - int(cidr.network_address)
        if name:
            block["held"][ordinal] = (name, node, sandbox or f"sandbox-{name}")
        else:
            block["held"].pop(ordinal, None)
        spec = block_spec(str(cidr), cidr.num_addresses, node, block["held"])
        path = str(cidr).replace(".", "-").replace("/", "-")
        if block["made"]:
            await self.merge(f"{CALICO}/ipamblocks/{path}", {"spec": spec})
        else:
            await self.ask("POST", f"{CALICO}/ipamblocks", calico("IPAMBlock", path, spec))
            block["made"] = True

    async def empty(self, name: str) -> None:
        """Empty the annotations of its addresses, as Calico does first of all when it takes a network down."""
        notes = {f"cni.projectcalico.org/{key}": "" for key in ("podIP", "podIPs")}
        await self.merge(f"{self.path(name)}/status", {"metadata": {"annotations": notes}})

    async def finish(self, name: str) -> None:
        await self.merge(f"{self.path(name)}/status", {"status": {"phase": "Succeeded"}})

    async def remove(self, name: str) -> None:
        await self.ask("DELETE", self.path(name), {"gracePeriodSeconds": 0})

    async def refuse(self, name: str, uid: str, message: str, count: int = 3) -> None:
        """Report a sandbox failure as kubelet does."""
        about = {"kind": "Pod", "namespace": NAMESPACE, "name": name, "uid": uid, "apiVersion": "v1"}
        event = {
            "metadata": {"name": f"{name}.1"},
            "involvedObject": about,
            "reason": "FailedCreatePodSandBox",
            "message": message,
            "type": "Warning",
            "count": count,
            "firstTimestamp": present(-90),
            "lastTimestamp": present(),
        }
        await self.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/events", event)

    async def labels(self, name: str) -> dict[str, str]:
        """Our labels on a pod, without their prefix."""
        seen = (await self.ask("GET", self.path(name))).get("metadata", {}).get("labels", {})
        return {key.partition("/")[2]: one for key, one in seen.items() if key.startswith("runner-bridge.dev/")}

    async def told(self) -> list[tuple[str, str]]:
        """Our Events: pod and reason."""
        seen = await self.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
        ours = [one for one in seen["items"] if one.get("reportingController") == "runner-bridge.dev/runner-bridge"]
        return sorted((one["regarding"]["name"], one["reason"]) for one in ours)

    async def counts(self) -> dict[str, int]:
        """Our Events: reason and how often each was seen."""
        seen = await self.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
        ours = [one for one in seen["items"] if one.get("reportingController") == "runner-bridge.dev/runner-bridge"]
        return {one["reason"]: one.get("series", {}).get("count", 1) for one in ours}

    @staticmethod
    def path(name: str) -> str:
        return f"/api/v1/namespaces/{NAMESPACE}/pods/{name}"


def present(seconds: int = 0) -> str:
    return (datetime.now(tz=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def calico(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def pod(
    name: str,
    *,
    node: str = "node-1",
    asked: str | None = INFRA,
    short_id: str = SHORT_ID,
    labels: dict[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    of_runner = {
        "pod": name,
        "job.runner.gitlab.com/pod": name,
        "manager.runner.gitlab.com/id-short": short_id,
        "manager.runner.gitlab.com/name": "infra-platform",
        "project.runner.gitlab.com/id": "4217",
    }
    notes = {"job.runner.gitlab.com/id": "7311000", "project.runner.gitlab.com/id": "4217"}
    if asked is not None:
        notes["cni.projectcalico.org/ipv4pools"] = asked
    return {
        "metadata": {"name": name, "labels": of_runner | (labels or {}), "annotations": notes},
        "spec": {"nodeName": node, "containers": [{"name": "build", "image": "alpine"}], **spec},
    }


def block_spec(cidr: str, size: int, node: str, held: dict[int, tuple[str, str, str]]) -> dict[str, Any]:
    ordinals = sorted(held)
    index = {ordinal: position for position, ordinal in enumerate(ordinals)}
    return {
        "cidr": cidr,
        "affinity": f"host:{node}",
        "strictAffinity": False,
        "allocations": [index.get(ordinal) for ordinal in range(size)],
        "unallocated": [ordinal for ordinal in range(size) if ordinal not in held],
        "attributes": [
            {
                "handle_id": f"k8s-pod-network.{held[ordinal][2]}",
                "secondary": {"pod": held[ordinal][0], "namespace": NAMESPACE, "node": held[ordinal][1]},
            }
            for ordinal in ordinals
        ],
        "sequenceNumberForAllocation": {str(ordinal): 1_764_000_000_000_000_000 + ordinal for ordinal in ordinals},
    }


@asynccontextmanager
async def furnished(server: ApiServer) -> AsyncIterator[World]:
    """Furnish a real API server, and take away what was made on it at the end."""
    headers = {"Authorization": f"Bearer {ADMIN}"}
    connector = aiohttp.TCPConnector(ssl=server.tls() or True, force_close=True)
    async with aiohttp.ClientSession(server.url, headers=headers, connector=connector) as session:
        made = World(session)
        await made.furnish()
        yield made
        for path in (f"{CALICO}/ipamblocks", f"{CALICO}/ippools", f"/api/v1/namespaces/{NAMESPACE}/pods"):
            await made.ask("DELETE", path, {"gracePeriodSeconds": 0})
        await made.ask("DELETE", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
        for node in ("node-1", "node-2"):
            await made.ask("DELETE", f"/api/v1/nodes/{node}")
    await asyncio.sleep(0.3)  # TLS connections, a bridge's among them, end a moment after they are closed
