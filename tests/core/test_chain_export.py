"""An export holds the chain: what verifies before verifies after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.chain import ZERO, Row, Segment, canonical, link, verify
from runner_bridge.core.chain_export import PART, entry_line, opening_line, read
from runner_bridge.core.errors import WireError
from runner_bridge.core.model.ledger import Anchor, Opening, Purpose
from tests.make import NOON, entry


def exported(texts: list[str]) -> list[str]:
    """Two segments with the same entries, as an export writes them."""
    lines: list[str] = []
    entries: list[str] = []
    after: tuple[Anchor, ...] = ()
    for number in (1, 2):
        opening = Opening(segment=number, at=NOON, purpose=Purpose.RUN, cluster="prod-1", after=after)
        first = head = link(ZERO, canonical(opening))
        for place, text in enumerate(texts, 1):
            prev, head = head, link(head, canonical(entry(text=text)))
            entries.append(entry_line(number, Row(place, canonical(entry(text=text)), prev, head)))
        lines.append(opening_line(Segment(number, canonical(opening), first, len(texts), head)))
        after = (Anchor(segment=number, number=len(texts), hash=head, alive_at=NOON),)
    return [*lines, *entries]


def findings(lines: list[str]) -> list[str]:
    export = read(lines)
    return [one.subject for one in verify(export.segments, lambda number: export.rows.get(number, []))]


@given(st.lists(st.text(), max_size=5), st.randoms())
def test_an_export_verifies_in_any_order_of_its_lines(texts: list[str], random: object) -> None:
    lines = exported(texts)
    random.shuffle(lines)  # type: ignore[attr-defined]

    assert findings([*lines, "\n", ""]) == []


@given(st.integers(2, 5), st.integers(0, 4), st.sampled_from(["edit", "remove"]))
def test_a_line_that_was_touched_is_found(count: int, place: int, how: str) -> None:
    lines = exported([str(number) for number in range(count)])
    place = 2 + place % count
    if how == "edit":
        lines[place] = lines[place].replace("infra", "other")
    else:
        del lines[place]

    assert findings(lines) == [f"segment 1, row {place - 1}"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([PART], "leaves entries out"),
        ([PART.strip()], "leaves entries out"),
        (["{"], "line 1"),
        (['{"segment":"x"}'], "line 1"),
        (["[]"], "line 1"),
        (["\ud800"], "line 1"),
    ],
)
def test_what_is_no_whole_export_is_refused(lines: list[str], says: str) -> None:
    with pytest.raises(WireError, match=says):
        read(lines)


def test_an_empty_export_holds_nothing() -> None:
    assert read([]) == ([], {})
