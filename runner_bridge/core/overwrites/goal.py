"""
What a job would have to write: small automata over the text of an overwrite variable.

A `Machine` reads the variable's text as the regular expression sees it, and accepts when what arrives on the pod is
what we fear. Characters outside ASCII all look alike here, so a set of characters is an integer of 129 bits, the last
one for all of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# The order in which characters are tried: a proof shall be easy to read.
_FIRST = 'xabcdefghijklmnopqrstuvwyz0123456789-./:=_,[]"{}$XABCDEFGHIJKLMNOPQRSTUVWYZ'
ORDER: Final = _FIRST + "".join(sorted(set(map(chr, range(0x20, 0x7F))) - set(_FIRST))) + "\n\t\r"
SYMBOLS: Final = ORDER + "".join(sorted(set(map(chr, range(0x80))) - set(ORDER)))
"""All of ASCII; the index of a character is its bit."""
BIT: Final = {char: 1 << index for index, char in enumerate(SYMBOLS)}
BEYOND: Final = 1 << 128
"""Every character outside ASCII."""
ANY: Final = (1 << 129) - 1


def mask(chars: Iterable[str]) -> int:
    """Make a set of some ASCII characters."""
    return sum(BIT[char] for char in set(chars))


LOWER: Final = mask("abcdefghijklmnopqrstuvwxyz")
DIGITS: Final = mask("0123456789")
UPPER: Final = mask("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_JSON_SPACE: Final = mask(" \t\r\n")
_JSON_TEXT: Final = ANY & ~mask(map(chr, range(0x20))) & ~BIT['"'] & ~BIT["\\"]


@dataclass(frozen=True, slots=True)
class Edge:
    """A step that reads one character out of `chars`."""

    chars: int
    target: int
    replaced: str | None = None
    """Where a reference to a variable begins: the text that it must become."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Edges by state, the first state, and the states in which the text may end."""

    edges: tuple[tuple[Edge, ...], ...]
    accepting: frozenset[int]
    start: int = 0


class Builder:
    """Collects the states and edges of a machine; a state is made when its name is used first."""

    def __init__(self) -> None:
        self.number: dict[object, int] = {}
        self.edges: list[list[Edge]] = []
        self.accepting: set[int] = set()

    def state(self, name: object) -> int:
        """Give the number of the state with this name."""
        if name not in self.number:
            self.number[name] = len(self.edges)
            self.edges.append([])
        return self.number[name]

    def edge(self, source: object, chars: int, target: object, replaced: str | None = None) -> None:
        """Add an edge, from name to name."""
        self.edges[self.state(source)].append(Edge(chars, self.state(target), replaced))

    def machine(self, start: object) -> Machine:
        """Freeze what was collected."""
        first = self.state(start)
        return Machine(tuple(map(tuple, self.edges)), frozenset(self.accepting), first)


ANYTHING: Final = Machine(((Edge(ANY, 0),),), frozenset({0}))
"""Accepts every text."""
_KEY = LOWER | UPPER | DIGITS | mask("-._")
KEY_AND_ANYTHING: Final = Machine(
    ((Edge(_KEY, 1),), (Edge(_KEY, 1), Edge(BIT["="], 2)), (Edge(ANY, 2),)), frozenset({2})
)
"""Accepts the rest of a label's key, `=`, and every text."""
_ALNUM = LOWER | UPPER | DIGITS
_INNER = mask("-._")
LABEL_VALUE: Final = Machine(
    ((Edge(_ALNUM, 1),), (Edge(_ALNUM, 1), Edge(_INNER, 2)), (Edge(_INNER, 2), Edge(_ALNUM, 1))), frozenset({0, 1})
)
"""Accepts what a label's value may be, apart from its length."""
LONGEST_LABEL_VALUE: Final = Machine(
    ((Edge(_ALNUM, 1),), *((Edge(_ALNUM | _INNER, at + 1),) for at in range(1, 62)), (Edge(_ALNUM, 63),), ()),
    frozenset({63}),
)
"""Accepts the values of 63 characters, which no list of values has: where one fits, any does."""


