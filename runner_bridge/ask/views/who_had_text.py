"""
The answers of `who-had` for people: a few lines per pod, readable at eighty columns.

Every time is shown in one zone, which is named. What a job claims of itself cannot steer the terminal.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runner_bridge.ask.answers.addresses import Certainty, Kind, in_zone, stretch_in_zone
from runner_bridge.ask.views import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    from runner_bridge.ask.answers.addresses import AddressAnswer, Candidate, LineAnswer
    from runner_bridge.core.model.ledger import Gap, Interval

_NARROWEST = 40


def render(answer: AddressAnswer, *, zone: tzinfo, width: int) -> str:
    """Return the answer: what was found, a paragraph per pod, then what a reader must know about it."""
    width = max(width, _NARROWEST)
    lines = _wrapped(f"{answer.kind} {answer.asked}{_when(answer, zone)}: {answer.found}.", width)
    for candidate in answer.candidates:
        lines += ["", *_candidate(answer, candidate, zone, width)]
    said = [*answer.notes, *(gap_sentence(gap, zone) for gap in answer.gaps)]
    if said:
        lines.append("")
    for sentence in said:
        lines += textwrap.wrap(sentence, width, initial_indent="- ", subsequent_indent="  ")
    return "".join(f"{line}\n" for line in lines)


def render_log(answers: Iterable[LineAnswer], *, zone: tzinfo, width: int) -> Iterator[str]:
    """Yield one line per line of the log; the pods of several candidates follow indented."""
    width = max(width, _NARROWEST)
    for one in answers:
        at = in_zone(one.since + (one.until - one.since) / 2, zone) if one.since and one.until else one.line.time
        head = printable(f"{one.line.number}: {at} {one.line.address}: {one.word}")
        if len(one.candidates) == 1:
            head += f" {_who(one.candidates[0].interval)}{_doubt(one.candidates[0])}"
        lines = _wrapped(head, width)
        if len(one.candidates) > 1:
            for each in one.candidates:
                lines += _wrapped(f"  {_who(each.interval)}{_doubt(each)}", width)
        if one.note:
            lines += textwrap.wrap(printable(one.note), width, initial_indent="  - ", subsequent_indent="    ")
        yield "".join(f"{line}\n" for line in lines)


def gap_sentence(gap: Gap, zone: tzinfo) -> str:
    """Return what is not known, as a sentence."""
    start = "" if gap.from_at is None else f" from {in_zone(gap.from_at, zone)}"
    end = f" until {in_zone(gap.to_at, zone)}" if gap.to_at is not None else " until now" if gap.from_at else ""
    return f"Not known{start}{end} ({gap.cluster}): {printable(gap.reason)}; pods that came and went then are missing."


def _when(answer: AddressAnswer, zone: tzinfo) -> str:
    if answer.since is None and answer.until is None:
        return " in all that is recorded"
    if answer.since == answer.until and answer.since is not None:
        return f" at {in_zone(answer.since, zone)}"
    start = "the beginning" if answer.since is None else in_zone(answer.since, zone)
    end = "now" if answer.until is None else in_zone(answer.until, zone)
    return f" between {start} and {end}"


def _candidate(answer: AddressAnswer, candidate: Candidate, zone: tzinfo, width: int) -> Iterator[str]:
    one = candidate.interval
    lines = [f"{stretch_in_zone(one, zone)}{_doubt(candidate)}", f"pod {one.namespace}/{one.pod} on {one.cluster}"]
    if answer.kind is not Kind.ADDRESS:
        lines.append(f"address {one.address}")
    project = " ".join(filter(None, (one.project_path, f"({one.project})" if one.project_path else one.project)))
    facts = (
        ("project", project),
        ("job (as it claims)", one.job),
        ("tier", one.tier),
        ("pool", one.pool),
        ("runner", one.runner),
    )
    lines.append(", ".join(f"{name} {value}" for name, value in facts if value))
    lines.append(f"node {one.node} {' '.join(one.node_addresses)}" if one.node else "")
    verdict = ", ".join((*filter(None, (one.outcome, one.grade and f"evidence {one.grade}")), *one.findings))
    lines.append(verdict)
    first, *rest = filter(None, lines)
    yield from _wrapped(first, width)
    for line in rest:
        yield from textwrap.wrap(
            printable(line), width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )


def _who(one: Interval) -> str:
    project = one.project_path or one.project
    facts = ((f"project {project}", project), (f"job {one.job}", one.job), (f"tier {one.tier}", one.tier))
    said = ", ".join(text for text, value in facts if value)
    return printable(f"{one.namespace}/{one.pod}{f' ({said})' if said else ''}")


def _doubt(candidate: Candidate) -> str:
    return " - possible" if candidate.certainty is Certainty.POSSIBLE else ""


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(text), width, subsequent_indent="    ", break_on_hyphens=False)
