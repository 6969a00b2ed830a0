"""What is written is what was meant, for every value that TOML has."""

from __future__ import annotations

import tomllib
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.render import toml_text

text = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.one_of(
        text,
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.dates(),
        st.times(),
        st.datetimes(),
        st.datetimes(timezones=st.just(timezone(timedelta(hours=-3)))),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_any_value_on_one_line_parses_to_itself(value: object) -> None:
    line = f"value = {toml_text.value(value)}"
    assert "\n" not in line
    assert tomllib.loads(line) == {"value": value}


@given(st.dictionaries(text, values, max_size=4))
def test_any_table_parses_to_itself(table: dict[str, object]) -> None:
    assert tomllib.loads(toml_text.array_item("runners", table)) == {"runners": [table]}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        ('["infraestrutura"]', """'["infraestrutura"]'"""),
        ("it's", '"it\'s"'),
        ("\\d", "'\\d'"),
        ("'\"", '"\'\\u0022"'),
        ("a\nb", '"a\\u000ab"'),
    ],
)
def test_a_string_takes_the_quotes_that_keep_it_readable(text: str, written: str) -> None:
    assert toml_text.string(text) == written


def test_tables_stand_behind_keys_under_headers_of_their_own() -> None:
    table = {"a": {"x/y": 1}, "b": 2}
    assert toml_text.array_item("runners", table) == '[[runners]]\n  b = 2\n  [runners.a]\n    "x/y" = 1\n'


def test_what_toml_does_not_have_is_no_value() -> None:
    with pytest.raises(TypeError, match="TOML has no value of type NoneType"):
        toml_text.value(None)
