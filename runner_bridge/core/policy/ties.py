"""
Paths that two rules of different tiers can claim with equal right.

Neither of `platform/*/deploy` and `platform/team-a/**` is more specific in every segment, and `platform/team-a/deploy`
satisfies both. Such a pair is a problem, unless a third rule stands for exactly the paths that satisfy both: it is more
specific than either and decides. Here the tree of rules is walked against itself, so only rules that can meet are
compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.policy.model import Rule
    from runner_bridge.core.policy.rules import Branch

LIMIT = 100
"""Ties that are looked for; whoever has so many wants to change the rules as such, not each pair."""
MOST_STEPS = 300_000
"""Pairs of branches that are compared; 20,000 rules need about as many, unless most of them are made of wildcards."""


class Entangled(Exception):  # noqa: N818 - a state of the rules
    """So many rules have wildcards in so many places that comparing them has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Two rules, and what both stand for."""

    one: Rule
    other: Rule
    both: str
    """The pattern of exactly the paths that satisfy both: a rule for it would decide."""

    @property
    def example(self) -> str:
        """A path that satisfies both."""
        names = (("some-name" if segment in {"*", "**"} else segment) for segment in self.both.split("/"))
        return "/".join(names)


def find_ties(paths: Branch) -> list[Tie]:
    """
    Return pairs of path rules that tie, at most `LIMIT`, in an order that does not depend on that of the file.

    Raises:
        Entangled: after `MOST_STEPS` without an end.
    """
    walk = _Walk()
    found = []
    for tie in walk.pairs(paths, paths, paths, (), one_up=False, other_up=False):
        found.append(tie)
        if len(found) == LIMIT:
            break
    return sorted(found, key=lambda tie: (tie.one.value, tie.other.value))


class _Walk:
    """
    Walks two branches at once, along the segments that both allow, and the branch for those segments themselves.

    `one_up`: so far the first side was more specific somewhere; `other_up`: the second. Equal sides are one branch.
    """

    def __init__(self) -> None:
        self._tiers: dict[int, frozenset[str]] = {}
        self._steps = 0

    def pairs(
        self, one: Branch, other: Branch, both: Branch | None, at: tuple[str, ...], *, one_up: bool, other_up: bool
    ) -> Iterator[Tie]:
        """Yield the ties of two branches that are reached by the same segments."""
        if self._one_tier(one, other):
            return
        self._step()
        if one_up and other_up:
            yield from _tie(one.here, other.here, both.here if both else None, at)
            yield from _tie(one.below, other.below, both.below if both else None, (*at, "**"))
        # What is below one branch is, from here on, more specific than a `**` at the other.
        if one_up and one.below:
            yield from self._all_below(one.below, other, both, at)
        if other_up and other.below:
            yield from self._all_below(other.below, one, both, at)
        yield from self._deeper(one, other, both, at, one_up=one_up, other_up=other_up)

    def _deeper(
        self, one: Branch, other: Branch, both: Branch | None, at: tuple[str, ...], *, one_up: bool, other_up: bool
    ) -> Iterator[Tie]:
        few, many = (one, other) if len(one.names) <= len(other.names) else (other, one)
        for name in few.names:
            if name in many.names:
                met = both.names.get(name) if both else None
                yield from self.pairs(
                    one.names[name], other.names[name], met, (*at, name), one_up=one_up, other_up=other_up
                )
        if one.any_name and other.any_name:
            met = both.any_name if both else None
            yield from self.pairs(one.any_name, other.any_name, met, (*at, "*"), one_up=one_up, other_up=other_up)
        if other.any_name:
            for name, branch in one.names.items():
                met = both.names.get(name) if both else None
                yield from self.pairs(branch, other.any_name, met, (*at, name), one_up=True, other_up=other_up)
        if one.any_name and one is not other:
            for name, branch in other.names.items():
                met = both.names.get(name) if both else None
                yield from self.pairs(one.any_name, branch, met, (*at, name), one_up=one_up, other_up=True)

    def _all_below(self, wide: Rule, deep: Branch, both: Branch | None, at: tuple[str, ...]) -> Iterator[Tie]:
        if self._tiers_of(deep) == {wide.tier}:
            return
        self._step()
        steps = [(name, branch, both.names.get(name) if both else None) for name, branch in deep.names.items()]
        if deep.any_name:
            steps.append(("*", deep.any_name, both.any_name if both else None))
        for name, branch, met in steps:
            here = (*at, name)
            yield from _tie(wide, branch.here, met.here if met else None, here)
            yield from _tie(wide, branch.below, met.below if met else None, (*here, "**"))
            yield from self._all_below(wide, branch, met, here)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Entangled

    def _one_tier(self, one: Branch, other: Branch) -> bool:
        return len(self._tiers_of(one) | self._tiers_of(other)) < 2

    def _tiers_of(self, branch: Branch) -> frozenset[str]:
        known = self._tiers.get(id(branch))
        if known is None:
            tiers: set[str] = set()
            for rule in (branch.here, branch.below):
                if rule is not None:
                    tiers.add(rule.tier)
            for child in branch.names.values():
                tiers |= self._tiers_of(child)
            if branch.any_name is not None:
                tiers |= self._tiers_of(branch.any_name)
            known = self._tiers[id(branch)] = frozenset(tiers)
        return known


def _tie(one: Rule | None, other: Rule | None, decides: Rule | None, both: tuple[str, ...]) -> Iterator[Tie]:
    if one and other and one.tier != other.tier and decides is None:
        first, second = sorted((one, other), key=lambda rule: (rule.value, rule.tier))
        yield Tie(one=first, other=second, both="/".join(both))
