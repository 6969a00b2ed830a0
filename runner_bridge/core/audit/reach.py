"""
Which projects may use a runner: all of the instance, those below a group, those it is given to.

A project that shuts out instance runners or the runners of its groups is not reached by them; where that was not seen
it counts as reached. Archived projects run nothing and count nowhere (docs.gitlab.com/ci/runners/runners_scope).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from runner_bridge.core.mapping import Doubt
from runner_bridge.core.model.gitlab import RunnerType
from runner_bridge.core.policy.model import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.mapping import Mapped
    from runner_bridge.core.model.gitlab import Project, Runner
    from runner_bridge.core.policy.model import Scope, TierName

NOWHERE: frozenset[int] = frozenset()


class Reach:
    """
    Projects, ready to be asked who may use what; those whose tier is in doubt are left out.

    Args of the constructor:
        mapped: every project that is known, with its tier.
        groups: GitLab's number of a group → its full path.
    """

    def __init__(self, mapped: Iterable[Mapped], groups: Mapping[int, str]) -> None:
        self._groups = groups
        self.projects: dict[int, Project] = {}
        self.in_doubt: list[Mapped] = []
        self._numbers: dict[str, int] = {}
        self._known: set[int] = set()
        tiers: dict[TierName | None, set[int]] = {}
        instance: set[int] = set()
        below: dict[str, set[int]] = {}
        for one in mapped:
            project = one.project
            self._known.add(project.id)
            if project.is_archived:
                continue
            if one.tier is None and one.doubt is not Doubt.NO_RULE:
                self.in_doubt.append(one)
                continue
            self.projects[project.id] = project
            self._numbers[project.path.lower()] = project.id
            tiers.setdefault(one.tier, set()).add(project.id)
            if project.instance_runners is not False:
                instance.add(project.id)
            if project.group_runners is not False:
                for path in _groups_of(project.path):
                    below.setdefault(path, set()).add(project.id)
        self._instance = frozenset(instance)
        self._below = {path: frozenset(numbers) for path, numbers in below.items()}
        self._tiers = {tier: frozenset(numbers) for tier, numbers in tiers.items()}
        self._ordered = sorted(self.projects.values(), key=_by_path)
        self._named: dict[frozenset[int], tuple[Project, ...]] = {}

    def of(self, runner: Runner) -> frozenset[int]:
        """Return the numbers of the projects that may use a runner. Never raises."""
        match runner.type:
            case RunnerType.INSTANCE:
                return self._instance
            case RunnerType.GROUP:
                paths = [self._groups[number].lower() for number in runner.group_ids if number in self._groups]
                return NOWHERE.union(*(self._below.get(path, NOWHERE) for path in paths))
            case RunnerType.PROJECT:
                return frozenset(number for number in runner.project_ids if number in self.projects)
        assert_never(runner.type)

    def of_scope(self, scope: Scope) -> frozenset[int]:
        """Return the numbers of the projects that may use a runner of a declared scope. Never raises."""
        match scope.kind:
            case ScopeKind.INSTANCE:
                return self._instance
            case ScopeKind.GROUP:
                return self._below.get(scope.target.lower(), NOWHERE)
            case ScopeKind.PROJECT:
                number = int(scope.target) if scope.target.isdecimal() else self._numbers.get(scope.target.lower(), 0)
                return frozenset({number}) if number in self.projects else NOWHERE
        assert_never(scope.kind)

    def in_tier(self, tier: TierName) -> frozenset[int]:
        """Return the numbers of the projects of a tier. Never raises."""
        return self._tiers.get(tier, NOWHERE)

    def knows(self, number: int) -> bool:
        """Tell whether a project was listed, be it archived or in doubt."""
        return number in self._known

    def named(self, numbers: frozenset[int]) -> tuple[Project, ...]:
        """Return projects by their numbers, in the order of their paths."""
        found = self._named.get(numbers)
        if found is None:
            # Many runners are open to the very same projects, so that each set is put in order once.
            found = self._named[numbers] = tuple(one for one in self._ordered if one.id in numbers)
        return found


def _groups_of(path: str) -> list[str]:
    """
    Return the groups that a project lies in, the outermost first.

    >>> _groups_of("platform/tools/Deploy")
    ['platform', 'platform/tools']
    """
    parts = path.lower().split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _by_path(project: Project) -> tuple[str, int]:
    return project.path, project.id
