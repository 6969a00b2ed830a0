"""Which tier each project falls into, how many fall into each, and how old what is known of them is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from runner_bridge.core.mapping import Mapped
    from runner_bridge.core.policy.model import Policy, TierName

NO_TIER = "none"
"""How a project without a tier is asked for, and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingAnswer:
    """The answer."""

    rows: tuple[Mapped, ...]
    """By path."""
    counts: Mapping[str, int]
    """Projects by tier, in the order of the policy, those that are not shown included; `none` last."""
    as_of: datetime
    """When GitLab was asked."""
    now: datetime
    problem: str = ""
    """Why it could not be asked now; empty where it was."""

    @property
    def unplaced(self) -> int:
        """How many projects that are shown have no tier."""
        return sum(one.tier is None for one in self.rows)


def map_projects(
    policy: Policy, mapped: Iterable[Mapped], *, as_of: datetime, now: datetime, tier: str = "", problem: str = ""
) -> MappingAnswer:
    """
    Answer which projects fall into which tier.

    Args:
        policy: whose tiers are counted.
        mapped: every project that is known, by path.
        as_of: when GitLab was asked.
        now: this moment.
        tier: show this tier alone, `none` for projects without one; empty for all.
        problem: why GitLab could not be asked now.
    """
    every = tuple(mapped)
    found = Counter(_name(one.tier) for one in every)
    counts = {str(name): found[str(name)] for name in policy.tiers}
    if found[NO_TIER]:
        counts[NO_TIER] = found[NO_TIER]
    rows = every if not tier else tuple(one for one in every if _name(one.tier) == tier)
    return MappingAnswer(rows=rows, counts=counts, as_of=as_of, now=now, problem=problem)


def _name(tier: TierName | None) -> str:
    return NO_TIER if tier is None else str(tier)
