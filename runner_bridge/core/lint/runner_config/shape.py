"""
Keys and types: what the runner's parser refuses, and what it ignores without a word.

The tree is walked beside the list of keys (`core.lint.runner_keys`). Values are never quoted, only what kind they are:
any of them may be a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config import unknown
from runner_bridge.core.lint.runner_config.report import join, text_of
from runner_bridge.core.lint.runner_keys import ROOT, Section, Type
from runner_bridge.core.lint.templates import FILLER, is_covered
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.annotations import POOL_KEYS
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.redact import redact
from runner_bridge.core.text.toml import Array, Entry, Kind, Scalar, Table, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner_bridge.core.model import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where in the file the walk is."""

    path: str
    chain: tuple[unknown.Step, ...]
    executor: str = ""

    def below(self, name: str, section: Section, path: str, executor: str) -> _Spot:
        step = unknown.Step(names=(*self.chain[-1].names, name), section=section)
        return _Spot(path=path, chain=(*self.chain, step), executor=executor or self.executor)


def check(root: Table) -> Iterator[Finding]:
    """Yield what is wrong with the keys and the types of a file."""
    yield from _table(root, ROOT, _Spot(path="", chain=(unknown.Step(names=(), section=ROOT),)))


def _table(table: Table, section: Section, spot: _Spot) -> Iterator[Finding]:
    for name, entry in table.entries.items():
        if FILLER in name:
            continue
        known = section.find(name)
        path = join(spot.path, name)
        if known is None:
            yield unknown.key(entry, path, spot.chain, spot.executor)
        elif isinstance(known[1], Section):
            yield from _section(entry, known[1], path, spot)
        else:
            yield from _value(entry, known[1], path, spot)


def _section(entry: Entry, section: Section, path: str, spot: _Spot) -> Iterator[Finding]:
    name, value = entry.key.name, entry.value
    header = unknown.header((*spot.chain[-1].names, name), section)
    match value:
        case Array() if section.repeated and all(isinstance(item, Table) for item in value.items):
            for number, item in enumerate(item for item in value.items if isinstance(item, Table)):
                label = redact(text_of(item, "name")) or str(number)
                yield from _table(item, section, spot.below(name, section, f"{path}[{label}]", _executor(item)))
        case Table() if not section.repeated:
            yield from _table(value, section, spot.below(name, section, path, ""))
        case Table() | Array() if _is_sections(value):
            seen = "a table" if isinstance(value, Table) else "an array of tables"
            remedy = f"Write {header}."
            yield found(codes.TABLE_KIND, path, entry.key.place, observed=seen, expected=header, remedy=remedy)
        case Scalar() if is_covered(value.value):
            pass
        case _:
            yield found(
                codes.WRONG_TYPE, path, value.place, observed=kind(value), expected=f"{header} and keys below it"
            )


def _executor(table: Table) -> str:
    return text_of(table, "executor")


def _is_sections(value: Table | Array) -> bool:
    return isinstance(value, Table) or any(isinstance(item, Table) for item in value.items)


def _value(entry: Entry, wanted: Type, path: str, spot: _Spot) -> Iterator[Finding]:
    value = entry.value
    if isinstance(value, Scalar) and is_covered(value.value):
        return
    if wanted is Type.ANY:
        return
    inner = _MAPS.get(wanted)
    if inner is None:
        if not accepts(wanted, value):
            yield found(codes.WRONG_TYPE, path, value.place, observed=kind(value), expected=wanted.value)
    elif isinstance(value, Table):
        for name, item in value.entries.items():
            if FILLER not in name:
                yield from _map_item(item, inner, join(path, name), entry.key.name, spot)
    elif isinstance(value, Array) and value.of_tables:
        header = unknown.header((*spot.chain[-1].names, entry.key.name), None)
        remedy = f"Write {header}."
        yield found(
            codes.TABLE_KIND, path, entry.key.place, observed="an array of tables", expected=header, remedy=remedy
        )
    else:
        yield found(codes.WRONG_TYPE, path, value.place, observed=kind(value), expected=wanted.value)


