"""
The answer to "did each job pod get an address of its tier?": a judgement in the order in which people read it.

Verdicts with one cause stand together, so that five hundred pods of one mistake are one mistake. Nothing is decided
here but that, and what the whole comes to. No evidence is never a pass: without a job pod nothing is proven.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runner_bridge.core.model import Outcome
from runner_bridge.core.model.codes.job_pods import HOST_NETWORK
from runner_bridge.core.model.verdict import Grade, Origin
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.verdict import Judgement, Verdict, Waived

CLEAN, BREACH, UNPROVEN = 0, 1, 3

_SAME_CODES_APART = 5
"""From so many different causes under the same codes on, they become one group with examples."""


class Mark(StrEnum):
    """What is shown of a verdict, worst first."""

    BREACH = "breach"
    UNKNOWN = "unknown"
    PENDING = "pending"
    """Unknown only because it has no address yet."""
    WAIVED = "waived"
    """It would be worse, and somebody accepted that until a day."""
    PASS = "pass"  # noqa: S105 - a verdict, not a password


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job pod."""

    mark: Mark
    project: str
    """The path where it is known, else `project 4217`."""
    tier: str
    wanted: str
    """The pools of the tier."""
    asked: str
    """The pools that the annotation in force asks for; empty where none asks."""
    asked_by: str
    """Whose annotation that is; empty where there is none."""
    got: str
    """The addresses; on the host's network it has none of its own."""
    got_pool: str
    """The pools that cover them."""
    verdict: Verdict

    @property
    def pod(self) -> str:
        """`namespace/name`."""
        return f"{self.verdict.namespace}/{self.verdict.pod}"

    @property
    def codes(self) -> tuple[str, ...]:
        """The findings that count, by their names; waived ones last."""
        found = [one.code.name for one in counting(self.verdict.findings)]
        return (*found, *(one.finding.code.name for one in self.verdict.waived))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Job pods with the same outcome for the same reasons, worst first."""

    mark: Mark
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    """One of each different reason; what was seen in it is that of one pod."""
    waived: tuple[Waived, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth knowing that changes no verdict, said once."""

    finding: Finding
    """One of them, with the subject of one pod."""
    pods: int
    """How many pods it is about; 0 where it is about the cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """The whole answer."""

    groups: tuple[Group, ...]
    cluster: tuple[Finding, ...]
    """Findings about the cluster that count."""
    cluster_waived: tuple[Waived, ...]
    notes: tuple[Note, ...]
    marks: Counter[Mark]
    unmanaged: int
    probes: int
    other: int
    evidence: str
    """How well the addresses are proven, for example `address only`."""
    source: str
    """What was asked of the cluster, for example `0 GETs, 0 writes: read from pods.json`."""
    assumptions: tuple[str, ...]
    judged_at: datetime
    expect_min: int
    exit_code: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every job pod, in the order of the groups."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def job_pods(self) -> int:
        """How many got a verdict."""
        return self.marks.total()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding that counts, of every pod and of the cluster, for reports that list findings."""
        of_pods = (one for row in self.rows for one in counting(row.verdict.findings))
        return (*self.cluster, *of_pods)

    @property
    def summary(self) -> str:
        """One line: `12 job pods: 9 pass, 1 breach, 1 unknown, 1 waived; 3 unmanaged; evidence: address only`."""
        counted = ", ".join(f"{self.marks[mark]} {mark}" for mark in _SUMMARY_ORDER if self.marks[mark])
        parts = [f"{_many(self.job_pods, 'job pod')}{': ' if counted else ''}{counted}"]
        if self.unmanaged:
            parts.append(f"{self.unmanaged} unmanaged")
        if self.probes:
            parts.append(_many(self.probes, "probe"))
        if self.other:
            parts.append(f"{_many(self.other, 'other pod')}")
        if self.evidence:
            parts.append(f"evidence: {self.evidence}")
        return "; ".join(parts)

    @property
    def nothing_proven(self) -> str:
        """Why the answer proves nothing, or less than was expected; empty where it does."""
        if not self.job_pods:
            expected = f" At least {self.expect_min} expected (--expect-min)." if self.expect_min else ""
            # Where Calico IPAM is not in use, the finding about the cluster says why none was judged.
            seen = "was judged" if self.cluster else "of a declared runner was seen"
            return f"No job pod {seen}: nothing is proven.{expected}{self._strangers}"
        if self.job_pods < self.expect_min:
            return f"Only {_many(self.job_pods, 'job pod')}, at least {self.expect_min} expected (--expect-min)."
        return ""

    @property
    def _strangers(self) -> str:
        if not self.unmanaged:
            return ""
        return (
            f" {_many(self.unmanaged, 'job pod')} of other runners: declare those in the policy, by name or short_ids, "
            "or give their config.toml with --config."
        )


_ASKED_BY = {
    Origin.POD: "by pod",
    Origin.NAMESPACE: "by namespace",
    Origin.AUTOMATIC: "",
    Origin.UNREAD: "namespace unread",
}
_SUMMARY_ORDER = (Mark.PASS, Mark.BREACH, Mark.UNKNOWN, Mark.PENDING, Mark.WAIVED)
_MARK_ORDER = {mark: position for position, mark in enumerate(Mark)}


