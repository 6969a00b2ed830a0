"""
A pretend Kubernetes API server over real HTTP on loopback, for the demo, the tests and the benchmarks.

It is written from Kubernetes' own documentation of its API and shares no code with the bridge's reading of it, so that
a misreading there meets something that disagrees. `tests/contract` asks it and a real server the same questions.
"""

from runner_bridge.simulate.cluster.access import Denial
from runner_bridge.simulate.cluster.faults import Ending, Fault
from runner_bridge.simulate.cluster.server import Cluster
from runner_bridge.simulate.cluster.status import StatusError

__all__ = ["Cluster", "Denial", "Ending", "Fault", "StatusError"]
