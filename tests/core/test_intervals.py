"""What follows from entries does not depend on the order in which they are told, nor on how often."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.intervals import OF_INTERVALS, carry, fold
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.ledger import Entry, EntryKind, Interval
from runner_bridge.core.model.verdict import Grade
from tests.make import NOON, entry

OPENED, JUDGED, CLOSED = EntryKind.OPENED, EntryKind.JUDGED, EntryKind.CLOSED


def after(seconds: float) -> dict[str, Any]:
    return {"at": NOON + timedelta(seconds=seconds)}


def told(*entries: Entry) -> Interval:
    interval = reduce(fold, entries, None)
    assert interval is not None
    return interval


def test_a_pod_holds_its_address_from_opened_to_closed() -> None:
    interval = told(entry(), entry(CLOSED, **after(90)))

    assert (interval.from_at, interval.to_at) == (NOON, NOON + timedelta(seconds=90))
    assert (interval.seen_from_at, interval.seen_to_at) == (interval.from_at, interval.to_at)
    assert not interval.open


def test_the_latest_evidence_counts_whole() -> None:
    raised = entry(JUDGED, **after(2), outcome=Outcome.BREACH, grade=Grade.BLOCK, handle="h", sequence=2**60 + 1)

    interval = told(entry(outcome=Outcome.PASS, grade=Grade.ADDRESS), raised, entry(CLOSED, **after(9), pod=""))

    assert (interval.outcome, interval.grade, interval.sequence) == (Outcome.BREACH, Grade.BLOCK, 2**60 + 1)
    assert interval.pod == raised.pod


def test_what_nobody_saw_is_a_possible_stretch() -> None:
    opened = entry(**after(100), from_at=NOON, seen_from_at=NOON + timedelta(seconds=100))
    closed = entry(CLOSED, **after(500), seen_to_at=NOON + timedelta(seconds=200))

    interval = told(opened, closed)

    seconds = [
        None if at is None else (at - NOON).total_seconds()
        for at in (interval.from_at, interval.seen_from_at, interval.seen_to_at, interval.to_at)
    ]
    assert seconds == [0, 100, 200, 500]


def test_an_address_held_again_is_open_again() -> None:
    again = [entry(), entry(CLOSED, **after(5)), entry(**after(7))]

    assert told(*again).open
    assert told(*again, entry(CLOSED, **after(6))).open
    assert told(*again, entry(CLOSED, **after(9))).to_at == NOON + timedelta(seconds=9)


def test_an_end_alone_knows_no_beginning() -> None:
    interval = told(entry(CLOSED, **after(5)))

    assert interval.from_at == interval.to_at == NOON + timedelta(seconds=5)
    assert interval.judged_at is None


@pytest.mark.parametrize("one", [entry(), entry(JUDGED), entry(CLOSED)], ids=["opened", "judged", "closed"])
def test_a_carried_interval_is_the_interval(one: Entry) -> None:
    assert told(carry(told(one), NOON + timedelta(days=1))) == told(one)


moments = st.integers(0, 6).map(lambda seconds: NOON + timedelta(seconds=seconds))
entries = st.builds(
    entry,
    st.sampled_from([OPENED, JUDGED, CLOSED]),
    at=moments,
    from_at=st.none() | moments,
    seen_from_at=st.none() | moments,
    seen_to_at=st.none() | moments,
    to_at=st.none() | moments,
    node=st.sampled_from(["n1", "n2"]),
    sequence=st.none() | st.integers(0, 3),
)


@given(
    st.lists(entries, min_size=1, max_size=7).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))),
    st.data(),
)
def test_any_order_and_any_repetition_gives_the_same_interval(
    both: tuple[list[Entry], list[Entry]], data: st.DataObject
) -> None:
    some, shuffled = both
    again = data.draw(st.lists(st.sampled_from(some), max_size=4))

    assert told(*some) == told(*shuffled, *again)


@given(st.lists(entries, min_size=1, max_size=6), st.integers(0, 6))
def test_an_interval_may_be_carried_at_any_point(some: list[Entry], cut: int) -> None:
    cut = min(cut, len(some))
    carried = [carry(told(*some[:cut]), NOON)] if cut else []

    assert told(*carried, *some[cut:]) == told(*some)


@given(st.lists(entries, min_size=1, max_size=7))
def test_what_is_certain_lies_within_what_is_possible(some: list[Entry]) -> None:
    interval = told(*some)

    assert interval.from_at <= interval.seen_from_at
    if interval.to_at is not None:
        assert interval.seen_to_at is not None
        assert interval.seen_to_at <= interval.to_at
        assert interval.from_at <= interval.to_at


def test_only_four_kinds_tell_of_intervals() -> None:
    assert {OPENED, JUDGED, CLOSED, EntryKind.CARRIED} == OF_INTERVALS


def test_the_key_of_an_interval_is_a_pod_on_an_address() -> None:
    assert told(entry()).key == ("prod-1", "0b6f6ac1", "172.16.12.2")
