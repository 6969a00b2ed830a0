"""
The judge: policy and evidence in, one verdict per job pod out, with the cause of every finding.

`judge` takes a whole snapshot, `judge_pod` one pod. Both are pure and total: time is an argument, nothing is raised,
and the answer depends only on the state that is handed in, not on its order or its duplicates. What each rule is for
stands in `docs/explanation/judging.md`; keep the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.judge.assigned import confirmed_by
from runner_bridge.core.judge.cluster_notes import assumptions, calico_absent, cluster_findings
from runner_bridge.core.judge.evidence import Evidence
from runner_bridge.core.judge.ground import Ground
from runner_bridge.core.judge.identity import identify
from runner_bridge.core.judge.pods import judge_job_pod, judge_pod, judge_probe
from runner_bridge.core.judge.waivers import split
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.verdict import Counts, Judgement, PodClass, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from runner_bridge.core.judge.waivers import Match
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Snapshot
    from runner_bridge.core.policy.model import Policy, Project

__all__ = ["Evidence", "Ground", "confirmed_by", "counted", "in_order", "judge", "judge_pod", "judge_probe", "summed"]

_ORDER = {Outcome.BREACH: 0, Outcome.UNKNOWN: 1, Outcome.PASS: 2}


def judge(
    policy: Policy,
    snapshot: Snapshot,
    *,
    now: datetime,
    projects: Iterable[Project] | None = None,
    short_ids: Iterable[tuple[str, str]] = (),
    stamps: Mapping[str, str] | None = None,
    strict: bool = False,
) -> Judgement:
    """
    Judge every job pod of a snapshot.

    Args:
        policy: what is meant.
        snapshot: what was seen.
        now: an aware instant: when the snapshot was taken.
        projects: GitLab's list of projects; None where nobody gave one.
        short_ids: pairs (short id, runner's name), as a config.toml tells them; names need not be declared.
        stamps: the stamp that each declared runner's pods would carry now.
        strict: an address counts only when a block confirms it.

    Never raises.
    """
    evidence = Evidence.of(policy, snapshot, projects=projects, short_ids=short_ids, stamps=stamps, strict=strict)
    absent = calico_absent(evidence)
    if absent is not None:
        return Judgement(findings=(absent,), counts=Counts(other=len(evidence.pods)))
    verdicts: list[Verdict] = []
    unmanaged = probes = other = 0
    for pod in evidence.pods:
        identity = identify(evidence, pod)
        if identity.kind is PodClass.JOB:
            verdicts.append(judge_job_pod(evidence, pod, identity, now))
        elif identity.kind is PodClass.UNMANAGED:
            unmanaged += 1
        elif identity.kind is PodClass.PROBE:
            probes += 1
        else:
            other += 1
    verdicts = in_order(verdicts)
    findings, waived = split(policy.waivers, cluster_findings(evidence, verdicts), now.date())
    return Judgement(
        verdicts=tuple(verdicts),
        findings=findings,
        waived=waived,
        counts=counted(verdicts, unmanaged=unmanaged, probes=probes, other=other),
        assumptions=assumptions(evidence),
    )


def in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Put verdicts into the order of a judgement: breaches first, then unknown, then pass, each by its name."""
    return sorted(verdicts, key=_order)


def _order(verdict: Verdict) -> tuple[int, str, str, str]:
    return _ORDER[verdict.outcome], verdict.namespace, verdict.pod, verdict.uid


def summed(
    policy: Policy,
    snapshot: Snapshot,
    verdicts: Iterable[Verdict],
    *,
    now: datetime,
    projects: Iterable[Project] | None = None,
    beside: Counts | None = None,
    also: Iterable[tuple[Finding, Match]] = (),
) -> Judgement:
    """
    Put verdicts that were made one by one into the judgement of a whole.

    Args:
        policy: what is meant.
        snapshot: what all of them stand on: pools and gaps; pods need not be in it.
        verdicts: of every job pod.
        now: when they hold.
        projects: GitLab's list of projects; None where nobody gave one.
        beside: how many pods got no verdict; nothing else of it counts. None: none.
        also: findings about the cluster that others have found, each with what a waiver can match.

    Never raises.
    """
    ordered = in_order(verdicts)
    evidence = Evidence.of(policy, snapshot, projects=projects)
    findings, waived = split(policy.waivers, [*cluster_findings(evidence, ordered), *also], now.date())
    beside = beside or Counts()
    counts = counted(ordered, unmanaged=beside.unmanaged, probes=beside.probes, other=beside.other)
    return Judgement(verdicts=tuple(ordered), findings=findings, waived=waived, counts=counts)


def counted(verdicts: Sequence[Verdict], *, unmanaged: int = 0, probes: int = 0, other: int = 0) -> Counts:
    """Count verdicts, and pods beside them that got none."""
    breach = sum(one.outcome is Outcome.BREACH for one in verdicts)
    pending = sum(one.pending for one in verdicts)
    passed = sum(one.outcome is Outcome.PASS for one in verdicts)
    return Counts(
        passed=passed,
        breach=breach,
        pending=pending,
        unknown=len(verdicts) - breach - pending - passed,
        waived=sum(bool(one.waived) for one in verdicts),
        unmanaged=unmanaged,
        probes=probes,
        other=other,
    )
