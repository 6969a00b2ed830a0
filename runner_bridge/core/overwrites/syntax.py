r"""
Read a regular expression of the runner (Go's regexp/syntax, the RE2 dialect) into a small tree.

Follows the language as Go defines it: anchors, classes, Unicode classes, case folding, flags and their scope, counted
repeats, `\Q…\E`, every escape. Capture groups, names and greediness do not change which texts match, so the tree has
none of them. Two ways to end without a tree, never a third: `RefusedError`, Go says it is no regular expression;
`NotUnderstoodError`, it may be one but this reader does not know (then nothing may be called safe).
Source: https://github.com/google/re2/wiki/Syntax and Go's regexp/syntax/parse.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from runner_bridge.core.overwrites import charset

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.charset import CharSet

DEEPEST: Final = 100
"""Groups inside groups that are followed; Go's own limit is 1,000."""
MOST_REPEATS: Final = 1000


class RefusedError(ValueError):
    """Go refuses the text as a regular expression."""


class NotUnderstoodError(ValueError):
    """Perhaps a regular expression, but not one that this reader knows."""


class At(StrEnum):
    """What must hold at a position between two characters."""

    BEGIN_TEXT = "begin-text"
    END_TEXT = "end-text"
    BEGIN_LINE = "begin-line"
    END_LINE = "end-line"
    WORD_BOUNDARY = "word-boundary"
    NO_WORD_BOUNDARY = "no-word-boundary"


@dataclass(frozen=True, slots=True)
class Char:
    """One character out of a set."""

    chars: CharSet


@dataclass(frozen=True, slots=True)
class Assert:
    """No character, but a condition on the position."""

    at: At


@dataclass(frozen=True, slots=True)
class Cat:
    """One after the other; no parts match the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The body `low` to `high` times; `high` None is without limit."""

    body: Node
    low: int
    high: int | None


Node = Char | Assert | Cat | Alt | Repeat
"""What a regular expression consists of."""

_COUNT = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_CLASS_NAME = re.compile("[A-Za-z0-9_ -]+")
_SIMPLE_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_ASSERT_ESCAPES = {"A": At.BEGIN_TEXT, "z": At.END_TEXT, "b": At.WORD_BOUNDARY, "B": At.NO_WORD_BOUNDARY}
_HEX = "0123456789abcdefABCDEF"


def parse(pattern: str) -> Node:
    """
    Read `pattern` into a tree.

    Raises:
        RefusedError: Go's regexp.Compile refuses it.
        NotUnderstoodError: this reader does not know a part of it.
    """
    reader = _Reader(pattern)
    node = reader.alternation(0)
    if reader.at < len(pattern):
        raise RefusedError("a closing parenthesis without an opening one")
    return node


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flags:
    fold: bool = False
    multi_line: bool = False
    dot_newline: bool = False


