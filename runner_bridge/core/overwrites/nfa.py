r"""
The tree of a regular expression as an automaton that reads a whole text and searches it, as the runner does.

The runner calls `MatchString`, which is not anchored: the automaton begins with a loop over any character, and once
the expression has matched, the rest of the text does not matter (state `DONE`). Conditions on positions (`^`, `$`,
`\b`) look at the characters on both sides; only four kinds of neighbours can be told apart (`Side`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, assert_never

from runner_bridge.core.overwrites import charset
from runner_bridge.core.overwrites.tree import Alt, Assert, At, Cat, Char, Node, NotUnderstoodError, Repeat

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.charset import CharSet

DONE: Final = 0
"""The state in which the expression has matched."""
MOST_STATES: Final = 100_000
"""A counted repeat is written out; beyond this the expression is too large to be followed."""


class Side(IntEnum):
    """What stands on one side of a position."""

    EDGE = 0
    NEWLINE = 1
    WORD = 2
    OTHER = 3


def side_of(char: str) -> Side:
    """Tell the kind of one character; the empty text is the edge."""
    if not char:
        return Side.EDGE
    if char == "\n":
        return Side.NEWLINE
    return Side.WORD if char.isascii() and (char.isalnum() or char == "_") else Side.OTHER


def holds(at: At, before: Side, after: Side) -> bool:
    """Whether the condition is true between the two sides."""
    match at:
        case At.BEGIN_TEXT:
            return before is Side.EDGE
        case At.END_TEXT:
            return after is Side.EDGE
        case At.BEGIN_LINE:
            return before in (Side.EDGE, Side.NEWLINE)
        case At.END_LINE:
            return after in (Side.EDGE, Side.NEWLINE)
        case At.WORD_BOUNDARY:
            return (before is Side.WORD) != (after is Side.WORD)
        case At.NO_WORD_BOUNDARY:
            return (before is Side.WORD) == (after is Side.WORD)
    assert_never(at)


@dataclass(slots=True)
class Nfa:
    """
    Numbered states, each with one kind of step out of it; `start` is the first.

    Steps without a character are in `free` (with the condition under which they may be taken, or None), steps that
    read one in `reads`.
    """

    free: list[list[tuple[At | None, int]]] = field(default_factory=list)
    reads: list[tuple[CharSet, int] | None] = field(default_factory=list)
    start: int = DONE
    asks: set[At] = field(default_factory=set)
    """The conditions that occur at all; most expressions have at most the edges of the text."""

    def state(self) -> int:
        """Make a new state without steps."""
        if len(self.reads) > MOST_STATES:
            raise NotUnderstoodError("more repetitions than can be written out")
        self.free.append([])
        self.reads.append(None)
        return len(self.reads) - 1

    def closure(self, state: int, before: Side, after: Side) -> tuple[bool, tuple[int, ...]]:
        """Whether the match is complete at this position, and the reading states that can be reached in it."""
        seen = {state}
        todo = [state]
        reading: list[int] = []
        while todo:
            one = todo.pop()
            if self.reads[one] is not None:
                reading.append(one)
            for condition, target in reversed(self.free[one]):
                if target not in seen and (condition is None or holds(condition, before, after)):
                    seen.add(target)
                    todo.append(target)
        return DONE in seen, tuple(reading)


def build(tree: Node) -> Nfa:
    """
    Build the searching automaton of a tree.

    Raises:
        NotUnderstoodError: written out it would have more than `MOST_STATES` states.
    """
    nfa = Nfa()
    nfa.state()  # DONE
    body = _into(nfa, tree, DONE)
    loop = nfa.state()
    nfa.start = nfa.state()
    nfa.free[nfa.start] = [(None, body), (None, loop)]
    nfa.reads[loop] = (charset.ANY, nfa.start)
    return nfa


def _into(nfa: Nfa, node: Node, target: int) -> int:
    """Add the automaton of `node` in front of `target`; the state where it begins."""
    match node:
        case Char(chars=chars):
            state = nfa.state()
            nfa.reads[state] = (chars, target)
            return state
        case Assert(at=at):
            state = nfa.state()
            nfa.free[state] = [(at, target)]
            nfa.asks.add(at)
            return state
        case Cat(parts=parts):
            for part in reversed(parts):
                target = _into(nfa, part, target)
            return target
        case Alt(parts=parts):
            state = nfa.state()
            nfa.free[state] = [(None, _into(nfa, part, target)) for part in parts]
            return state
        case Repeat(body=body, low=low, high=high):
            return _repeat(nfa, body, low, high, target)
    assert_never(node)


def _repeat(nfa: Nfa, body: Node, low: int, high: int | None, target: int) -> int:
    if high is None:
        again = nfa.state()
        nfa.free[again] = [(None, _into(nfa, body, again)), (None, target)]
        begin = again
    else:
        begin = target
        for _ in range(high - low):
            optional = nfa.state()
            nfa.free[optional] = [(None, _into(nfa, body, begin)), (None, target)]
            begin = optional
    for _ in range(low):
        begin = _into(nfa, body, begin)
    return begin


def matches(nfa: Nfa, text: str) -> bool:
    """Whether the expression matches somewhere in `text`, by running the automaton: the reference for the tests."""
    current = {nfa.start}
    before = Side.EDGE
    for index in range(len(text) + 1):
        char = text[index : index + 1]
        after = side_of(char)
        following: set[int] = set()
        for state in current:
            done, reading = nfa.closure(state, before, after)
            if done:
                return True
            for one in reading:
                step = nfa.reads[one]
                if char and step is not None and charset.contains(step[0], ord(char)):
                    following.add(step[1])
        current, before = following, after
    return False
