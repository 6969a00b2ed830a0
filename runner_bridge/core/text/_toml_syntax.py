"""
The syntax half of `toml`: text → a tree of the grammar, with every line that is no TOML noted and set aside.

A grammar's own recovery swallows what follows a mistake (one unclosed header, and the rest of the file is an error).
So the line is repaired where the meaning is plain (a header without its bracket), else blanked, and the text is read
again, until nothing is wrong. Columns of the other lines stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from runner_bridge.core.model import Place

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_PROBLEMS = 25
"""A file with more is not TOML, and its list of mistakes no help."""


class Mistake(StrEnum):
    """What kind of mistake a problem is."""

    SYNTAX = "syntax"
    BARE_KEY = "bare-key"
    """A key whose characters need quotes, `cni.projectcalico.org/ipv4pools` without them."""
    REPEATED = "repeated"
    """A key or a table is defined twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that a TOML parser would refuse. Holds keys of the text, never values: those may be secrets."""

    place: Place
    observed: str
    expected: str
    remedy: str
    mistake: Mistake


class Source:
    """A text as bytes, which a grammar counts in, and as lines and characters, which people count in."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.bytes = text.encode("utf-8", "replace")
        self._ascii = len(self.bytes) == len(text)
        self._starts = [0]
        for found in re.finditer(b"\n", self.bytes):
            self._starts.append(found.end())

    def slice(self, start: int, end: int) -> str:
        """Return the text between two byte offsets."""
        return self.bytes[start:end].decode("utf-8", "replace")

    def place(self, start: int, end: int, row: int) -> Place:
        """Return the place of a piece that starts in `row`; it ends at the latest where that line ends."""
        line_start = self._starts[row]
        line_end = self._starts[row + 1] - 1 if row + 1 < len(self._starts) else len(self.bytes)
        column = self._characters(line_start, start)
        end_column = self._characters(line_start, min(end, line_end))
        return Place(file=self.name, line=row + 1, column=column + 1, end_column=end_column + 1)

    def _characters(self, start: int, end: int) -> int:
        return end - start if self._ascii else len(self.slice(start, end))


def read_tree(text: str, name: str) -> tuple[Source, Node, list[Problem]]:
    """Return the source as it was understood, its tree, and the lines that are no TOML. Never raises."""
    return _Reader(text, name).read()


class _Reader:
    """Reads one text until nothing is wrong with what is left of it."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines = text.removeprefix("\ufeff").split("\n")
        self.problems: list[Problem] = []
        self.repaired: set[int] = set()
        self.last_row = -2

    def read(self) -> tuple[Source, Node, list[Problem]]:
        while True:
            source = Source("\n".join(self.lines), self.name)
            root = _parser().parse(source.bytes).root_node
            bad = _first_error(root)
            row = None if bad is None else _row_to_set_aside(bad, self.lines)
            if bad is None or row is None or len(self.problems) >= MOST_PROBLEMS:
                return source, root, self.problems
            self._set_aside(row, bad)

    def _set_aside(self, row: int, bad: Node) -> None:
        line = self.lines[row]
        newer = _as_toml_1_0(line)
        if newer != line:
            self.lines[row] = newer
        elif row not in self.repaired and (end := _end_of_open_list(self.lines, row)) is not None:
            self._close_list(row, end)
        else:
            # A value over several lines falls apart line by line; only its first line is news.
            if row not in self.repaired and row != self.last_row + 1:
                self.problems.append(_explain(line, row, bad, self.name))
            self.lines[row] = "" if row in self.repaired else _repair(line)
            self.repaired.add(row)
            self.last_row = row

    def _close_list(self, row: int, end: int) -> None:
        """Put the bracket that is missing where the list must end: on the line before the next statement."""
        line = self.lines[end]
        column = len(line) - len(line.lstrip())
        place = Place(file=self.name, line=end + 1, column=column + 1, end_column=column + 2)
        seen = f"a new line of keys inside of the list that starts in line {row + 1}"
        problem = Problem(
            mistake=Mistake.SYNTAX, place=place, observed=seen, expected="`]`", remedy="Close the list with ]."
        )
        self.problems.append(problem)
        self.lines[end - 1] = f"{_NOT_BRACKETS.sub(_without_comment, self.lines[end - 1])}]"
        self.repaired.add(row)


@cache
def _parser() -> Parser:
    import tree_sitter  # noqa: PLC0415 - only verbs that read TOML pay for the grammar
    import tree_sitter_toml  # noqa: PLC0415

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))


def _first_error(root: Node) -> Node | None:
    """Return the first piece that is no TOML, the innermost one, without recursion."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_missing or (node.is_error and not _is_toml_1_1(node)):
            return node
        if not node.is_error:
            stack.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return None


