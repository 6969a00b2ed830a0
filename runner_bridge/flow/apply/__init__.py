"""
What is live, read for a plan: runners in GitLab, configurations and kept tokens, pools.

Reads alone. What cannot be read is said in the result and never raised, so that the rest of a plan holds.
"""

from __future__ import annotations

from runner_bridge.flow.apply.live import Neighbours, read_known, read_live

__all__ = ["Neighbours", "read_known", "read_live"]
