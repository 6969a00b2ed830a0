"""
One kind of finding, one kind of code, for judge, lint, doctor, audit and drift.

A `Code` carries everything that is the same each time: how bad it is, what it does to a verdict, and the text of its
documentation page. A `Finding` is one occurrence. A code's outcome and severity are fixed here, never at the place
that finds: the same word must mean the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is; `--fail-on` names the lowest that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return ("error", "warning", "advice").index(self.value)


class Outcome(StrEnum):
    """What is known about one job pod. Missing evidence is `unknown`, never `pass`."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    UNKNOWN = "unknown"
    BREACH = "breach"


class Family(StrEnum):
    """Which check a code belongs to; its page is `docs/reference/<family>.md`, see `Code.page`."""

    POLICY = "policy"
    RUNNER_CONFIG = "runner-config"
    OVERWRITES = "overwrites"
    HELM = "helm"
    IP_POOLS = "ip-pools"
    JOB_PODS = "job-pods"
    LEDGER = "ledger"
    DOCTOR = "doctor"
    PLAN = "plan"
    AUDIT = "audit"
    DRIFT = "drift"
    PROBE = "probe"


class Quarantine(StrEnum):
    """Whether a breach justifies taking its pod off the network, in a tier that opts in."""

    NEVER = "never"
    BY_BLOCK = "by-block"
    """Once the Calico block names the pod as the holder of its addresses."""
    AT_ONCE = "at-once"
    """As soon as the pod has an address: what it asks for is proof enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A stable, documented word for one thing that can be wrong."""

    name: str
    """Kebab-case; the same word in output, ledger, metrics and documentation."""
    family: Family
    severity: Severity
    title: str
    """One sentence without a full stop, true whenever the code is used."""
    page: str
    """The paragraph of the reference: what it means, why it matters, the upstream fact behind it."""
    remedy: str
    """What to do in general; a finding may say it more exactly."""
    outcome: Outcome | None = None
    """What it makes of a job pod's verdict; None for a note, and for everything that is not about a job pod."""
    pending: bool = False
    """The unknown will settle by itself (the pod has no address yet)."""
    quarantine: Quarantine = Quarantine.NEVER
    """Of a breach only."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """Where in a text. Lines and columns count from 1, columns in characters; 0 means "the file as a whole"."""

    file: str
    line: int = 0
    column: int = 0
    end_column: int = 0
    """One past the last character on the same line; 0 when only the start is known."""

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, where, and what to do about it. Texts hold no secrets (`core.redact`)."""

    code: Code
    subject: str
    """What it is about: a key path, a pod `namespace/name`, a tier."""
    place: Place | None = None
    observed: str = ""
    """What was seen, as short as it can be quoted."""
    expected: str = ""
    cause: str = ""
    """Why it is so, or what will happen, in this very case: one or two sentences."""
    remedy: str = ""
    """What to do in this very case; empty means the code's own remedy."""
    proof: str = ""
    """Text that demonstrates it, for example the CI variable that breaks out; may span lines."""
    excerpt: tuple[str, ...] = field(default=())
    """The source lines to show, the first being `place.line`; filled in by whoever holds the text."""

    @property
    def what_to_do(self) -> str:
        """The remedy of this finding, else of its code."""
        return self.remedy or self.code.remedy

    @property
    def headline(self) -> str:
        """One line: place, subject, what is wrong, what was seen and expected. Ends in a full stop."""
        where = f"{self.place}: " if self.place else ""
        seen = f" Seen {self.observed}." if self.observed else ""
        wanted = f" Expected {self.expected}." if self.expected else ""
        return f"{where}{self.subject}: {self.code.title}.{seen}{wanted}"
