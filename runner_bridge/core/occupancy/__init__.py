"""
Who holds the addresses of the policy's pools, by Calico's blocks: counted for every pool, looked into for those of CI.

Pure: blocks come in one by one or all at once, what became of a pod is told by whoever asked.
"""

from runner_bridge.core.occupancy.audit import Fate, HeldAddress, Looked, conclude, fate_of, look, pools_of_ci
from runner_bridge.core.occupancy.overlaps import MOST_PAIRS
from runner_bridge.core.occupancy.tally import MOST_NODES, Tally
from runner_bridge.core.occupancy.values import NodeFill, Occupancy, PoolUse, Use

__all__ = [
    "MOST_NODES",
    "MOST_PAIRS",
    "Fate",
    "HeldAddress",
    "Looked",
    "NodeFill",
    "Occupancy",
    "PoolUse",
    "Tally",
    "Use",
    "conclude",
    "fate_of",
    "look",
    "pools_of_ci",
]
