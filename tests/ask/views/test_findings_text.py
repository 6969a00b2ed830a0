"""Findings as text: laid out for 80 columns, the caret where it belongs, the terminal never steered."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.views.findings_text import render
from runner_bridge.core.model import Place, Severity
from tests import make

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(line: str, column: int, end_column: int = 0, width: int = 80) -> list[str]:
    """The two lines of the excerpt, without the line number."""
    place = Place(file="a", line=7, column=column, end_column=end_column)
    text = render([make.finding(place=place, excerpt=(line,))], colour=False, width=width)
    return [row.partition(" |")[2].removeprefix(" ") for row in text.splitlines() if " |" in row]


FULL = make.finding(
    place=Place(file="pools.yaml", line=3, column=9, end_column=22),
    excerpt=("  cidr: 172.16.0.0/16",),
    observed="172.16.0.0/16, which holds 172.16.128.0/17",
    expected="pools without a common address",
    cause="Calico gives out an address of the smaller pool for the larger one too, so that two pods can have it.",
    proof="first line\n  second line that is much longer than what a terminal of eighty columns can show in one",
)


def test_a_finding_reads_well_at_eighty_columns() -> None:
    assert render([FULL], colour=False, width=80) == (
        "pools.yaml:3:9: error: pools.a: two pools share addresses [pool-overlap]\n"
        "  3 |   cidr: 172.16.0.0/16\n"
        "    |         ^^^^^^^^^^^^^\n"
        "  seen      172.16.0.0/16, which holds 172.16.128.0/17\n"
        "  expected  pools without a common address\n"
        "  because   Calico gives out an address of the smaller pool for the larger one\n"
        "            too, so that two pods can have it.\n"
        "  proof\n"
        "   first line\n"
        "     second line that is much longer than what a terminal of eighty columns can show in one\n"
        "  do        Make them disjoint.\n"
    )


def test_colour_changes_no_character() -> None:
    colourful = render([FULL, make.finding(place=None)], colour=True, width=80)
    assert colourful != ANSI.sub("", colourful)
    assert ANSI.sub("", colourful) == render([FULL, make.finding(place=None)], colour=False, width=80)


def test_colour_is_left_out_where_the_place_fills_the_first_line() -> None:
    far = make.finding(place=Place(file="x" * 90, line=1))
    assert ANSI.sub("", render([far], colour=True, width=80)) == render([far], colour=False, width=80)


def test_paragraphs_are_apart_and_none_is_empty() -> None:
    assert render([], colour=False, width=80) == ""
    assert render([FULL, FULL], colour=False, width=80).count("\n\n") == 1


def test_a_finding_without_place_names_its_subject_alone() -> None:
    text = render([make.finding(place=None, remedy="Do this.")], colour=False, width=80)
    assert text == "error: pools.a: two pools share addresses [pool-overlap]\n  do        Do this.\n"


def test_a_place_without_column_shows_the_line_without_caret() -> None:
    assert shown("key: value", 0) == ["key: value"]


@pytest.mark.parametrize(
    ("line", "column", "end", "source", "caret"),
    [
        pytest.param("\tkey: x", 7, 8, "    key: x", "         ^", id="a tab is four columns"),
        pytest.param("a\tb", 3, 4, "a   b", "    ^", id="a tab goes to the next stop"),
        pytest.param("日本: x", 5, 6, "日本: x", "      ^", id="wide characters take two"),
        pytest.param("日本: x", 1, 3, "日本: x", "^^^^", id="... under the mark too"),
        pytest.param("e\u0301: x", 5, 6, "e\u0301: x", "   ^", id="combining characters take none"),
        pytest.param("abc", 4, 5, "abc", "   ^", id="one past the end"),
        pytest.param("abc", 2, 99, "abc", " ^^", id="a mark ends with its line"),
        pytest.param("abc", 99, 0, "abc", "   ^", id="a column past the end"),
        pytest.param("", 1, 0, "", "^", id="an empty line"),
        pytest.param("a\x1b[31mb", 7, 8, "a\u241b[31mb", "      ^", id="an escape is a symbol"),
        pytest.param("a\x9b\u202e\u2028b", 5, 6, "a\ufffd\ufffd\ufffdb", "    ^", id="so is what turns the text"),
    ],
)
def test_the_caret_stands_under_what_is_meant(line: str, column: int, end: int, source: str, caret: str) -> None:
    assert shown(line, column, end) == [source, caret]


@pytest.mark.parametrize(
    ("column", "source"),
    [
        pytest.param(1, r"X[a-z]+…", id="at the start"),
        pytest.param(100, r"…[a-z]+X[a-z]+…", id="in the middle"),
        pytest.param(10_000, r"…[a-z]+X", id="at the end"),
    ],
)
def test_a_long_line_is_cut_around_the_caret(column: int, source: str) -> None:
    line = "".join("X" if number == column else "abc"[number % 3] for number in range(1, 10_001))
    shown_line, caret = shown(line, column, column + 1, width=60)
    assert re.fullmatch(source, shown_line)
    assert len(shown_line) <= 60 - len("  7 | ")
    assert shown_line[len(caret) - 1] == "X"


def test_what_was_quoted_cannot_steer_the_terminal() -> None:
    nasty = make.finding(observed="\x1b]0;title\x07", subject="a\x1b[2Jb", proof="\x1b[1m\udcff", place=None)
    text = render([nasty], colour=False, width=80)
    assert "\x1b" not in text
    assert "\x07" not in text
    text.encode()


@given(
    line=st.text(max_size=200).map(lambda text: "".join(text.splitlines())),
    column=st.integers(0, 250),
    length=st.integers(0, 20),
    width=st.integers(0, 120),
)
def test_any_excerpt_fits_the_terminal(line: str, column: int, length: int, width: int) -> None:
    rows = shown(line, column, column + length if column else 0, width)
    for row in rows:
        cells = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in row)
        slack = sum(unicodedata.category(character) in {"Mn", "Me", "Cf"} for character in row)
        assert cells - slack <= max(width, 40) - len("  7 | ") + 1
    assert all(
        character.isprintable() or unicodedata.category(character) in {"Cf", "Zs", "Co", "Cn"}
        for row in rows
        for character in row
    )


def test_advice_says_only_what_it_is_about_and_what_to_do() -> None:
    mild = replace(FULL, code=replace(FULL.code, severity=Severity.ADVICE))

    assert render([mild], colour=False, width=80) == (
        "pools.yaml:3:9: advice: pools.a: two pools share addresses [pool-overlap]\n  do        Make them disjoint.\n"
    )
