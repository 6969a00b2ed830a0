"""The meaning half of `toml`: statements of the grammar → tables, with TOML's rules on what may be defined again."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from runner_bridge.core.model import Place
from runner_bridge.core.text._toml_explain import Mistake, Problem
from runner_bridge.core.text._toml_values import Array, Entry, Key, Kind, Plain, Scalar, Table, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from runner_bridge.core.text._toml_syntax import Source

DEEPEST = 100
"""Nesting beyond this is reported, not followed."""


class _Open:
    """A table while it is built. `spent` dotted tables belong to an earlier section and take no more keys."""

    __slots__ = ("entries", "kind", "place", "spent")

    def __init__(self, kind: Kind, place: Place) -> None:
        self.kind = kind
        self.place = place
        self.entries: dict[str, tuple[Key, _Built]] = {}
        self.spent = False


class _Tables:
    """An array of tables while it is built."""

    __slots__ = ("items", "place")

    def __init__(self, place: Place) -> None:
        self.items: list[_Open] = []
        self.place = place


_Built = Scalar | Array | Table | _Open | _Tables


def _frozen(draft: _Open) -> Table:
    entries = {}
    for name, (key, value) in draft.entries.items():
        match value:
            case _Open():
                done: Value = _frozen(value)
            case _Tables():
                done = Array(items=tuple(_frozen(item) for item in value.items), place=value.place, of_tables=True)
            case _:
                done = value
        entries[name] = Entry(key=key, value=done)
    return Table(kind=draft.kind, entries=entries, place=draft.place)


class _RefusedError(Exception):
    """A statement that the grammar let through is none; it is noted and left out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.observed)
        self.problem = problem


class _RepeatedError(_RefusedError):
    """A statement contradicts an earlier one."""

    def __init__(self, key: Key, observed: str, expected: str, remedy: str) -> None:
        super().__init__(
            Problem(place=key.place, observed=observed, expected=expected, remedy=remedy, mistake=Mistake.REPEATED)
        )


