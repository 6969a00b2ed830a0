"""
The syntax half of `toml`: text → a tree of the grammar, with every line that is no TOML noted and set aside.

A grammar's own recovery swallows what follows a mistake (one unclosed header, and the rest of the file is an error).
So the line is repaired where the meaning is plain (a header without its bracket), else blanked, and the text is read
again, until nothing is wrong. Columns of the other lines stay as they are.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from runner_bridge.core.model import Place
from runner_bridge.core.text._toml_explain import HEADER, QUOTED, Mistake, Problem, explain

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_PROBLEMS = 25
"""A file with more is not TOML, and its list of mistakes no help."""


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
            self._set_aside(row)

    def _set_aside(self, row: int) -> None:
        line = self.lines[row]
        newer = _as_toml_1_0(line)
        if newer != line:
            self.lines[row] = newer
        elif (opened := _open_list(self.lines, row)) is not None and opened[0] not in self.repaired:
            self._close_list(*opened)
        else:
            # A value over several lines falls apart line by line; only its first line is news.
            if row not in self.repaired and row != self.last_row + 1:
                self.problems.append(explain(line, row, self.name))
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


_NOT_BRACKETS = re.compile(rf"{QUOTED}|(?P<comment>\#.*)")
_STATEMENT = re.compile(rf"\s*(?:[\w.-]+|{QUOTED})\s*=|\s*\[\[?[A-Za-z]")


def _without_comment(found: re.Match[str]) -> str:
    return "" if found["comment"] else found[0]


def _open_list(lines: list[str], row: int) -> tuple[int, int] | None:
    """Return where a list starts that is not closed, in `row` or before it, and the statement that follows it."""
    for start in range(row, -1, -1):
        if _is_statement(lines[start]) and not lines[start].lstrip().startswith("["):
            end = _end_of_open_list(lines, start)
            return (start, end) if end is not None and end >= row else None
    return None


def _end_of_open_list(lines: list[str], row: int) -> int | None:
    """Return the line of the first statement inside of a list that starts in `row`, None where there is no such."""
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


_ESCAPES = re.compile(r"\\(?:e|x(?P<code>[0-9A-Fa-f]{2}))")


def _as_toml_1_0(line: str) -> str:
    r"""Write the escapes that only TOML 1.1 knows (`\e`, `\x41`) the older way."""
    return _ESCAPES.sub(lambda found: f"\\u00{found['code'] or '1b'}", line)


def _repair(line: str) -> str:
    """Return a header that can be read, so that what stands below keeps its table; of any other line nothing."""
    found = HEADER.match(line)
    parts = [part.strip() for part in found["name"].split(".")] if found else []
    names = [part if _BARE_KEY.fullmatch(part) else f"'{part}'" for part in parts if part and "'" not in part]
    if not found or not names:
        return ""
    return f"{found['start']}{found['open']}{'.'.join(names)}{']' * len(found['open'])}"


_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+|\"[^\"\\\\]*\"")
