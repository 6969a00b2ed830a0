"""Which runners could take jobs that are not theirs, and what was not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.audit import leaks, unseen
from runner_bridge.core.audit.identity import identify
from runner_bridge.core.audit.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from runner_bridge.core.audit.leak import Leak
    from runner_bridge.core.audit.unseen import Listing
    from runner_bridge.core.edits.live import Known
    from runner_bridge.core.mapping import Mapped
    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Policy, RunnerName


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAnswer:
    """The answer."""

    leaks: tuple[Leak, ...]
    """Errors first."""
    unseen: tuple[Finding, ...]
    """While there is one of these, nothing is proven where no leak was found."""
    projects: int
    """Looked at: neither archived nor in doubt."""
    archived: int
    runners: int
    paused: int
    """Of the runners; they take no jobs and were left out."""
    as_of: datetime
    """When GitLab was asked for projects; it was asked for runners now."""
    now: datetime
    problem: str = ""
    """Why GitLab could not be asked for projects now; empty where it was."""

    @property
    def is_whole(self) -> bool:
        """Tell whether everything was seen: no leak found then means that there is none."""
        return not (self.unseen or self.problem)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Leaks and gaps as findings."""
        return (*(one.finding for one in self.leaks), *self.unseen)


def audit(  # noqa: PLR0913 - one argument for each thing that was read
    policy: Policy,
    mapped: Iterable[Mapped],
    listing: Listing,
    known: Iterable[tuple[RunnerName, Known]],
    *,
    as_of: datetime,
    now: datetime,
    tier: str = "",
    problem: str = "",
) -> AuditAnswer:
    """
    Answer who could run whose jobs.

    Args:
        policy: what is declared.
        mapped: every project that is known, with its tier.
        listing: the runners.
        known: what the configurations of managers say of declared runners.
        as_of: when GitLab was asked for projects.
        now: this moment.
        tier: show leaks of this tier alone; empty for all. What was not seen is always told.
        problem: why GitLab could not be asked for projects now.
    """
    every = tuple(mapped)
    reach = Reach(every, listing.groups)
    named = identify(policy, listing.runners, known)
    found = leaks.find(policy, listing.runners, reach, named)
    return AuditAnswer(
        leaks=tuple(one for one in found if not tier or one.tier == tier),
        unseen=unseen.find(policy, listing, reach, named),
        projects=len(reach.projects),
        archived=sum(one.project.is_archived for one in every),
        runners=len(listing.runners),
        paused=sum(one.is_paused for one in listing.runners),
        as_of=as_of,
        now=now,
        problem=problem,
    )
