"""An answer names every candidate, how certain it is, and what nobody saw."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runner_bridge.ask.answers.addresses import AddressAnswer, Certainty, Kind, LineAnswer, Word, answer, answer_log
from runner_bridge.core.intervals import fold
from runner_bridge.core.model.ledger import EntryKind, Gap, Interval
from runner_bridge.core.moments import parse
from runner_bridge.core.wire.firewall import Line
from tests.make import NOON, entry

GAP = Gap(cluster="prod-1", reason="the bridge was not running", from_at=NOON, to_at=NOON + timedelta(hours=1))
SILENT = Gap(cluster="prod-1", reason="silent", from_at=NOON + timedelta(minutes=5))


def minutes(number: float) -> Any:
    return NOON + timedelta(minutes=number)


def held(start: float, end: float | None = None, **changes: Any) -> Interval:
    interval = fold(None, entry(at=minutes(start), **changes))
    return interval if end is None else fold(interval, entry(EntryKind.CLOSED, at=minutes(end), **changes))


def at(moment: float, *intervals: Interval, gaps: tuple[Gap, ...] = (), kind: Kind = Kind.ADDRESS) -> AddressAnswer:
    return answer(kind, "172.16.12.2", intervals, gaps, since=minutes(moment), until=minutes(moment))


@pytest.mark.parametrize(
    ("interval", "moment", "certainty"),
    [
        (held(0, 10), 5, Certainty.CERTAIN),
        (held(0, 10, seen_to_at=minutes(4)), 5, Certainty.POSSIBLE),
        (held(0, 10, seen_from_at=minutes(6)), 5, Certainty.POSSIBLE),
        (held(0), 5, Certainty.CERTAIN),
        (held(0), 6, Certainty.POSSIBLE),
    ],
    ids=["seen", "its end was not seen", "its beginning was not seen", "before the silence", "after the silence"],
)
def test_what_was_not_seen_is_possible(interval: Interval, moment: float, certainty: Certainty) -> None:
    (candidate,) = at(moment, interval, gaps=(SILENT,)).candidates
    assert candidate.certainty is certainty


def test_without_bounds_everybody_is_certain() -> None:
    told = answer(Kind.PROJECT, "7", [held(0, 10), held(20)], [])

    assert [one.certainty for one in told.candidates] == [Certainty.CERTAIN] * 2
    assert (told.found, told.notes, told.exit_code) == ("2 pods", (), 0)


def test_nobody_proves_something_only_where_somebody_watched() -> None:
    assert (at(5).exit_code, at(5).found) == (0, "no pod")
    assert at(5, gaps=(GAP,)).exit_code == 3
    assert at(5, held(0, 10), gaps=(GAP,)).exit_code == 0


def test_a_reader_is_told_what_the_candidates_do_not_tell() -> None:
    two = at(5, held(0, 10), held(5, 9, pod_uid="other"))
    assert "More than one pod" in two.notes[0]
    assert "NAT hides" in at(5, held(0, 10), kind=Kind.NODE).notes[0]
    only_an_end = fold(None, entry(EntryKind.CLOSED, at=minutes(5)))
    assert "only the end is known" in at(5, only_an_end).notes[0]


def log(*lines: tuple[str, str], skew: float = 0) -> list[LineAnswer]:
    """One pod on 172.16.12.2 for ten minutes, on a node that has 10.0.3.7; nobody watched before it."""
    interval = held(0, 10)

    def found(value: str) -> Any:
        def asked(address: str, since: Any, until: Any) -> list[Interval]:
            if address == "bad":
                raise ValueError("no address")
            return [interval] if address == value and since <= minutes(10) and until >= NOON else []

        return asked

    return list(
        answer_log(
            [Line(number, *line) for number, line in enumerate(lines, 2)],
            moment=parse,
            skew=timedelta(minutes=skew),
            by_address=found("172.16.12.2"),
            by_node=found("10.0.3.7"),
            gaps=[Gap(cluster="prod-1", reason="the ledger begins then", to_at=minutes(-1))],
        )
    )


@pytest.mark.parametrize(
    ("time", "address", "word", "kind"),
    [
        ("2026-11-20T12:05:00Z", "172.16.12.2", Word.ONE, Kind.ADDRESS),
        ("2026-11-20T12:05:00Z", "10.0.3.7", Word.ONE, Kind.NODE),
        ("2026-11-20T12:20:00Z", "172.16.12.2", Word.NOBODY, Kind.ADDRESS),
        ("2026-11-20T11:00:00Z", "172.16.12.2", Word.UNKNOWN, Kind.ADDRESS),
        ("2026-11-20T12:05:00", "172.16.12.2", Word.UNREADABLE, Kind.ADDRESS),
        ("2026-11-20T12:05:00Z", "bad", Word.UNREADABLE, Kind.ADDRESS),
    ],
)
def test_a_line_of_a_log_has_one_answer(time: str, address: str, word: Word, kind: Kind) -> None:
    (told,) = log((time, address))
    assert (told.word, told.by) == (word, kind)


def test_clocks_that_differ_widen_the_question_on_both_sides() -> None:
    assert [one.word for one in log(("2026-11-20T12:12:00Z", "172.16.12.2"), skew=3)] == [Word.ONE]