def _is_toml_1_1(error: Node) -> bool:
    """Tell whether a piece is a line end, or the comma before the closing brace, of an inline table."""
    if error.parent is None or error.parent.type != "inline_table":
        return False
    piece = (error.text or b"").strip()
    return not piece or (piece == b"," and error.next_sibling is not None and error.next_sibling.type == "}")


def _row_to_set_aside(bad: Node, lines: list[str]) -> int | None:
    """Return the first line of the piece that still holds text."""
    first, last = bad.start_point.row, min(bad.end_point.row, len(lines) - 1)
    rows = (*range(first, last + 1), *range(first, -1, -1))
    # Exotic white space is no TOML either, but only to blame when there is nothing else.
    return next((row for blank in (None, " \t") for row in rows if lines[row].strip(blank)), None)


_QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'[^']*')"""
_NOT_BRACKETS = re.compile(rf"{_QUOTED}|(?P<comment>\#.*)")
_STATEMENT = re.compile(rf"\s*(?:[\w.-]+|{_QUOTED})\s*=|\s*\[\[?[A-Za-z]")


def _without_comment(found: re.Match[str]) -> str:
    return "" if found["comment"] else found[0]


def _end_of_open_list(lines: list[str], row: int) -> int | None:
    """Return the line of the first statement inside of a list that starts in `row`, None where there is no such."""
    if not _is_statement(lines[row]) or lines[row].lstrip().startswith("["):
        return None
    opened: list[str] = []
    for number in range(row, len(lines)):
        if number > row and (not opened or (opened[-1] == "[" and _is_statement(lines[number]))):
            return number if opened else None
        for bracket in re.findall(r"[\[\]{}]", _NOT_BRACKETS.sub("", lines[number])):
            if bracket in "[{":
                opened.append(bracket)
            elif opened:
                opened.pop()
    return None


def _is_statement(line: str) -> bool:
    return _STATEMENT.match(line) is not None


_HEADER = re.compile(r"^(?P<start>\s*)(?P<open>\[\[?)(?P<name>[^\[\]\n#=]*)")
_ESCAPES = re.compile(r"\\(?:e|x(?P<code>[0-9A-Fa-f]{2}))")


def _as_toml_1_0(line: str) -> str:
    r"""Write the escapes that only TOML 1.1 knows (`\e`, `\x41`) the older way."""
    return _ESCAPES.sub(lambda found: f"\\u00{found['code'] or '1b'}", line)


def _repair(line: str) -> str:
    """Return a header that can be read, so that what stands below keeps its table; of any other line nothing."""
    found = _HEADER.match(line)
    parts = [part.strip() for part in found["name"].split(".")] if found else []
    names = [part if _BARE_KEY.fullmatch(part) else f"'{part}'" for part in parts if part and "'" not in part]
    if not found or not names:
        return ""
    return f"{found['start']}{found['open']}{'.'.join(names)}{']' * len(found['open'])}"


_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+|\"[^\"\\\\]*\"")
_IN_BARE_KEY = "in a key without quotes"
_EMPTY_PART = re.compile(r"^\s*\.|\.\s*\.|\.\s*$")
_NOT_BARE = re.compile(r"[^A-Za-z0-9_.-]")
_METADATA_KEY = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+/[A-Za-z0-9._-]{1,63}")
_KEY = re.compile(rf"""\s*(?P<key>(?:{_QUOTED}|[^=#"'\s]|[ \t]+(?=[^=#\s]))+)[ \t]*(?P<equals>=?)""")
_WORD_VALUE = re.compile(r"[A-Za-z$./]")


def _explain(line: str, row: int, bad: Node, name: str) -> Problem:
    """Say what is wrong with a line. Quotes keys, never values."""
    for look in (_header_problem, _key_problem, _value_problem):
        found = look(line)
        if found is not None:
            column, observed, expected, remedy = found
            break
    else:
        column = bad.start_point.column if bad.start_point.row == row else len(line) - len(line.lstrip())
        column = len(line.encode()[:column].decode("utf-8", "replace"))
        observed, expected, remedy = "something that is no TOML", "`key = value`", "Correct or remove it."
    place = Place(file=name, line=row + 1, column=column + 1, end_column=max(column + 2, 0))
    mistake = Mistake.BARE_KEY if observed.endswith(_IN_BARE_KEY) else Mistake.SYNTAX
    return Problem(mistake=mistake, place=place, observed=observed, expected=expected, remedy=remedy)


