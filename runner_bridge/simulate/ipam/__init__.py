"""
Calico IPAM on the pretend cluster: the same block, address, sequence and error text as upstream for the same input.

`tests/simulate/ipam` replays what the real plugin was asked and compares with what it answered.
"""

from runner_bridge.simulate.ipam.errors import IpamError
from runner_bridge.simulate.ipam.plugin import Calico, IpamConf, Sandbox

__all__ = ["Calico", "IpamConf", "IpamError", "Sandbox"]
