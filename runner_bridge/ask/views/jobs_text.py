"""
The answers of `job` and `jobs` for people: a paragraph per pod, or a line per job.

How a claim stands is said beside each number. Every time is shown in one zone, which is named. What a job claims of
itself cannot steer the terminal.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from runner_bridge.ask.answers.addresses import in_zone, stretch_in_zone
from runner_bridge.ask.views import in_one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from runner_bridge.ask.answers.jobs import Job, JobPod, JobsAnswer
    from runner_bridge.core.model.ledger import Fact, Gap, Interval

_NARROWEST = 40
_TITLES = ("JOB", "CLAIM", "PROJECT", "TIER", "ADDRESS", "POOL", "NODE", "VERDICT", "FROM")
_GAP = "  "


def render_job(answer: JobsAnswer, *, zone: tzinfo, width: int) -> str:
    """Return all about one number: each job, its retries, a paragraph per pod, then what a reader must know."""
    width = max(width, _NARROWEST)
    number = answer.asked.number if answer.asked else ""
    lines: list[str] = []
    for job in answer.jobs:
        lines += [*([""] if lines else []), *_job(job, zone, width)]
    if not answer.jobs:
        lines += _wrapped(f"job {number}: no pod is recorded that claims it.", width)
        if answer.gaps:
            lines += _wrapped(
                "The cluster was not watched all the time: a pod may have come and gone unseen.",
                width,
            )
    said = [*map(in_one_line, answer.findings), *answer.notes]
    said += [_silence(gap, zone) for gap in answer.gaps if answer.jobs]
    lines += _said(said, width)
    return "".join(f"{line}\n" for line in lines)


def render_jobs(answer: JobsAnswer, *, zone: tzinfo, width: int) -> Iterator[str]:
    """Yield one line per job with columns as wide as what they hold, then how many there are and what to know."""
    rows = [_row(job, zone) for job in answer.jobs]
    if rows:
        widths = [max(cell_len(row[index]) for row in (_TITLES, *rows)) for index in range(len(_TITLES) - 1)]
        yield _line(_TITLES, widths)
        for row in rows:
            yield _line(row, widths)
    yield _ending(answer, zone) + "\n"
    said = [*map(in_one_line, answer.findings), *answer.notes, *(_silence(gap, zone) for gap in answer.gaps)]
    for line in _said(said, max(width, _NARROWEST)):
        yield f"{line}\n"


def _said(sentences: Sequence[str], width: int) -> Iterator[str]:
    if sentences:
        yield ""
    for sentence in sentences:
        yield from textwrap.wrap(printable(sentence), width, initial_indent="- ", subsequent_indent="  ")


def _job(job: Job, zone: tzinfo, width: int) -> Iterator[str]:
    fact = job.fact
    head = f"job {job.key.number} ({_claim(job)}): {'live' if job.is_live else 'over'}"
    yield from _wrapped(f"{head}, {job.outcome or 'no verdict'}", width)
    project = f"{job.project_path} ({job.key.project})" if job.project_path else job.key.project
    lines = [f"project {project}" if project else ""]
    if fact is not None:
        told = (("name", fact.job_name), ("stage", fact.stage), ("ref", fact.ref), ("pipeline", fact.pipeline))
        lines.append(", ".join(f"{word} {value}" for word, value in told if value))
        lines.append(f"GitLab said {fact.status} at {in_zone(fact.said_at, zone)}" if fact.status else "")
        lines.append(fact.text)
    lines.append(f"{'' if fact else 'as it claims: '}{job.url}" if job.url else "")
    lines.append(_history(job.history) if len(job.history) > 1 else "")
    yield from _indented(filter(None, lines), width)
    for pod in job.pods:
        yield ""
        yield from _pod(pod, zone, width)


def _history(history: Sequence[Fact]) -> str:
    """Return a job and its retries in one line."""
    return f"tries of {history[-1].job_name}: " + " → ".join(f"{one.job} {one.status}" for one in history)


def _pod(pod: JobPod, zone: tzinfo, width: int) -> Iterator[str]:
    last = pod.intervals[-1]
    yield from _wrapped(f"pod {pod.name} on {last.cluster}", width)
    facts = (("tier", last.tier), ("runner", last.runner))
    lines = [", ".join(f"{word} {value}" for word, value in facts if value)]
    for one in pod.intervals:
        lines.append(f"address {one.address}{f', pool {one.pool}' if one.pool else ''}, {stretch_in_zone(one, zone)}")
        lines.append(_verdict(one))
    lines.append(f"node {last.node} {' '.join(last.node_addresses)}" if last.node else "")
    yield from _indented(filter(None, lines), width)


def _verdict(one: Interval) -> str:
    return ", ".join((*filter(None, (one.outcome, one.grade and f"evidence {one.grade}")), *one.findings))


def _claim(job: Job) -> str:
    """Say how the claim stands, in a word."""
    return str(job.standing or "claimed")


def _row(job: Job, zone: tzinfo) -> tuple[str, ...]:
    last = job.intervals[-1]
    others = "" if len(job.pods) == 1 else f" ({len(job.pods)} pods)"
    began = min(one.from_at for one in job.intervals)
    cells = (
        job.key.number or "-",
        _claim(job) if job.key.number else "-",
        job.project_path or job.key.project or "-",
        last.tier or "-",
        " ".join(dict.fromkeys(one.address for one in job.pods[-1].intervals)) + others,
        last.pool or "-",
        last.node or "-",
        str(job.outcome or "-"),
        in_zone(began, zone) + (" live" if job.is_live else ""),
    )
    return tuple(map(printable, cells))


def _ending(answer: JobsAnswer, zone: tzinfo) -> str:
    count = len(answer.jobs) + answer.left_out
    start = f" since {in_zone(answer.since, zone)}" if answer.since else ""
    end = f" until {in_zone(answer.until, zone)}" if answer.until else ""
    confirmed = sum(1 for job in answer.jobs if job.standing == "confirmed")
    older = f"; the {answer.left_out:,} oldest are not listed" if answer.left_out else ""
    return f"{count:,} job{'s' * (count != 1)}{start}{end}, {confirmed:,} confirmed by GitLab{older}."


def _silence(gap: Gap, zone: tzinfo) -> str:
    start = f" from {in_zone(gap.from_at, zone)}" if gap.from_at else ""
    end = f" until {in_zone(gap.to_at, zone)}" if gap.to_at else " until now" if gap.from_at else ""
    return f"Not known{start}{end} ({gap.cluster}): {gap.reason}; pods that came and went then are missing."


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [text + " " * (width - cell_len(text)) for text, width in zip(cells, widths, strict=False)]
    return _GAP.join([*padded, cells[-1]]).rstrip() + "\n"


def _indented(lines: Iterable[str], width: int) -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(
            printable(line), width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(text), width, subsequent_indent="    ", break_on_hyphens=False)
