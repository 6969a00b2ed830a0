"""How the checks of config.toml name things and say what they found; nothing that they quote holds a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner_bridge.core.lint.templates import is_covered
from runner_bridge.core.redact import redact
from runner_bridge.core.text.toml import Array, Entry, Scalar, Table

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One `[[runners]]` section."""

    table: Table
    path: str
    """How it is called in findings: `runners[k8s-team-a]`, by its number where it has no name."""
    kubernetes: Table | None
    """Its `[runners.kubernetes]`."""
    executor: str
    """Empty when none is named, or when a template names it."""

    def entry(self, name: str) -> Entry | None:
        """Return a key of the section itself."""
        return find(self.table, name)


def runners_of(root: Table) -> tuple[Runner, ...]:
    """Return the `[[runners]]` sections, in the order of the file."""
    entry = find(root, "runners")
    if entry is None or not isinstance(entry.value, Array):
        return ()
    tables = [item for item in entry.value.items if isinstance(item, Table)]
    return tuple(_runner(table, number) for number, table in enumerate(tables))


def _runner(table: Table, number: int) -> Runner:
    kubernetes = find(table, "kubernetes")
    return Runner(
        table=table,
        path=f"runners[{redact(text_of(table, 'name')) or number}]",
        kubernetes=kubernetes.value if kubernetes and isinstance(kubernetes.value, Table) else None,
        executor=text_of(table, "executor"),
    )


def find(table: Table, name: str) -> Entry | None:
    """Return the entry of a key; upper and lower case do not matter, as in the runner's parser."""
    exact = table.entries.get(name)
    if exact is not None:
        return exact
    return next((entry for key, entry in table.entries.items() if key.casefold() == name.casefold()), None)


def text_of(table: Table, name: str) -> str:
    """Return the text of a key; empty where it is missing, of another type, or filled in by a template."""
    scalar = scalar_of(table, name)
    value = scalar.value if scalar else ""
    return value if isinstance(value, str) and not is_covered(value) else ""


def scalar_of(table: Table, name: str) -> Scalar | None:
    """Return the value of a key that holds no other."""
    entry = find(table, name)
    return entry.value if entry and isinstance(entry.value, Scalar) else None


def table_of(table: Table, name: str) -> Table | None:
    """Return the table of a key."""
    entry = find(table, name)
    return entry.value if entry and isinstance(entry.value, Table) else None


def tables_of(table: Table, name: str) -> tuple[Table, ...]:
    """Return the tables of an array of tables."""
    entry = find(table, name)
    items = entry.value.items if entry and isinstance(entry.value, Array) else ()
    return tuple(item for item in items if isinstance(item, Table))


def join(path: str, *names: str) -> str:
    """Return a key path; a name that needs quotes gets them."""
    shown = [name if _BARE.fullmatch(name) else f'"{name}"' for name in names]
    return ".".join([path, *shown] if path else shown)
