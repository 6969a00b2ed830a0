"""
The promise of the check: no variable reaches a pool through a pattern that was not said to open it.

The replay uses neither the automaton nor the search: only the runner's expansions and google-re2. The last test shows
that the property catches deciders that are wrong in the ways that matter.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
import re2
from hypothesis import assume, example, find, given, settings
from hypothesis import strategies as st

from runner_bridge.core.overwrites import Decision, Setting, Verdict, decide, findings
from runner_bridge.core.overwrites.expansion import JobFailsError, Variable, overwritten
from runner_bridge.core.overwrites.questions import USUAL, takes
from tests.core.overwrites.patterns import NOISE, PATTERNS

if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "KUBERNETES_POD_ANNOTATIONS_"
KEYS = (*USUAL, "team", "cni.projectcalico.org/ipv4pools2", "CNI.projectcalico.org/ipv4pools")
LISTS = (
    '["default"]',
    '["a", "b"]',
    "[]",
    "null",
    "",
    '["infra\\u0061"]',
    ' ["a"] ',
    "$LIST",
    '["$NAME"]',
    "[${A}]",
    "${",
)
TAILS = (
    "",
    "${team=}",
    "${\nteam=}",
    "$infra",
    "${cni.projectcalico.org/ipv4pools=}",
    '${["infra}',
    "${=default]}",
    "${null}",
    "$x",
    "${",
    "${}",
    "$1",
    "$$",
    "${a",
    "\n",
    " ",
)
LISTS_OF_VARIABLES = (
    Variable(key="LIST", value='["default"]'),
    Variable(key="NAME", value="default"),
    Variable(key="A", value='"default"'),
)
GRID = tuple(f"{key}={value}{tail}" for key, value, tail in product(KEYS[:3], LISTS[:6], TAILS[:8]))
"""Texts that are tried on every pattern, besides those that are drawn."""

PARTS = st.one_of(
    st.sampled_from(TAILS), st.text(alphabet='team=\n ${}[]"infraA', max_size=8).map(lambda s: f"${{{s}}}")
)
ATTACKS = st.tuples(st.sampled_from(KEYS), PARTS, st.sampled_from(LISTS), PARTS).map(
    lambda parts: f"{parts[0]}={parts[1]}{parts[2]}{parts[3]}"
)


def breaks_out(matches: Callable[[str], bool], text: str, *, raw: bool) -> bool:
    """Whether this one variable, given to the runner, puts on the pod what Calico takes."""
    if raw and not matches(text):
        return False  # the same answer as below, without the work
    variables = (Variable(key=f"{PREFIX}1", value=text, raw=raw), *LISTS_OF_VARIABLES)
    try:
        result = overwritten({}, variables, prefix=PREFIX, allowed=matches)
    except JobFailsError:
        return False
    return any(takes(key, value) for key, value in result.items())


def compiled(pattern: str) -> Callable[[str], bool] | None:
    options = re2.Options()
    options.log_errors = False
    try:
        expression = re2.compile(pattern, options)
    except re2.error:
        return None
    return lambda text: expression.search(text) is not None


def is_wrong(decider: Callable[[str], Verdict], pattern: str, texts: list[str]) -> bool:
    """Whether the decider called a pattern harmless that one of the texts, or of the grid, breaks out of."""
    matches = compiled(pattern)
    if not pattern or matches is None or decider(pattern) in (Verdict.OPENS, Verdict.UNKNOWN):
        return False
    return any(breaks_out(matches, text, raw=raw) for text in (*GRID, *texts) for raw in (True, False))


@settings(max_examples=300)
@given(PATTERNS, st.lists(ATTACKS, max_size=10))
@example("(?m)^team=", ['cni.projectcalico.org/ipv4pools=["default"]${\nteam=}'])
@example("^team=.*", ['cni.projectcalico.org/ipv4pools=["default"]${team=}'])
def test_no_variable_reaches_a_pool_that_was_not_said_to_be_open(pattern: str, texts: list[str]) -> None:
    assert not is_wrong(lambda text: decide(text).verdict, pattern, texts)


@settings(max_examples=300)
@given(PATTERNS)
def test_each_proof_stands_up_by_itself(pattern: str) -> None:
    decision = decide(pattern)
    assume(decision.verdict in (Verdict.OPENS, Verdict.KEY_ONLY))
    matches = compiled(pattern)
    assert matches is not None
    assert decision.witness is not None

    result = overwritten({}, decision.witness.variables(), prefix=PREFIX, allowed=matches)

    assert result == {decision.witness.key: decision.witness.final}
    assert decision.witness.key in USUAL
    assert takes(decision.witness.key, decision.witness.final) is (decision.verdict is Verdict.OPENS)


@settings(max_examples=300)
@given(NOISE, st.sampled_from(Setting))
@example("\ud800", Setting.ANNOTATIONS)
@example("(" * 5000, Setting.ANNOTATIONS)
@example("(?:" * 500 + ")" * 500, Setting.ANNOTATIONS)
@example("a" * 20000, Setting.NAMESPACE)
@example("a{1000}" * 200, Setting.LABELS)
@example("[" * 1000, Setting.NODE_SELECTOR)
def test_any_text_gets_an_answer(pattern: str, setting: Setting) -> None:
    decision = decide(pattern, setting=setting)
    found = findings(pattern, setting=setting, place=None, subject="here")

    assert isinstance(decision, Decision)
    assert (decision.witness is not None) is (decision.verdict in (Verdict.OPENS, Verdict.KEY_ONLY))
    assert bool(decision.reason) is (decision.verdict in (Verdict.UNKNOWN, Verdict.INVALID))
    assert bool(found) is (decision.verdict is not Verdict.SAFE)


@settings(max_examples=300)
@given(st.one_of(NOISE, PATTERNS))
def test_what_is_called_invalid_is_refused_by_google_re2_too(pattern: str) -> None:
    verdict = decide(pattern).verdict

    if verdict is Verdict.INVALID:
        assert compiled(pattern) is None or r"\C" in pattern or "<" in pattern
    elif verdict is not Verdict.UNKNOWN:
        assert compiled(pattern) is not None


def _sampler(pattern: str) -> Verdict:
    """Tries the well-known attacks as they are written."""
    matches = compiled(pattern)
    hit = matches is not None and any(matches(f"{key}={value}") for key, value in USUAL.items())
    return Verdict.OPENS if hit else Verdict.SAFE


def _anchor_reader(pattern: str) -> Verdict:
    """Believes that what begins with an anchor and another key is safe."""
    return Verdict.SAFE if pattern.lstrip("(?imsU)").startswith(("^team", r"\Ateam")) else Verdict.OPENS


def _key_reader(pattern: str) -> Verdict:
    """Looks for Calico's name in the pattern."""
    return Verdict.OPENS if "cni" in pattern or "." in pattern else Verdict.SAFE


def _forgets_expansion(pattern: str) -> Verdict:
    """Decides the language, but takes the matched value for the final one."""
    decision = decide(pattern)
    witness = decision.witness
    return Verdict.SAFE if witness is not None and "$" in witness.value else decision.verdict


@pytest.mark.parametrize("wrong", [_sampler, _anchor_reader, _key_reader, _forgets_expansion], ids=lambda f: f.__name__)
def test_the_property_catches_a_decider_that_is_wrong(wrong: Callable[[str], Verdict]) -> None:
    pattern, texts = find(
        st.tuples(PATTERNS, st.lists(ATTACKS, max_size=3)),
        lambda drawn: is_wrong(wrong, *drawn),
        settings=settings(max_examples=3000, database=None),
    )

    assert decide(pattern).verdict in (Verdict.OPENS, Verdict.UNKNOWN)
    assert is_wrong(wrong, pattern, texts)
