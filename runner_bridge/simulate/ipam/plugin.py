"""
The CNI plugin `calico`: what a pod asks for by annotations, handed to IPAM, and what is written on the pod.

(Calico, cni-plugin/pkg/k8s/k8s.go and ipamplugin/ipam_plugin.go.) Not played: `ipAddrs`, `ipAddrsNoIpam`, floating
addresses, and everything that touches interfaces and routes.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.resources import NAMESPACES, PODS
from runner_bridge.simulate.ipam import go_json
from runner_bridge.simulate.ipam.allocator import Allocator, Request
from runner_bridge.simulate.ipam.datastore import Datastore
from runner_bridge.simulate.ipam.errors import IpamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner_bridge.simulate.cluster.objects import Objects
    from runner_bridge.simulate.ipam.blocks import Address, Network

_ANNOTATION = "cni.projectcalico.org/"
_FAMILIES = {"IPv4": 4, "IPv6": 6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What the container runtime tells the plugin."""

    namespace: str
    pod: str
    container_id: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IpamConf:
    """The part `ipam` of the CNI configuration, and the name of the network."""

    ipv4_pools: tuple[str, ...] = ()
    ipv6_pools: tuple[str, ...] = ()
    families: tuple[int, ...] = (4,)
    network: str = "k8s-pod-network"


class Calico:
    """The plugin on every node: `add` and `delete`; `assign` and `release` are `calico-ipam` called by itself."""

    def __init__(self, objects: Objects, now: Callable[[], datetime]) -> None:
        self._objects = objects
        self._datastore = Datastore(objects)
        self._allocator = Allocator(self._datastore, now)

    def add(self, sandbox: Sandbox, conf: IpamConf | None = None) -> list[Address]:
        """
        Give a pod its addresses and write them on it.

        Raises:
            IpamError: it gets none; nothing is written on the pod, but a half that was given may stay until `delete`.
        """
        asked = self._asked(sandbox, conf or IpamConf())
        addresses = [address for address, _ in self.assign(sandbox, asked)]
        if not addresses:
            raise IpamError("IPAM plugin returned missing IP config")
        whole = [f"{address}/{address.max_prefixlen}" for address in addresses]
        noted = {"containerID": sandbox.container_id, "podIP": whole[0], "podIPs": ",".join(whole)}
        self._annotate(sandbox, noted)
        return addresses

    def delete(self, sandbox: Sandbox, conf: IpamConf | None = None) -> None:
        """
        Take the addresses back: first off the pod, if it is still there, then out of the block.

        The annotations of a later sandbox stay. A pod that never had an address gets them too, empty: the runtime sends
        a DEL after every ADD that failed.
        """
        pod = self._objects.store.get(PODS.storage, (sandbox.namespace, sandbox.pod))
        if pod is not None:
            noted = (pod["metadata"].get("annotations") or {}).get(_ANNOTATION + "containerID", "")
            if noted in {"", sandbox.container_id}:
                self._annotate(sandbox, {"podIP": "", "podIPs": ""})
        self.release(sandbox, conf or IpamConf())

    def assign(self, sandbox: Sandbox, conf: IpamConf) -> list[tuple[Address, int]]:
        """
        Return one address of each wanted family, with the prefix length of its block.

        Raises:
            IpamError: a family gets none.
        """
        named = {4: self._resolve(conf.ipv4_pools, 4), 6: self._resolve(conf.ipv6_pools, 6)}
        self._datastore.namespace_labels(sandbox.namespace)
        handle = _handle(sandbox, conf)
        given: list[tuple[Address, int]] = []
        for version in conf.families:
            request = Request(
                version=version,
                node=sandbox.node,
                namespace=sandbox.namespace,
                pod=sandbox.pod,
                handle=handle,
                pools=named[version],
            )
            try:
                given.append(self._allocator.assign(request))
            except IpamError as error:
                # Only a family that ran out makes the other one go back; any other failure leaves it allocated.
                if given and str(error).startswith("failed to request"):
                    self._allocator.release(handle)
                raise
        return given

    def release(self, sandbox: Sandbox, conf: IpamConf) -> None:
        """Take back what a sandbox has under this network's name; nothing is an answer too."""
        self._allocator.release(_handle(sandbox, conf))

    def _asked(self, sandbox: Sandbox, conf: IpamConf) -> IpamConf:
        """Return the configuration that the annotations of pod and namespace make of the given one."""
        namespace = self._objects.store.get(NAMESPACES.storage, ("", sandbox.namespace))
        if namespace is None:
            raise IpamError(f'namespaces "{sandbox.namespace}" not found')
        pod = self._objects.store.get(PODS.storage, (sandbox.namespace, sandbox.pod))
        if pod is None:
            raise IpamError(f'pods "{sandbox.pod}" not found')
        texts = {
            key: (pod["metadata"].get("annotations") or {}).get(_ANNOTATION + key)
            or (namespace["metadata"].get("annotations") or {}).get(_ANNOTATION + key)
            for key in ("ipv4pools", "ipv6pools", "ipFamilies")
        }
        read = {key: tuple(go_json.strings(text)) for key, text in texts.items() if text}
        families = conf.families
        if "ipFamilies" in read:
            if not set(read["ipFamilies"]) <= set(_FAMILIES):
                raise IpamError(f"error parsing ipFamilies: {texts['ipFamilies']}")
            families = tuple(sorted(_FAMILIES[each] for each in set(read["ipFamilies"])))
        return IpamConf(
            ipv4_pools=read.get("ipv4pools", conf.ipv4_pools),
            ipv6_pools=read.get("ipv6pools", conf.ipv6_pools),
            families=families,
            network=conf.network,
        )

    def _resolve(self, names: tuple[str, ...], version: int) -> tuple[Network, ...]:
        by_name = {
            each["metadata"]["name"]: each["spec"]["cidr"]
            for family in (4, 6)
            for each in self._datastore.pools(family)
        }
        found = []
        for name in names:
            text = by_name.get(name, name)
            try:
                cidr = ip_network(text, strict=False) if text.rpartition("/")[2].isdecimal() and "/" in text else None
            except ValueError:
                cidr = None
            if cidr is None:
                raise IpamError(f'error parsing pool "{name}": invalid CIDR address: {text}')
            if cidr.version != version:
                raise IpamError(f'"{cidr.network_address}" isn\'t a IPv{version} address')
            found.append(cidr)
        return tuple(found)

    def _annotate(self, sandbox: Sandbox, values: dict[str, str]) -> None:
        noted = {_ANNOTATION + key: value for key, value in values.items()}
        patch = {"metadata": {"annotations": noted}}
        self._objects.patch(PODS, sandbox.namespace, sandbox.pod, patch, is_strategic=True, subresource="status")


def _handle(sandbox: Sandbox, conf: IpamConf) -> str:
    return f"{conf.network}.{sandbox.container_id}"
