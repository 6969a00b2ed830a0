"""What TOML is read into: tables, lists and scalars, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.model import Place

Plain = str | int | float | bool | date | datetime | time


class Kind(StrEnum):
    """How a table came about."""

    ROOT = "root"
    TABLE = "table"
    """`[name]`"""
    ITEM = "item"
    """One `[[name]]` of an array of tables."""
    INLINE = "inline"
    """`{…}`"""
    DOTTED = "dotted"
    """By a dotted key such as `name.key = 1`."""
    IMPLIED = "implied"
    """Only as a parent, by the header of a table inside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One part of a key."""

    name: str
    place: Place
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A value that holds no other."""

    value: Plain
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`[…]`, or all `[[name]]` of one name (`of_tables`)."""

    items: tuple[Value, ...]
    place: Place
    of_tables: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of any kind; entries in the order of the text."""

    kind: Kind
    entries: Mapping[str, Entry]
    place: Place
    """Its header or its opening brace; for an implied or dotted table the key that implied it."""

    def get(self, name: str) -> Value | None:
        """Return the value of a key, or None."""
        entry = self.entries.get(name)
        return entry.value if entry else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key and its value."""

    key: Key
    value: Value


Value = Scalar | Array | Table
