"""
YAML with positions: text → `Node`, on the events of libyaml.

Hostile input ends in `Malformed` and never in a `RecursionError`: nodes are put together with a list and not with
calls; depth, and what aliases may stand for, are bounded. Where the file uses an alias a node is shared, not copied.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as e
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # the library names no exports
from ruamel.yaml.error import YAMLError

from runner_bridge.core.text.node import Kind, Node, Style, repeated_keys, to_python
from runner_bridge.core.text.problem import Malformed
from runner_bridge.core.text.yaml_errors import LINE_END, explain, is_colon, mark_place

__all__ = ["Kind", "Malformed", "Node", "Style", "parse", "repeated_keys", "to_python"]

DEPTH_LIMIT = 200
"""Deepest nesting; the deepest CustomResourceDefinitions in use stay below 60."""
PYTHON_LIMIT = 256 * 1024
"""Characters of the longest text that is read a second time by the slow parser."""
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
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    try:
        return _Composer(text, name).read(CParser(text).get_event)
    except (YAMLError, UnicodeError) as error:
        if is_colon(error) and len(text) <= PYTHON_LIMIT:
            return _parse_in_python(text, name)
        raise explain(error, text, name) from error


def _parse_in_python(text: str, name: str) -> tuple[Node, ...]:
    """Read a text with a plain `{url: https://…}` or `[group:a]`, which YAML allows and libyaml 0.1 refuses."""
    events = YAML(typ="safe", pure=True).parse(text)
    try:
        return _Composer(text, name).read(lambda: next(events, None))
    except YAMLError as error:
        raise explain(error, text, name) from error


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

    def read(self, next_event: Any) -> tuple[Node, ...]:  # noqa: ANN401 - an untyped library
        """Take events to the end; return the documents."""
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
        return tuple(self._documents)

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
            self._lines = LINE_END.split(self._text)
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
                place=mark_place(self._name, event.start_mark),
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
        place = mark_place(self._name, event.start_mark)
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


_STYLES: dict[str | None, Style] = {None: Style.PLAIN, **{style.value: style for style in Style}}
_PROPERTIES = re.compile(r"\A(?:[&!]\S*|#[^\n]*|\s+)*")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
