"""
Who had an address, what left a node, what a project had: from intervals and gaps to an answer that hides no doubt.

A candidate is `certain` where it was seen to hold the address in the stretch that is asked about, `possible` where it
may have. Several candidates stay several. A gap that touches the stretch is always said: who came and went in it is
not known. The ledger is read by whoever calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime, timedelta, tzinfo

    from runner_bridge.core.model.ledger import Gap, Interval
    from runner_bridge.core.moments import Stretch
    from runner_bridge.core.wire.firewall import Line

CLEAN, UNPROVEN = 0, 3


class Certainty(StrEnum):
    """How well it is known that a pod is an answer."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


class Kind(StrEnum):
    """What was asked about."""

    ADDRESS = "address"
    NODE = "node"
    PROJECT = "project"


class Word(StrEnum):
    """The answer for one line of a log."""

    ONE = "one"
    SEVERAL = "several"
    NOBODY = "nobody"
    UNKNOWN = "unknown"
    """None is known, and nobody looked all the time."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One pod that may be the answer."""

    interval: Interval
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAnswer:
    """Everything there is to say to one question."""

    kind: Kind
    asked: str
    since: datetime | None
    """None: all time. Both in UTC; the same twice: one moment."""
    until: datetime | None
    candidates: tuple[Candidate, ...]
    """By the beginning of their intervals."""
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    """Sentences that a reader of the candidates must know."""

    @property
    def exit_code(self) -> int:
        """3 where nobody is found and nobody looked all the time: that proves nothing."""
        return UNPROVEN if not self.candidates and self.gaps else CLEAN

    @property
    def found(self) -> str:
        """What was found, in a few words."""
        if self.candidates:
            return _many(len(self.candidates), "pod")
        return "no pod is recorded, and not all of that time was watched" if self.gaps else "no pod"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswer:
    """The answer for one line of a log: its candidates, or why there are none."""

    line: Line
    word: Word
    since: datetime | None = None
    until: datetime | None = None
    by: Kind = Kind.ADDRESS
    """Whether pods had the address, or ran on a node that had it."""
    candidates: tuple[Candidate, ...] = ()
    note: str = ""


def answer(
    kind: Kind,
    asked: str,
    intervals: Iterable[Interval],
    gaps: Iterable[Gap],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> AddressAnswer:
    """
    Put what the ledger holds into an answer.

    Args:
        kind: what was asked about.
        asked: as it was asked.
        intervals: those that touch the stretch, by their beginning.
        gaps: those that touch the stretch.
        since: the beginning of the stretch in UTC; None: all time.
        until: its end.
    """
    gaps = tuple(gaps)
    candidates = _candidates(intervals, gaps, since, until)
    return AddressAnswer(
        kind=kind,
        asked=asked,
        since=since,
        until=until,
        candidates=candidates,
        gaps=gaps,
        notes=tuple(_notes(kind, candidates, one_moment=since is not None and since == until)),
    )


def answer_log(
    lines: Iterable[Line],
    *,
    moment: Callable[[str], Stretch],
    skew: timedelta,
    by_address: Callable[[str, datetime, datetime], Sequence[Interval]],
    by_node: Callable[[str, datetime, datetime], Sequence[Interval]],
    gaps: Sequence[Gap],
) -> Iterator[LineAnswer]:
    """
    Yield one answer per line of a log, in its order; nothing is guessed and no line is left out.

    Args:
        lines: of the log.
        moment: reads the time of a line; raises WireError with the reason.
        skew: how far the clocks of firewall and cluster may differ, on either side.
        by_address: the intervals of an address that touch a stretch; raises ValueError where it is no address.
        by_node: what ran on a node that had the address.
        gaps: all that there are.
    """
    for line in lines:
        try:
            since, until = moment(line.time).widened(skew)
            found, by = by_address(line.address, since, until), Kind.ADDRESS
            if not found:
                found, by = by_node(line.address, since, until), Kind.NODE
        except (WireError, ValueError) as error:
            yield LineAnswer(line=line, word=Word.UNREADABLE, note=str(error))
            continue
        candidates = _candidates(found, gaps, since, until)
        missed = [gap for gap in gaps if _touches(gap, since, until)]
        note = f"not watched: {missed[0].reason}" if missed else ""
        if by is Kind.NODE and candidates:
            note = "; ".join(filter(None, (note, "ran on the node that had the address: NAT hides which it was")))
        yield LineAnswer(
            line=line,
            word=_word(candidates, missed),
            since=since,
            until=until,
            by=by if candidates else Kind.ADDRESS,
            candidates=candidates,
            note=note,
        )


def _word(candidates: Sequence[Candidate], missed: Sequence[Gap]) -> Word:
    if len(candidates) > 1:
        return Word.SEVERAL
    if candidates:
        return Word.ONE
    return Word.UNKNOWN if missed else Word.NOBODY


def _candidates(
    intervals: Iterable[Interval], gaps: Sequence[Gap], since: datetime | None, until: datetime | None
) -> tuple[Candidate, ...]:
    """Say of each interval how certain it is; one that is open was not seen after its bridge fell silent."""
    silent = {gap.cluster: gap.from_at for gap in gaps if gap.to_at is None}
    candidates = []
    for one in intervals:
        seen_to = one.seen_to_at or silent.get(one.cluster)
        seen = (until is None or one.seen_from_at <= until) and (since is None or seen_to is None or seen_to >= since)
        candidates.append(Candidate(interval=one, certainty=Certainty.CERTAIN if seen else Certainty.POSSIBLE))
    return tuple(candidates)


def _touches(gap: Gap, since: datetime, until: datetime) -> bool:
    return (gap.from_at is None or gap.from_at <= until) and (gap.to_at is None or gap.to_at >= since)


def _notes(kind: Kind, candidates: Sequence[Candidate], *, one_moment: bool) -> Iterator[str]:
    if kind is Kind.NODE and candidates:
        yield (
            "With NAT a destination sees the node's address for every pod on it: NAT hides which of these it was. "
            "The addresses are the node's own; what a router behind it makes of them is not known here."
        )
    if kind is Kind.ADDRESS and one_moment and len(candidates) > 1:
        yield (
            "More than one pod is a candidate for this moment: it was taken over just then, its end was not seen, or "
            "it was given out twice. The sequence of its allocation and the times below are all there is to tell them."
        )
    if any(one.interval.judged_at is None for one in candidates):
        yield "Of a pod whose beginning was never recorded only the end is known."
    if any(one.certainty is Certainty.POSSIBLE for one in candidates):
        yield "possible: the bridge did not see it hold the address then, but cannot rule it out."


def in_zone(moment: datetime, zone: tzinfo) -> str:
    """Return a moment for people, to the second, in a zone: `2026-11-20 11:31:05 CET`."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def stretch_in_zone(interval: Interval, zone: tzinfo) -> str:
    """Return from when to when an address was held, for people; what is not certain stands beside it."""
    start = in_zone(interval.from_at, zone)
    if interval.seen_from_at != interval.from_at:
        start += f" (seen from {_clock(interval.seen_from_at, zone)})"
    if interval.to_at is None:
        return f"{start} to now"
    end = in_zone(interval.to_at, zone)
    if interval.seen_to_at is not None and interval.seen_to_at != interval.to_at:
        end += f" (seen until {_clock(interval.seen_to_at, zone)})"
    return f"{start} to {end}"


def _clock(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
