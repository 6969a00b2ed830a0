"""
The runner's last expansion, backwards: from what must arrive on the pod to what the regular expression sees.

This is the heart of the decision. `through_expansion` turns a machine for a final value into one for the text before
Go's `os.Expand` (os/env.go) has replaced references to variables. A job defines its own variables, so a reference may
become any text: an edge that begins one jumps to any later state of the final machine and remembers the text between.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from runner_bridge.core.overwrites.goal import ANY, BIT, DIGITS, LOWER, UPPER, Builder, first_char, mask

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.goal import Machine

_NAME: Final = LOWER | UPPER | DIGITS | BIT["_"]
_ALWAYS_EMPTY: Final = mask("*#@!?0123456789")
"""Names of one character that the runner never finds a value for (common/spec/variables.go)."""


class Define(StrEnum):
    """Which variables a job may define, so that a reference becomes more than the empty text."""

    NONE = "none"
    PROPER = "proper"
    """Names of letters, digits and `_`, which GitLab certainly takes."""
    ANY = "any"


class _At(NamedTuple):
    """A state of the inverse machine."""

    inside: str
    """What the last characters are part of."""
    state: int
    """Where the final machine is after everything so far has been expanded."""
    unclosed: bool
    """A `${` without `}` has been passed: none may follow any more."""


def through_expansion(final: Machine, define: Define) -> Machine:
    """
    Accept each text that the runner's last expansion can turn into one that `final` accepts.

    `$name` and `${name}` become the empty text, or any text where the job may define the name; `$$` becomes `$`; `$1`,
    `$*` and the like, `${}` and a `${` that is never closed vanish; any other `$` stays. A name that occurs twice may
    be given two texts here; whoever uses the machine checks what came out.
    """
    return _Inverse(final, define).machine()


class _Inverse:
    def __init__(self, final: Machine, define: Define) -> None:
        self._final = final
        self._define = define
        self._build = Builder()
        self._kinds = {
            "text": self._text,
            "name": self._name,
            "dollar": self._dollar,
            "brace": self._brace,
            "short": self._short,
            "braced": self._braced,
            "digit braced": self._digit_braced,
            "rest": self._rest,
            "proper": self._proper,
            "proper rest": self._proper_rest,
        }

    def machine(self) -> Machine:
        start = _At("text", self._final.start, unclosed=False)
        todo: list[_At] = [start]
        seen = {start}
        while todo:
            at = todo.pop()
            for target in self._kinds[at.inside](at):
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return self._build.machine(start)

    def _edge(self, at: _At, chars: int, target: _At, replaced: str | None = None) -> _At:
        self._build.edge(at, chars, target, replaced)
        return target

    def _reads(self, at: _At, state: int, chars: int) -> list[_At]:
        """Add the final machine's own steps from `state`, as far as they read `chars`."""
        allowed = chars & (~BIT["}"] if at.unclosed else ANY)
        return [
            self._edge(at, edge.chars & allowed, _At("text", edge.target, at.unclosed))
            for edge in self._final.edges[state]
            if edge.chars & allowed
        ]

    def _accept(self, at: _At, state: int) -> None:
        if state in self._final.accepting:
            self._build.accepting.add(self._build.state(at))

    def _after_dollar(self, state: int) -> list[int]:
        """Where the final machine goes by a `$` that stays."""
        return [edge.target for edge in self._final.edges[state] if edge.chars & BIT["$"]]

    def _text(self, at: _At) -> list[_At]:
        self._accept(at, at.state)
        found = self._reads(at, at.state, ANY & ~BIT["$"])
        return [*found, self._edge(at, BIT["$"], at._replace(inside="dollar"))]

    def _name(self, at: _At) -> list[_At]:
        """Within `$name`, which ends at the first character that cannot belong to it."""
        self._accept(at, at.state)
        found = self._reads(at, at.state, ANY & ~BIT["$"] & ~_NAME)
        return [*found, self._edge(at, _NAME, at), self._edge(at, BIT["$"], at._replace(inside="dollar"))]

    def _dollar(self, at: _At) -> list[_At]:
        text = at._replace(inside="text")
        found: list[_At] = []
        for state, replaced in self._becomes(at.state).items():
            any_name = not replaced or self._define is Define.ANY
            found.append(self._edge(at, _NAME & ~DIGITS, _At("name", state, at.unclosed), replaced))
            if any_name:
                found.append(self._edge(at, BIT["-"], _At("text", state, at.unclosed), replaced))
            if not at.unclosed:
                inside = "braced" if any_name else "proper"
                found.append(self._edge(at, BIT["{"], _At(inside, state, unclosed=False), replaced))
        found.append(self._edge(at, _ALWAYS_EMPTY, text))
        found.append(self._edge(at, BIT["{"], _At("text", at.state, unclosed=True)))
        if not at.unclosed:
            found.append(self._edge(at, BIT["{"], at._replace(inside="brace")))
        for state in self._after_dollar(at.state):
            self._accept(at, state)  # a $ at the very end stays
            found.append(self._edge(at, BIT["$"], _At("text", state, at.unclosed)))
            found += self._reads(at, state, ANY & ~_ALWAYS_EMPTY & ~_NAME & ~mask("{-$"))
        return found

    def _brace(self, at: _At) -> list[_At]:
        """After `${`, when it is `${}` or holds one special character."""
        dollars = [_At("short", state, unclosed=False) for state in self._after_dollar(at.state)]
        return [
            self._edge(at, BIT["}"], at._replace(inside="text")),
            self._edge(at, _ALWAYS_EMPTY, at._replace(inside="short")),
            *(self._edge(at, BIT["$"], target) for target in dollars),
        ]

    def _short(self, at: _At) -> list[_At]:
        return [self._edge(at, BIT["}"], at._replace(inside="text"))]

    def _braced(self, at: _At) -> list[_At]:
        """After `${`, when a proper name follows; one special character alone is none."""
        special = _ALWAYS_EMPTY | BIT["$"]
        return [
            self._edge(at, ANY & ~BIT["}"] & ~special, at._replace(inside="rest")),
            self._edge(at, special, at._replace(inside="digit braced")),
        ]

    def _digit_braced(self, at: _At) -> list[_At]:
        return [self._edge(at, ANY & ~BIT["}"], at._replace(inside="rest"))]

    def _rest(self, at: _At) -> list[_At]:
        return [
            self._edge(at, ANY & ~BIT["}"], at),
            self._edge(at, BIT["}"], at._replace(inside="text")),
        ]

    def _proper(self, at: _At) -> list[_At]:
        return [self._edge(at, _NAME & ~DIGITS, at._replace(inside="proper rest"))]

    def _proper_rest(self, at: _At) -> list[_At]:
        return [self._edge(at, _NAME, at), self._edge(at, BIT["}"], at._replace(inside="text"))]

    def _becomes(self, state: int) -> dict[int, str]:
        """Which states of the final machine a reference may lead to, each with the shortest text that does."""
        found = {state: ""}
        todo = deque([] if self._define is Define.NONE else [state])
        while todo:
            source = todo.popleft()
            for edge in self._final.edges[source]:
                if edge.target not in found:
                    found[edge.target] = found[source] + first_char(edge.chars)
                    todo.append(edge.target)
        return found
