"""
Calico IPAM: which address a pod gets, and what becomes of it (Calico, libcalico-go/lib/ipam/ipam.go).

Everything happens in one step here: two nodes never race, so upstream's retries have no counterpart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import NODES
from runner_bridge.simulate.ipam import blocks, go_random
from runner_bridge.simulate.ipam.errors import IpamError
from runner_bridge.simulate.ipam.selectors import selects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner_bridge.simulate.cluster.status import Object
    from runner_bridge.simulate.ipam.blocks import Address, Network
    from runner_bridge.simulate.ipam.datastore import Datastore

_DEFAULT_MOST_BLOCKS = 20
_RECLAIM_AGE = timedelta(minutes=1)
_NO_POOL = "cannot find a qualified ippool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One address of one IP version for one sandbox."""

    version: int
    node: str
    namespace: str
    pod: str
    handle: str
    pools: tuple[Network, ...] = ()
    """The pools it names; without any, Calico selects."""


def _cidr(pool: Object) -> Network:
    return ip_network(pool["spec"]["cidr"])


def _block_size(pool: Object) -> int:
    return int(pool["spec"].get("blockSize") or (26 if _cidr(pool).version == 4 else 122))


def _is_enabled(pool: Object) -> bool:
    conditions = pool.get("status", {}).get("conditions", [])
    is_allocatable = not any(each["type"] == "Allocatable" and each["status"] == "False" for each in conditions)
    return is_allocatable and "deletionTimestamp" not in pool["metadata"] and not pool["spec"].get("disabled")


def _is_for_workloads(pool: Object) -> bool:
    return "Workload" in (pool["spec"].get("allowedUses") or ("Workload", "Tunnel"))


