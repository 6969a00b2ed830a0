"""
Sets of Unicode characters as sorted ranges, with the classes and the case folding of RE2.

Pure values: a set is a tuple of inclusive `(low, high)` pairs, sorted, disjoint and not adjacent. What is small and
ASCII is written here; Unicode classes, and case folding outside ASCII, are asked of google-re2 itself, so that there
is no second table of Unicode to keep in step. Source of the rules: Go's regexp/syntax (parse.go, perl_groups.go).
"""

from __future__ import annotations

from functools import lru_cache

import re2

LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)

CharSet = tuple[tuple[int, int], ...]

ANY: CharSet = ((0, LAST),)
ANY_BUT_NEWLINE: CharSet = ((0, 9), (11, LAST))
DIGIT: CharSet = ((0x30, 0x39),)
SPACE: CharSet = ((9, 10), (12, 13), (32, 32))
WORD: CharSet = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))

PERL = {"d": DIGIT, "s": SPACE, "w": WORD}

POSIX: dict[str, CharSet] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)),
    "alpha": ((0x41, 0x5A), (0x61, 0x7A)),
    "ascii": ((0, 0x7F),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": DIGIT,
    "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),),
    "print": ((0x20, 0x7E),),
    "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((9, 13), (32, 32)),
    "upper": ((0x41, 0x5A),),
    "word": WORD,
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}


def union(*sets: CharSet) -> CharSet:
    """Every character that is in one of `sets`."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for one in sets for pair in one):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def negate(chars: CharSet) -> CharSet:
    """Every character that is not in `chars`."""
    out: list[tuple[int, int]] = []
    start = 0
    for low, high in chars:
        if low > start:
            out.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        out.append((start, LAST))
    return tuple(out)


def contains(chars: CharSet, code: int) -> bool:
    """Whether the code point is in the set."""
    return any(low <= code <= high for low, high in chars)


def fold(chars: CharSet) -> CharSet:
    """
    Add everything that differs from a member only by case (Unicode simple folding).

    Two letters of ASCII have a partner outside it: `k` the Kelvin sign U+212A, `s` the long s U+017F.
    """
    partners: list[tuple[int, int]] = []
    for low, high in chars:
        for code in range(max(low, 0x41), min(high, 0x7A) + 1):
            if chr(code).isalpha():
                partners.append((code ^ 0x20, code ^ 0x20))
                if code | 0x20 == 0x6B:
                    partners.append((0x212A, 0x212A))
                elif code | 0x20 == 0x73:
                    partners.append((0x17F, 0x17F))
    beyond = tuple((max(low, 0x80), high) for low, high in chars if high >= 0x80)
    if beyond:
        pairs = "".join(f"\\x{{{low:X}}}-\\x{{{high:X}}}" for low, high in beyond)
        partners.extend(_members(f"(?i)[{pairs}]"))
    return union(chars, tuple(partners))


def unicode_class(name: str) -> CharSet | None:
    r"""Give the characters of `\p{name}`; None where google-re2 does not know the name. Never raises."""
    try:
        return _members(f"\\p{{{name}}}")
    except re2.error:
        return None


@lru_cache(maxsize=256)
def _members(one_char: str) -> CharSet:
    """Every character that the pattern for one character matches, found by google-re2 in a text of all characters."""
    options = re2.Options()
    options.log_errors = False
    found: list[tuple[int, int]] = []
    for match in re2.compile(f"(?:{one_char})+", options).finditer(_everything()):
        first, last = match.start(), match.end() - 1
        found.append((_code(first), _code(last)))
    return tuple(found)


@lru_cache(maxsize=1)
def _everything() -> str:
    """All Unicode characters in order, without the surrogates, which are none."""
    return "".join(map(chr, [*range(_SURROGATES[0]), *range(_SURROGATES[1] + 1, LAST + 1)]))


def _code(index: int) -> int:
    return index if index < _SURROGATES[0] else index + _SURROGATES[1] - _SURROGATES[0] + 1
