"""
Which tier each project falls into, by which rule, and where that cannot be told.

Built on `Policy.place`. What GitLab did not let us see counts as unknown, never as absent: a project whose custom
attributes are hidden has no tier where a rule on attributes could have won and meant another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runner_bridge.core.policy import model
from runner_bridge.core.policy.model import RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model.gitlab import Project
    from runner_bridge.core.policy.model import Policy, Rule, TierName


class Doubt(StrEnum):
    """Why a project has no tier."""

    NO_RULE = "no-rule"
    """No rule stands for it."""
    TIED = "tied"
    """Rules of different tiers stand for it with equal right."""
    ATTRIBUTES_HIDDEN = "attributes-hidden"
    """A rule on custom attributes could have won, and they are for administrators alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A project and its tier."""

    project: Project
    tier: TierName | None
    rule: Rule | None = None
    """The one that won; None where there is no tier."""
    doubt: Doubt | None = None
    """Why there is no tier; None where there is one."""
    rules: tuple[Rule, ...] = ()
    """In doubt: those between which it cannot be told."""

    @property
    def why(self) -> str:
        """The reason in a few words."""
        if self.rule is not None:
            return self.rule.text
        if not self.rules:
            return "no rule"
        names = ", ".join(f"{one.text} → {one.tier}" for one in self.rules)
        return f"tie: {names}" if self.doubt is Doubt.TIED else f"custom attributes hidden: {names}"


class Mapper:
    """
    Maps projects by one policy.

    Args of the constructor:
        policy: the policy.
    """

    def __init__(self, policy: Policy) -> None:
        self._place = policy.place
        self._on_attributes = tuple(
            rule for tier in policy.tiers.values() for rule in tier.rules if rule.kind is RuleKind.ATTRIBUTE
        )

    @property
    def needs_attributes(self) -> bool:
        """Tell whether a rule looks at custom attributes."""
        return bool(self._on_attributes)

    def place(self, project: Project) -> Mapped:
        """Return the tier of a project. Never raises."""
        placement = self._place(
            model.Project(
                id=project.id,
                path=model.ProjectPath(project.path),
                topics=project.topics,
                attributes=dict(project.attributes) if project.attributes else {},
            )
        )
        if project.attributes is None and (rivals := self._rivals(placement.rule)):
            return Mapped(project=project, tier=None, doubt=Doubt.ATTRIBUTES_HIDDEN, rules=rivals)
        if placement.tier is not None:
            return Mapped(project=project, tier=placement.tier, rule=placement.rule)
        doubt = Doubt.TIED if placement.tied else Doubt.NO_RULE
        return Mapped(project=project, tier=None, doubt=doubt, rules=placement.tied)

    def place_all(self, projects: Iterable[Project]) -> tuple[Mapped, ...]:
        """Return the tier of each project, by path. Never raises."""
        return tuple(self.place(one) for one in sorted(projects, key=_by_path))

    def _rivals(self, rule: Rule | None) -> tuple[Rule, ...]:
        """Return the rules on attributes that could have won over this one and mean another tier."""
        if rule is not None and rule.kind in {RuleKind.ID, RuleKind.PATH}:
            return ()
        return tuple(one for one in self._on_attributes if rule is None or one.tier != rule.tier)


def _by_path(project: Project) -> tuple[str, int]:
    return project.path, project.id
