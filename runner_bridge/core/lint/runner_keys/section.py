"""The shape of a key table: names, types, tables inside tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Type(StrEnum):
    """What the runner's parser takes; the value is how a person says it."""

    TEXT = "a text in quotes"
    INTEGER = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    DURATION = 'a duration such as "90s" or "1h30m"'
    TIME = "a date with a time"
    TEXTS = "a list of texts"
    TEXT_OR_TEXTS = "a text or a list of texts"
    INTEGERS = "a list of whole numbers"
    NUMBERS = "a list of numbers"
    TEXT_MAP = "a table of texts"
    FLAG_MAP = "a table of true and false"
    INTEGER_MAP = "a table of whole numbers"
    TEXTS_MAP = "a table of lists of texts"
    ANY = "a table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The keys of one table, or of each table of an array of tables (`repeated`)."""

    keys: Mapping[str, Type | Section]
    repeated: bool = False
    complete: bool = True
    _folded: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", {name.casefold(): name for name in self.keys})

    def find(self, name: str) -> tuple[str, Type | Section] | None:
        """Return a key as it is spelt here, and its type. The runner's parser does not mind upper and lower case."""
        spelt = name if name in self.keys else self._folded.get(name.casefold())
        return (spelt, self.keys[spelt]) if spelt is not None else None


def section(
    tables: Mapping[str, Section] | None = None,
    *,
    repeated: bool = False,
    complete: bool = True,
    **keys: str,
) -> Section:
    """Build a section; each keyword is a type in small letters, its value the names of that type."""
    found: dict[str, Type | Section] = {
        name: Type[kind.upper()] for kind, names in keys.items() for name in names.split()
    }
    return Section(keys=MappingProxyType(found | dict(tables or {})), repeated=repeated, complete=complete)


SERVICES = section(
    text="name alias", texts="command entrypoint environment", flag="suspend_data_path", repeated=True, complete=False
)

SCALING_POLICY = section(
    texts="periods",
    text="timezone",
    integer="idle_count scale_factor_limit",
    duration="idle_time",
    number="scale_factor",
    flag="preemptive_mode",
    repeated=True,
)
