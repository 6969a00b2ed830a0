"""
A pretend GitLab over real HTTP: REST with keyset pages, GraphQL, webhooks out, and everything that goes wrong.

Written from GitLab's documentation alone; it knows nothing of how the bridge reads the same answers.
"""

from runner_bridge.simulate.gitlab.faults import Fault
from runner_bridge.simulate.gitlab.planting import planted
from runner_bridge.simulate.gitlab.server import GitLab
from runner_bridge.simulate.gitlab.webhooks import Posting
from runner_bridge.simulate.gitlab.world import World

__all__ = ["Fault", "GitLab", "Posting", "World", "planted"]
