"""
One section of a file, changed where it differs from what it is to say.

A key goes to where its table is written: under its header, among its dotted keys, or into its inline table; only a
table that is nowhere gets a header of its own, behind what it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.render import toml_text
from runner_bridge.render.fragment.governed import OVERWRITE, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner_bridge.core.text.problem import Malformed
    from runner_bridge.render.fragment.layout import Block, Pair, Path
    from runner_bridge.render.fragment.splice import Splice

STRUCTS: tuple[Path, ...] = ((), ("kubernetes",))
"""Tables whose keys the runner matches without regard to case (BurntSushi/toml, decode.go); others are maps."""


class Section:
    """The blocks of one `[[runners]]`; paths here start below it."""

    def __init__(self, blocks: list[Block], refuse: Callable[[int, str, str, str], Malformed]) -> None:
        self._blocks = blocks
        self._refuse = refuse
        self._root = blocks[0].path

    def check(self, found: Mapping[str, Any], values: Mapping[str, Any], path: Path = ()) -> None:
        """
        Refuse what leaves no room for a governed key.

        Raises:
            Malformed: a governed table is no table, or a governed key is written in another case.
        """
        for key in found if path in STRUCTS else ():
            lower = key.lower()
            if key != lower and (lower in values or lower.endswith(OVERWRITE)):
                raise self._refuse(
                    self._start(*path, key), key, lower, "The runner reads both as one key; write it in lower case."
                )
        for key, item in values.items():
            if not isinstance(item, dict) or key not in found:
                continue
            if not isinstance(found[key], dict):
                kind = type(found[key]).__name__.replace("str", "string").replace("list", "array")
                raise self._refuse(
                    self._start(*path, key),
                    f"{key} is of type {kind}",
                    "a table",
                    f"Write it as [{toml_text.header((*self._root, *path, key))}].",
                )
            self.check(found[key], item, (*path, key))

    def change(self, found: Mapping[str, Any], wanted: Mapping[str, Any], splice: Splice) -> None:
        """
        Write what differs.

        Raises:
            Malformed: a key that is to hold a value is written as a table.
        """
        missing: dict[Path, dict[str, Any]] = {}
        inline: dict[int, tuple[Pair, Any]] = {}
        for path, item in _differences(found, wanted):
            pair = self._pair(path)
            if pair is None:
                if _holds(found, path):
                    raise self._refuse(
                        self._start(*path), f"{path[-1]} is a table", "a value", "Remove the table; the policy says it."
                    )
                missing.setdefault(path[:-1], {})[path[-1]] = item
            elif len(self._below(pair.path)) < len(path):
                inline[pair.start] = pair, _dig(wanted, self._below(pair.path))
            elif item is _GONE:
                splice.replace(slice(pair.start, pair.end), "")
            else:
                splice.replace(pair.value, toml_text.value(item))
        for pair, table in inline.values():
            splice.replace(pair.value, toml_text.value(table))
        for parent, items in missing.items():
            self._insert(parent, items, splice)

    def _insert(self, parent: Path, items: dict[str, Any], splice: Splice) -> None:
        block = next((each for each in self._blocks if self._below(each.path) == parent), None)
        if block is not None:
            indent = block.pairs[-1].indent if block.pairs else block.indent + self._unit()
            splice.insert(block.end, _lines(indent, (), items))
        elif (dotted := self._dotted(parent)) is not None:
            block, pair = dotted
            splice.insert(pair.end, _lines(pair.indent, parent[len(self._below(block.path)) :], items))
        else:
            indent = self._blocks[0].indent + self._unit() * len(parent)
            header = f"{indent}[{toml_text.header((*self._root, *parent))}]\n"
            beside = [each.end for each in self._blocks if self._below(each.path)[:1] == parent[:1] != parent]
            offset = beside[-1] if beside else self._blocks[0].end
            splice.insert(offset, header + _lines(indent + self._unit(), (), items), last=True)

    def _dotted(self, table: Path) -> tuple[Block, Pair] | None:
        """Return the last pair whose dotted key makes `table`, or else what is above it, and its block."""
        for length in range(len(table), 0, -1):
            for block in reversed(self._blocks):
                for pair in reversed(block.pairs):
                    path = self._below(pair.path)
                    if len(self._below(block.path)) < length < len(path) and path[:length] == table[:length]:
                        return block, pair
        return None

    def _pair(self, path: Path) -> Pair | None:
        """Return the pair that holds the value at `path`: the key itself, or an inline table around it."""
        for block in self._blocks:
            for pair in block.pairs:
                below = self._below(pair.path)
                if below == path[: len(below)]:
                    return pair
        return None

    def _start(self, *path: str) -> int:
        """Return where the first line of a key or table starts."""
        for block in self._blocks:
            parts: tuple[Block | Pair, ...] = (block, *block.pairs)
            for part in parts:
                if self._below(part.path)[: len(path)] == path:
                    return part.start
        return self._blocks[0].start

    def _below(self, path: Path) -> Path:
        return path[len(self._root) :]

    def _unit(self) -> str:
        """Return by how much the section indents a level."""
        first = self._blocks[0]
        inside = [pair.indent for pair in first.pairs] + [block.indent for block in self._blocks[1:]]
        return inside[0].removeprefix(first.indent) if inside else "  "


_GONE = object()


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield each value that is to be set, and each key that is to go (`_GONE`)."""
    for key, item in wanted.items():
        if isinstance(item, dict) and isinstance(found.get(key, {}), dict):
            yield from _differences(found.get(key, {}), item, (*path, key))
        elif key not in found or canonical(found[key]) != canonical(item):
            yield (*path, key), item
    for key in found:
        if key not in wanted:
            yield (*path, key), _GONE


def _holds(table: Mapping[str, Any], path: Path) -> bool:
    return path[0] in table and (len(path) == 1 or _holds(table[path[0]], path[1:]))


def _dig(table: Mapping[str, Any], path: Path) -> object:
    value: Any = table
    for key in path:
        value = value[key]
    return value


def _lines(indent: str, prefix: Path, items: Mapping[str, Any]) -> str:
    return "".join(
        f"{indent}{toml_text.header((*prefix, key))} = {toml_text.value(item)}\n" for key, item in items.items()
    )
