"""Calico's selectors: what Calico reads, what it refuses, and whom a selector can match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint.selector import read


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        (" \t", True),
        ("all()", True),
        ("all( )", True),
        ("!all()", False),
        ("! !all()", True),
        ("(all())", True),
        ("!(all() || has(x))", False),
        ("!(has(x) && !all())", True),
        ("has(x) || all()", True),
        ("has(x) && !all()", False),
        ("!all() || !all()", False),
        ("all() && has( a/b.c_d-e )", None),
        ("!has(x)", None),
        ('ci == "yes"', None),
        ("ci=='it is \"so\"'", None),
        ('ci != ""', None),
        ("a in {'x',\"y\",}", None),
        ("a in{}", None),
        ('a not in {"x"}', None),
        ('a notin {"x"}', None),
        ('a contains "x" && (b starts with "y" || c ends  with "z")', None),
        ('has == "x"', None),
        ("global()", None),
        ("(" * 500 + "all()" + ")" * 500, True),
        ("!" * 999 + "all()", False),
    ],
)
def test_a_selector_that_calico_reads(text: str, matches: bool | None) -> None:
    selector = read(text)
    assert selector.is_well_formed, selector
    assert selector.matches is matches


@pytest.mark.parametrize(
    ("text", "wrong", "expected"),
    [
        ("ci == yes", "yes", 'a value in quotes, such as "yes"'),
        ("ci == ", "the end of the selector", "a value in quotes"),
        ("ci == &", "&", "a value in quotes"),
        ('ci = "yes"', "=", "an operator after ci, such as == or in, and a value in quotes"),
        ("ci", "the end of the selector", "an operator after ci, such as == or in, and a value in quotes"),
        ("ci yes", "yes", "an operator after ci, such as == or in, and a value in quotes"),
        ('ci == "yes', '"', "a value in quotes"),
        ("a in [1]", "[1]", 'a set of values, such as {"a", "b"}'),
        ("a in {,}", ",", "a value in quotes, or } at the end of the set"),
        ('a in {"x" "y"}', '"', "a value in quotes, or } at the end of the set"),
        ("((", "the end of the selector", 'an expression, such as all(), has(label) or label == "value"'),
        ("(all()", "a parenthesis that is not closed", ")"),
        ("all())", ")", "&&, || or the end of the selector"),
        ("all() all()", "all", "&&, || or the end of the selector"),
        ("all() &", "&", "&&, || or the end of the selector"),
        ("all() &&", "the end of the selector", 'an expression, such as all(), has(label) or label == "value"'),
        ("all(x)", "(", "all()"),
        ("has()", "(", "has(label)"),
        ("!= 'x'", "!", 'an expression, such as all(), has(label) or label == "value"'),
        ("é == 'x'", "é", 'an expression, such as all(), has(label) or label == "value"'),
        ("all()\n", "a line break", "&&, || or the end of the selector; only blanks and tabs may stand between"),
    ],
)
def test_a_selector_that_calico_refuses(text: str, wrong: str, expected: str) -> None:
    selector = read(text)
    assert not selector.is_well_formed
    assert (selector.observed, selector.expected, selector.matches) == (wrong, expected, None)
    if wrong in text:
        assert text[selector.start : selector.end] == wrong


PIECES = ["all()", "has(a)", "a", '"v"', "==", "in", "{", "}", ",", "&&", "||", "!", "(", ")", " ", "\n", "not in", "="]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused_at_a_place_inside_of_it(text: str) -> None:
    selector = read(text)
    assert 0 <= selector.start <= len(text)
    assert selector.is_well_formed or selector.start < selector.end <= len(text) + 1


@given(
    st.recursive(
        st.sampled_from(["all()", "!all()"]),
        lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda one: f"!({one[0]} {one[1]} {one[2]})"
        ),
    )
)
def test_constant_selectors_mean_what_python_says(text: str) -> None:
    python = text.replace("!", " not ").replace("all()", "True").replace("&&", "and").replace("||", "or")
    assert read(text).matches is eval(python)  # noqa: S307 - built from four words
