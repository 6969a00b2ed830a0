"""The last expansion backwards, against the expansion itself."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner_bridge.core.overwrites import expansion, goal
from runner_bridge.core.overwrites.expansion import Variable
from runner_bridge.core.overwrites.inverse import Define, through_expansion
from runner_bridge.core.overwrites.nfa import build
from runner_bridge.core.overwrites.search import Path, Search
from runner_bridge.core.overwrites.syntax import parse
from tests.core.overwrites.machines import accepts

FINAL = goal.json_list(nothing=("[]", ""))
ANY_TEXT = through_expansion(FINAL, Define.ANY)
PROPER = through_expansion(FINAL, Define.PROPER)
ONLY_EMPTY = through_expansion(FINAL, Define.NONE)
PIECES = (
    "$",
    "{",
    "}",
    "$$",
    "${",
    "$a",
    "${a}",
    "${b c}",
    "$1",
    "${1}",
    "${12}",
    "$-",
    "${-}",
    "[",
    "]",
    '"',
    ",",
    "a",
    "é",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
VALUES = st.sampled_from(("", "[", "]", '"', '["a"]', '"a"', ",", "$a", "x", '["', '"]', "[]", "$", "}"))
NAMES = ("a", "b c", "12", "-", "$", "1", "{a", "a1", '"', "$a")


@settings(max_examples=600)
@given(TEXTS, st.dictionaries(st.sampled_from(NAMES), VALUES))
@example("$", {})
@example('["$"]', {})
@example("${a", {})
@example("[${", {})
@example("[]$a}", {})
def test_no_expansion_reaches_the_goal_from_a_text_that_was_not_foreseen(text: str, values: dict[str, str]) -> None:
    variables = [Variable(key=name, value=value) for name, value in values.items()]
    final = expansion.expand(text, lambda name: expansion.value_of(name, variables))

    if accepts(FINAL, final):
        assert accepts(ANY_TEXT, text)
        assert accepts(PROPER, text) or not all(name in ("a", "a1") for name in values)
    if accepts(FINAL, expansion.expand(text, lambda name: name if name == "$" else "")):
        assert accepts(ONLY_EMPTY, text)


@settings(max_examples=600)
@given(TEXTS)
def test_each_text_that_was_foreseen_reaches_the_goal(text: str) -> None:
    path = _path(text)
    names = [name for _, _, name in expansion.references(text) if not expansion.is_fixed(name)]

    if path is None:
        assert not accepts(ANY_TEXT, text)
    elif len(set(names)) == len(names):
        assert len(path.replaced) == len(names)
        chosen = dict(zip(names, path.replaced, strict=True))
        assert accepts(FINAL, expansion.expand(text, lambda name: name if name == "$" else chosen.get(name, "")))


def _path(text: str) -> Path | None:
    """The way of exactly this text through the inverse, if there is one."""
    one_by_one = "".join(f"\\x{{{ord(char):X}}}" for char in text)
    return Search(build(parse(rf"\A{one_by_one}\z"))).shortest(ANY_TEXT)


@pytest.mark.parametrize(
    ("text", "reachable"),
    [
        ('["a"]${b}', True),
        ('["a"]$', False),
        ('["a"]$b', True),
        ('["a"]${b', False),
        ('["a"]${', True),
        ("$a", True),
        ("$1", True),
        ("x$1", False),
        ("[$a]", True),
        ("[$1]", True),
        ("[a]", False),
    ],
)
def test_what_a_text_may_become(text: str, *, reachable: bool) -> None:
    assert accepts(ANY_TEXT, text) is reachable


DOLLARS = ("a$", "a$b", "$$", "a${", "a}", "a")


@given(st.lists(st.sampled_from(("a", "b", "$", "{", "}", "$b", "1")), max_size=5).map("".join))
@example("a$")
@example("a$$b")
@example("${$}$")
@example("$$${")
@example("${a}")
def test_a_dollar_may_be_meant(text: str) -> None:
    final = expansion.expand(text, lambda name: name if name == "$" else "")

    assert accepts(through_expansion(goal.literal(*DOLLARS), Define.NONE), text) is (final in DOLLARS)


def test_only_a_proper_name_is_given_a_text() -> None:
    assert accepts(PROPER, '$a"]')
    assert accepts(PROPER, '${a1}"]')
    assert not accepts(PROPER, '${b c}"]')
    assert not accepts(PROPER, '$-"]')
    assert not accepts(PROPER, '${1a}"]')
    assert accepts(PROPER, '["a"]${b c}$-')


def test_where_nothing_is_defined_a_reference_only_vanishes() -> None:
    assert accepts(ONLY_EMPTY, '["a"]$b')
    assert accepts(ONLY_EMPTY, "$a")
    assert not accepts(ONLY_EMPTY, "[$a")
