"""
TOML whose every key and value knows its line and column, read past the first mistake.

`tomllib` stops at the first error and forgets positions; here a grammar finds the pieces, a mistake is noted, its line
is set aside, and the rest is read again. What the grammar lets through (a table or key defined twice) is found while
the tree is built, with the rules of https://toml.io/en/v1.0.0. Scalars are decoded by `tomllib` itself, so a valid
file means here exactly what it means there. Line breaks and closing commas in inline tables (TOML 1.1) are let
through, as the runner's parser does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner_bridge.core.text._toml_build import DEEPEST, Builder
from runner_bridge.core.text._toml_explain import Mistake, Problem
from runner_bridge.core.text._toml_syntax import MOST_PROBLEMS, read_tree
from runner_bridge.core.text._toml_values import Array, Entry, Key, Kind, Plain, Scalar, Table, Value

__all__ = [
    "DEEPEST",
    "Array",
    "Document",
    "Entry",
    "Key",
    "Kind",
    "Mistake",
    "Plain",
    "Problem",
    "Scalar",
    "Table",
    "Value",
    "parse",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What could be read, and what could not."""

    name: str
    root: Table
    problems: tuple[Problem, ...]
    """In the order of the lines. Empty: the file is TOML."""

    def to_python(self) -> dict[str, Any]:
        """Return plain dicts, lists and values, equal to `tomllib.loads` where there are no problems."""
        return _plain(self.root)  # type: ignore[no-any-return]


def parse(text: str, name: str) -> Document:
    r"""
    Read TOML with the place of each key and value. Never raises: what is wrong is in `Document.problems`.

    >>> parse("a.b = 1", "x.toml").to_python()
    {'a': {'b': 1}}
    >>> print(parse("a = 1\n[b", "x.toml").problems[0].place)
    x.toml:2:3
    """
    source, root, problems = read_tree(text, name)
    builder = Builder(source)
    for node in root.named_children:
        builder.statement(node)
    found = sorted([*problems, *builder.problems], key=lambda problem: (problem.place.line, problem.place.column))
    return Document(name=name, root=builder.done(), problems=tuple(found[:MOST_PROBLEMS]))


def _plain(value: Value) -> Any:  # noqa: ANN401 - plain data of any shape
    match value:
        case Scalar():
            return value.value
        case Array():
            return [_plain(item) for item in value.items]
        case _:
            return {name: _plain(entry.value) for name, entry in value.entries.items()}