class Allocator:
    """Gives addresses out and takes them back."""

    def __init__(self, datastore: Datastore, now: Callable[[], datetime]) -> None:
        self._datastore = datastore
        self._now = now

    def assign(self, request: Request) -> tuple[Address, int]:
        """
        Return an address and the prefix length of its block.

        Raises:
            IpamError: there is none for this request.
        """
        selecting = self._pools(request)
        pools = [each for each in selecting if _is_for_workloads(each)]
        if not pools:
            raise IpamError(f"{_NO_POOL}, no pools match the required use (Workload)")
        owned = self._datastore.affine_blocks(request.node, request.version)
        usable = [cidr for cidr in owned if any(_contains(pool, cidr) for pool in pools)]
        self._give_back(request.node, [cidr for cidr in owned if not any(_contains(pool, cidr) for pool in selecting)])
        config = self._datastore.config()
        for cidr in usable:
            if found := self._take_from(cidr, request, config):
                return found
        if len(usable) >= (config["maxBlocksPerHost"] or _DEFAULT_MOST_BLOCKS):
            raise IpamError("cannot allocate new block due to per host block limit")
        if not config["autoAllocateBlocks"]:
            raise IpamError("failed to find or claim a block")
        new = self._new_block(pools, request.node)
        if new is not None:
            self._datastore.claim(new, request.node, self._now())
            if found := self._take_from(new, request, config):
                return found
        return self._borrow(pools, request, config)

    def release(self, handle: str) -> None:
        """Take back whatever a handle has; a block its node may not keep goes away with its last address."""
        cooldown_s = int(self._datastore.config().get("ipCooldownSeconds", 0))
        for cidr in self._datastore.handle_blocks(handle):
            spec = self._datastore.block(cidr)
            if spec is None:
                continue
            spec, count = blocks.release(spec, handle, cooldown_s, self._now())
            if not count:
                continue
            if blocks.is_empty(spec) and not spec.get("affinity"):
                self._datastore.delete_block(cidr)
            else:
                self._datastore.write_block(spec)
            self._datastore.count_handle(handle, cidr, -count)
            node = spec.get("affinity", "").removeprefix("host:")
            if node:
                self._give_back(node, [cidr])

    def _pools(self, request: Request) -> list[Object]:
        """Return the pools that are named, or those that select this node and namespace."""
        labels = self._datastore.node_labels(request.node)
        enabled = [each for each in self._datastore.pools(request.version) if _is_enabled(each)]
        if not enabled:
            raise IpamError(_NO_POOL)
        by_cidr = {_cidr(each): each for each in enabled}
        for wanted in request.pools:
            if wanted not in by_cidr:
                raise IpamError(f"the given pool ({wanted}) does not exist, or is not enabled")
        if request.pools:
            return [by_cidr[wanted] for wanted in request.pools]
        namespace = self._datastore.namespace_labels(request.namespace)
        found = [
            each
            for each in enabled
            if each["spec"].get("assignmentMode", "Automatic") == "Automatic"
            and selects(each["spec"].get("nodeSelector") or "all()", labels)
            and selects(each["spec"].get("namespaceSelector") or "all()", namespace)
        ]
        if not found:
            raise IpamError(f"no configured Calico pools for node {request.node}")
        return found

    def _give_back(self, node: str, cidrs: list[Network]) -> None:
        """Disown those of a node's blocks that are empty and in a pool that does not select the node (any longer)."""
        labels = self._datastore.labels(NODES, node)
        for cidr in cidrs if labels is not None else ():
            spec = self._datastore.block(cidr)
            pool = next((each for each in self._datastore.pools(cidr.version) if _contains(each, cidr)), None)
            if spec is None or pool is None or not _is_enabled(pool) or not blocks.is_empty(spec):
                continue
            if not selects(pool["spec"].get("nodeSelector") or "all()", labels or {}):
                self._datastore.disown(cidr, node)

    def _take_from(self, cidr: Network, request: Request, config: Object) -> tuple[Address, int] | None:
        spec = self._datastore.block(cidr)
        if spec is None:
            return None
        spec = blocks.without_cooled(spec, int(config.get("ipCooldownSeconds", 0)), self._now())
        secondary = {
            "namespace": request.namespace,
            "node": request.node,
            "pod": request.pod,
            "timestamp": _go_time(self._now()),
        }
        spec, address = blocks.assign(spec, request.handle, secondary)
        if address is None:
            return None
        self._datastore.count_handle(request.handle, cidr, 1)
        self._datastore.write_block(spec)
        return address, cidr.prefixlen

    def _new_block(self, pools: list[Object], node: str) -> Network | None:
        """Return a block nobody has, or one of another node that has been empty for a minute."""
        existing = self._datastore.blocks()
        reclaimable = []
        for pool in pools:
            for cidr in self._walk(pool, node):
                if cidr not in existing:
                    return cidr
                if blocks.is_empty(existing[cidr]) and existing[cidr].get("affinity"):
                    reclaimable.append(cidr)
        for cidr in reclaimable:
            claimed = datetime.fromisoformat(existing[cidr]["affinityClaimTime"])
            if self._now() - claimed >= _RECLAIM_AGE:
                self._datastore.disown(cidr, existing[cidr]["affinity"].removeprefix("host:"))
                return cidr
        return None

    def _borrow(self, pools: list[Object], request: Request, config: Object) -> tuple[Address, int]:
        what = "No more free affine blocks and strict affinity enabled"
        if not config["strictAffinity"]:
            existing = self._datastore.blocks()
            for pool in pools:
                for cidr in self._walk(pool, request.node):
                    if cidr in existing and (found := self._take_from(cidr, request, config)):
                        return found
            what = f"No IPs available in pools: [{' '.join(str(_cidr(pool)) for pool in pools)}]"
        family = f"IPv{request.version} addresses"
        raise IpamError(f"failed to request {family}: Assigned 0 out of 1 requested {family}; {what}")

    def _walk(self, pool: Object, node: str) -> Iterator[Network]:
        """Yield every block of a pool once, from the node's own starting point round to it again."""
        cidr, prefix = _cidr(pool), _block_size(pool)
        count = 1 << (prefix - cidr.prefixlen)
        step = 1 << (cidr.max_prefixlen - prefix)
        seed = go_random.fnv32(node.encode())
        if prefix == cidr.max_prefixlen:
            seed = blocks.nanoseconds(self._now())
        start = go_random.below(count, seed)
        for offset in range(count):
            yield ip_network((cidr[(start + offset) % count * step], prefix))


def _contains(pool: Object, cidr: Network) -> bool:
    return cidr.network_address in _cidr(pool)


def _go_time(moment: datetime) -> str:
    """Return a moment as Go prints it: trailing zeros of the fraction trimmed."""
    text = f"{moment:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
    return f"{text} +0000 UTC"
