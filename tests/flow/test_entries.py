"""The ledger is told what its open intervals lack, and then nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from runner_bridge.core.intervals import fold
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import Entry, EntryKind, Interval, IntervalKey
from runner_bridge.core.model.verdict import Assigned, Grade
from runner_bridge.flow.controller.entries import Held, closed, gap, kept, told
from tests import make
from tests.flow.bridge import CONTEXT

POD = make.job_pod()
ADDRESS = POD.addresses[0]
AT = make.NOW + timedelta(seconds=3)
ALLOCATION = c.Allocation(handle="net.1", sequence=1 << 60, allocated_at=make.NOW - timedelta(seconds=1))
NODE = c.Node(name="node-1", uid="n", addresses=(ADDRESS,))


def held(pod: c.Pod = POD, *, block: bool = False, **changes: Any) -> Held:
    grade = Grade.BLOCK if block else Grade.ADDRESS
    verdict = structs.replace(make.verdict(), uid=pod.uid, grade=grade, **changes)
    return Held(pod=pod, verdict=verdict, node=NODE, allocations={ADDRESS: ALLOCATION} if block else {})


def folded(entries: list[Entry]) -> dict[IntervalKey, Interval]:
    found: dict[IntervalKey, Interval] = {}
    for one in entries:
        key = IntervalKey(one.cluster, one.pod_uid, one.address)
        found[key] = fold(found.get(key), one)
    return found


def test_an_address_is_opened_with_all_that_is_known() -> None:
    (entry,) = told(CONTEXT, held(), {}, AT)
    assert (entry.kind, entry.address, entry.pool) == (EntryKind.OPENED, str(ADDRESS), "infraestrutura")
    assert (entry.from_at, entry.seen_from_at) == (make.NOW, AT)
    assert (entry.node, entry.node_uid, entry.node_addresses) == ("node-1", "n", (str(ADDRESS),))


def test_told_once_nothing_is_missing() -> None:
    entries = told(CONTEXT, held(), {}, AT)
    assert told(CONTEXT, held(), folded(entries), AT) == []
    later = told(CONTEXT, held(block=True), folded(entries), AT)
    assert [(one.kind, one.grade, one.handle) for one in later] == [(EntryKind.JUDGED, Grade.BLOCK, "net.1")]
    assert told(CONTEXT, held(block=True), folded([*entries, *later]), AT) == []


def test_less_known_is_no_news_while_the_block_is_being_read() -> None:
    intervals = folded(told(CONTEXT, held(block=True), {}, AT))
    assert told(CONTEXT, held(), intervals, AT, unproven=True) == []
    assert len(told(CONTEXT, held(), intervals, AT)) == 1
    assert len(told(CONTEXT, held(outcome=Outcome.BREACH), intervals, AT, unproven=True)) == 1


def test_a_closed_interval_is_opened_again() -> None:
    first = told(CONTEXT, held(), {}, AT)
    over = closed(CONTEXT, folded(first).values(), AT)
    (again,) = told(CONTEXT, held(), folded([*first, *over]), AT + timedelta(seconds=9))
    assert again.kind is EntryKind.OPENED


def test_what_has_finished_or_was_given_back_holds_nothing() -> None:
    for gone in (structs.replace(POD, phase="Failed"), structs.replace(POD, annotated=(), deleting=True)):
        assert told(CONTEXT, held(gone), {}, AT) == []
        assert kept(CONTEXT, held(gone)) == frozenset()
    for still in (POD, structs.replace(POD, annotated=()), structs.replace(POD, deleting=True)):
        assert kept(CONTEXT, held(still)) == {IntervalKey("prod-1", POD.uid, str(ADDRESS))}


def test_every_address_is_an_interval_of_its_own() -> None:
    two = tuple(Assigned(address=one) for one in make.job_pod("172.16.0.1 fd00::1").addresses)
    assert [one.address for one in told(CONTEXT, held(assigned=two), {}, AT)] == ["172.16.0.1", "fd00::1"]


def test_an_end_that_nobody_saw_says_until_when_it_was_seen() -> None:
    intervals = folded(told(CONTEXT, held(), {}, AT))
    later = AT + timedelta(minutes=5)
    (entry,) = closed(CONTEXT, intervals.values(), later, seen_to_at=AT)
    (interval,) = folded([*told(CONTEXT, held(), {}, AT), entry]).values()
    assert (interval.seen_to_at, interval.to_at) == (AT, later)


def test_the_beginning_is_never_later_than_now() -> None:
    ahead = structs.replace(POD, scheduled_at=AT + timedelta(seconds=5))
    (entry,) = told(CONTEXT, held(ahead), {}, AT)
    assert entry.from_at == AT
    (unknown,) = told(CONTEXT, held(structs.replace(POD, scheduled_at=None)), {}, AT)
    assert unknown.from_at == AT


def test_a_gap_says_from_when_to_when_and_why() -> None:
    entry = gap(CONTEXT, make.NOW, AT, "pods: the stream broke off")
    assert (entry.kind, entry.from_at, entry.to_at) == (EntryKind.GAP, make.NOW, AT)
    assert entry.text == "pods: the stream broke off."
