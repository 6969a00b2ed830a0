r"""
A small writer of TOML, in the shape that GitLab Runner itself writes: two spaces a level, tables after keys.

Not tomli-w: it writes `pod_annotations` as an inline table in an inline array, and a JSON list as `"[\"pool\"]"`; an
admin reads and edits this file, so `'["pool"]'` stays literal and every table has its header.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_PLAIN = re.compile(r'[^"\\\x00-\x1f\x7f]*\Z')
_LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*\Z")
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_STEP = "  "


def key(name: str) -> str:
    """
    Return a key, quoted where it has to be.

    >>> key("cni.projectcalico.org/ipv4pools")
    '"cni.projectcalico.org/ipv4pools"'
    """
    return name if _BARE.match(name) else string(name)


def string(text: str) -> str:
    """
    Return a string on one line, literal (`'…'`) where that saves escapes.

    >>> print(string('["infraestrutura"]'))
    '["infraestrutura"]'
    """
    if _PLAIN.match(text):
        return f'"{text}"'
    if _LITERAL.match(text):
        return f"'{text}'"
    return '"' + _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + '"'


def value(item: object) -> str:  # noqa: PLR0911 - one line for each kind of value that TOML has
    """
    Return any TOML value on one line; tables become inline tables.

    Raises:
        TypeError: TOML has no such value.
    """
    match item:
        case str():
            return string(item)
        case bool():
            return "true" if item else "false"
        case int():
            return str(item)
        case float():
            return repr(item)
        case date() | time():  # a datetime is a date
            return item.isoformat()
        case list() | tuple():
            return "[" + ", ".join(value(each) for each in item) + "]"
        case dict():
            return (
                "{ " + ", ".join(f"{key(name)} = {value(each)}" for name, each in item.items()) + " }" if item else "{}"
            )
    message = f"TOML has no value of type {type(item).__name__}"
    raise TypeError(message)


def lines(path: tuple[str, ...], table: Mapping[str, Any], depth: int) -> Iterator[str]:
    """
    Yield the lines of a table without its header: its keys, then each table in it under a header of its own.

    Args:
        path: where the table stands, for the headers of those in it.
        table: keys in the order in which they are to stand; tables move behind the rest, as TOML wants it.
        depth: how many levels its keys are indented.
    """
    indent = _STEP * depth
    for name, item in table.items():
        if not isinstance(item, dict):
            yield f"{indent}{key(name)} = {value(item)}"
    for name, item in table.items():
        if isinstance(item, dict):
            inner = (*path, name)
            yield f"{indent}[{header(inner)}]"
            yield from lines(inner, item, depth + 1)


def header(path: tuple[str, ...]) -> str:
    """Return the dotted name of a table."""
    return ".".join(map(key, path))


def array_item(name: str, table: Mapping[str, Any]) -> str:
    """Return one element of an array of tables, its header first; ends in a line end."""
    return "\n".join((f"[[{key(name)}]]", *lines((name,), table, 1), ""))
