"""
A value of a YAML text, with its place, and what its scalars mean.

Plain scalars follow the YAML 1.2 core schema (`yes`, `on` and `off` are text; so is a date). Tools of Kubernetes
read YAML 1.1: whoever needs to know what they would see has `text` and `style`. No tag can call anything; one that
is not of the core schema is only kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model import Place
from runner_bridge.core.text.problem import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(StrEnum):
    """The three kinds of YAML nodes."""

    MAPPING = "mapping"
    SEQUENCE = "sequence"
    SCALAR = "scalar"


class Style(StrEnum):
    """How a node is written; `flow` and `block` are for collections."""

    PLAIN = ""
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"
    FLOW = "flow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value of a YAML text and where it stands."""

    kind: Kind
    file: str
    line: int
    """From 1; for an anchored or tagged node that of the anchor or tag."""
    column: int
    """From 1, in characters."""
    end_column: int
    """One past the last character when the node ends on `line`, else 0; always 0 for a block collection."""
    style: Style
    tag: str = ""
    """Only where one is written: `!all()`, or `tag:yaml.org,2002:int` for `!!int`."""
    text: str = ""
    """The characters of a scalar, without quotes and escapes; see `value` for what they mean."""
    items: tuple[tuple[Node, Node], ...] = ()
    """Keys and values of a mapping in the order of the file, repeated keys included; merge keys (`<<`) are merged."""
    elements: tuple[Node, ...] = ()
    """The values of a sequence."""
    content_line: int = 0
    """Of a literal or folded scalar: the line after its `|` or `>`, where its text starts."""
    content_indent: int = 0
    """Of a literal or folded scalar: how many spaces stand before each line of its text."""

    @property
    def place(self) -> Place:
        """Where it starts (and ends, on the same line)."""
        return Place(file=self.file, line=self.line, column=self.column, end_column=self.end_column)

    @property
    def value(self) -> str | int | float | bool | None:
        """What a scalar means in the core schema; None for `null` and for collections."""
        if self.kind is not Kind.SCALAR:
            return None
        if self.tag:
            return _tagged(self.tag, self.text)
        return _resolve(self.text) if self.style is Style.PLAIN else self.text

    def get(self, key: str) -> Node | None:
        """Return the value of a mapping's key, the last one if it is repeated; None where there is none."""
        found = None
        for name, value in self.items:
            if name.text == key and name.kind is Kind.SCALAR:
                found = value
        return found

    def inner_place(self, line: int, column: int, end_column: int = 0) -> Place:
        """
        Return where a position inside of a scalar's text stands in the file.

        Exact for literal scalars, and on the first line of scalars on one line whose text has no escapes; elsewhere
        (folded, or with escapes) the start of the scalar: a wrong column would be worse than a coarse one.
        """
        if self.style is Style.LITERAL and line:
            shift, row = self.content_indent, self.content_line + line - 1
        elif self._is_verbatim() and line <= 1:
            shift, row = self.column - 1 + (self.style is not Style.PLAIN), self.line
        else:
            return self.place
        return Place(
            file=self.file,
            line=row,
            column=column and column + shift,
            end_column=end_column and end_column + shift,
        )

    def inside(self, outer: Node) -> Node:
        """
        Return the node with places of the file in which the scalar `outer` stands, whose text it was read from.

        As exact as `outer.inner_place`: where that is coarse, everything inside stands at the start of `outer`.
        """
        place = outer.inner_place(self.line, self.column, self.end_column)
        exact = outer.style is Style.LITERAL
        return replace(
            self,
            line=place.line,
            column=place.column,
            end_column=place.end_column if exact else 0,
            style=Style.FOLDED if self.style is Style.LITERAL and not exact else self.style,
            items=tuple([(key.inside(outer), value.inside(outer)) for key, value in self.items]),
            elements=tuple([element.inside(outer) for element in self.elements]),
            content_line=outer.inner_place(self.content_line, 1).line if self.content_line else 0,
            content_indent=self.content_indent + outer.content_indent,
        )

    def _is_verbatim(self) -> bool:
        quotes = 0 if self.style is Style.PLAIN else 2
        return self.end_column - self.column - quotes == len(self.text) > 0 and not self.tag


def to_python(node: Node) -> Any:  # noqa: ANN401 - YAML holds anything
    """
    Return plain dicts, lists and scalars; of a repeated key the last value counts.

    Raises:
        Malformed: a key is a list or a map.
    """
    if node.kind is Kind.SCALAR:
        return node.value
    if node.kind is Kind.SEQUENCE:
        return [to_python(element) for element in node.elements]
    return {_key(key): to_python(value) for key, value in node.items}


def _key(node: Node) -> str | int | float | bool | None:
    if node.kind is not Kind.SCALAR:
        raise Malformed(
            place=node.place,
            observed=f"a {node.kind} as a key",
            expected="a name",
            remedy="Put quotes around it if it is meant as text.",
        )
    return node.value


def repeated_keys(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield (first, repeated) for each key that stands again in one mapping, at any depth, in the order of the file."""
    seen: dict[str, Node] = {}
    for key, value in node.items:
        if key.kind is Kind.SCALAR:
            first = seen.setdefault(key.text, key)
            if first is not key:
                yield first, key
        if value.kind is not Kind.SCALAR:
            yield from repeated_keys(value)
    for element in node.elements:
        if element.kind is not Kind.SCALAR:
            yield from repeated_keys(element)


_CORE = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_LENGTH = 400
"""A longer number is text: Python refuses to read integers of thousands of digits."""
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NUMBER_STARTS = frozenset("0123456789+-.")


def _resolve(text: str) -> str | int | float | bool | None:
    """Read a plain scalar as the core schema of YAML 1.2.2, section 10.3.2, does."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > _NUMBER_LENGTH:
        return text
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1) if text[-1].isalpha() else text)
    return text


def _tagged(tag: str, text: str) -> str | int | float | bool | None:
    """Read a scalar under a tag; one that does not fit, or is not of the core schema, stays text."""
    value = _resolve(text)
    match tag.removeprefix(_CORE):
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "float" if isinstance(value, int | float):
            return float(value)
        case "bool" if isinstance(value, bool):
            return value
        case "null":
            return None
    return text
