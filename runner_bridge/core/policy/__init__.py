"""
The policy: text with positions (`source`) → shape (`schema`) → meaning (`compile`) → frozen `Policy` (`model`).

Others import this package and `model` only.
"""

from runner_bridge.core.policy.files import Source
from runner_bridge.core.policy.load import json_schema, load

__all__ = ["Source", "json_schema", "load"]