_Explained = tuple[int, str, str, str] | None


def _header_problem(line: str) -> _Explained:
    found = _HEADER.match(line)
    if not found:
        return None
    brackets = "]" * len(found["open"])
    if not found["name"].strip():
        return found.end(), "a table header without a name", "`[name]`", "Name the table."
    end = found.start("name") + len(found["name"].rstrip())
    rest = line[found.end() :]
    if not rest.startswith(brackets):
        seen = "the end of the line" if not rest else f"`{rest[0]}`"
        return end, f"{seen} in a table header", f"`{brackets}`", f"Close the header with {brackets}."
    if rest[len(brackets) :].lstrip()[:1] not in {"", "#"}:
        column = found.end() + len(brackets) + (len(rest) - len(brackets) - len(rest[len(brackets) :].lstrip()))
        return column, "text after a table header", "the end of the line", "Put it on a line of its own."
    empty = _EMPTY_PART.search(found["name"])
    if empty:
        return (
            found.start("name") + empty.end() - 1,
            "an empty name in a table header",
            "a name between dots",
            "Name it.",
        )
    return _bad_character(found.start("name"), found["name"].rstrip())


def _key_problem(line: str) -> _Explained:
    found = _KEY.match(line)
    if not found:
        return None
    key, start = found["key"], found.start("key")
    if found["equals"]:
        return _bad_character(start, key)
    word = re.split(r"[\s:]", key, maxsplit=1)[0]
    if key[len(word) :].startswith(":"):
        return start + len(word), "`:` after a key", "`=`", "Write key = value; this file is TOML, not YAML."
    return start + len(word), "a key without `=`", "`=`", "Write key = value."


def _bad_character(start: int, key: str) -> _Explained:
    plain = re.sub(_QUOTED, lambda found: "_" * len(found[0]), key)
    plain = re.sub(r"[ \t]*\.[ \t]*", lambda found: "." * len(found[0]), plain)
    found = _NOT_BARE.search(plain)
    if not found:
        return None
    # Only what is surely a key is quoted: the line may be a piece of a secret.
    remedy = f'Quote the key: "{key}".' if _METADATA_KEY.fullmatch(key) else "Quote the key."
    return start + found.start(), f"`{found[0]}` {_IN_BARE_KEY}", "`.` or `=`", remedy


def _value_problem(line: str) -> _Explained:
    """Explain a value; `_key_problem` has seen a key and an equals sign before it."""
    start = line.find("=") + 1
    if not start:
        return None
    if not line[: start - 1].strip():
        return start - 1, "no key before `=`", "`key = value`", "Name the key."
    value = line[start:].split("#", 1)[0].strip()
    column = start + len(line[start:]) - len(line[start:].lstrip())
    if not value:
        return start, "no value after `=`", "a value", 'Write one; "" is an empty text.'
    observed, expected, remedy = _quotes_problem(value) or _word_problem(value)
    return column, observed, expected, remedy


def _quotes_problem(value: str) -> tuple[str, str, str] | None:
    quote = value[0]
    if quote not in "\"'":
        return None
    if value.startswith(quote * 3) or value.count(quote) % 2:
        return (
            "a text that is not closed",
            f"`{quote * 3 if value.startswith(quote * 3) else quote}`",
            "Close the quotes.",
        )
    if quote == '"' and "\\" in value:
        remedy = "Write '…' (single quotes take everything as it is), or double each backslash."
        return "an escape that TOML does not know", 'one of \\n \\t \\" \\\\', remedy
    return "text after a value", "the end of the line", "Put each key on a line of its own."


def _word_problem(value: str) -> tuple[str, str, str]:
    if value in {"True", "False", "TRUE", "FALSE", "yes", "no", "on", "off"}:
        return f"`{value}`", "`true` or `false`", "TOML knows only true and false, in small letters."
    if _WORD_VALUE.match(value):
        return "a text without quotes", '`"…"`', "Put quotes around it."
    return "a value that is no TOML", "a text in quotes, a number, true, false, […] or {…}", "Correct it."