class Builder:
    """Puts statements together, with TOML's rules on what may be defined again."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.root = _Open(Kind.ROOT, Place(file=source.name, line=1, column=1))
        self.section = self.root
        self.dotted: list[_Open] = []
        self.problems: list[Problem] = []

    def done(self) -> Table:
        """Return the file as far as it was built."""
        return _frozen(self.root)

    def statement(self, node: Node) -> None:
        """Take one statement: a pair, or a section with its pairs."""
        match node.type:
            case "pair":
                self._pair(node, self.section)
            case "table" | "table_array_element":
                self._header(node)
            case _:
                pass  # a comment, or a piece that could not be read and has been noted

    def _header(self, node: Node) -> None:
        for table in self.dotted:
            table.spent = True
        self.dotted.clear()
        try:
            keys = self._keys(next(_inside(node)), 0)
            parent = self._descend(self.root, keys[:-1])
            place = self.source.place(node.start_byte, self._header_end(node), node.start_point.row)
            open_ = self._array_item if node.type == "table_array_element" else self._table
            self.section = open_(parent, keys, place)
        except _RefusedError as error:
            self.problems.append(error.problem)
            self.section = _Open(Kind.TABLE, error.problem.place)  # read on, in a table that is thrown away
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, self.section)

    @staticmethod
    def _header_end(node: Node) -> int:
        return next((child.end_byte for child in node.children if child.type in {"]", "]]"}), node.start_byte)

    def _descend(self, table: _Open, keys: list[Key]) -> _Open:
        """Walk to the parent of a header, making implied tables on the way."""
        for key in keys:
            _, found = table.entries.get(key.name, (None, None))
            match found:
                case None:
                    inner = _Open(Kind.IMPLIED, key.place)
                    table.entries[key.name] = (key, inner)
                    table = inner
                case _Open():
                    table = found
                case _Tables():
                    table = found.items[-1]
                case _:
                    raise _not_a_table(key, found)
        return table

    @staticmethod
    def _table(parent: _Open, keys: list[Key], place: Place) -> _Open:
        key, dotted = keys[-1], _dotted(keys)
        earlier, found = parent.entries.get(key.name, (None, None))
        match found:
            case None:
                made = _Open(Kind.TABLE, place)
                parent.entries[key.name] = (key, made)
                return made
            case _Open(kind=Kind.IMPLIED):
                found.kind, found.place = Kind.TABLE, place
                parent.entries[key.name] = (key, found)
                return found
            case _Tables():
                seen = f"[{dotted}] after [[{dotted}]] in line {found.place.line}"
                raise _RepeatedError(key, seen, "one name for one kind of section", f"Write [[{dotted}]] for one more.")
            case _Open():
                seen = f"[{dotted}] a second time, after line {_line(earlier)}"
                raise _RepeatedError(key, seen, "each table once", "Put the keys of both under one header.")
            case _:
                raise _not_a_table(key, found)

    @staticmethod
    def _array_item(parent: _Open, keys: list[Key], place: Place) -> _Open:
        key, dotted = keys[-1], _dotted(keys)
        item = _Open(Kind.ITEM, place)
        earlier, found = parent.entries.get(key.name, (None, None))
        match found:
            case None:
                tables = _Tables(place)
                tables.items.append(item)
                parent.entries[key.name] = (key, tables)
            case _Tables():
                found.items.append(item)
            case _:
                seen = f"[[{dotted}]] after {dotted} was something else in line {_line(earlier)}"
                remedy = f"Move what belongs to {dotted} below its [[…]] header."
                raise _RepeatedError(key, seen, "one name for one kind of section", remedy)
        return item

    def _pair(self, node: Node, table: _Open, depth: int = 0) -> None:
        left, right = _inside(node)
        try:
            keys = self._keys(left, depth)
            for key in keys[:-1]:
                table = self._dotted_table(table, key)
            key = keys[-1]
            self._refuse_second(table, key)
            table.entries[key.name] = (key, self._value(right, depth + len(keys) - 1))
        except _RefusedError as error:
            self.problems.append(error.problem)

    @staticmethod
    def _refuse_second(table: _Open, key: Key) -> None:
        if key.name in table.entries:
            seen = f"{_shown(key.name)} a second time, after line {_line(table.entries[key.name][0])}"
            raise _RepeatedError(key, seen, "each key once", "Keep one of the two.")

    def _dotted_table(self, table: _Open, key: Key) -> _Open:
        earlier, found = table.entries.get(key.name, (None, None))
        match found:
            case None:
                inner = _Open(Kind.DOTTED, key.place)
                table.entries[key.name] = (key, inner)
                self.dotted.append(inner)
                return inner
            case _Open(kind=Kind.DOTTED, spent=False):
                return found
            case _Open(kind=Kind.IMPLIED):
                found.kind = Kind.DOTTED
                self.dotted.append(found)
                return found
            case _Open() | _Tables():
                seen = f"a dotted key that adds to {_shown(key.name)}, a section of its own in line {_line(earlier)}"
                remedy = "Write the key below that section's header."
                raise _RepeatedError(key, seen, "keys under their own header", remedy)
            case _:
                raise _not_a_table(key, found)

    def _value(self, node: Node, depth: int) -> Value:
        place = self._place(node)
        if depth > DEEPEST:
            raise _RefusedError(_too_deep(place))
        match node.type:
            case "array":
                items = tuple(self._value(child, depth + 1) for child in _inside(node))
                return Array(items=items, place=place, of_tables=False)
            case "inline_table":
                return self._inline(node, place, depth)
            case _:
                return Scalar(value=self._plain(node), place=place)

    def _inline(self, node: Node, place: Place, depth: int) -> Table:
        table = _Open(Kind.INLINE, place)
        outer, self.dotted = self.dotted, []
        for child in _inside(node):
            self._pair(child, table, depth + 1)
        self.dotted = outer
        return _frozen(table)

    def _place(self, node: Node) -> Place:
        return self.source.place(node.start_byte, node.end_byte, node.start_point.row)

    def _plain(self, node: Node) -> Plain:
        """Return what a scalar or a quoted key means."""
        try:
            return _decoded(self.source.slice(node.start_byte, node.end_byte))
        except ValueError as error:
            problem = Problem(
                mistake=Mistake.SYNTAX,
                place=self._place(node),
                observed="a date, a number or an escape that does not exist",
                expected="a value that TOML knows",
                remedy="Correct it.",
            )
            raise _RefusedError(problem) from error

    def _keys(self, node: Node, depth: int) -> list[Key]:
        parts = _parts(node)
        if depth + len(parts) > DEEPEST:
            raise _RefusedError(_too_deep(self._place(node)))
        return [self._key(part) for part in parts]

    def _key(self, node: Node) -> Key:
        text = self.source.slice(node.start_byte, node.end_byte)
        quoted = node.type == "quoted_key"
        name = str(self._plain(node)) if quoted else text
        return Key(name=name, place=self._place(node), quoted=quoted)


def _too_deep(place: Place) -> Problem:
    return Problem(
        mistake=Mistake.SYNTAX,
        place=place,
        observed=f"nested more than {DEEPEST} levels deep",
        expected=f"at most {DEEPEST}",
        remedy="No file of settings is; check that the right file is named.",
    )


def _inside(node: Node) -> Iterator[Node]:
    return (child for child in node.named_children if child.type not in {"comment", "ERROR"})


def _parts(node: Node) -> list[Node]:
    """Return the parts of a dotted key; the grammar nests them to the left."""
    found: list[Node] = []
    while node.type == "dotted_key":
        inner = node.named_children
        found.extend(reversed(inner[1:]))
        node = inner[0]
    return [node, *reversed(found)]


def _decoded(text: str) -> Plain:
    """Return what a scalar means; plain strings, the many, without the full parser. ValueError when it is none."""
    if text.startswith(('"', "'")) and "\\" not in text and "\n" not in text and text[:3] not in {'"""', "'''"}:
        return text[1:-1]
    return tomllib.loads(f"v = {text}")["v"]  # type: ignore[no-any-return]


def _shown(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else f'"{name}"'


def _dotted(keys: list[Key]) -> str:
    return ".".join(_shown(key.name) for key in keys)


def _not_a_table(key: Key, found: object) -> _RepeatedError:
    line = found.place.line if isinstance(found, Scalar | Array | Table) else 0
    seen = f"{_shown(key.name)} as a section, after it got a value in line {line}"
    return _RepeatedError(key, seen, "a value or a section", "Rename one of the two.")


def _line(earlier: Key | None) -> int:
    return earlier.place.line if earlier else 0
