"""A node of the pretend cluster: binds whatever pod comes, gives it an address by Calico's rules, runs it, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from runner_bridge.simulate.cluster.resources import CORE_EVENTS, NAMESPACES, NODES, PODS, POOLS_V1
from runner_bridge.simulate.cluster.status import StatusError
from runner_bridge.simulate.ipam import Calico, IpamError, Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.simulate.cluster import Cluster

NAMESPACE = "gitlab-runners"
NODE = "node-1"
NODE_ADDRESS = "192.0.2.1"
YES = {"state": "yes", "said": ""}
GOOD: dict[str, Any] = {"probe": 1, "name": YES, "api": YES, "gitlab": YES, "echo": {"state": "not-asked", "said": ""}}


class Node:
    """
    See the module.

    Args of the constructor:
        cluster: where.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.report: Any = GOOD
        """What the pods write to their logs: a report, or text."""
        self.waiting = ""
        """Why their containers do not start; empty: they do."""
        self.gives = True
        """Whether it gives addresses; else it only binds."""
        self.deletes = True
        """Whether pods that are to go do go."""
        self.made: list[dict[str, Any]] = []
        """Every pod, as it was first seen."""
        self._cluster = cluster
        self._calico = Calico(cluster.objects, cluster.now)
        self._sandboxes: dict[str, Sandbox] = {}

    def furnish(self, *, pools: tuple[tuple[str, str], ...] = (("infraestrutura", "172.16.0.0/16"),)) -> None:
        objects = self._cluster.objects
        objects.create(NAMESPACES, "", {"metadata": {"name": NAMESPACE}})
        addresses = [{"type": "InternalIP", "address": NODE_ADDRESS}]
        objects.create(NODES, "", {"metadata": {"name": NODE}, "status": {"addresses": addresses}})
        for name, cidr in (*pools, ("workload", "10.10.0.0/16")):
            objects.create(POOLS_V1, "", {"metadata": {"name": name}, "spec": {"cidr": cidr}})

    @property
    def pods(self) -> list[dict[str, Any]]:
        """Return the pods that are there."""
        return [pod for _, pod in self._cluster.objects.store.items(PODS.storage, NAMESPACE)]

    @property
    def allocated(self) -> int:
        """Return how many pods have had their addresses taken from a block and not given back."""
        return len(self._sandboxes)

    async def run(self) -> None:
        while True:
            for pod in self.pods:
                with contextlib.suppress(StatusError):  # it went in the meantime
                    self._move(pod)
            await asyncio.sleep(0.01)

    def _move(self, pod: dict[str, Any]) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if "deletionTimestamp" in pod["metadata"]:
            self._end(name, uid)
        elif not pod["spec"].get("nodeName"):
            self.made.append(pod)
            self._cluster.objects.bind(NAMESPACE, name, NODE)
        elif self.gives and uid not in self._sandboxes:
            self._start(name, uid)
        elif uid in self._sandboxes and not self.waiting and uid not in self._cluster.logs:
            self._cluster.logs[uid] = (
                self.report if isinstance(self.report, str) else json.dumps(self.report, separators=(",", ":")) + "\n"
            )
            self._status(name, {"containerStatuses": [{"name": "probe", "state": {"running": {}}}]})

    def _start(self, name: str, uid: str) -> None:
        sandbox = Sandbox(namespace=NAMESPACE, pod=name, container_id=f"sandbox-{uid}", node=NODE)
        try:
            address = str(self._calico.add(sandbox)[0])
        except IpamError as error:
            self._calico.delete(sandbox)
            self.refuse(name, uid, str(error))
            return
        self._sandboxes[uid] = sandbox
        state = {"waiting": {"reason": self.waiting or "ContainerCreating", "message": "of a test"}}
        self._status(
            name,
            {
                "phase": "Running",
                "podIP": address,
                "podIPs": [{"ip": address}],
                "hostIP": NODE_ADDRESS,
                "containerStatuses": [{"name": "probe", "state": state}],
            },
        )

    def refuse(self, name: str, uid: str, text: str, count: int = 1) -> None:
        """Report a sandbox that could not be made, as kubelet does."""
        about = {"kind": "Pod", "namespace": NAMESPACE, "name": name, "uid": uid}
        event = {
            "metadata": {"generateName": f"{name}."},
            "involvedObject": about,
            "reason": "FailedCreatePodSandBox",
            "message": f'plugin type="calico" failed (add): {text}',
            "type": "Warning",
            "count": count,
        }
        self._cluster.objects.create(CORE_EVENTS, NAMESPACE, event)

    def _end(self, name: str, uid: str) -> None:
        if not self.deletes:
            return
        sandbox = self._sandboxes.pop(uid, None)
        if sandbox is not None:
            self._calico.delete(sandbox)
        self._cluster.objects.delete(PODS, NAMESPACE, name, {"gracePeriodSeconds": 0})

    def _status(self, name: str, values: dict[str, Any]) -> None:
        self._cluster.objects.patch(PODS, NAMESPACE, name, {"status": values}, is_strategic=True, subresource="status")


@asynccontextmanager
async def working(cluster: Cluster) -> AsyncIterator[Node]:
    """Let a node work beside the test."""
    node = Node(cluster)
    node.furnish()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(node.run())
        try:
            yield node
        finally:
            task.cancel()
