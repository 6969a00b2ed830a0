"""The reader of regular expressions, compared with Go's own answers and with google-re2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner_bridge.core.overwrites.nfa import build, matches
from runner_bridge.core.overwrites.syntax import DEEPEST, parse
from runner_bridge.core.overwrites.tree import NotUnderstoodError, RefusedError
from tests.core.overwrites.patterns import NOISE, PATTERNS

# What the regexp package of Go 1.26.8 said: which of the texts each pattern matches; null where it is refused.
GO = json.loads((Path(__file__).parent / "samples" / "go-regexp.json").read_text(encoding="utf-8"))
TEXTS: list[str] = GO["texts"]
NEW_NAMES = (r"\p{Letter}",)
"""Go 1.25 and newer know long names of Unicode classes, google-re2 does not: nothing is claimed about them."""


@pytest.mark.parametrize("pattern", [one for one, found in GO["patterns"].items() if found is not None])
def test_matches_the_texts_that_go_matches(pattern: str) -> None:
    if pattern in NEW_NAMES:
        with pytest.raises(NotUnderstoodError):
            parse(pattern)
        return
    nfa = build(parse(pattern))

    assert [index for index, text in enumerate(TEXTS) if matches(nfa, text)] == GO["patterns"][pattern]


@pytest.mark.parametrize("pattern", [one for one, found in GO["patterns"].items() if found is None])
def test_refuses_what_go_refuses(pattern: str) -> None:
    with pytest.raises(NotUnderstoodError if pattern == r"\p{Nowhere}" else RefusedError):
        parse(pattern)


_TEXTS = st.one_of(
    st.text(alphabet='aK\u212akſsé team=\n.[]"$cni', max_size=12),
    st.lists(
        st.sampled_from(("team=", "cni.projectcalico.org/", "ipv4pools=", '["', '"]', "$", "infra", "\n", "a", "K")),
        max_size=5,
    ).map("".join),
)


@settings(max_examples=400)
@given(PATTERNS, st.lists(_TEXTS, min_size=1, max_size=6))
@example(r"(?m)a$|^b\B", ["a\nb", "a", "xb"])
@example(r"(?i)[^k]\w", ["\u212aK", "kK", "\u212aé"])
def test_reads_the_same_language_as_google_re2(pattern: str, texts: list[str]) -> None:
    try:
        nfa = build(parse(pattern))
    except NotUnderstoodError:
        return
    except RefusedError:
        assert not _compiles(pattern)
        return
    for text in texts:
        # google-re2 looks for \B between bytes, also inside one character; Go does not.
        if r"\B" not in pattern or text.isascii():
            assert matches(nfa, text) == (re2.search(pattern, text, _quiet()) is not None)


@settings(max_examples=600)
@given(NOISE)
def test_refuses_exactly_what_google_re2_refuses(pattern: str) -> None:
    try:
        parse(pattern)
    except NotUnderstoodError:
        return
    except RefusedError:
        # google-re2 alone knows \C and names of groups with letters beyond ASCII.
        assert not _compiles(pattern) or r"\C" in pattern or "<" in pattern
        return
    assert _compiles(pattern)


def test_deep_nesting_is_not_followed() -> None:
    parse("(" * DEEPEST + ")" * DEEPEST)

    with pytest.raises(NotUnderstoodError):
        parse("(" * (DEEPEST + 1) + ")" * (DEEPEST + 1))


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _compiles(pattern: str) -> bool:
    try:
        re2.compile(pattern, _quiet())
    except re2.error:
        return False
    return True
