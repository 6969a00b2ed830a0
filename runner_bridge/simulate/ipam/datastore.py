"""
Calico's own objects in the pretend cluster: pools, blocks, affinities, handles, and the two-step deletion.

Calico marks an object `deleted` and deletes it in a second write, so a watch sees MODIFIED and then DELETED.
"""

from __future__ import annotations

import base64
import hashlib
from ipaddress import ip_network
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import (
    AFFINITIES_V1,
    BLOCKS_V1,
    CONFIGS_V1,
    HANDLES_V1,
    NAMESPACES,
    NODES,
    POOLS_V1,
    Resource,
)
from runner_bridge.simulate.ipam import blocks
from runner_bridge.simulate.ipam.errors import IpamError

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.simulate.cluster.objects import Objects
    from runner_bridge.simulate.cluster.status import Object
    from runner_bridge.simulate.ipam.blocks import Network

_METADATA = {"annotations": {"projectcalico.org/metadata": "{}"}}


def cidr_name(cidr: Network | str) -> str:
    """
    Return the name of a block: its CIDR with hyphens (Calico, libcalico-go/lib/names/cidr.go).

    >>> cidr_name("172.16.12.0/25")
    '172-16-12-0-25'
    """
    return str(cidr).replace(".", "-").replace(":", "-").replace("/", "-")


class Datastore:
    """Reads and writes Calico's objects of `crd.projectcalico.org/v1`."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def _all(self, resource: Resource) -> list[Object]:
        return [obj for _, obj in self._objects.store.items(resource.storage, "")]

    def _get(self, resource: Resource, name: str) -> Object | None:
        return self._objects.store.get(resource.storage, ("", name))

    def labels(self, resource: Resource, name: str) -> dict[str, str] | None:
        """Return the labels of a Node or Namespace, or None when there is no such object."""
        found = self._get(resource, name)
        return None if found is None else dict(found["metadata"].get("labels") or {})

    def node_labels(self, node: str) -> dict[str, str]:
        """
        Return the labels of a node.

        Raises:
            IpamError: there is no such node.
        """
        found = self.labels(NODES, node)
        if found is None:
            raise IpamError(f'resource does not exist: Node({node}) with error: nodes "{node}" not found')
        return found

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        """
        Return the labels of a namespace.

        Raises:
            IpamError: there is no such namespace; the full plugin says so before IPAM is asked.
        """
        found = self.labels(NAMESPACES, namespace)
        if found is None:
            raise IpamError(f'failed to get namespace {namespace}: namespaces "{namespace}" not found')
        return found

    def pools(self, version: int) -> list[Object]:
        """Return all pools of one IP version, by name."""
        return [each for each in self._all(POOLS_V1) if ip_network(each["spec"]["cidr"]).version == version]

    def config(self) -> Object:
        """Return IPAMConfig `default`, or what its absence means."""
        found = self._get(CONFIGS_V1, "default")
        given = {} if found is None else found["spec"]
        return {"strictAffinity": False, "autoAllocateBlocks": True, "maxBlocksPerHost": 0, **given}

    def blocks(self) -> dict[Network, Object]:
        """Return the specs of all blocks."""
        return {ip_network(each["spec"]["cidr"]): each["spec"] for each in self._all(BLOCKS_V1)}

    def block(self, cidr: Network) -> Object | None:
        """Return the spec of a block, or None."""
        found = self._get(BLOCKS_V1, cidr_name(cidr))
        return None if found is None else found["spec"]

    def affine_blocks(self, node: str, version: int) -> list[Network]:
        """Return the blocks of a node in the text order of the names of their affinities."""
        owned = [each["spec"] for each in self._all(AFFINITIES_V1) if each["spec"]["node"] == node]
        cidrs = [ip_network(each["cidr"]) for each in owned]
        return [cidr for cidr in cidrs if cidr.version == version]

    def claim(self, cidr: Network, node: str, now: datetime) -> Object:
        """Create a block for a node: affinity pending, block, affinity confirmed."""
        name = f"{node}-{cidr_name(cidr)}"
        hashed = base64.b32encode(hashlib.sha3_256(node.encode()).digest()).decode().rstrip("=")
        labels = {
            "projectcalico.org/affinity-type": "host",
            "projectcalico.org/hostname-hash": hashed,
            "projectcalico.org/ip-version": str(cidr.version),
        }
        spec = {"cidr": str(cidr), "deleted": "false", "node": node, "state": "pending", "type": "host"}
        self._objects.create(AFFINITIES_V1, "", {"metadata": {"name": name, "labels": labels}, "spec": spec})
        block = blocks.new(cidr, node, now)
        self._objects.create(BLOCKS_V1, "", {"metadata": {"name": cidr_name(cidr), **_METADATA}, "spec": block})
        self._objects.patch(AFFINITIES_V1, "", name, {"spec": {"state": "confirmed"}})
        return block

    def write_block(self, spec: Object) -> None:
        """Write a changed block."""
        old = self._objects.get(BLOCKS_V1, "", cidr_name(spec["cidr"]))
        self._objects.replace(BLOCKS_V1, "", cidr_name(spec["cidr"]), {**old, "spec": spec})

    def disown(self, cidr: Network, node: str) -> None:
        """Delete an empty block together with a node's affinity to it."""
        name = f"{node}-{cidr_name(cidr)}"
        self._objects.patch(AFFINITIES_V1, "", name, {"spec": {"state": "pendingDeletion"}})
        self.delete_block(cidr)
        self._delete(AFFINITIES_V1, name, deleted="true")

    def delete_block(self, cidr: Network) -> None:
        """Delete a block."""
        self._delete(BLOCKS_V1, cidr_name(cidr), deleted=True)

    def _delete(self, resource: Resource, name: str, *, deleted: object) -> None:
        self._objects.patch(resource, "", name, {"spec": {"deleted": deleted}})
        self._objects.delete(resource, "", name)

    def handle_blocks(self, handle: str) -> list[Network]:
        """Return the blocks a handle has addresses in."""
        found = self._get(HANDLES_V1, handle.lower())
        return [] if found is None else [ip_network(cidr) for cidr in found["spec"]["block"]]

    def count_handle(self, handle: str, cidr: Network, by: int) -> None:
        """Change how many addresses of a block a handle has; without any it goes away."""
        name, found = handle.lower(), self._get(HANDLES_V1, handle.lower())
        if found is None:
            spec = {"block": {str(cidr): by}, "deleted": False, "handleID": handle}
            self._objects.create(HANDLES_V1, "", {"metadata": {"name": name, **_METADATA}, "spec": spec})
            return
        counted = dict(found["spec"]["block"])
        counted[str(cidr)] = counted.get(str(cidr), 0) + by
        left = {key: count for key, count in counted.items() if count > 0}
        if left:
            self._objects.replace(HANDLES_V1, "", name, {**found, "spec": {**found["spec"], "block": left}})
        else:
            self._delete(HANDLES_V1, name, deleted=True)
