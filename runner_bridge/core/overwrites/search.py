"""
Is there a text that the regular expression allows and that reaches the goal? The shortest one, or the proof of none.

A breadth-first walk through pairs (state of the expression, state of the goal, kind of the last character). Both sides
stay nondeterministic, so the number of pairs is a product, never a power, and `(a|b)*a(a|b){18}` costs what it looks
like. Characters that neither side can tell apart are tried once. A walk is cut off after `MOST_STEPS`; the answer is
then neither yes nor no.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner_bridge.core.overwrites import charset
from runner_bridge.core.overwrites.goal import BEYOND, BIT, SYMBOLS, Machine
from runner_bridge.core.overwrites.nfa import DONE, Nfa, Side
from runner_bridge.core.overwrites.tree import At

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.charset import CharSet

MOST_STEPS: Final = 1_000_000
"""Steps tried in all walks of one decision; bounds the time to well under a second."""

_NEWLINE = BIT["\n"]
_WORD = sum(bit for char, bit in BIT.items() if char.isalnum() or char == "_")
_BELOW = [sum(BIT[chr(code)] for code in range(end)) for end in range(129)]
"""The set of all characters of ASCII before each code point."""


class StateLimitError(Exception):
    """The walk was cut off."""


@dataclass(frozen=True, slots=True)
class Path:
    """A text that both sides accept, and what each reference to a variable in it must become, in order."""

    text: str
    replaced: tuple[str, ...]


class Search:
    """All walks over one expression; they share its tables and one budget of steps."""

    def __init__(self, nfa: Nfa, *, most_steps: int = MOST_STEPS) -> None:
        self._nfa = nfa
        self._left = most_steps
        self._beyond = _beyond(nfa)
        self._everything = (1 << (len(SYMBOLS) + len(self._beyond))) - 1
        self._masks: dict[int, int] = {}
        self._steps: dict[tuple[int, Side], list[tuple[Side, int, int]]] = {}
        self._ends: dict[tuple[int, Side], bool] = {}
        self._sides = self._distinguishable()

    def shortest(self, goal: Machine) -> Path | None:
        """
        Find the shortest text that the expression allows and `goal` accepts; None proves that there is none.

        Raises:
            StateLimitError: the budget ran out first.
        """
        first = (self._nfa.start, goal.start, Side.EDGE)
        came: dict[tuple[int, int, Side], tuple[tuple[int, int, Side], int, str | None] | None] = {first: None}
        todo = deque([first])
        wide = (1 << len(self._beyond)) - 1
        while todo:
            node = todo.popleft()
            state, at, side = node
            if at in goal.accepting and self._complete(state, side):
                return self._path(came, node)
            steps = self._steps_from(state, side)
            edges = goal.edges[at]
            self._left -= len(steps) * len(edges) + 1
            if self._left < 0:
                raise StateLimitError
            for edge in edges:
                chars = edge.chars | (edge.chars & BEYOND) * wide
                for after, readable, target in steps:
                    common = chars & readable
                    if common:
                        following = (target, edge.target, after)
                        if following not in came:
                            came[following] = (node, common, edge.replaced)
                            todo.append(following)
        return None

    def _path(
        self,
        came: dict[tuple[int, int, Side], tuple[tuple[int, int, Side], int, str | None] | None],
        node: tuple[int, int, Side],
    ) -> Path:
        chars: list[str] = []
        replaced: list[str] = []
        while (step := came[node]) is not None:
            node, common, text = step
            chars.append(self._char(common))
            if text is not None:
                replaced.append(text)
        return Path("".join(reversed(chars)), tuple(reversed(replaced)))

    def _char(self, common: int) -> str:
        index = (common & -common).bit_length() - 1
        return SYMBOLS[index] if index < len(SYMBOLS) else chr(self._beyond[index - len(SYMBOLS)])

    def _complete(self, state: int, side: Side) -> bool:
        key = (state, side)
        if key not in self._ends:
            self._ends[key] = self._nfa.closure(state, side, Side.EDGE)[0]
        return self._ends[key]

    def _steps_from(self, state: int, before: Side) -> list[tuple[Side, int, int]]:
        """Where one more character leads: its kind, the set of characters, the state after it."""
        key = (state, before)
        known = self._steps.get(key)
        if known is not None:
            return known
        found: list[tuple[Side, int, int]] = []
        for after, chars in self._sides:
            done, reading = self._nfa.closure(state, before, after)
            self._left -= 3 * len(reading)
            if done:  # whatever follows, the expression has matched
                found.append((Side.OTHER, chars, DONE))
                continue
            for one in reading:
                step = self._nfa.reads[one]
                if step is not None and (common := self._mask(step[0]) & chars):
                    found.append((after, common, step[1]))
        self._steps[key] = found
        return found

    def _mask(self, chars: CharSet) -> int:
        """Write a set in bits; sets are told apart by identity, because hashing a class of Unicode takes long."""
        known = self._masks.get(id(chars))
        if known is None:
            ascii_part = sum(_BELOW[min(high + 1, 128)] ^ _BELOW[low] for low, high in chars if low < 128)
            beyond = 0
            for low, high in chars:
                beyond |= (1 << bisect_right(self._beyond, high)) - (1 << bisect_left(self._beyond, low))
            known = self._masks[id(chars)] = ascii_part | beyond << len(SYMBOLS)
        return known

    def _distinguishable(self) -> list[tuple[Side, int]]:
        """List the kinds of characters that some condition of the expression asks for, each with its set."""
        sides: list[tuple[Side, int]] = []
        rest = self._everything
        if self._nfa.asks & {At.BEGIN_LINE, At.END_LINE}:
            sides.append((Side.NEWLINE, _NEWLINE))
            rest &= ~_NEWLINE
        if self._nfa.asks & {At.WORD_BOUNDARY, At.NO_WORD_BOUNDARY}:
            sides.append((Side.WORD, _WORD))
            rest &= ~_WORD
        return [*sides, (Side.OTHER, rest)]


def _beyond(nfa: Nfa) -> list[int]:
    """One character for each group outside ASCII that no set of the expression divides further."""
    cuts = {0x80}
    for chars in {id(step[0]): step[0] for step in nfa.reads if step}.values():
        for low, high in chars:
            cuts |= {low, high + 1}
    starts = sorted(cut for cut in cuts if 0x80 <= cut <= charset.LAST)
    found: list[int] = []
    for index, start in enumerate(starts):
        end = starts[index + 1] - 1 if index + 1 < len(starts) else charset.LAST
        code = 0xE000 if 0xD800 <= start <= 0xDFFF else start
        if code <= end:
            found.append(0xE9 if code == 0x80 and end >= 0xE9 else code)
    return found
