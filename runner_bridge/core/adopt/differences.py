"""
What a rendered and merged file would hold that the admin's file does not: every key, named, with the reason.

The two files are compared as the trees that they parse to, so that comments and order are no differences. The list is
computed from a real merge and never predicted: whatever the renderer governs is named, or it is not changed.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.model.annotations import CALICO
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that a merge would add, change or remove."""

    path: tuple[str, ...]
    """Keys from the top; an element of a list is its number, for example `("runners", "0", "limit")`."""
    before: str | None
    """The value as it would be written; None: the key is not there."""
    after: str | None
    why: str
    """One clause without full stop; empty where the renderer governs a key that this room knows nothing of."""


def compare(before: object, after: object, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Yield each key that differs between two parsed files, in the order of the first, then of the second."""
    left, right = _children(before), _children(after)
    if not left and not right:
        yield from _leaf(path, before, after)
        return
    if not left and not _is_empty(before):
        yield from _leaf(path, before, _ABSENT)
    if not right and not _is_empty(after):
        yield from _leaf(path, _ABSENT, after)
    for key in {**left, **right}:
        yield from compare(left.get(key, _ABSENT), right.get(key, _ABSENT), (*path, key))


def _leaf(path: tuple[str, ...], before: object, after: object) -> Iterator[Difference]:
    old, new = _literal(before), _literal(after)
    if old != new:
        why = NAMED if path[0] == "envVars" else _why(path[-1], new=before is _ABSENT, empty=not after)
        yield Difference(path=path, before=old and redact(old), after=new and redact(new), why=why)


_ABSENT = object()
"""No such key; `null` is a value of YAML."""


def _children(value: object) -> dict[str, object]:
    """Return the parts that are compared one by one: of tables and of lists of tables; a list of values is a value."""
    if isinstance(value, dict):
        return {str(key): part for key, part in value.items()}
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return {str(at): part for at, part in enumerate(value)}
    return {}


def _is_empty(value: object) -> bool:
    return value is _ABSENT or value in ({}, [])


def _literal(value: object) -> str | None:
    """Return a text that two values share exactly when they are the same: 1, 1.0 and true are three things."""
    if value is _ABSENT:
        return None
    if isinstance(value, str) and '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False, default=str)


def _why(key: str, *, new: bool, empty: bool) -> str:
    # Only kubernetes runners are adopted; Helm values may leave the executor to the chart.
    if new and (key == "executor" or (empty and (key == "limit" or key.endswith("_overwrite_allowed")))):
        return IN_FORCE
    if key.startswith("FF_"):
        return "pinned, so that no job can switch it by a variable"
    if key.startswith(CALICO):
        return "the pools of its tier are all that a job pod asks for, each by its name"
    return next((reason for end, reason in _REASONS.items() if key.endswith(end)), "")


IN_FORCE = "in force today already, and now written down"
NAMED = "the chart else names the runner anew at every rollout"
"""Of RUNNER_NAME among the chart's variables."""
_REASONS: Mapping[str, str] = {
    "annotations_overwrite_allowed": "no job may set annotations by which it chooses its own pool",
    "labels_overwrite_allowed": "no job may set labels that tell which tier it is of",
    "namespace_overwrite_allowed": "no job may move to a namespace that asks for other pools",
    "service_account_overwrite_allowed": "no job may take another account",
    "node_selector_overwrite_allowed": "no job may choose its nodes, and by them a pool that selects nodes",
    "node_tolerations_overwrite_allowed": "no job may choose its nodes, and by them a pool that selects nodes",
    "bearer_token_overwrite_allowed": "no job may act as somebody else in the cluster",
    "automount_service_account_token": (
        "no job gets a token by which it could make pods of its own; jobs that deploy with it need another"
    ),
    "poll_timeout": "so that the cause can be read before a pod that gets no address is gone",
    "runner-bridge.dev/tier": "shows on each job pod which tier it is of",
    "runner-bridge.dev/generation": "shows on each job pod from which state of its section it was made",
    "name": "a label cannot hold the other; job pods show this one today already",
    "namespace": "where the jobs run, written out",
    "concurrent": "the runner ends itself on less than 1",
}


def describe(differences: Sequence[Difference], runners: Mapping[str, str], *, width: int) -> list[str]:
    """
    Return the lines that tell an admin what would change; what is the same for several runners is said once.

    Values that change come first, what changes nothing in effect comes last.

    Args:
        differences: what `compare` found.
        runners: the name of each runner by its number in the file, for example `{"0": "infra"}`.
        width: columns of the longest line; a longer word stands alone on its line.
    """
    same: dict[tuple[str, str | None, str | None, bool], list[tuple[str, Difference]]] = {}
    for one in differences:
        number, key = _split(one.path)
        # Stamps and tiers differ from runner to runner by their nature; that they are there is the news.
        after = None if "runner-bridge.dev/" in key else one.after
        same.setdefault((key, one.before, after, bool(number)), []).append((number, one))
    headed: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for (key, *_), group in same.items():
        who = tuple(runners[number] for number, _ in group if number)
        headed.setdefault(who, []).append((_entry(key, [one for _, one in group]), group[0][1].why))
    lines: list[str] = []
    for who, entries in sorted(headed.items(), key=lambda item: (not _has_changes(item[1]), -len(item[0]))):
        lines += [*_fold(_heading(who, len(runners)), width, "", "  "), *_lines(entries, width)]
    return lines


def _split(path: tuple[str, ...]) -> tuple[str, str]:
    """Return the number of the runner that a path belongs to, empty for none, and the key below it as in TOML."""
    number, keys = "", path
    for prefix in (("runners",), ("runners", "config", "runners")):
        length = len(prefix) + 1
        if path[: length - 1] == prefix and len(path) > length and path[length - 1].isdecimal():
            number, keys = path[length - 1], path[length:]
    return number, ".".join(key if _BARE.fullmatch(key) else f'"{redact(key)}"' for key in keys)


def _heading(who: tuple[str, ...], total: int) -> str:
    if not who:
        return "Outside of runners:"
    if len(who) == total > 1:
        return "Every runner:"
    return f"Runner{'s' if len(who) > 1 else ''} {', '.join(who)}:"


def _entry(path: str, same: Sequence[Difference]) -> str:
    """Write one key as a diff does: `+` new, `~` other value, `-` gone."""
    first = same[0]
    after = first.after if len({one.after for one in same}) == 1 else "(one value for each)"
    if after is None:
        return f"- {path} (was {first.before})"
    if first.before is None:
        return f"+ {path} = {after}"
    return f"~ {path} = {after} (was {first.before})"


def _has_changes(entries: Sequence[tuple[str, str]]) -> bool:
    return any(entry[0] != "+" for entry, _ in entries)


def _lines(entries: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Write entries with their reasons: changes first, then what is new; a reason once for all that share it."""
    by_reason: dict[str, list[str]] = {}
    for entry, why in sorted(entries, key=lambda one: (one[1] == IN_FORCE, "~-+".index(one[0][0]))):
        by_reason.setdefault(why or entry, []).append(entry)
    lines: list[str] = []
    for why, group in by_reason.items():
        if why == IN_FORCE:
            group = [f"+ {', '.join(entry.removeprefix('+ ') for entry in group)}"]  # noqa: PLW2901 - on few lines
        for entry in group:
            lines += _fold(entry, width, "  ", "    ")
        if why not in group:
            lines += _fold(f"({why})", width, "    ", "    ")
    return lines


def _fold(text: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
