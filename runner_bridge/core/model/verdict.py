"""
What the judge says about one pod: outcome, findings, how well it is proven, and the three facts it compared.

Intended is what the policy wants, requested is what the annotation in force asks for, assigned is the address that the
pod has. Nothing here decides anything. Import this module by its name, as `core.model.cluster`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.model.finding import Finding, Outcome

if TYPE_CHECKING:
    from datetime import date

    from runner_bridge.core.model.cluster import Address


class Grade(StrEnum):
    """How well the assigned address is proven; rising order, `weak` beside it."""

    WEAK = "weak"
    """The pod is privileged: its job owns the node and could send from any address of it."""
    ADDRESS = "address"
    """The pod's status says so, no block was read."""
    BLOCK = "block"
    """The Calico block names this pod as the holder."""
    PROBED = "probed"
    """A destination saw it."""


class PodClass(StrEnum):
    """What kind of pod it is; only job pods get a verdict."""

    JOB = "job-pod"
    UNMANAGED = "unmanaged"
    """A job pod of a runner that the policy does not declare."""
    PAUSE = "pause-pod"
    CANARY = "canary"
    """The runner's own check at start-up: project 0."""
    PROBE = "probe"
    """A pod of our own, made by `probe` to see what a job of a tier would get."""
    OTHER = "other"
    """Not made by a runner for a job: runner managers and everything else."""


class Origin(StrEnum):
    """Where the request in force comes from; Calico reads them in this order, per key, without merging."""

    POD = "pod"
    NAMESPACE = "namespace"
    AUTOMATIC = "automatic"
    """No annotation asks: the CNI configuration's list, else Calico's own selection."""
    UNREAD = "unread"
    """The pod asks nothing and its namespace was not read."""


class Requested(Struct, frozen=True, gc=False, kw_only=True):
    """What the annotation in force asks for, of both families."""

    origin: Origin
    text: str = ""
    """As written; shortened where it is very long."""
    pools: tuple[str, ...] = ()
    """Names of pools, resolved from names and CIDRs; an entry that names no pool stays as it is written."""


class Assigned(Struct, frozen=True, gc=False, kw_only=True):
    """One address of the pod."""

    address: Address
    pool: str = ""
    """Name of the pool that covers it; empty where none known does."""
    confirmed: bool = False
    """The block names this pod."""


class JobClaim(Struct, frozen=True, gc=False, kw_only=True):
    """The job as the pod's annotations tell it: a claim until GitLab confirms it."""

    id: str = ""
    url: str = ""
    name: str = ""
    ref: str = ""


class Waived(Struct, frozen=True, gc=False, kw_only=True):
    """A finding that somebody accepted until a day."""

    finding: Finding
    until: date
    """The last day on which the waiver holds."""
    reason: str


class Verdict(Struct, frozen=True, gc=False, kw_only=True):
    """The judgement of one job pod."""

    namespace: str
    pod: str
    uid: str = ""
    node: str = ""
    outcome: Outcome
    """After waivers: what is left."""
    grade: Grade
    pending: bool = False
    """Unknown only because it has no address yet: it will settle by itself."""
    finished: bool = False
    """The pod ran to its end; its address is history."""
    findings: tuple[Finding, ...] = ()
    """Worst first; notes (codes without outcome) last."""
    waived: tuple[Waived, ...] = ()
    tier: str = ""
    """Empty where it is not known."""
    runner: str = ""
    """The declared runner that made the pod; empty where it is not known."""
    project: str = ""
    """The project's number, from the label; decimal text."""
    project_path: str = ""
    """From GitLab's list of projects; empty where it is not listed. Never what the pod claims."""
    intended: tuple[str, ...] = ()
    """Names of the tier's pools."""
    requested: Requested
    assigned: tuple[Assigned, ...] = ()
    job: JobClaim = JobClaim()


class Counts(Struct, frozen=True, gc=False, kw_only=True):
    """The footer of a check."""

    passed: int = 0
    breach: int = 0
    unknown: int = 0
    """Not counting those that are merely pending."""
    pending: int = 0
    waived: int = 0
    """Job pods whose verdict a waiver changed; counted besides under the outcome that is left."""
    unmanaged: int = 0
    """Job pods of runners that the policy does not declare."""
    probes: int = 0
    """Pods of `probe`."""
    other: int = 0
    """All other pods: managers, pause pods, canaries, everything that is no job."""

    @property
    def job_pods(self) -> int:
        """How many got a verdict."""
        return self.passed + self.breach + self.unknown + self.pending


class Judgement(Struct, frozen=True, kw_only=True):
    """The judgement of a whole snapshot."""

    verdicts: tuple[Verdict, ...] = ()
    """One per job pod of a declared runner; breaches first, then unknown, then pass, each by namespace and name."""
    findings: tuple[Finding, ...] = ()
    """About the cluster, not about one pod."""
    waived: tuple[Waived, ...] = ()
    """Findings about the cluster that are waived."""
    counts: Counts = Counts()
    assumptions: tuple[str, ...] = ()
    """What was taken for granted because nobody gave the evidence; one sentence each."""

    @property
    def outcome(self) -> Outcome:
        """The worst of all; a pending pod counts as nothing, for it will settle by itself."""
        outcomes = {finding.code.outcome for finding in self.findings}
        if self.counts.breach or Outcome.BREACH in outcomes:
            return Outcome.BREACH
        if self.counts.unknown or Outcome.UNKNOWN in outcomes:
            return Outcome.UNKNOWN
        return Outcome.PASS
