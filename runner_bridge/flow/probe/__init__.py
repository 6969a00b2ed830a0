"""One pod as the runner would make it for a tier: made, watched, judged, asked what it met, and always deleted."""

from __future__ import annotations

from runner_bridge.flow.probe.around import Tools
from runner_bridge.flow.probe.probing import LONGEST_S, Probe, Wanted

__all__ = ["LONGEST_S", "Probe", "Tools", "Wanted"]
