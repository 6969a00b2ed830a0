"""
Which rule places a project: most specific first.

The order is a fixed number, then the longest path, then a custom attribute, then a topic, then `**`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Project, Rule, TierName


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a project falls, and why."""

    tier: TierName | None
    """None: no rule matches, or (`tied`) two attribute or topic rules of different tiers do."""
    rule: Rule | None
    """The rule that won."""
    lost: tuple[tuple[Rule, str], ...] = ()
    """Rules that match too, most specific first, each with the reason why it lost."""
    tied: tuple[Rule, ...] = ()
    """Equally specific attribute or topic rules of different tiers: the project is unknown."""


class RuleIndex(Protocol):
    """Finds the rule of a project."""

    def place(self, project: Project) -> Placement:
        """Return the tier of a project, and why. Never raises."""
