"""
YAML with positions: text → `Node`, on the events of libyaml.

Hostile input ends in `Malformed` and never in a `RecursionError`: nodes are put together with a list and not with
calls; depth, and what aliases may stand for, are bounded. Where the file uses an alias a node is shared, not copied.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import events as e
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # the library names no exports
from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from runner_bridge.core.model import Place
from runner_bridge.core.text.node import Kind, Node, Style, repeated_keys, to_python
from runner_bridge.core.text.problem import Malformed

__all__ = ["Kind", "Malformed", "Node", "Style", "parse", "repeated_keys", "to_python"]

DEPTH_LIMIT = 200
"""Deepest nesting; the deepest CustomResourceDefinitions in use stay below 60."""
ALIAS_LIMIT_NODES = 100_000
"""How many nodes all aliases of a text may stand for together; a bomb of nine levels stands for a billion."""


def parse(text: str, name: str) -> tuple[Node, ...]:
    """
    Read a YAML text; one node for each document, none for a text without any.

    Args:
        text: its line ends may be of any kind; a byte order mark is passed over.
        name: what the text is called in places.

    Raises:
        Malformed: not YAML; or too deep, an alias without anchor, an alias inside of its own anchor, or aliases that
            stand for too much.
    """
    return _Composer(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"), name).documents()


class _Open:
    """A collection whose end has not been seen yet."""

    __slots__ = ("anchor", "children", "event", "merges", "size")

    def __init__(self, event: Any) -> None:  # noqa: ANN401 - an event of an untyped library
        self.event = event
        self.anchor = event.anchor
        self.children: list[Node] = []
        self.size = 1
        self.merges = False


class _Composer:
    """Puts the events of one text together; used once."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._lines: list[str] | None = None
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._stack: list[_Open] = []
        self._documents: list[Node] = []
        self._aliased = 0

    def documents(self) -> tuple[Node, ...]:
        """Read to the end."""
        try:
            self._read(CParser(self._text).get_event)
        except (YAMLError, UnicodeError) as error:
            raise _explain(error, self._text, self._name) from error
        return tuple(self._documents)

    def _read(self, next_event: Any) -> None:  # noqa: ANN401 - an untyped library
        add, close = self._add, self._close
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is e.ScalarEvent:
                add(self._scalar(event), 1, event.anchor)
            elif kind is e.MappingStartEvent or kind is e.SequenceStartEvent:
                self._open(event)
            elif kind is e.MappingEndEvent or kind is e.SequenceEndEvent:
                close(event.end_mark)
            elif kind is e.AliasEvent:
                self._alias(event)
            elif kind is e.DocumentStartEvent:
                self._anchors = {}

    def _scalar(self, event: Any) -> Node:  # noqa: ANN401 - an untyped library
        start, end = event.start_mark, event.end_mark
        line = start.line
        style = _STYLES[event.style]
        if style is Style.LITERAL or style is Style.FOLDED:
            return self._block_scalar(event, style)
        return Node(
            kind=Kind.SCALAR,
            file=self._name,
            line=line + 1,
            column=start.column + 1,
            end_column=end.column + 1 if end.line == line else 0,
            style=style,
            tag="" if event.ctag is None else str(event.ctag),
            text=event.value,
        )

    def _block_scalar(self, event: Any, style: Style) -> Node:  # noqa: ANN401 - an untyped library
        line, column = event.start_mark.line, event.start_mark.column
        if self._lines is None:
            self._lines = _LINE_END.split(self._text)
        lines = self._lines[line : event.end_mark.line + 1]
        lines[0] = lines[0][column:]
        # An anchor or tag may stand before the `|`, and the `|` even on a later line.
        text = "\n".join(lines)
        first = 1 + text.count("\n") - _PROPERTIES.sub("", text).count("\n")
        written = next((one for one in lines[first:] if one.strip(" \t")), "")
        meant = next((one for one in event.value.split("\n") if one.strip(" \t")), written)
        return Node(
            kind=Kind.SCALAR,
            file=self._name,
            line=line + 1,
            column=column + 1,
            end_column=0,
            style=style,
            tag="" if event.ctag is None else str(event.ctag),
            text=event.value,
            content_line=line + first + 1,
            content_indent=max(0, _indent(written) - _indent(meant)),
        )

    def _open(self, event: Any) -> None:  # noqa: ANN401 - an untyped library
        if len(self._stack) >= DEPTH_LIMIT:
            raise Malformed(
                place=_place(self._name, event.start_mark),
                observed=f"nested more than {DEPTH_LIMIT} levels deep",
                expected=f"at most {DEPTH_LIMIT}",
                remedy="No file of settings is; check that the right file is named.",
            )
        self._stack.append(_Open(event))

    def _close(self, end: Any) -> None:  # noqa: ANN401 - an untyped library
        top = self._stack.pop()
        event = top.event
        start = event.start_mark
        flow = bool(event.flow_style)
        mapping = type(event) is e.MappingStartEvent
        children = top.children
        node = Node(
            kind=Kind.MAPPING if mapping else Kind.SEQUENCE,
            file=self._name,
            line=start.line + 1,
            column=start.column + 1,
            end_column=end.column + 1 if flow and end.line == start.line else 0,
            style=Style.FLOW if flow else Style.BLOCK,
            tag="" if event.ctag is None else str(event.ctag),
            items=_pairs(children, top.merges) if mapping else (),
            elements=() if mapping else tuple(children),
        )
        self._add(node, top.size, top.anchor)

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if not self._stack:
            self._documents.append(node)
            return
        parent = self._stack[-1]
        parent.size += size
        parent.children.append(node)
        if node.text == "<<" and node.style is Style.PLAIN:
            parent.merges = True

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - an untyped library
        name = event.anchor
        place = _place(self._name, event.start_mark)
        if any(one.anchor == name for one in self._stack):
            raise Malformed(
                place=place,
                observed=f"the alias *{name} stands inside of its own anchor",
                expected="an anchor that ends before",
                remedy="Write the value out.",
            )
        if name not in self._anchors:
            raise Malformed(
                place=place,
                observed=f"the alias *{name} has no anchor before it",
                expected=f"&{name} earlier in the same document",
                remedy="Add the anchor, or put quotes around the value if it is meant as text.",
            )
        node, size = self._anchors[name]
        self._aliased += size
        if self._aliased > ALIAS_LIMIT_NODES:
            raise Malformed(
                place=place,
                observed=f"aliases stand for more than {ALIAS_LIMIT_NODES:,} values",
                expected="at most so many",
                remedy="Write the values out; aliases of aliases grow without bound.",
            )
        self._add(node, size, None)


