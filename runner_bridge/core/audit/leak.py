"""One way in which a runner could take jobs that are not its own, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.model.finding import Finding
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.model import Code, Place
    from runner_bridge.core.model.gitlab import Project, Runner
    from runner_bridge.core.policy.model import RunnerName, TierName

SHOWN = 3
"""So many projects are named in a finding; the answer for programs has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One runner, one reason, one tier."""

    code: Code
    runner: Runner
    """GitLab's."""
    name: RunnerName | None
    """As the policy calls it; None: it does not have it."""
    tier: TierName
    """Whose pools or jobs are not kept apart."""
    projects: tuple[Project, ...]
    """Whose jobs could run where they are not meant to, by path; none where anybody's could."""
    cause: str
    remedy: str
    place: Place

    @property
    def subject(self) -> str:
        """The runner for people: `runner infra-platform (#17)`, `runner #23 (docker)`."""
        if self.name is not None:
            return f"runner {self.name} (#{self.runner.id})"
        description = " ".join(redact(self.runner.description).split())
        return f"runner #{self.runner.id}" + (f" ({description})" if description else "")

    @property
    def finding(self) -> Finding:
        """The leak as a finding, however many projects it is about."""
        return Finding(
            code=self.code,
            subject=self.subject,
            place=self.place,
            observed=enumerate_projects(self.projects) if self.projects else "",
            cause=self.cause,
            remedy=self.remedy,
        )


def enumerate_projects(projects: Sequence[Project]) -> str:
    """
    Count projects and name the first of them.

    >>> from runner_bridge.core.model.gitlab import Project
    >>> enumerate_projects([Project(id=number, path=f"a/{number}") for number in range(5)])
    '5 projects: a/0, a/1, a/2, +2 more'
    """
    return f"{len(projects):,} project{'s' * (len(projects) != 1)}: {listed([one.path for one in projects])}"


def listed(words: Sequence[str], most: int = SHOWN) -> str:
    """
    Name the first of some, and say how many more there are.

    >>> listed(["#1", "#2", "#3", "#4"])
    '#1, #2, #3, +1 more'
    """
    more = [f"+{len(words) - most:,} more"] if len(words) > most else []
    return ", ".join([*words[:most], *more])


def quoted(tags: Sequence[str]) -> str:
    """
    Write tags as a job asks for them.

    >>> quoted(["infra", "linux"])
    '[infra, linux]'
    """
    return f"[{', '.join(redact(one) for one in tags)}]"
