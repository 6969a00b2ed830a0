r"""
Read what stands for one character in a regular expression: escapes and classes.

Follows Go's regexp/syntax/parse.go (parseEscape, parseClass, parseUnicodeClass).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.overwrites import charset
from runner_bridge.core.overwrites.tree import Char, NotUnderstoodError, RefusedError

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.charset import CharSet

_CLASS_NAME = re.compile("[A-Za-z0-9_ -]+")
_SIMPLE_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_OCTAL = re.compile("0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What `(?ims)` has switched on."""

    fold: bool = False
    multi_line: bool = False
    dot_newline: bool = False


class CharReader:
    """A position in a pattern, the flags in force there, and the productions for one character."""

    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.flags = Flags()

    def starts(self, prefix: str) -> bool:
        """Tell whether the rest of the pattern starts with `prefix`."""
        return self.text.startswith(prefix, self.at)

    def literal(self, char: str) -> Char:
        """Make one character, with its other cases where the flags want them."""
        one: CharSet = ((ord(char), ord(char)),)
        return Char(charset.fold(one) if self.flags.fold else one)

    def class_escape(self) -> CharSet | None:
        r"""Read `\d \s \w \pL \p{Greek}` or a negation; None where something else starts here."""
        following = self.text[self.at + 1 : self.at + 2]
        if following and following in "dswDSW":
            self.at += 2
            return self.signed(charset.PERL[following.lower()], negative=following.isupper())
        if following and following in "pP":
            return self.unicode_class(negative=following == "P")
        return None

    def unicode_class(self, *, negative: bool) -> CharSet:
        r"""Read `\pL`, `\p{Greek}` or `\p{^Greek}`; an unknown name may be one that a newer Go knows."""
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
        start = self.at + 1
        if found := _OCTAL.match(self.text, start):
            self.at = found.end()
            return int(found[0], 8)
        if found := _HEX.match(self.text, start):
            self.at = found.end()
            code = int(found[1] or found[2], 16)
            if code > charset.LAST:
                raise RefusedError("an escape \\x beyond Unicode")
            return code
        char = self.text[start : start + 1]
        if not char:
            raise RefusedError("a backslash at the end")
        self.at = start + 1
        if char in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[char]
        if char.isascii() and not char.isalnum():
            return ord(char)
        message = f"the escape \\{char}"
        raise RefusedError(message)

    def char_class(self) -> CharSet:
        """Read `[…]`; a `]` right after its start is a character."""
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
        """Read one part of `[…]`: a class inside it, a character, or a range."""
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
        """Read one end of a range."""
        if self.at >= len(self.text):
            raise RefusedError("a character class without its closing bracket")
        if self.starts("\\"):
            return self.char_escape()
        self.at += 1
        return ord(self.text[self.at - 1])

    def posix_class(self, end: int) -> CharSet:
        """Read `[:name:]`, whose `:]` is at `end`."""
        name = self.text[self.at + 2 : end]
        negative = name.startswith("^")
        name = name.removeprefix("^")
        if name not in charset.POSIX:
            message = f"the class [:{name}:]"
            raise RefusedError(message)
        self.at = end + 2
        return self.signed(charset.POSIX[name], negative=negative)