def answer(judgement: Judgement, *, source: str, judged_at: datetime, expect_min: int = 0) -> CheckAnswer:
    """
    Put a judgement into the order in which it is read, and say what it comes to.

    Args:
        judgement: of one snapshot.
        source: what was asked of the cluster.
        judged_at: the moment of the snapshot.
        expect_min: how many job pods there must be; fewer prove too little.
    """
    rows = [_row(verdict) for verdict in judgement.verdicts]
    marks = Counter(row.mark for row in rows)
    return CheckAnswer(
        groups=_groups(rows),
        cluster=tuple(counting(judgement.findings)),
        cluster_waived=judgement.waived,
        notes=_notes(judgement),
        marks=marks,
        unmanaged=judgement.counts.unmanaged,
        probes=judgement.counts.probes,
        other=judgement.counts.other,
        evidence=_evidence(judgement.verdicts),
        source=source,
        assumptions=judgement.assumptions,
        judged_at=judged_at,
        expect_min=expect_min,
        exit_code=_exit_code(judgement, expect_min),
    )


def counting(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Leave out notes: codes that make nothing of a verdict."""
    return (one for one in findings if one.code.outcome is not None)


def _exit_code(judgement: Judgement, expect_min: int) -> int:
    match judgement.outcome:
        case Outcome.BREACH:
            return BREACH
        case Outcome.UNKNOWN:
            return UNPROVEN
        case _:
            return UNPROVEN if judgement.counts.job_pods < expect_min else CLEAN


def _row(verdict: Verdict) -> Row:
    requested = verdict.requested
    addresses = [str(one.address) for one in verdict.assigned]
    if HOST_NETWORK in {*(one.code for one in verdict.findings), *(one.finding.code for one in verdict.waived)}:
        addresses = ["the node's"]
    return Row(
        mark=_mark(verdict),
        project=redact(verdict.project_path) or (f"project {verdict.project}" if verdict.project else "unknown"),
        tier=verdict.tier or "unknown",
        wanted=", ".join(verdict.intended),
        asked=", ".join(requested.pools) or requested.text,
        asked_by=_ASKED_BY[requested.origin],
        got=", ".join(addresses),
        got_pool=", ".join(dict.fromkeys(one.pool or "no known pool" for one in verdict.assigned)),
        verdict=verdict,
    )


def _mark(verdict: Verdict) -> Mark:
    match verdict.outcome:
        case Outcome.BREACH:
            return Mark.BREACH
        case Outcome.UNKNOWN:
            return Mark.PENDING if verdict.pending else Mark.UNKNOWN
        case _:
            return Mark.WAIVED if verdict.waived else Mark.PASS


def _groups(rows: Sequence[Row]) -> tuple[Group, ...]:
    """Put rows with the same reasons together; where reasons differ only in words too often, go by the codes."""
    exact: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        exact.setdefault((row.mark, row.codes, _reasons(row)), []).append(row)
    by_codes: dict[tuple[object, ...], list[list[Row]]] = {}
    for (mark, codes, _), same in exact.items():
        by_codes.setdefault((mark, codes), []).append(same)
    groups: list[Group] = []
    for variants in by_codes.values():
        if len(variants) > _SAME_CODES_APART:
            groups.append(_group([row for same in variants for row in same]))
        else:
            groups += map(_group, variants)
    return tuple(sorted(groups, key=lambda group: _MARK_ORDER[group.mark]))


def _reasons(row: Row) -> tuple[object, ...]:
    said = [(one.code.name, one.cause, one.what_to_do) for one in counting(row.verdict.findings)]
    waived = [(one.finding.code.name, one.finding.cause, one.reason, one.until) for one in row.verdict.waived]
    return (tuple(said), tuple(waived))


def _group(rows: Sequence[Row]) -> Group:
    findings = {(one.code.name, one.cause): one for row in reversed(rows) for one in counting(row.verdict.findings)}
    order = {name: position for position, name in enumerate(rows[0].codes)}
    waived = {(one.finding.code.name, one.reason): one for row in reversed(rows) for one in row.verdict.waived}
    return Group(
        mark=rows[0].mark,
        rows=tuple(rows),
        findings=tuple(sorted(findings.values(), key=lambda one: order[one.code.name])),
        waived=tuple(waived.values()),
    )


def _notes(judgement: Judgement) -> tuple[Note, ...]:
    """Collect notes by code and words, those about the cluster first."""
    first: dict[tuple[str, str], Finding] = {}
    pods: Counter[tuple[str, str]] = Counter()
    for finding in judgement.findings:
        if finding.code.outcome is None:
            first.setdefault((finding.code.name, finding.cause), finding)
    for verdict in judgement.verdicts:
        for finding in verdict.findings:
            if finding.code.outcome is None:
                key = (finding.code.name, finding.cause)
                first.setdefault(key, finding)
                pods[key] += 1
    return tuple(Note(finding=finding, pods=pods[key]) for key, finding in first.items())


def _evidence(verdicts: Iterable[Verdict]) -> str:
    """Count the grades of verdicts that saw an address; the best grade first."""
    grades = Counter(one.grade for one in verdicts if one.assigned)
    if set(grades) == {Grade.ADDRESS}:
        return "address only"
    order = (Grade.PROBED, Grade.BLOCK, Grade.ADDRESS, Grade.WEAK)
    return ", ".join(f"{grades[grade]} {grade}" for grade in order if grades[grade])


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
