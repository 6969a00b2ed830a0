"""Who counts and times what happens, handed in by `cli`; where nobody does, nothing is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy


class Measures(Protocol):
    """What is told as it happens, from the event loop; it must return at once and raise nothing."""

    def declare(self, policy: Policy) -> None:
        """Tell which policy is in force from now on."""

    def judged(self, verdict: Verdict, before: Verdict | None) -> None:
        """Tell what is said of a job pod, and what was said of this very pod until now; None: nothing."""

    def took(self, seconds: float) -> None:
        """Tell how long after its change a verdict was recorded and said."""

    def round(self, seconds: float, *, failed: bool) -> None:
        """Tell that a round of judging is over."""

    def acted(self, kind: str, outcome: str) -> None:
        """Tell the outcome of an action: the ledger's words for both."""

    def queued(self) -> None:
        """Tell that a pod began to wait for its turn to be acted on."""

    def retried(self) -> None:
        """Tell that a pod is queued once more because the cluster could not be written to."""

    def waited(self, seconds: float) -> None:
        """Tell how long a pod has waited for its turn."""


class Unmeasured:
    """Counts nothing."""

    def declare(self, policy: Policy) -> None:
        """Do nothing."""

    def judged(self, verdict: Verdict, before: Verdict | None) -> None:
        """Do nothing."""

    def took(self, seconds: float) -> None:
        """Do nothing."""

    def round(self, seconds: float, *, failed: bool) -> None:
        """Do nothing."""

    def acted(self, kind: str, outcome: str) -> None:
        """Do nothing."""

    def queued(self) -> None:
        """Do nothing."""

    def retried(self) -> None:
        """Do nothing."""

    def waited(self, seconds: float) -> None:
        """Do nothing."""


UNMEASURED: Final[Measures] = Unmeasured()
