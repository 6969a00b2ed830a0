"""Plays the recorded calls of the real Calico against the pretend one and collects what it answers instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import BLOCKS_V1, CONFIGS_V1, NAMESPACES, NODES, PODS, POOLS_V1
from runner_bridge.simulate.ipam import Calico, IpamConf, IpamError, Sandbox

NAMESPACE = "ci-jobs"
PREFIX = "cni.projectcalico.org/"


class Replay:
    """One pretend cluster after the other: every `setup` begins with an empty one."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
        self._setup({"pools": []})

    def play(self, ops: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
        """Return (recorded answer, our answer) for each operation that has an answer."""
        answers = []
        for op in ops:
            ours = getattr(self, f"_{op['do']}")(op)
            if "answer" in op:
                answers.append((op["answer"], ours))
        return answers

    @property
    def lucky_pools(self) -> set[str]:
        """Return the pools whose blocks are single addresses."""
        specs = [obj["spec"] for _, obj in self.objects.store.items(POOLS_V1.storage, "")]
        return {spec["cidr"] for spec in specs if spec.get("blockSize") == ip_network(spec["cidr"]).max_prefixlen}

    def _tick(self, seconds: float = 0.05) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def _setup(self, op: dict[str, Any]) -> None:
        self.objects = Cluster(namespaces=(), now=lambda: self.now).objects
        self.calico = Calico(self.objects, lambda: self.now)
        labels = op.get("namespaceLabels", {})
        self.objects.create(NAMESPACES, "", {"metadata": {"name": NAMESPACE, "labels": labels}})
        for number in range(1, 6):
            self.objects.create(NODES, "", {"metadata": {"name": f"node-{number}"}})
        for pool in op["pools"]:
            self._pool(pool)
        if "config" in op:
            self.objects.create(CONFIGS_V1, "", {"metadata": {"name": "default"}, "spec": op["config"]})

    def _pool(self, op: dict[str, Any]) -> None:
        finalizers = {"finalizers": ["example.com/hold"]} if op.get("finalizer") else {}
        self.objects.create(POOLS_V1, "", {"metadata": {"name": op["name"], **finalizers}, "spec": op["spec"]})

    def _remove(self, op: dict[str, Any]) -> None:
        resource = NODES if "node" in op else POOLS_V1
        self.objects.delete(resource, "", op.get("node") or op["pool"])

    def _disable(self, op: dict[str, Any]) -> None:
        self.objects.patch(POOLS_V1, "", op["pool"], {"spec": {"disabled": True}})

    def _select(self, op: dict[str, Any]) -> None:
        self.objects.patch(POOLS_V1, "", op["pool"], {"spec": {"nodeSelector": op["nodeSelector"]}})

    def _status(self, op: dict[str, Any]) -> None:
        self.objects.patch(POOLS_V1, "", op["pool"], {"status": op["status"]}, subresource="status")

    def _wait(self, op: dict[str, Any]) -> None:
        self._tick(op["seconds"])

    def _sandbox(self, op: dict[str, Any]) -> Sandbox:
        namespace = op.get("namespace", NAMESPACE)
        return Sandbox(namespace=namespace, pod=op["pod"], container_id=op["pod"], node=op["node"])

    def _conf(self, op: dict[str, Any]) -> IpamConf:
        return IpamConf(
            ipv4_pools=tuple(op.get("ipv4_pools", ())),
            ipv6_pools=tuple(op.get("ipv6_pools", ())),
            families=(4, 6) if op.get("dual") else (4,),
            network=op.get("network", "k8s-pod-network"),
        )

    def _add(self, op: dict[str, Any]) -> list[str] | str:
        self._tick()
        if op.get("annotations") is not None:
            annotations = {PREFIX + key: value for key, value in op["annotations"].items()}
            pod = {"metadata": {"name": op["pod"], "annotations": annotations}, "spec": {"containers": [{}]}}
            self.objects.create(PODS, NAMESPACE, pod)
        try:
            if "annotations" in op:
                whole = self.calico.add(self._sandbox(op), self._conf(op))
                return [f"{address}/{address.max_prefixlen}" for address in whole]
            given = self.calico.assign(self._sandbox(op), self._conf(op))
        except IpamError as error:
            return str(error)
        return [f"{address}/{prefix}" for address, prefix in given]

    def _del(self, op: dict[str, Any]) -> None:
        self._tick()
        self.calico.delete(self._sandbox(op), self._conf(op))

    def _specs(self) -> list[Any]:
        return [obj["spec"] for _, obj in self.objects.store.items(BLOCKS_V1.storage, "")]

    def _blocks(self, _: dict[str, Any]) -> dict[str, Any]:
        return {spec["cidr"]: outline(spec) for spec in self._specs()}

    def _used(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            spec["cidr"]: [spec["affinity"], sum(each is not None for each in spec["allocations"])]
            for spec in self._specs()
        }


def outline(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a block with its sequence numbers counted from its own, and ordinals in runs, as the sample has them."""
    taken = {str(at): index for at, index in enumerate(spec["allocations"]) if index is not None}
    sequences = spec["sequenceNumberForAllocation"]
    return {
        "affinity": spec["affinity"],
        "taken": taken,
        "free": _runs(spec["unallocated"]),
        "sequence": {key: value - spec["sequenceNumber"] for key, value in sequences.items()},
        "attributes": [each.get("secondary", {}).get("pod", "cooling") for each in spec["attributes"]],
    }


def _runs(ordinals: list[int]) -> str:
    runs: list[list[int]] = []
    for each in ordinals:
        if runs and runs[-1][1] + 1 == each:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    return ",".join(f"{first}-{last}" if first != last else str(first) for first, last in runs)
