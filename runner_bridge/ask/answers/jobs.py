"""
Jobs and where they ran: job → pods → addresses → node → pool → verdict, from intervals, and from facts where there are.

That a pod runs a job is its own claim until GitLab was asked; the project is not, because it stands in a label. So a
job here is one number in one project: where pods of two projects claim the same number there are two, and it is said.
The ledger is read by whoever calls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from runner_bridge.core.errors import SettingsError
from runner_bridge.core.model import Finding
from runner_bridge.core.model.codes.job_pods import JOB_CLAIM_CONTRADICTED
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import FactKey, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner_bridge.core.model.ledger import Fact, Gap, Interval

CLEAN, FINDINGS, UNPROVEN = 0, 1, 3

_WORST_FIRST: Final = (Outcome.BREACH, Outcome.UNKNOWN, Outcome.PASS)


class Asked(NamedTuple):
    """A job as somebody names it."""

    number: str
    url: str = ""
    """The address of its page as it was given; empty where only the number was."""


class JobKey(NamedTuple):
    """What one job is. Without a number each pod is a job of its own."""

    cluster: str
    gitlab: str
    project: str
    number: str
    pod_uid: str
    """Empty where there is a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPod:
    """One pod that claims a job."""

    intervals: tuple[Interval, ...]
    """What it had, by beginning; at least one."""
    fact: Fact | None
    """What GitLab said last of its claim; None: nothing."""

    @property
    def name(self) -> str:
        """Namespace and name."""
        return f"{self.intervals[0].namespace}/{self.intervals[0].pod}"

    @property
    def is_live(self) -> bool:
        """It holds an address, as far as is recorded."""
        return any(one.open for one in self.intervals)

    @property
    def outcome(self) -> Outcome | None:
        """The worst of its intervals' outcomes; None: no evidence was ever recorded."""
        return _worst(self.intervals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, and the pods that claim to run it."""

    key: JobKey
    pods: tuple[JobPod, ...]
    """By the beginning of what they had; at least one."""
    history: tuple[Fact, ...] = ()
    """All jobs of its name in its pipeline that GitLab told of, oldest first: its retries. Up to one: none known."""

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """What all of its pods had."""
        return tuple(one for pod in self.pods for one in pod.intervals)

    @property
    def fact(self) -> Fact | None:
        """What GitLab said last of it; a contradiction before all else."""
        facts = [pod.fact for pod in self.pods if pod.fact is not None]
        return max(facts, key=lambda one: (one.standing is Standing.CONTRADICTED, one.said_at), default=None)

    @property
    def standing(self) -> Standing | None:
        """How the claim stands: of several pods the worst; None: not confirmed, because nobody was asked of all."""
        said = {pod.fact.standing if pod.fact else None for pod in self.pods}
        for one in (Standing.CONTRADICTED, None, Standing.UNSEEN):
            if one in said:
                return one
        return Standing.CONFIRMED

    @property
    def project_path(self) -> str:
        """As GitLab called it last, else as it was known to the bridge; empty if neither."""
        told = self.fact.project_path if self.fact else ""
        return told or next((one.project_path for one in reversed(self.intervals) if one.project_path), "")

    @property
    def url(self) -> str:
        """Of its page: GitLab's word, else the pod's claim, which may be anything."""
        told = self.fact.job_url if self.fact else ""
        return told or next((one.job_url for one in reversed(self.intervals) if one.job_url), "")

    @property
    def outcome(self) -> Outcome | None:
        """The worst of its pods' outcomes; None: no evidence was ever recorded."""
        return _worst(self.intervals)

    @property
    def is_live(self) -> bool:
        """One of its pods is there."""
        return any(pod.is_live for pod in self.pods)

    @property
    def findings(self) -> tuple[str, ...]:
        """Names of finding codes of its pods, each once; a contradicted claim last."""
        names = [name for one in self.intervals for name in one.findings]
        if self.standing is Standing.CONTRADICTED:
            names.append(JOB_CLAIM_CONTRADICTED.name)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsAnswer:
    """Everything there is to say to one question."""

    asked: Asked | None
    """One job; None: all of a stretch of time."""
    since: datetime | None
    """None: no bound. Both in UTC."""
    until: datetime | None
    jobs: tuple[Job, ...]
    """Of one number by project; of a stretch of time the newest first."""
    left_out: int
    """So many older ones are not listed."""
    findings: tuple[Finding, ...]
    """Claims that GitLab contradicts."""
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    """Sentences that a reader must know."""

    @property
    def exit_code(self) -> int:
        """1 where GitLab contradicts a claim; 3 where none is found and nobody looked all the time."""
        if self.findings:
            return FINDINGS
        return UNPROVEN if not self.jobs and self.gaps else CLEAN


def _worst(intervals: Iterable[Interval]) -> Outcome | None:
    seen = {one.outcome for one in intervals}
    return next((one for one in _WORST_FIRST if one in seen), None)


_CUT: Final = "There are older jobs in that time, which were not looked at. Name an earlier end, or a project or tier."


def asked_job(text: str) -> Asked:
    """
    Read how somebody names a job: its number, or the address of its page.

    >>> asked_job("https://gitlab.example.com/platform/net/-/jobs/4711")
    Asked(number='4711', url='https://gitlab.example.com/platform/net/-/jobs/4711')

    Raises:
        SettingsError: it is neither.
    """
    if re.fullmatch(r"[0-9]{1,20}", text):
        return Asked(text)
    if found := re.fullmatch(r"(https?://[^\s?#]+/-/jobs/([0-9]{1,20}))(?:[/?#]\S*)?", text):
        return Asked(found[2], found[1])
    message = f"{text[:200]!r}: no job. Write its number, or the address of its page: https://…/-/jobs/4711."
    raise SettingsError(message)


def answer_job(
    asked: Asked,
    intervals: Iterable[Interval],
    facts: Mapping[FactKey, Fact],
    histories: Mapping[FactKey, Sequence[Fact]],
    gaps: Iterable[Gap],
) -> JobsAnswer:
    """
    Put what the ledger holds about one number into an answer.

    Args:
        asked: the job.
        intervals: of pods that claim the number, on whatever cluster.
        facts: of these pods.
        histories: by the key of a fact, all facts of its name and pipeline.
        gaps: all that there are.
    """
    here = [one for one in intervals if not asked.url or not one.gitlab or asked.url.startswith(f"{one.gitlab}/")]
    jobs = sorted(_jobs(here, facts, histories), key=lambda job: job.key)
    return JobsAnswer(
        asked=asked,
        since=None,
        until=None,
        jobs=tuple(jobs),
        left_out=0,
        findings=_findings(jobs),
        gaps=_touching(gaps, jobs),
        notes=tuple(_notes(jobs, asked)),
    )


def answer_jobs(  # noqa: PLR0913 - what was asked and what was found, by name
    intervals: Iterable[Interval],
    facts: Mapping[FactKey, Fact],
    gaps: Iterable[Gap],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    path: str = "",
    outcome: Outcome | None = None,
    most: int | None = None,
    is_cut: bool = False,
) -> JobsAnswer:
    """
    Put what the ledger holds about a stretch of time into an answer.

    Args:
        intervals: those that touch the stretch and are of the project and tier that was asked for.
        facts: of their pods.
        gaps: those that touch the stretch.
        since: the beginning of the stretch; None: no bound.
        until: its end.
        path: only jobs of the project that is, or was then, called so; empty: of any.
        outcome: only jobs whose outcome is this one.
        most: list so many at most, the newest.
        is_cut: there are older intervals in the stretch, which were not read.
    """
    found = [
        job
        for job in _jobs(intervals, facts, {})
        if (not path or job.project_path.lower() == path.lower()) and (outcome is None or job.outcome is outcome)
    ]
    found.sort(key=lambda job: (max(one.from_at for one in job.intervals), job.key), reverse=True)
    listed = found if most is None else found[:most]
    return JobsAnswer(
        asked=None,
        since=since,
        until=until,
        jobs=tuple(listed),
        left_out=len(found) - len(listed),
        findings=_findings(listed),
        gaps=tuple(gaps),
        notes=(*_notes(listed, None), *([_CUT] if is_cut else [])),
    )


def _jobs(
    intervals: Iterable[Interval],
    facts: Mapping[FactKey, Fact],
    histories: Mapping[FactKey, Sequence[Fact]],
) -> Iterator[Job]:
    """Gather intervals by pod and pods by job."""
    pods: dict[FactKey, list[Interval]] = {}
    for one in intervals:
        pods.setdefault(FactKey(one.cluster, one.pod_uid), []).append(one)
    jobs: dict[JobKey, list[JobPod]] = {}
    for key, some in pods.items():
        held = tuple(sorted(some, key=lambda one: (one.from_at, one.address)))
        last = held[-1]
        number = next((one.job for one in reversed(held) if one.job), "")
        job = JobKey(last.cluster, last.gitlab, last.project, number, "" if number else key.pod_uid)
        jobs.setdefault(job, []).append(JobPod(intervals=held, fact=facts.get(key)))
    for job, found in jobs.items():
        found.sort(key=lambda pod: (pod.intervals[0].from_at, pod.name))
        told = [tuple(histories.get(pod.fact.key, ())) for pod in found if pod.fact is not None]
        yield Job(key=job, pods=tuple(found), history=max(told, key=len, default=()))


def _findings(jobs: Iterable[Job]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            code=JOB_CLAIM_CONTRADICTED,
            subject=pod.name,
            observed=f"job {pod.fact.job} of project {pod.fact.project}",
            expected="what GitLab has of it",
            cause=pod.fact.text,
        )
        for job in jobs
        for pod in job.pods
        if pod.fact is not None and pod.fact.standing is Standing.CONTRADICTED
    )


def _touching(gaps: Iterable[Gap], jobs: Sequence[Job]) -> tuple[Gap, ...]:
    """Leave out what says nothing of the jobs that were found: gaps of other clusters, and those that are over."""
    if not jobs:
        return tuple(gaps)
    live = {job.key.cluster for job in jobs if job.is_live}
    return tuple(gap for gap in gaps if gap.to_at is None and gap.cluster in live)


def _notes(jobs: Sequence[Job], asked: Asked | None) -> Iterator[str]:
    if asked is not None and len({job.key.project for job in jobs}) > 1:
        yield (
            "Pods of more than one project claim this number, and GitLab gives each number once: all but one of the "
            "claims are false. The projects are right, because they stand in labels that a job cannot write."
        )
    if any(job.key.number and job.standing is None for job in jobs):
        yield (
            "claimed: the number stands in an annotation that a job may be able to write, and GitLab was not asked "
            "or did not answer. Project, addresses, pool and verdict do not depend on it."
        )
    if any(job.standing is Standing.UNSEEN for job in jobs):
        yield "unseen: GitLab does not show the project to the bridge's token, so the number is a claim still."
    if any(one.judged_at is None for job in jobs for one in job.intervals):
        yield "Of a pod whose beginning was never recorded only the end is known."
