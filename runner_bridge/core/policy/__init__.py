"""
The policy: text with positions (`source`) → shape (`schema`) → meaning (`compile`) → frozen `Policy` (`model`).

Others import this package and `model` only.
"""

from runner_bridge.core.policy.load import json_schema, load
from runner_bridge.core.policy.source import Source

__all__ = ["Source", "json_schema", "load"]