def _pairs(children: list[Node], merges: bool) -> tuple[tuple[Node, Node], ...]:  # noqa: FBT001 - one private caller
    pairs = tuple(zip(children[::2], children[1::2], strict=True))
    return _merged(pairs) if merges else pairs


def _merged(pairs: tuple[tuple[Node, Node], ...]) -> tuple[tuple[Node, Node], ...]:
    """Replace `<<: *defaults` by what it brings: what the mapping says itself wins, then the earlier of a list."""
    own = [pair for pair in pairs if not _is_merge(*pair)]
    names = {key.text for key, _ in own}
    brought: list[tuple[Node, Node]] = []
    for key, value in pairs:
        if not _is_merge(key, value):
            continue
        for source in value.elements or (value,):
            for item in source.items:
                if item[0].text not in names:
                    names.add(item[0].text)
                    brought.append(item)
    return (*own, *brought)


def _is_merge(key: Node, value: Node) -> bool:
    sources = value.elements or (value,)
    plain = key.text == "<<" and key.style is Style.PLAIN
    return plain and all(source.kind is Kind.MAPPING for source in sources)


_STYLES = {style.value: style for style in Style}
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"\A(?:[&!]\S*|#[^\n]*|\s+)*")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _place(name: str, mark: Any) -> Place:  # noqa: ANN401 - an untyped library
    return Place(file=name, line=mark.line + 1, column=mark.column + 1)


# What libyaml says → what a person needs to know. The left side is the start of its text.
_EXPLAINED = (
    ("found a tab", "a tab in the indentation", "spaces", "Replace tabs by spaces."),
    (
        "found unexpected ':'",
        "a ':' inside of a value in brackets",
        "quotes around the value",
        'Put quotes around it, as in "group:platform".',
    ),
    (
        "mapping values are not allowed",
        "a second ': ' where none can be",
        "one key in a line",
        "Put quotes around the value, or start a new line for the second key.",
    ),
    (
        "could not find expected ':'",
        "a line that is neither a key nor belongs to one",
        "`key: value`",
        "Add the colon, or check the indentation of the line above.",
    ),
    (
        "did not find expected key",
        "a line that fits no indentation above it",
        "a key, as far to the right as its siblings",
        "Correct the indentation.",
    ),
    (
        "did not find expected '-'",
        "a line that fits no indentation above it",
        "`- `, as far to the right as the other items",
        "Correct the indentation.",
    ),
    ("found unexpected end of stream", "the text ends inside of quotes", "the closing quote", "Add the closing quote."),
    (
        "found character that cannot start any token",
        "a character that no value can start with",
        "a letter, a digit or a quote",
        "Put quotes around the value.",
    ),
    ("found undefined tag handle", "an unknown tag", "none", "Put quotes around the value if it is meant as text."),
    ("did not find expected ','", "a list or map in brackets that is not closed", "`,` or the bracket", "Close it."),
)


def _explain(error: Exception, text: str, name: str) -> Malformed:
    if isinstance(error, ReaderError):
        return _control_character(error.position, text, name)
    if isinstance(error, UnicodeEncodeError):
        return _control_character(error.start, text, name)
    mark = getattr(error, "problem_mark", None)
    place = _place(name, mark) if mark is not None else Place(file=name)
    problem = str(getattr(error, "problem", None) or "not readable")
    if mark is not None and _line(text, mark.line)[mark.column : mark.column + 1] == "\t":
        problem = "found a tab"
    for start, observed, expected, remedy in _EXPLAINED:
        if problem.startswith(start):
            return Malformed(place=place, observed=observed, expected=expected, remedy=remedy)
    return Malformed(place=place, observed=problem, expected="YAML", remedy="Correct the line, or the one above it.")


def _line(text: str, number: int) -> str:
    lines = _LINE_END.split(text)
    return lines[number] if number < len(lines) else ""


def _control_character(position: int, text: str, name: str) -> Malformed:
    before = _LINE_END.split(text[:position])
    return Malformed(
        place=Place(file=name, line=len(before), column=len(before[-1]) + 1),
        observed="a control character or half of a character",
        expected="text",
        remedy="Remove it; check that the file is text in UTF-8.",
    )