class _Reader:
    """Recursive descent, one method per production; `at` is the next character, `flags` those in force."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.flags = _Flags()
        self.names: set[str] = set()

    def starts(self, prefix: str) -> bool:
        return self.text.startswith(prefix, self.at)

    def alternation(self, depth: int) -> Node:
        if depth > DEEPEST:
            message = f"groups more than {DEEPEST} deep"
            raise NotUnderstoodError(message)
        branches = [self.concatenation(depth)]
        while self.starts("|"):
            self.at += 1
            branches.append(self.concatenation(depth))
        return branches[0] if len(branches) == 1 else Alt(tuple(branches))

    def concatenation(self, depth: int) -> Node:
        """
        Items up to `|`, `)` or the end.

        A repeat takes the item before it, wherever that came from (a flag group between them is none); two repeats
        in a row are refused.
        """
        items: list[Node] = []
        after_repeat = False
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            counts = self.repeat()
            if counts is None:
                items.extend(self.atoms(depth))
            elif after_repeat:
                raise RefusedError("two repetition operators in a row")
            elif not items:
                raise RefusedError("a repetition operator with nothing before it")
            else:
                items[-1] = _repeated(items[-1], *counts)
            after_repeat = counts is not None
        return items[0] if len(items) == 1 else Cat(tuple(items))

    def repeat(self) -> tuple[int, int | None] | None:
        """Consume the repetition operator that starts here, with its `?`; its bounds, or None where none does."""
        sign = self.text[self.at]
        if sign in "*+?":
            self.at += 1
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        elif found := _COUNT.match(self.text, self.at):
            self.at = found.end()
            low = int(found[1][:5])
            high = low if found[2] is None else None if found[3] is None else int(found[3][:5])
            if low > MOST_REPEATS or (high is not None and not low <= high <= MOST_REPEATS):
                message = f"the repetition {found[0]} (at most {MOST_REPEATS})"
                raise RefusedError(message)
            bounds = (low, high)
        else:
            return None
        if self.starts("?"):
            self.at += 1
        return bounds

    def atoms(self, depth: int) -> list[Node]:
        r"""Read what starts here and is no operator: one item, none (a flag group), or several (`\Q…\E`)."""
        char = self.text[self.at]
        if char == "(":
            return self.group(depth)
        if char == "\\":
            return self.escape()
        if char == "[":
            return [Char(self.char_class())]
        self.at += 1
        match char:
            case "^":
                found: Node = Assert(At.BEGIN_LINE if self.flags.multi_line else At.BEGIN_TEXT)
            case "$":
                found = Assert(At.END_LINE if self.flags.multi_line else At.END_TEXT)
            case ".":
                found = Char(charset.ANY if self.flags.dot_newline else charset.ANY_BUT_NEWLINE)
            case _:
                found = self.literal(char)
        return [found]

    def literal(self, char: str) -> Char:
        one: CharSet = ((ord(char), ord(char)),)
        return Char(charset.fold(one) if self.flags.fold else one)

    # Groups and flags

    def group(self, depth: int) -> list[Node]:
        outer = self.flags
        if self.starts("(?"):
            if self.starts("(?P<") or self.starts("(?<"):
                self.group_name()
            elif not self.group_flags():
                return []  # (?i) changes the rest of the group it stands in
        else:
            self.at += 1
        body = self.alternation(depth + 1)
        if not self.starts(")"):
            raise RefusedError("an opening parenthesis without a closing one")
        self.at += 1
        self.flags = outer
        return [body]

    def group_name(self) -> None:
        start = self.text.index("<", self.at) + 1
        end = self.text.find(">", start)
        name = self.text[start:end] if end >= 0 else ""
        if not (name.isascii() and name.replace("_", "a").isalnum()):
            raise RefusedError("a group whose name is missing or has other characters than letters, digits and _")
        if name in self.names:
            message = f"two groups named {name}"
            raise RefusedError(message)
        self.names.add(name)
        self.at = end + 1

    def group_flags(self) -> bool:
        """Read `(?flags-flags:` (True, a group follows) or `(?flags-flags)` (False)."""
        self.at += 2
        values = {"i": self.flags.fold, "m": self.flags.multi_line, "s": self.flags.dot_newline, "U": False}
        turn_on, seen = True, True
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in values:
                values[char] = turn_on
                seen = True
            elif char == "-" and turn_on:
                turn_on, seen = False, False
            elif char in ":)" and seen:
                self.flags = _Flags(fold=values["i"], multi_line=values["m"], dot_newline=values["s"])
                return char == ":"
            else:
                break
        raise RefusedError("a group (?…) that Go does not know")

    # Escapes

    def escape(self) -> list[Node]:
        following = self.text[self.at + 1 : self.at + 2]
        if following in _ASSERT_ESCAPES:
            self.at += 2
            return [Assert(_ASSERT_ESCAPES[following])]
        if following == "Q":
            quoted, _, _ = self.text[self.at + 2 :].partition("\\E")
            self.at = min(self.at + 2 + len(quoted) + 2, len(self.text))
            return [self.literal(char) for char in quoted]
        known = self.class_escape()
        return [Char(known) if known is not None else self.literal(chr(self.char_escape()))]

    def class_escape(self) -> CharSet | None:
        r"""`\d \s \w \pL \p{Greek}` and their negations; None where something else starts here."""
        following = self.text[self.at + 1 : self.at + 2]
        if following and following in "dswDSW":
            self.at += 2
            return self.signed(charset.PERL[following.lower()], negative=following.isupper())
        if following and following in "pP":
            return self.unicode_class(negative=following == "P")
        return None

    def unicode_class(self, *, negative: bool) -> CharSet:
        start = self.at + 2
        name = self.text[start : start + 1]
        end = start + 1
        if name == "{":
            close = self.text.find("}", start)
            if close < 0:
                raise RefusedError("a Unicode class without its closing brace")
            name = self.text[start + 1 : close]
            end = close + 1
            if name.startswith("^"):
                negative, name = not negative, name[1:]
        if not _CLASS_NAME.fullmatch(name):
            raise RefusedError("a Unicode class without a proper name")
        chars = charset.unicode_class(name)
        if chars is None:
            message = f"the Unicode class {name}"
            raise NotUnderstoodError(message)
        self.at = end
        return self.signed(chars, negative=negative)

    def signed(self, chars: CharSet, *, negative: bool) -> CharSet:
        """Apply the flags to a class: folded first, negated afterwards."""
        folded = charset.fold(chars) if self.flags.fold else chars
        return charset.negate(folded) if negative else folded

    def char_escape(self) -> int:
        """Read an escape that stands for one character; its code point."""
        char = self.text[self.at + 1 : self.at + 2]
        if not char:
            raise RefusedError("a backslash at the end")
        self.at += 2
        if char in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[char]
        if char == "x":
            return self.hex_escape()
        following = self.text[self.at : self.at + 1]
        if char == "0" or (char in "1234567" and following and following in "01234567"):
            octal = re.compile("[0-7]{0,2}").match(self.text, self.at)
            digits = char + (octal[0] if octal else "")
            self.at += len(digits) - 1
            return int(digits, 8)
        if char.isascii() and not char.isalnum():
            return ord(char)
        message = f"the escape \\{char}"
        raise RefusedError(message)

    def hex_escape(self) -> int:
        if self.starts("{"):
            end = self.text.find("}", self.at)
            digits = self.text[self.at + 1 : end] if end >= 0 else ""
            after = end + 1
        else:
            digits = self.text[self.at : self.at + 2]
            after = self.at + 2
            digits = digits if len(digits) == 2 else ""
        if not digits or any(digit not in _HEX for digit in digits) or int(digits, 16) > charset.LAST:
            raise RefusedError("an escape \\x without its digits")
        self.at = after
        return int(digits, 16)

    # Classes

    def char_class(self) -> CharSet:
        self.at += 1
        negative = self.starts("^")
        self.at += negative
        parts: list[CharSet] = []
        first = True
        while first or not self.starts("]"):
            first = False
            parts.append(self.class_part())
        self.at += 1
        chars = charset.union(*parts)
        return charset.negate(chars) if negative else chars

    def class_part(self) -> CharSet:
        if self.starts("[:"):
            end = self.text.find(":]", self.at + 2)
            if end >= 0:
                return self.posix_class(end)
        if self.starts("\\"):
            known = self.class_escape()
            if known is not None:
                return known
        low = high = self.class_char()
        if self.starts("-") and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self.class_char()
            if high < low:
                raise RefusedError("a range that ends before it starts")
        part: CharSet = ((low, high),)
        return charset.fold(part) if self.flags.fold else part

    def class_char(self) -> int:
        if self.at >= len(self.text):
            raise RefusedError("a character class without its closing bracket")
        if self.starts("\\"):
            return self.char_escape()
        self.at += 1
        return ord(self.text[self.at - 1])

    def posix_class(self, end: int) -> CharSet:
        name = self.text[self.at + 2 : end]
        negative = name.startswith("^")
        name = name.removeprefix("^")
        if name not in charset.POSIX:
            message = f"the class [:{name}:]"
            raise RefusedError(message)
        self.at = end + 2
        return self.signed(charset.POSIX[name], negative=negative)


def _repeated(body: Node, low: int, high: int | None) -> Node:
    """Make a repeat; Go multiplies nested counts and refuses more than 1,000 in all."""
    if (low >= 2 or (high is not None and high >= 2)) and not _countable(Repeat(body, low, high), MOST_REPEATS):
        message = f"nested repetitions of more than {MOST_REPEATS} in all"
        raise RefusedError(message)
    return Repeat(body, low, high)


def _countable(node: Node, budget: int) -> bool:
    match node:
        case Repeat(body=body, low=low, high=high):
            most = low if high is None else high
            if high == 0:
                return True
            if most > budget:
                return False
            return _countable(body, budget // most if most > 0 else budget)
        case Cat(parts=parts) | Alt(parts=parts):
            return all(_countable(part, budget) for part in parts)
        case _:
            return True
