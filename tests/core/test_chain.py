"""A chain of rows says exactly which row was touched."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.chain import (
    ZERO,
    Row,
    Segment,
    Witness,
    canonical,
    entry_of,
    link,
    opening_of,
    verify,
    witness_line,
    witnesses,
)
from runner_bridge.core.errors import WireError
from runner_bridge.core.model.ledger import Anchor, Entry, EntryKind, Opening, Purpose
from tests.make import NOON, entry

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = timedelta(hours=1)


class Chain(NamedTuple):
    segments: list[Segment]
    rows: dict[int, list[Row]]

    def tell(self, *witnesses: Witness) -> list[str]:
        found = verify(self.segments, lambda number: self.rows[number], witnesses)
        return [f"{one.code.name.removeprefix('ledger-')}: {one.subject}" for one in found]


def rows_after(head: str, texts: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    for text in texts:
        rows.append(Row(len(rows) + 1, text, head, link(head, text)))
        head = rows[-1].hash
    return rows


def segment(number: int, texts: Sequence[str] = (), **opening: object) -> tuple[Segment, list[Row]]:
    values: dict[str, object] = {"at": NOON, "purpose": Purpose.RUN, "cluster": "prod-1"}
    text = canonical(Opening(segment=number, **(values | opening)))  # type: ignore[arg-type]
    head = link(ZERO, text)
    rows = rows_after(head, texts)
    return Segment(number, text, head, len(rows), rows[-1].hash if rows else head), rows


def texts(count: int, first: int = 1) -> list[str]:
    return [canonical(entry(pod_uid=str(number))) for number in range(first, first + count)]


def anchor(of: Segment, **changes: object) -> Anchor:
    values = {"segment": of.number, "number": of.last, "hash": of.head, "alive_at": NOON}
    return Anchor(**(values | changes))  # type: ignore[arg-type]


def chain(count: int = 6) -> Chain:
    """Two segments; the second names the head of the first."""
    first, rows = segment(1, texts(count))
    second, more = segment(2, texts(count, 100), at=NOON + HOUR, after=(anchor(first),))
    return Chain([first, second], {1: rows, 2: more})


def test_a_whole_chain_has_no_finding() -> None:
    assert chain().tell() == []
    assert Chain([], {}).tell() == []


def test_the_text_of_an_entry_is_sorted_json_that_any_program_can_make_again() -> None:
    text = canonical(entry(text="naïve \u2028 <&>", sequence=2**63))

    again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again == text
    assert entry_of(text) == entry(text="naïve \u2028 <&>", sequence=2**63)
    assert link(ZERO, text) == sha256((ZERO + text).encode()).hexdigest()


def test_a_field_that_comes_later_does_not_change_older_texts() -> None:
    assert "job_url" not in canonical(entry())


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind":"sung"}', "\ud800"])
def test_a_text_that_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="ledger verify"):
        entry_of(text)
    with pytest.raises(WireError, match="opening"):
        opening_of(text)


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(WireError, match="UTF-8"):
        canonical(entry(text="\ud800"))


def test_an_edited_row_is_named() -> None:
    for number in range(1, 7):
        for change in (
            {"text": canonical(entry(pod_uid="forged"))},
            {"hash": link("x", "y")},
            {"prev": link("x", "y")},
        ):
            whole = chain()
            whole.rows[1][number - 1] = whole.rows[1][number - 1]._replace(**change)  # type: ignore[arg-type]

            assert whole.tell() == [f"row-edited: segment 1, row {number}"]


def test_a_row_written_anew_with_its_hash_is_named() -> None:
    whole = chain()
    old = whole.rows[1][2]
    text = canonical(entry(pod_uid="forged"))
    whole.rows[1][2] = old._replace(text=text, hash=link(old.prev, text))

    assert whole.tell() == ["row-rewritten: segment 1, row 3"]


def test_a_chain_written_anew_from_a_row_on_contradicts_the_next_segment() -> None:
    whole = chain()
    forged = texts(6)
    forged[3] = canonical(entry(pod_uid="forged"))
    rows = rows_after(whole.segments[0].hash, forged)
    whole.rows[1][:] = rows
    whole.segments[0] = whole.segments[0]._replace(head=rows[-1].hash)

    assert whole.tell() == ["row-rewritten: segment 1, row 6"]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (3, 3), (2, 4), (6, 6), (1, 6)])
def test_removed_rows_are_named(first: int, last: int) -> None:
    whole = chain()
    del whole.rows[1][first - 1 : last]

    rows = f"row {first}" if first == last else f"rows {first} to {last}"
    assert whole.tell() == [f"row-removed: segment 1, {rows}"]


def test_two_holes_are_two_findings() -> None:
    whole = chain()
    del whole.rows[1][4], whole.rows[1][1]

    assert whole.tell() == ["row-removed: segment 1, row 2", "row-removed: segment 1, row 5"]


def test_rows_numbered_anew_after_a_removal_are_noticed() -> None:
    whole = chain()
    left = [row for row in whole.rows[1] if row.number != 3]
    whole.rows[1][:] = [row._replace(number=number) for number, row in enumerate(left, 1)]

    assert whole.tell() == ["row-rewritten: segment 1, row 2", "row-removed: segment 1, row 6"]


def exchange(rows: list[Row], one: int, other: int) -> None:
    a, b = rows[one - 1], rows[other - 1]
    rows[one - 1], rows[other - 1] = b._replace(number=one), a._replace(number=other)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3), (1, 6), (2, 5), (5, 6), (2, 4)])
def test_exchanged_rows_are_named(one: int, other: int) -> None:
    whole = chain()
    exchange(whole.rows[1], one, other)

    assert whole.tell() == [f"rows-reordered: segment 1, rows {one} and {other}"]


def test_exchanged_texts_are_named() -> None:
    whole = chain()
    a, b = whole.rows[1][1], whole.rows[1][4]
    whole.rows[1][1], whole.rows[1][4] = a._replace(text=b.text), b._replace(text=a.text)

    assert whole.tell() == ["rows-reordered: segment 1, rows 2 and 5"]


def test_rows_cut_off_the_end_are_missed_by_the_segment() -> None:
    whole = chain()
    del whole.rows[2][4:]

    assert whole.tell() == ["row-removed: segment 2, rows 5 to 6"]


def cut_with_its_note(whole: Chain) -> Witness:
    """Cut the last rows and change what the segment says of its end; return what a witness had seen."""
    last = whole.rows[2][-1]
    del whole.rows[2][3:]
    whole.segments[1] = whole.segments[1]._replace(last=3, head=whole.rows[2][-1].hash)
    return Witness(2, last.number, last.hash)


def test_a_tail_cut_off_together_with_its_note_takes_a_witness() -> None:
    whole = chain()
    seen = cut_with_its_note(whole)

    assert whole.tell() == []
    assert whole.tell(seen) == ["row-removed: segment 2, rows 4 to 6"]


def test_a_segment_cut_off_whole_takes_a_witness() -> None:
    whole = chain()
    seen = Witness(2, 0, whole.segments.pop().hash)

    assert whole.tell() == []
    assert whole.tell(seen) == ["segment-removed: segment 2"]


def test_a_witness_of_another_hash_is_a_finding() -> None:
    assert chain().tell(Witness(2, 3, ZERO)) == ["row-rewritten: segment 2, row 3"]
    assert chain().tell(Witness(2, 0, ZERO)) == ["row-rewritten: segment 2, its opening"]


def test_a_segment_that_the_next_one_names_is_missed() -> None:
    whole = chain()
    del whole.segments[0]

    assert whole.tell() == ["segment-removed: segment 1"]


def pruned(known: int) -> Chain:
    """The first segment was removed by prune, which knew it up to a row."""
    first, _ = segment(1, texts(6))
    second, rows = segment(2, texts(2), after=(anchor(first),))
    third, more = segment(
        3, purpose=Purpose.PRUNE, after=(anchor(second),), dropped=(anchor(first, number=known),), dropped_before=NOON
    )
    return Chain([second, third], {2: rows, 3: more})


def test_a_pruned_segment_is_not_missed() -> None:
    assert pruned(6).tell() == []
    assert pruned(6).tell(Witness(1, 4, ZERO)) == [], "what was pruned can no longer be compared"
    assert pruned(5).tell() == ["segment-removed: segment 1"]


def test_a_forged_opening_is_named() -> None:
    whole = chain()
    whole.segments[1] = whole.segments[1]._replace(text=segment(2, at=NOON)[0].text)

    assert whole.tell() == ["row-edited: segment 2, its opening"]


def test_an_opening_that_cannot_be_read_is_named() -> None:
    whole = chain()
    whole.segments[1] = whole.segments[1]._replace(text="?")

    assert whole.tell() == ["row-edited: segment 2, its opening"]


def test_an_opening_written_anew_is_missed_by_its_first_row() -> None:
    whole = chain()
    forged = segment(2, at=NOON)[0]
    whole.segments[1] = whole.segments[1]._replace(text=forged.text, hash=forged.hash)

    assert whole.tell() == ["row-rewritten: segment 2, its opening"]


def test_exchanged_segments_are_told() -> None:
    whole = chain()
    one, other = whole.segments
    whole.segments[:] = [other._replace(number=1), one._replace(number=2)]
    whole.rows[1], whole.rows[2] = whole.rows[2], whole.rows[1]

    assert "rows-reordered: segment 1, its opening" in whole.tell()


def test_a_row_more_than_the_segment_has_is_told() -> None:
    whole = chain()
    head = whole.rows[2][-1].hash
    text = canonical(entry(pod_uid="forged"))
    whole.rows[2].append(Row(7, text, head, link(head, text)))

    assert whole.tell() == ["row-rewritten: segment 2, its end"]


def test_an_end_noted_wrongly_is_told() -> None:
    whole = chain()
    whole.segments[1] = whole.segments[1]._replace(head=ZERO)

    assert whole.tell() == ["row-rewritten: segment 2, row 6"]


def touched(rows: Sequence[Row], one: int, other: int, how: str) -> list[Row]:
    changed = list(rows)
    match how:
        case "edit":
            changed[one] = changed[one]._replace(text=changed[one].text.replace("infra", "other"))
        case "remove":
            del changed[one]
        case _:
            exchange(changed, one + 1, other + 1)
    return changed


@given(
    st.integers(2, 12).flatmap(lambda n: st.tuples(st.just(n), st.permutations(range(n)))),
    st.sampled_from(["edit", "remove", "swap"]),
)
def test_any_single_edit_removal_or_swap_is_found_and_named(which: tuple[int, Sequence[int]], how: str) -> None:
    count, (one, other, *_) = which
    whole = chain(count)
    whole.rows[1][:] = touched(whole.rows[1], one, other, how)

    told = whole.tell()

    expected = {
        "edit": f"row-edited: segment 1, row {one + 1}",
        "remove": f"row-removed: segment 1, row {one + 1}",
        "swap": f"rows-reordered: segment 1, rows {min(one, other) + 1} and {max(one, other) + 1}",
    }
    assert told == [expected[how]]


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from(["edit", "remove", "swap"])),
        min_size=1,
        max_size=4,
    )
)
def test_no_mix_of_changes_that_leaves_a_change_goes_unnoticed(changes: list[tuple[int, int, str]]) -> None:
    whole = chain(8)
    before = list(whole.rows[1])
    for one, other, how in changes:
        rows = whole.rows[1]
        if (
            one < len(rows)
            and other < len(rows)
            and (how != "swap" or [r.number for r in rows] == list(range(1, len(rows) + 1)))
        ):
            whole.rows[1][:] = touched(rows, one, other, how)

    assert (whole.tell() == []) == (whole.rows[1] == before)


def test_an_alert_is_an_entry_like_any_other() -> None:
    alert = Entry(kind=EntryKind.ALERT, at=NOON, cluster="prod-1", text="breach")

    assert entry_of(canonical(alert)) == alert


def test_a_witness_is_read_out_of_any_log() -> None:
    line = witness_line(3, 17, ZERO, canonical(entry(text='"ledger":"9:9","hash":"' + "f" * 64)))
    lines = ["started", f"2026-11-20T12:00:00Z stdout F {line}", json.dumps({"log": line}), '{"ledger":"3:17"}']

    assert list(witnesses(lines)) == [Witness(3, 17, ZERO)] * 2
    assert json.loads(line)["entry"]["kind"] == "opened"
