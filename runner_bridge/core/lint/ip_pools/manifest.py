"""One pool as a file describes it, with the place of each field."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from runner_bridge.core.lint.selector import Selector

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network

    from runner_bridge.core.model import Place
    from runner_bridge.core.text.yaml import Node

    Network: TypeAlias = IPv4Network | IPv6Network


class Group(StrEnum):
    """Through which API a pool is written."""

    V3 = "projectcalico.org/v3"
    V1 = "crd.projectcalico.org/v1"
    OPERATOR = "operator.tigera.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One pool as a file describes it; what is absent or was refused has the value that Calico would use."""

    name: str
    group: Group
    place: Place
    """Of its name, else of the object."""
    cidr: Network | None = None
    """None where it is absent, wrong or a template: rules about addresses pass the pool over."""
    block_size: int = 0
    """0 where it is absent; see `blocks_of`."""
    nat_outgoing: bool = False
    disabled: bool = False
    disable_bgp_export: bool = False
    node_selector: Selector = field(default_factory=Selector)
    namespace_selector: Selector | None = None
    """None: no namespace is excluded."""
    allowed_uses: tuple[str, ...] = ()
    """Empty means Workload and Tunnel."""
    manual: bool = False
    ipip: str = ""
    """`Never`, `Always`, `CrossSubnet`, or empty where it is absent."""
    vxlan: str = ""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    """The fields that are written and could be read, by the name they have in an IPPool."""
    unread: frozenset[str] = frozenset()
    """Fields that are written and were refused, or are templates: nothing may be said about them."""

    def at(self, name: str) -> Place:
        """Return where the value of a field stands; the pool's own place where it is not written."""
        node = self.nodes.get(name)
        return node.place if node else self.place

    @property
    def subject(self) -> str:
        """How findings call it."""
        return f"pool {self.name}" if self.name else "a pool"

    @property
    def size_in_force(self) -> int:
        """The prefix length of its blocks, Calico's default where none is written; needs a CIDR."""
        return self.block_size or (122 if self.cidr and self.cidr.version == 6 else 26)

    @property
    def serves_pods(self) -> bool:
        """Pods may get an address of it."""
        enabled = not self.disabled and "disabled" not in self.unread
        return enabled and (not self.allowed_uses or "Workload" in self.allowed_uses)

    @property
    def is_closed(self) -> bool:
        """No pod gets an address of it that does not ask for it, on a Calico that knows every field."""
        return self.manual or self.node_selector.matches is False

    @property
    def is_open(self) -> bool:
        """Every pod that asks for nothing may get an address of it."""
        known = self.unread.isdisjoint(("assignmentMode", "nodeSelector", "namespaceSelector"))
        return (
            known
            and not self.disabled
            and not self.manual
            and self.node_selector.matches is True
            and self.namespace_selector is None
        )
