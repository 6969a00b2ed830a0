"""What the web part is handed by `cli`: where its answers come from. Nothing of it can be changed from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from runner_bridge.ask.answers.jobs import JobsAnswer
    from runner_bridge.ask.hooks import Receiver
    from runner_bridge.ask.metrics import Metrics
    from runner_bridge.ask.web.access import Token
    from runner_bridge.core.model.cluster import Address, IPPool, Pod
    from runner_bridge.core.model.ledger import Gap, Interval
    from runner_bridge.core.model.state import BridgeState
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.occupancy import Occupancy
    from runner_bridge.core.policy.model import Policy, Project


class WhoHad(Protocol):
    """Asks the ledger; called in a thread, several at a time."""

    def __call__(
        self, address: Address, *, since: datetime | None, until: datetime | None
    ) -> tuple[Sequence[Interval], Sequence[Gap]]:
        """
        Return the intervals of an address that touch a stretch of time, by their beginning, and what was not watched.

        Raises:
            LedgerError: it cannot be read.
        """


class WhichJobs(Protocol):
    """Asks the ledger for jobs; called in a thread, several at a time."""

    def one(self, job: str) -> JobsAnswer:
        """
        Return all about a job, given its number or the address of its page.

        Raises:
            SettingsError: it is neither.
            LedgerError: it cannot be read.
        """

    def some(self, *, since: datetime | None, until: datetime | None, tier: str, project: str) -> JobsAnswer:
        """
        Return the jobs of a stretch of time, of a tier and of a project, given its number or path.

        Raises:
            LedgerError: it cannot be read.
        """


def _no_projects() -> None:
    return None


def _not_counted() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """
    All of it. What is called without `await` returns at once, and a value that nobody changes afterwards.

    `verdicts` and `pods` may be in any order.
    """

    state: Callable[[], BridgeState]
    policy: Callable[[], Policy]
    """The one in force."""
    verdicts: Callable[[], Sequence[Verdict]]
    pods: Callable[[], Sequence[Pod]]
    """Every pod that is watched."""
    pools: Callable[[], Sequence[IPPool] | None]
    occupancy: Callable[[], Occupancy | None] = _not_counted
    """What Calico gave out of every pool; None where nobody has counted."""
    who_had: WhoHad | None
    """None where this process has no ledger."""
    jobs: WhichJobs | None = None
    """None where this process has no ledger."""
    metrics: Metrics
    tell: Callable[[str], None]
    """Tells the log one sentence: who asked for what had an address, and defects."""
    short_ids: Callable[[], Sequence[tuple[str, str]]] = tuple
    """Pairs (short id, runner's name) that are known besides the policy's."""
    projects: Callable[[], Iterable[Project] | None] = _no_projects
    """GitLab's list of projects; None where nobody gave one."""
    tokens: tuple[Token, ...] = ()
    """None: only this machine is believed."""
    hooks: Receiver | None = None
    """Takes hooks of GitLab; None: none are taken."""
