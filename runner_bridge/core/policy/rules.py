"""
Which rule places a project: most specific first.

The order is a fixed number, then the most specific path, then a custom attribute, then a topic, then `**`. Paths are
compared segment by segment from the left: a name is more specific than `*`, and `*` than `**`; case does not count, as
in GitLab. What is found never depends on the order of rules in the file. That no two rules of different tiers are
equally specific for one path is made sure of when the policy is accepted (`ties`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, assert_never

from runner_bridge.core.policy.model import RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterable

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


class Branch:
    """One segment of the paths in rules; the root is the start of all."""

    __slots__ = ("any_name", "below", "here", "names")

    def __init__(self) -> None:
        self.names: dict[str, Branch] = {}
        self.any_name: Branch | None = None
        """What follows a `*`."""
        self.here: Rule | None = None
        """The rule whose path ends here."""
        self.below: Rule | None = None
        """The rule whose path goes on with `**`."""

    def add(self, rule: Rule) -> Rule | None:
        """Put a path rule in; return the one that is there already, if any, and leave it."""
        branch = self
        segments = rule.value.lower().split("/")
        everything_below = segments[-1] == "**"
        for segment in segments[:-1] if everything_below else segments:
            branch = branch._step(segment)
        taken = branch.below if everything_below else branch.here
        if taken is None:
            if everything_below:
                branch.below = rule
            else:
                branch.here = rule
        return taken

    def _step(self, segment: str) -> Branch:
        if segment == "*":
            self.any_name = self.any_name or Branch()
            return self.any_name
        branch = self.names.get(segment)
        if branch is None:
            branch = self.names[segment] = Branch()
        return branch

    def matching(self, segments: list[str], depth: int, found: list[Rule]) -> None:
        """Append the rules for a path to `found`, most specific first."""
        if depth == len(segments):
            if self.here is not None:
                found.append(self.here)
            return
        named = self.names.get(segments[depth])
        if named is not None:
            named.matching(segments, depth + 1, found)
        if self.any_name is not None:
            self.any_name.matching(segments, depth + 1, found)
        if self.below is not None:
            found.append(self.below)


class Index:
    """The rules of a policy, ready to be looked up; see `RuleIndex`."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.paths = Branch()
        self._ids: dict[int, Rule] = {}
        self._attributes: dict[tuple[str, str], Rule] = {}
        self._topics: dict[str, Rule] = {}
        self._catch_all: Rule | None = None
        self.repeated: list[tuple[Rule, Rule]] = []
        """(first, again): rules that say the same, of one tier or of two."""
        for rule in rules:
            first = self._add(rule)
            if first is not rule:
                self.repeated.append((first, rule))

    def _add(self, rule: Rule) -> Rule:
        match rule.kind:
            case RuleKind.ID:
                return self._ids.setdefault(int(rule.value), rule)
            case RuleKind.PATH:
                return self.paths.add(rule) or rule
            case RuleKind.ATTRIBUTE:
                key, _, value = rule.value.partition("=")
                return self._attributes.setdefault((key, value), rule)
            case RuleKind.TOPIC:
                return self._topics.setdefault(rule.value.casefold(), rule)
            case RuleKind.CATCH_ALL:
                self._catch_all = self._catch_all or rule
                return self._catch_all
        assert_never(rule.kind)

    def place(self, project: Project) -> Placement:
        """Return the tier of a project, and why. Never raises."""
        matching: list[Rule] = []
        if project.id is not None and (by_id := self._ids.get(project.id)) is not None:
            matching.append(by_id)
        if project.path:
            self.paths.matching(project.path.lower().split("/"), 0, matching)
        if project.attributes and self._attributes:
            found = [self._attributes.get(pair) for pair in project.attributes.items()]
            matching += sorted(filter(None, found), key=_by_text)
        if project.topics and self._topics:
            topics = [self._topics.get(topic.casefold()) for topic in project.topics]
            matching += sorted(filter(None, topics), key=_by_text)
        if self._catch_all is not None:
            matching.append(self._catch_all)
        return _decided(matching)


def _by_text(rule: Rule) -> str:
    return rule.value


def _decided(matching: list[Rule]) -> Placement:
    if not matching:
        return Placement(tier=None, rule=None)
    best = matching[0]
    if best.kind is RuleKind.ATTRIBUTE or best.kind is RuleKind.TOPIC:
        equal = [rule for rule in matching if rule.kind is best.kind]
        if any(rule.tier != best.tier for rule in equal):
            others = matching[len(equal) :]
            return Placement(
                tier=None, rule=None, tied=tuple(equal), lost=tuple((rule, _why(equal[0], rule)) for rule in others)
            )
    lost = tuple((rule, _why(best, rule)) for rule in matching[1:])
    return Placement(tier=best.tier, rule=best, lost=lost)


_WORDS = {
    RuleKind.ID: "an id",
    RuleKind.PATH: "a path",
    RuleKind.ATTRIBUTE: "an attribute",
    RuleKind.TOPIC: "a topic",
    RuleKind.CATCH_ALL: "**",
}


def _why(best: Rule, rule: Rule) -> str:
    """Say why a rule lost against the best."""
    if best.kind is not rule.kind:
        return f"{_WORDS[best.kind]} is more specific than {_WORDS[rule.kind]}"
    if best.kind is not RuleKind.PATH:
        return f"the same tier already by {best.text}"
    pairs = zip(best.value.split("/"), rule.value.split("/"), strict=False)
    number, mine, its = next(
        (number, mine, its) for number, (mine, its) in enumerate(pairs, 1) if mine.lower() != its.lower()
    )
    return f"in segment {number}, {mine} is more specific than {its}"
