"""Whoever touches the database is found out; prune removes what is over and nothing else."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from runner_bridge.core.chain import Witness
from runner_bridge.core.errors import LedgerError, SettingsError
from runner_bridge.core.model.ledger import EntryKind, Purpose, Standing, Step
from runner_bridge.ports.ledger import Ledger, tables
from tests.make import entry
from tests.ports.ledger.writing import a_day, codes, fact, later, life, record, tamper, term

if TYPE_CHECKING:
    from runner_bridge.core.model.ledger import Entry, Interval

ADDRESS = ip_address("172.16.12.2")
DAY = 86400
SWAP = (
    "UPDATE entry SET number = -1 WHERE number = 2",
    "UPDATE entry SET number = 2 WHERE number = 5",
    "UPDATE entry SET number = 5 WHERE number = -1",
)


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (
            ["UPDATE entry SET text = replace(text, 'node-1', 'node-2') WHERE number = 3"],
            ["row-edited: segment 1, row 3"],
        ),
        (["UPDATE entry SET hash = prev WHERE number = 3"], ["row-edited: segment 1, row 3"]),
        (["UPDATE entry SET at_us = at_us + 1 WHERE number = 3"], ["row-edited: segment 1, row 3"]),
        (["DELETE FROM entry WHERE number = 3"], ["row-removed: segment 1, row 3"]),
        (["DELETE FROM entry WHERE number = 9"], ["row-removed: segment 1, row 9"]),
        (SWAP, ["rows-reordered: segment 1, rows 2 and 5"]),
        (["UPDATE segment SET cluster = 'prod-2'"], ["row-edited: segment 1, its notes"]),
        (["UPDATE segment SET alive_us = 0"], ["row-edited: segment 1, its notes"]),
        (["UPDATE segment SET anchored = 9"], ["row-edited: segment 1, its notes"]),
        (["UPDATE segment SET text = 'x'"], ["row-edited: segment 1, its opening"]),
        (["UPDATE interval SET pod = 'x' WHERE pod_uid = 'u1'"], ["interval-differs: interval prod-1 u1 172.16.12.2"]),
        (["DELETE FROM interval WHERE pod_uid = 'u1'"], ["interval-differs: interval prod-1 u1 172.16.12.2"]),
        (
            ["UPDATE interval SET last_us = 0 WHERE pod_uid = 'u1'"],
            ["interval-differs: interval prod-1 u1 172.16.12.2"],
        ),
        (["DELETE FROM node_address"], ["interval-differs: node_address prod-1 10.0.3.7 node-1"]),
        (["INSERT INTO intent VALUES ('i', 'prod-1', '{}', 0)"], ["interval-differs: intent i"]),
        (["INSERT INTO gap VALUES (1, 1, 'prod-1', 0, 1, 'x')"], ["interval-differs: gap 1 1"]),
    ],
    ids=lambda value: re.sub(r"\W+", " ", value[0]) if isinstance(value, (list, tuple)) else None,
)
def test_what_was_touched_is_named(ledger: Ledger, statements: list[str], found: list[str]) -> None:
    a_day(ledger)
    assert codes(ledger) == []

    tamper(ledger, *statements)

    told = codes(ledger)
    assert told[: len(found)] == found
    assert all(one.startswith("interval-differs") for one in told[len(found) :])


def test_what_is_derived_is_derived_again(ledger: Ledger) -> None:
    a_day(ledger)
    before = list(ledger.intervals())
    tamper(ledger, "DELETE FROM interval WHERE pod_uid = 'u1'", "UPDATE interval SET tier = 'x'", "DELETE FROM gap")

    ledger.repair()

    assert codes(ledger) == []
    assert list(ledger.intervals()) == before


def test_a_writer_stops_when_its_chain_was_touched(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, *life("a", 0))
        tamper(ledger, "UPDATE segment SET head = hash, last = 0")
        with pytest.raises(LedgerError, match="changed by something else"):
            record(writer, *life("b", 1))


def test_a_writer_whose_segment_is_gone_stops(ledger: Ledger) -> None:
    with term(ledger) as writer:
        record(writer, *life("a", 0))
        tamper(ledger, "DELETE FROM segment")
        for _ in range(2):
            with pytest.raises(LedgerError, match="changed by something else"):
                record(writer, *life("b", 1))


@pytest.mark.parametrize("statement", ["UPDATE fact SET standing = 'confirmed'", "DELETE FROM fact"])
def test_a_fact_that_was_touched_is_named_and_derived_again(ledger: Ledger, statement: str) -> None:
    with term(ledger) as writer:
        record(writer, *life("u1", 0), fact("u1", 1))
    tamper(ledger, statement)

    assert codes(ledger) == ["interval-differs: fact prod-1 u1"]
    ledger.repair()
    assert codes(ledger) == []
    assert [one.standing for one in ledger.facts(ledger.intervals()).values()] == [Standing.CONTRADICTED]


def three_days(ledger: Ledger) -> None:
    """Each day a pod that ends, on the first day also one that ends on the third and one that stays."""
    with term(ledger) as writer:
        record(writer, *life("stays", 1))
        record(writer, *life("long", 2))
        for day in range(3):
            record(writer, *life(f"d{day}", day * DAY + 10, day * DAY + 20))
        record(writer, entry(EntryKind.CLOSED, pod_uid="long", at=later(2 * DAY + 30)))


def test_prune_keeps_facts_of_pods_that_are_known_and_drops_the_others(ledger: Ledger) -> None:
    three_days(ledger)
    with term(ledger, 2 * DAY + 40) as writer:
        record(writer, *(fact(uid, 2 * DAY + 50) for uid in ("stays", "long", "d0")))
    with term(ledger, 5 * DAY) as writer:
        record(writer, *life("new", 5 * DAY), fact("new", 5 * DAY + 1))
    before = ledger.facts(ledger.intervals())
    assert sorted(key.pod_uid for key in before) == ["d0", "long", "new", "stays"]

    ledger.prune(before=later(4 * DAY), at=later(7 * DAY), actor="admin")

    assert codes(ledger) == []
    assert ledger.facts(ledger.intervals()) == {
        key: one for key, one in before.items() if key.pod_uid in {"stays", "new"}
    }
    with ledger._database.reading() as connection:
        assert {row.pod_uid for row in connection.execute(select(tables.fact))} == {"stays", "new"}


def uids(intervals: list[Interval]) -> list[str]:
    return [one.pod_uid for one in intervals]


def test_prune_removes_what_is_over_and_carries_what_is_not(ledger: Ledger) -> None:
    three_days(ledger)
    before = {one.pod_uid: one for one in ledger.intervals()}

    pruned = ledger.prune(before=later(0.5 * DAY), at=later(3 * DAY), actor="admin")

    assert pruned == (1, 4, 1, 2)
    assert uids(ledger.who_had(ADDRESS)) == ["stays", "long", "d1", "d2"]
    assert {one.pod_uid: one for one in ledger.intervals()} == {uid: before[uid] for uid in before if uid != "d0"}
    assert codes(ledger) == []
    assert [(gap.reason, gap.to_at) for gap in ledger.gaps(now=later(2 * DAY + 30))] == [
        ("what ended before was pruned", later(0.5 * DAY))
    ]


def test_prune_again_and_again_keeps_the_chain_whole(ledger: Ledger) -> None:
    three_days(ledger)
    ledger.prune(before=later(DAY), at=later(3 * DAY), actor="admin")
    with term(ledger, at=3 * DAY + 1) as writer:
        record(writer, *life("d3", 3 * DAY + 5, 3 * DAY + 9), *life("d4", 4 * DAY + 5))
        record(writer, *life("d5", 5 * DAY))

    pruned = ledger.prune(before=later(5 * DAY), at=later(6 * DAY), actor="admin")

    assert pruned.segments == 5
    assert uids(ledger.who_had(ADDRESS)) == ["stays", "d4", "d5"]
    assert codes(ledger) == []
    again = ledger.prune(before=later(5 * DAY), at=later(6 * DAY), actor="admin")
    assert again == (0, 0, 0, 0)


def test_what_was_pruned_is_known_to_a_witness(ledger: Ledger) -> None:
    three_days(ledger)
    first, *_ = ledger.entries()
    ledger.prune(before=later(1.5 * DAY), at=later(3 * DAY), actor="admin")

    assert codes(ledger, Witness(first.segment, first.row.number, first.row.hash)) == []


def test_a_segment_removed_without_prune_is_missed(ledger: Ledger) -> None:
    three_days(ledger)
    tamper(ledger, "DELETE FROM entry WHERE segment = 1", "DELETE FROM segment WHERE number = 1")

    assert codes(ledger)[0] == "segment-removed: segment 1"


def test_intents_and_gaps_outlive_a_prune(ledger: Ledger) -> None:
    act = {"act": "label-pod", "pod_uid": "stays"}
    with term(ledger) as writer:
        record(
            writer,
            entry(EntryKind.ACTED, act_id="open", step=Step.INTENT, **act),
            entry(EntryKind.ACTED, act_id="settled", step=Step.INTENT, **act),
            entry(EntryKind.GAP, at=later(9), from_at=later(1), to_at=later(5), text="long ago"),
            entry(EntryKind.GAP, at=later(9), from_at=later(1), to_at=later(3 * DAY), text="still told"),
        )
        record(writer, *life("d1", DAY), entry(EntryKind.ACTED, at=later(DAY), act_id="settled", step=Step.DONE, **act))
        record(writer, *life("d2", 2 * DAY))

        ledger.prune(before=later(0.5 * DAY), at=later(3 * DAY), actor="admin")

        assert [one.act_id for one in ledger.unsettled("prod-1")] == ["open"]
        assert codes(ledger) == []
        record(writer, entry(EntryKind.ACTED, at=later(2 * DAY), act_id="open", step=Step.DONE, **act))

    assert ledger.unsettled("prod-1") == []
    assert "still told" in [gap.reason for gap in ledger.gaps(now=later(3 * DAY))]
    assert "long ago" not in [gap.reason for gap in ledger.gaps(now=later(3 * DAY))]
    assert codes(ledger) == []


def test_the_newest_segment_of_a_cluster_stays(ledger: Ledger) -> None:
    a_day(ledger)
    with term(ledger, at=2 * DAY, cluster="prod-2", purpose=Purpose.APPLY):
        pass

    assert ledger.prune(before=later(DAY), at=later(3 * DAY), actor="admin").segments == 0


def test_a_ledger_that_is_not_whole_is_not_pruned(ledger: Ledger) -> None:
    three_days(ledger)
    tamper(ledger, "DELETE FROM entry WHERE number = 1 AND segment = 2")

    with pytest.raises(LedgerError, match="not pruned"):
        ledger.prune(before=later(DAY), at=later(3 * DAY), actor="admin")


def test_prune_asks_for_a_moment_in_the_past(ledger: Ledger) -> None:
    with pytest.raises(SettingsError, match="not in the past"):
        ledger.prune(before=later(1), at=later(0), actor="admin")


stories = st.lists(
    st.tuples(
        st.sampled_from([EntryKind.OPENED, EntryKind.JUDGED, EntryKind.CLOSED, EntryKind.GAP, EntryKind.ACTED]),
        st.integers(0, 3),
        st.sampled_from([Step.INTENT, Step.DONE]),
        st.integers(0, DAY // 2),
    ),
    min_size=1,
    max_size=25,
)


def of_story(story: list[tuple[EntryKind, int, Step, int]]) -> list[Entry]:
    at, entries = 0, []
    for kind, which, step, wait in story:
        at += wait
        act = {"act_id": f"i{which}", "step": step} if kind is EntryKind.ACTED else {}
        entries.append(entry(kind, at=later(at), pod_uid=f"u{which}", **act))
    return entries


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(stories, st.integers(0, 12 * DAY))
def test_prune_changes_no_answer_about_what_it_keeps(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[EntryKind, int, Step, int]], before: int
) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('story')}/ledger.db")
    with term(ledger) as writer:
        for one in of_story(story):
            record(writer, one)
    kept = [one for one in ledger.intervals() if one.to_at is None or one.to_at >= later(before)]
    unsettled = [one.act_id for one in ledger.unsettled("prod-1")]

    ledger.prune(before=later(before), at=later(13 * DAY), actor="admin")

    assert codes(ledger) == []
    assert [one for one in ledger.intervals() if one.to_at is None or one.to_at >= later(before)] == kept
    assert sorted(one.act_id for one in ledger.unsettled("prod-1")) == sorted(unsettled)
    ledger.close()
