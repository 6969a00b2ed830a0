"""
Scripted days in a pretend cluster: which jobs run, what goes wrong, and what has to be said about each.

The expected verdicts are written here, by hand, from what the product promises; nothing of the judge computes them.
"""

from runner_bridge.simulate.story.day import day
from runner_bridge.simulate.story.model import Accident, Expected, Job, Manager, Pool, Story, Tier, Twist
from runner_bridge.simulate.story.working_day import WorkingDay, working_day

__all__ = [
    "Accident",
    "Expected",
    "Job",
    "Manager",
    "Pool",
    "Story",
    "Tier",
    "Twist",
    "WorkingDay",
    "day",
    "working_day",
]
