"""The automata of what is feared, against plain predicates."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.overwrites import goal
from tests.core.overwrites.machines import accepts

JSON_BITS = st.lists(
    st.sampled_from(
        (
            "[",
            "]",
            '"',
            ",",
            " ",
            "\n",
            "\\",
            "\\n",
            "\\u00e9",
            "\\u12",
            "a",
            "é",
            "null",
            "nul",
            '"a"',
            '["a"]',
            "\x01",
        )
    ),
    max_size=9,
).map("".join)


def _list_of_strings(text: str) -> bool:
    try:
        parsed = json.loads(text)
    except ValueError:
        return False
    return isinstance(parsed, list) and len(parsed) > 0 and all(isinstance(one, str) for one in parsed)


@given(JSON_BITS)
def test_a_json_list_is_what_a_json_parser_takes(text: str) -> None:
    assert accepts(goal.json_list(), text) == _list_of_strings(text)


@pytest.mark.parametrize("text", ["[]", " [ ] ", "null", "null\n"])
def test_an_empty_list_counts_only_where_it_is_asked_for(text: str) -> None:
    assert accepts(goal.json_list(nothing=("[]",)), text)
    assert not accepts(goal.json_list(), text)


def test_the_empty_text_counts_only_where_it_is_asked_for() -> None:
    assert accepts(goal.json_list(nothing=("",)), "")
    assert not accepts(goal.json_list(nothing=("",)), " ")
    assert not accepts(goal.json_list(nothing=("[]",)), "")


def test_a_plain_list_has_no_escapes_and_no_empty_strings() -> None:
    plain = goal.json_list(goal.LOWER, escapes=False)

    assert accepts(plain, '["ab", "c"]')
    assert not accepts(plain, '[""]')
    assert not accepts(plain, '["\\n"]')
    assert not accepts(plain, '["A"]')


@given(st.text(alphabet="ab-.A_", max_size=6))
def test_names_begin_and_end_with_a_letter_or_digit(text: str) -> None:
    valid = re.fullmatch("[a-z0-9]([-a-z0-9.]*[a-z0-9])?", text) is not None

    assert accepts(goal.name(inner=goal.mask("-.")), text) == valid
    assert accepts(goal.name(inner=goal.mask("-."), first="prod-"), f"prod-{text}") == valid


@given(st.text(alphabet="ab-._A", max_size=6))
def test_values_of_labels_are_as_kubernetes_has_them(text: str) -> None:
    assert accepts(goal.LABEL_VALUE, text) == (
        re.fullmatch("([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?", text) is not None
    )


def test_a_prefix_may_be_the_beginning_of_another() -> None:
    machine = goal.after({"a=": goal.literal("1"), "a=b": goal.literal("2"), "a": goal.literal("x", "xy")})

    assert [text for text in ("a=1", "a=b2", "ax", "axy", "a=2", "a", "") if accepts(machine, text)] == [
        "a=1",
        "a=b2",
        "ax",
        "axy",
    ]


def test_the_rest_of_a_key_is_followed_by_anything() -> None:
    assert accepts(goal.KEY_AND_ANYTHING, "tier=x=\né")
    assert not accepts(goal.KEY_AND_ANYTHING, "=x")
    assert not accepts(goal.KEY_AND_ANYTHING, "tier")


def test_every_character_of_ascii_has_its_own_bit() -> None:
    assert sorted(goal.SYMBOLS) == [chr(code) for code in range(128)]
    assert sum(goal.BIT.values()) | goal.BEYOND == goal.ANY


def test_the_character_that_reads_best_is_chosen() -> None:
    assert goal.first_char(goal.ANY) == "x"
    assert goal.first_char(goal.BEYOND) == "é"
