"""
A small writer of YAML in block style, and the proof that a document says what was meant.

Hand-built because it has to be certain and short to check what is quoted (`core.text.yaml_scalar`), and because a JSON
list has to stay readable in one string.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner_bridge.core.errors import RenderError
from runner_bridge.core.text import yaml
from runner_bridge.core.text.yaml_scalar import scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Literal(str):
    """A text of several lines that is written as it is, under `|`."""

    __slots__ = ()


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