def _map_item(entry: Entry, wanted: Type, path: str, map_name: str, spot: _Spot) -> Iterator[Finding]:
    value = entry.value
    stray = unknown.setting_in_map(entry, path, map_name, spot.chain)
    if stray is not None:
        yield stray
    elif isinstance(value, Table) and value.kind in {Kind.DOTTED, Kind.IMPLIED}:
        full = ".".join(_names(entry))
        full = next((key for key in POOL_KEYS if key.replace("/", ".") == full), full)
        yield found(
            codes.UNQUOTED_KEY,
            path,
            entry.key.place,
            observed="a key of several parts",
            expected="one key in quotes",
            cause="Each dot outside of quotes opens a table; the runner finds a table where it wants a text.",
            remedy=f'Quote the key: "{full}" = ….',
        )
    elif map_name.casefold() == "pod_annotations" and entry.key.name in POOL_KEYS and not accepts(wanted, value):
        seen = "a TOML list" if isinstance(value, Array) else kind(value)
        yield found(
            codes.POOL_ANNOTATION_TYPE,
            path,
            value.place,
            observed=seen,
            expected="""'["pool"]', with both kinds of quotes""",
        )
    elif not accepts(wanted, value):
        yield found(codes.WRONG_TYPE, path, value.place, observed=kind(value), expected=wanted.value)


def _names(entry: Entry) -> list[str]:
    names = [entry.key.name]
    value: Value = entry.value
    while isinstance(value, Table) and len(value.entries) == 1:
        only = next(iter(value.entries.values()))
        names.append(only.key.name)
        value = only.value
    return names


_MAPS = {
    Type.TEXT_MAP: Type.TEXT,
    Type.FLAG_MAP: Type.FLAG,
    Type.INTEGER_MAP: Type.INTEGER,
    Type.TEXTS_MAP: Type.TEXTS,
}
_LISTS = {Type.TEXTS: Type.TEXT, Type.INTEGERS: Type.INTEGER, Type.NUMBERS: Type.NUMBER}
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_LARGEST = 2**63


def accepts(wanted: Type, value: Value) -> bool:
    """
    Tell whether the runner's parser takes a value.

    Durations may be whole numbers too (nanoseconds), as its decoder has it.
    """
    match value:
        case Table():
            return False
        case Array():
            inner = Type.TEXT if wanted is Type.TEXT_OR_TEXTS else _LISTS.get(wanted)
            return inner is not None and all(accepts(inner, item) for item in value.items)
        case _:
            takes = _TAKES.get(wanted)
            return is_covered(value.value) or (takes is not None and takes(value.value))


def _is_integer(plain: object) -> bool:
    return isinstance(plain, int) and not isinstance(plain, bool) and -_LARGEST <= plain < _LARGEST


def _is_text(plain: object) -> bool:
    return isinstance(plain, str)


_TAKES: Mapping[Type, Callable[[object], bool]] = {
    Type.TEXT: _is_text,
    Type.TEXT_OR_TEXTS: _is_text,
    Type.FLAG: lambda plain: isinstance(plain, bool),
    Type.INTEGER: _is_integer,
    Type.NUMBER: lambda plain: isinstance(plain, float) or _is_integer(plain),
    Type.DURATION: lambda plain: _is_integer(plain) or (isinstance(plain, str) and bool(_DURATION.fullmatch(plain))),
    Type.TIME: lambda plain: isinstance(plain, date),
}


def kind(value: Value) -> str:
    """Say what kind of value it is, without quoting it."""
    match value:
        case Table():
            return "a table"
        case Array():
            return "an array of tables" if value.of_tables else "a list"
        case _:
            return _kind_of_plain(value.value)


def _kind_of_plain(plain: object) -> str:
    match plain:
        case bool():
            return "true" if plain else "false"
        case int():
            return "a whole number" if _is_integer(plain) else "a number of more than 64 bits"
        case float():
            return "a number with a fraction"
        case str():
            return "a text"
        case _:
            return "a date or a time"
