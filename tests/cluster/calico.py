"""Calico's objects and the recorded job pods, as a test puts them into a cluster."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from typing import Any

from runner_bridge.simulate import recorded

OLD = "crd.projectcalico.org/v1"
NEW = "projectcalico.org/v3"


def pool(name: str, cidr: str, *, version: str = OLD, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": "IPPool", "metadata": {"name": name}, "spec": {"cidr": cidr, **spec}}


def block(cidr: str, *pods: dict[str, Any], version: str = OLD, **spec: Any) -> dict[str, Any]:
    """A block that holds the addresses of some pods, as Calico writes it."""
    network = ip_network(cidr)
    allocations: list[int | None] = [None] * network.num_addresses
    attributes: list[dict[str, Any]] = []
    for one in pods:
        address = ip_address(one["status"]["podIP"])
        if address not in network:
            continue
        allocations[int(address) - int(network.network_address)] = len(attributes)
        meta = one["metadata"]
        sandbox = meta.get("annotations", {}).get("cni.projectcalico.org/containerID", "0" * 64)
        names = {"namespace": meta["namespace"], "pod": meta["name"], "node": one["spec"].get("nodeName", "")}
        attributes.append({"handle_id": f"k8s-pod-network.{sandbox}", "secondary": names})
    values = {
        "cidr": cidr,
        "affinity": "host:worker-1",
        "allocations": allocations,
        "attributes": attributes,
        "unallocated": [ordinal for ordinal, one in enumerate(allocations) if one is None],
        "strictAffinity": False,
        "deleted": False,
    }
    name = cidr.translate(str.maketrans(".:/", "---"))
    return {"apiVersion": version, "kind": "IPAMBlock", "metadata": {"name": name}, "spec": values | spec}


def recorded_pods(namespace: str) -> dict[str, dict[str, Any]]:
    """The recorded pods by their names, moved into a namespace and ready to be created."""
    found = {}
    for one in json.loads(recorded.text("pods.json"))["items"]:
        meta = {key: one["metadata"][key] for key in ("name", "labels", "annotations") if key in one["metadata"]}
        found[meta["name"]] = one | {"apiVersion": "v1", "kind": "Pod", "metadata": meta | {"namespace": namespace}}
    return found
