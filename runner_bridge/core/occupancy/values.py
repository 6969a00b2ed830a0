"""What was counted and found, as every surface shows it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runner_bridge.core.judge.waivers import Match
    from runner_bridge.core.model import Finding


class Use(StrEnum):
    """What an address of a pool of CI is held for; values of the metric's label `state`."""

    CI = "ci"
    """A pod that belongs there: of a runner, of the bridge, or of a namespace or workload that the policy names."""
    NODES = "nodes"
    """No pod: a tunnel, a load balancer, what a node keeps back."""
    OTHERS = "others"
    """A pod that is none of CI."""
    LEAKED = "leaked"
    """A pod that is gone for longer than Calico takes to give the address back."""
    UNCLEAR = "unclear"
    """A pod that is just coming or going, or that could not be looked at."""


class NodeFill(Struct, frozen=True, gc=False):
    """What of a pool one node has."""

    node: str
    blocks: int
    addresses: int


class PoolUse(Struct, frozen=True, gc=False, kw_only=True):
    """What Calico gave out of one pool."""

    pool: str
    blocks: int = 0
    used: int = 0
    """Addresses that somebody holds."""
    cooling: int = 0
    """Addresses that nobody holds and that cannot be given out yet."""
    nodes: int = 0
    """Nodes that have blocks of it."""
    fullest: tuple[NodeFill, ...] = ()
    """Those with the most blocks, then addresses."""
    uses: Mapping[Use, int] | None = None
    """What its addresses are held for; None where nobody looked into it."""


class Occupancy(Struct, frozen=True, kw_only=True):
    """All of it, at one moment."""

    at: datetime
    """When the last of the blocks was read."""
    pools: tuple[PoolUse, ...]
    """In the order of the policy."""
    findings: tuple[tuple[Finding, Match], ...] = ()
    """About the cluster, each with what a waiver can match; empty where nobody looked into it."""

    def of(self, pool: str) -> PoolUse | None:
        """Return what was given out of a pool; None for one that was not counted."""
        return next((one for one in self.pools if one.pool == pool), None)
