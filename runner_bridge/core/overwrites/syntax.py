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
from typing import Final

from runner_bridge.core.overwrites import charset
from runner_bridge.core.overwrites.classes import CharReader, Flags
from runner_bridge.core.overwrites.tree import (
    Alt,
    Assert,
    At,
    Cat,
    Char,
    Node,
    NotUnderstoodError,
    RefusedError,
    Repeat,
)

DEEPEST: Final = 80
"""Groups inside groups that are followed; Go's own limit is 1,000."""
MOST_REPEATS: Final = 1000

_COUNT = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_ASSERT_ESCAPES = {"A": At.BEGIN_TEXT, "z": At.END_TEXT, "b": At.WORD_BOUNDARY, "B": At.NO_WORD_BOUNDARY}


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


class _Reader(CharReader):
    """Recursive descent, one method per production; `at` is the next character, `flags` those in force."""

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
                self.flags = Flags(fold=values["i"], multi_line=values["m"], dot_newline=values["s"])
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
