"""
A small writer of YAML in block style, and the proof that a document says what was meant.

Hand-built because three things have to be certain and short to check: `"!all()"` is quoted (unquoted it is a tag, and
the pool would be open to every pod), JSON stays readable in one string, and words that only YAML 1.1 takes for
booleans (`on`, `y`) are quoted, because kubectl and Helm read YAML 1.1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner_bridge.core.errors import RenderError
from runner_bridge.core.text import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9./_-]*\Z")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


class Literal(str):
    """A text of several lines that is written as it is, under `|`."""

    __slots__ = ()


def scalar(item: object) -> str:
    r"""
    Return a scalar on one line; text is quoted unless every reader takes it for the same text.

    >>> scalar("!all()"), scalar("on"), scalar('["infra"]'), scalar("172.16.0.0/16")
    ('"!all()"', '"on"', '\'["infra"]\'', '"172.16.0.0/16"')
    """
    match item:
        case bool():
            return "true" if item else "false"
        case int():
            return str(item)
        case str():
            return _text(item)
    message = f"no artefact has a value of type {type(item).__name__}"
    raise TypeError(message)


def _text(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable() and '"' in text and "'" not in text:
        return f"'{text}'"
    # JSON is YAML, as long as a character beyond the first plane is not written as two halves.
    return re.sub(r"[^ -~]", _escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def dump(table: Mapping[str, Any], indent: str = "") -> str:
    """Return a mapping in block style, keys in their order, one line end at the end."""
    return "".join(f"{indent}{line}\n" if line else "\n" for line in _mapping(table))


def dump_list(items: Sequence[Mapping[str, Any]]) -> str:
    """Return a list of mappings in block style."""
    return "".join(f"{line}\n" for line in _sequence(items))


def _mapping(table: Mapping[str, Any]) -> Iterator[str]:
    for name, item in table.items():
        match item:
            case Literal():
                yield f"{scalar(name)}: |"
                yield from (f"  {line}" if line else "" for line in item.removesuffix("\n").split("\n"))
            case dict() if item:
                yield f"{scalar(name)}:"
                yield from (f"  {line}" if line else "" for line in _mapping(item))
            case list() if item:
                yield f"{scalar(name)}:"
                yield from (f"  {line}" for line in _sequence(item))
            case dict() | list():
                yield f"{scalar(name)}: {'{}' if isinstance(item, dict) else '[]'}"
            case _:
                yield f"{scalar(name)}: {scalar(item)}"


def _sequence(items: Sequence[Any]) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict):
            first, *rest = _mapping(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        else:
            yield f"- {scalar(item)}"


def prove(artefact: str, text: str, *expected: object) -> None:
    """
    Parse every document of a file that we wrote and compare it with what was meant.

    Raises:
        RenderError: it is no YAML, or says something else.
    """
    try:
        observed = [yaml.to_python(node) for node in yaml.parse(text, artefact)]
    except yaml.Malformed as error:
        message = f"{artefact}: what was written is no YAML: {error} This is a defect; nothing was written."
        raise RenderError(message) from error
    if json.dumps(observed) != json.dumps(expected):
        message = f"{artefact}: what was written differs from what was meant. This is a defect; nothing was written."
        raise RenderError(message)
