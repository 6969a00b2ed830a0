"""What a linter may know besides the file: all of it optional, nothing of it guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The answers that an admin gave on the command line."""

    nodes: int | None = None
    """How many nodes the cluster has, or will have."""
    calico: tuple[int, int] | None = None
    """The oldest Calico in use, for example (3, 32)."""
    policy: Policy | None = None
    """The policy that the files belong to."""

    @property
    def calico_version(self) -> tuple[int, int] | None:
        """What was said on the command line, else in the policy."""
        return self.calico or (self.policy.cluster.calico_version if self.policy else None)