def literal(*texts: str) -> Machine:
    """Accept exactly the given texts (ASCII)."""
    build = Builder()
    build.state("")
    for text in texts:
        for index, char in enumerate(text):
            if text[: index + 1] not in build.number:
                build.edge(text[:index], BIT[char], text[: index + 1])
        build.accepting.add(build.state(text))
    return build.machine("")


def name(*, inner: int, first: str = "") -> Machine:
    """Accept `first` and then a name of Kubernetes: small letters and digits, between them also `inner`."""
    ends = LOWER | DIGITS
    rest = Machine(((Edge(ends, 1),), (Edge(ends, 1), Edge(inner, 2)), (Edge(inner, 2), Edge(ends, 1))), frozenset({1}))
    return after({first: rest}) if first else rest


def json_list(text: int = _JSON_TEXT, *, nothing: Collection[str] = (), escapes: bool = True) -> Machine:
    r"""
    Accept what Go decodes into a list of strings, as Calico does with its annotations.

    Args:
        text: the characters that a string may hold unescaped; one at least where `escapes` is false.
        nothing: which ways of asking for nothing count too: `"[]"` (this is also `null`), `""` the empty text.
        escapes: whether a string may hold `\n` and `\u0061`, and may be empty.
    """
    build = Builder()
    build.edge("begin", _JSON_SPACE, "space")
    for state in ("space", "open", "after", "next", "end", "no end"):
        build.edge(state, _JSON_SPACE, state)
    for begin in ("begin", "space"):
        build.edge(begin, BIT["["], "open")
        build.edge(begin, BIT["n"], "n")
    for before in ("open", "next"):
        build.edge(before, BIT['"'], "string" if escapes else "empty string")
    build.edge("empty string", text, "string")
    build.edge("string", text, "string")
    build.edge("string", BIT['"'], "after")
    build.edge("after", BIT["]"], "end")
    build.edge("after", BIT[","], "next")
    build.edge("open", BIT["]"], "no end")
    for at, char, after in (("n", "u", "nu"), ("nu", "l", "nul"), ("nul", "l", "no end")):
        build.edge(at, BIT[char], after)
    if escapes:
        build.edge("string", BIT["\\"], "escape")
        build.edge("escape", mask('"\\/bfnrt'), "string")
        build.edge("escape", BIT["u"], 4)
        for left in (4, 3, 2, 1):
            build.edge(left, DIGITS | mask("abcdefABCDEF"), left - 1 or "string")
    build.accepting.add(build.state("end"))
    if "[]" in nothing:
        build.accepting.add(build.state("no end"))
    if "" in nothing:
        build.accepting.add(build.state("begin"))
    return build.machine("begin")


def first_char(chars: int) -> str:
    """Choose the character of a set that reads best."""
    index = (chars & -chars).bit_length() - 1
    return SYMBOLS[index] if index < len(SYMBOLS) else "é"


def after(prefixes: Mapping[str, Machine]) -> Machine:
    """Accept each prefix (ASCII, not empty) followed by what its machine accepts."""
    build = Builder()
    build.state("")
    for prefix, rest in prefixes.items():
        for index in range(len(prefix) - 1):
            if prefix[: index + 1] not in build.number:
                build.edge(prefix[:index], BIT[prefix[index]], prefix[: index + 1])
        build.edge(prefix[:-1], BIT[prefix[-1]], (id(rest), rest.start))
    for rest in {id(one): one for one in prefixes.values()}.values():
        for state, edges in enumerate(rest.edges):
            for edge in edges:
                build.edge((id(rest), state), edge.chars, (id(rest), edge.target), edge.replaced)
        build.accepting |= {build.state((id(rest), state)) for state in rest.accepting}
    return build.machine("")
