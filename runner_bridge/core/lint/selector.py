"""
Calico's selector language, as far as an IPPool may use it: whether a selector is well formed, and whom it can match.

Grammar and its odd corners (a quoted value may hold anything but its quote, white space is blanks and tabs only, an
empty selector matches everything) are those of Calico, libcalico-go/lib/selector. No recursion: a thousand
parentheses are as good as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_LABEL = r"[A-Za-z0-9_./-]+"
_SPACE = re.compile(r"[ \t]*")
_OPERAND = re.compile(
    rf"(?P<no>!(?!=))|(?P<open>\()|(?P<has>has\([ \t]*{_LABEL}[ \t]*\))|(?P<all>all\([ \t]*\))"
    rf"|(?P<global>global\([ \t]*\))|(?P<label>{_LABEL})"
)
_COMPARE = re.compile(r"==|!=|contains|starts[ \t]*with|ends[ \t]*with")
_MEMBER = re.compile(r"not[ \t]*in|in")
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_JOIN = re.compile(r"&&|\|\||\)")
_WORD = re.compile(r"[^\s(){}\"',!&|=]+|\S|$")

_CALLS = {"all": "all()", "has": "has(label)", "global": "global()"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What can be said about a selector without knowing any label."""

    matches: bool | None = None
    """True: everything; False: nothing, as `!all()`; None: it depends on labels, or the selector is not well formed."""
    observed: str = ""
    """What is wrong, empty for a selector that is well formed."""
    expected: str = ""
    start: int = 0
    """Where it is wrong: characters from the start of the text."""
    end: int = 0

    @property
    def is_well_formed(self) -> bool:
        """Calico can read it."""
        return not self.observed


def read(text: str) -> Selector:
    """
    Read a selector. Never raises.

    >>> read("!all()").matches
    False
    >>> read("ci == yes").expected
    'a value in quotes, such as "yes"'
    """
    try:
        return Selector(matches=_Reader(text).whole())
    except _Wrong as wrong:
        return Selector(observed=wrong.observed, expected=wrong.expected, start=wrong.start, end=wrong.end)


class _Wrong(Exception):  # noqa: N818 - private, and never leaves this module
    def __init__(self, observed: str, expected: str, start: int, end: int) -> None:
        super().__init__(observed)
        self.observed, self.expected, self.start, self.end = observed, expected, start, end


class _Level(NamedTuple):
    """Values so far inside one pair of parentheses, and whether its result is negated."""

    either: bool | None
    both: bool | None
    negated: bool


_EMPTY = _Level(either=False, both=True, negated=False)


class _Reader:
    """Walks over one text, operand after operand; used once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._levels = [_EMPTY]
        self._opened: list[int] = []

    def whole(self) -> bool | None:
        self._skip()
        if self._at == len(self._text):
            return True
        while True:
            self._operand()
            if self._joined():
                level = self._levels[0]
                return _or(level.either, level.both)

    def _operand(self) -> None:
        """Read up to and with one value; on the way go down one level for each parenthesis."""
        negated = False
        while True:
            found = self._take(_OPERAND)
            if found is None:
                raise self._wrong('an expression, such as all(), has(label) or label == "value"')
            kind = found.lastgroup
            if kind == "no":
                negated = not negated
            elif kind == "open":
                self._opened.append(found.start())
                self._levels.append(_Level(either=False, both=True, negated=negated))
                negated = False
            else:
                if kind == "label":
                    self._test(found.group())
                value = True if kind == "all" else None
                self._meet(_not(value) if negated else value)
                return

    def _test(self, label: str) -> None:
        if self._take(_COMPARE):
            self._string()
        elif self._take(_MEMBER):
            self._set()
        elif label in _CALLS and self._text.startswith("(", self._at):
            raise self._wrong(_CALLS[label])
        else:
            raise self._wrong(f"an operator after {label}, such as == or in, and a value in quotes")

    def _string(self) -> None:
        if not self._take(_STRING):
            word = self._next().group()
            hint = f', such as "{word}"' if re.fullmatch(_LABEL, word) else ""
            raise self._wrong(f"a value in quotes{hint}")

    def _set(self) -> None:
        if not self._take(re.compile(r"\{")):
            raise self._wrong('a set of values, such as {"a", "b"}')
        while self._take(_STRING) and self._take(re.compile(",")):
            pass
        if not self._take(re.compile(r"\}")):
            raise self._wrong("a value in quotes, or } at the end of the set")

    def _joined(self) -> bool:
        """Read what stands between two operands; tell whether the text is over."""
        while True:
            if self._at == len(self._text):
                if self._opened:
                    start = self._opened[-1]
                    raise _Wrong("a parenthesis that is not closed", ")", start, start + 1)
                return True
            found = self._take(_JOIN)
            if found is None or (found.group() == ")" and not self._opened):
                self._at = found.start() if found else self._at
                raise self._wrong("&&, || or the end of the selector")
            level = self._levels[-1]
            if found.group() == "||":
                self._levels[-1] = level._replace(either=_or(level.either, level.both), both=True)
            elif found.group() == ")":
                self._opened.pop()
                self._levels.pop()
                value = _or(level.either, level.both)
                self._meet(_not(value) if level.negated else value)
                continue
            return False

    def _meet(self, value: bool | None) -> None:  # noqa: FBT001 - a truth value is what it is about
        level = self._levels[-1]
        self._levels[-1] = level._replace(both=_and(level.both, value))

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
            self._skip()
        return found

    def _skip(self) -> None:
        space = _SPACE.match(self._text, self._at)
        assert space is not None  # noqa: S101 - it matches the empty text too
        self._at = space.end()

    def _next(self) -> re.Match[str]:
        found = _WORD.search(self._text, self._at)
        assert found is not None  # noqa: S101 - it matches the end of the text too
        return found

    def _wrong(self, expected: str) -> _Wrong:
        if self._at == len(self._text):
            return _Wrong("the end of the selector", expected, self._at, self._at + 1)
        if self._text[self._at].isspace():
            return _Wrong("a line break", f"{expected}; only blanks and tabs may stand between", self._at, self._at + 1)
        found = self._next()
        return _Wrong(found.group(), expected, found.start(), found.end())


def _not(value: bool | None) -> bool | None:  # noqa: FBT001 - a truth value is what it is about
    return None if value is None else not value


def _and(left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001 - truth values are what it is about
    if left is False or right is False:
        return False
    return True if left and right else None


def _or(left: bool | None, right: bool | None) -> bool | None:  # noqa: FBT001 - truth values are what it is about
    return _not(_and(_not(left), _not(right)))
