"""The walk through expression and goal."""

from __future__ import annotations

import pytest

from runner_bridge.core.overwrites import goal
from runner_bridge.core.overwrites.nfa import build
from runner_bridge.core.overwrites.search import Path, Search, StateLimitError
from runner_bridge.core.overwrites.syntax import parse

TWO_CHARS = goal.Machine(((goal.Edge(goal.ANY, 1),), (goal.Edge(goal.ANY, 2),), ()), frozenset({2}))


def shortest(pattern: str, machine: goal.Machine = goal.ANYTHING) -> str | None:
    path = Search(build(parse(pattern))).shortest(machine)
    return path.text if path else None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", ""),
        ("abc", "abc"),
        ("^$", ""),
        ("a^b", None),
        ("[^a-z]", "0"),
        (r"\bx", "x"),
        (r"x\B", "xx"),
        (r"(?m)x$\ny", "x\ny"),
        (r"(?m)x$.y", None),
        (r"(?ms)x$.^y", "x\ny"),
        (r"(?m)\w$\W^\w", "x\nx"),
        (r"a\b.\Bb", None),
        ("é", "é"),
        (r"[^a-\x{10FFFF}]", "0"),
        ("[^\\x00-\\x7f]", "é"),
        ("[^\\x00-é]", "ê"),
        ("[\u4e00-\u4eff]", "\u4e00"),
        (r"[\x{D7FF}-\x{E000}]", "\ud7ff"),
        (r"[\x{D800}-\x{E000}]", "\ue000"),
        (r"\x{D800}", None),
    ],
)
def test_finds_the_shortest_text_that_reads_best(pattern: str, text: str | None) -> None:
    assert shortest(pattern) == text


def test_both_sides_must_agree() -> None:
    assert shortest("^.$", TWO_CHARS) is None
    assert shortest("(?s)^..$", TWO_CHARS) == "xx"
    assert shortest("(?i)K$", TWO_CHARS) == "xk"


def test_what_a_reference_must_become_is_kept_in_order() -> None:
    machine = goal.Machine(
        ((goal.Edge(goal.mask("a"), 1, "first"),), (goal.Edge(goal.mask("b"), 2, ""),), ()), frozenset({2})
    )

    assert Search(build(parse("b"))).shortest(machine) == Path("ab", ("first", ""))


def test_one_budget_holds_for_all_walks() -> None:
    search = Search(build(parse("abc")), most_steps=30)
    search.shortest(goal.ANYTHING)

    with pytest.raises(StateLimitError):
        search.shortest(goal.ANYTHING)
