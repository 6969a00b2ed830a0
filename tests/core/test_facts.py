"""What GitLab said last counts, in whatever order it is told and however often."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.facts import carry, fold
from runner_bridge.core.model.ledger import Entry, EntryKind, Fact, Standing
from tests.make import NOON, entry


def said(seconds: float = 0, **changes: Any) -> Entry:
    return entry(EntryKind.FACT, at=NOON + timedelta(seconds=seconds), job="4711", **changes)


def told(*entries: Entry) -> Fact:
    fact = reduce(fold, entries, None)
    assert fact is not None
    return fact


ENTRIES = st.builds(
    said,
    st.integers(0, 3),
    status=st.sampled_from(["running", "success"]),
    standing=st.sampled_from(Standing),
)


def test_the_latest_answer_counts_whole() -> None:
    fact = told(said(status="running", stage="test"), said(5, status="success", standing=Standing.CONFIRMED))

    assert (fact.status, fact.stage, fact.standing) == ("success", "", Standing.CONFIRMED)
    assert fact.key == ("prod-1", "0b6f6ac1")


@given(st.lists(ENTRIES, min_size=1).flatmap(lambda one: st.tuples(st.just(one), st.permutations(one))))
def test_order_and_repetition_change_nothing(both: tuple[list[Entry], list[Entry]]) -> None:
    told_once, shuffled = both

    assert told(*told_once) == told(*shuffled, *told_once)


@given(ENTRIES, st.integers(0, 9))
def test_what_is_carried_is_the_same_fact(one: Entry, seconds: int) -> None:
    fact = told(one)
    carried = carry(fact, NOON + timedelta(seconds=seconds))

    assert told(carried) == told(one, carried) == fact
