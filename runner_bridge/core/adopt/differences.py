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
        why = _why(path[-1], new=before is _ABSENT, empty=not after)
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
    return None if value is _ABSENT else json.dumps(value, ensure_ascii=False, default=str)


def _why(key: str, *, new: bool, empty: bool) -> str:
    for end, reason in _REASONS.items():
        if key.endswith(end):
            return reason
    if key.startswith("FF_"):
        return "pinned, so that no job can switch it by a variable"
    if new and empty:
        return "as the runner takes it when nothing is said; now written, so that it stays so"
    return ""


_REASONS: Mapping[str, str] = {
    "annotations_overwrite_allowed": "no job may set an annotation, and so choose its own pool",
    "labels_overwrite_allowed": "no job may set a label that tells which tier it is of",
    "namespace_overwrite_allowed": "no job may move to a namespace that asks for other pools",
    "service_account_overwrite_allowed": "no job may take another account",
    "node_selector_overwrite_allowed": "no job may choose its nodes, and by them a pool that selects nodes",
    "node_tolerations_overwrite_allowed": "no job may choose its nodes, and by them a pool that selects nodes",
    "bearer_token_overwrite_allowed": "no job may act as somebody else in the cluster",
    "automount_service_account_token": "no job gets a token by which it could make a pod of its own",
    "poll_timeout": "room above the default of 180 s, so that the reason of a stuck pod is read before it is gone",
    "strict_check_interval": "so that every job is run with the newest configuration",
}


def describe(differences: Sequence[Difference], runners: Mapping[str, str], *, width: int) -> list[str]:
    """
    Return the lines that tell an admin what would change; what is the same for several runners is said once.

    Args:
        runners: the name of each runner by its number in the file, for example `{"0": "infra"}`.
        width: columns of the longest line; a longer word stands alone on its line.
    """
    groups: dict[tuple[str, str | None], list[Difference]] = {}
    for one in differences:
        groups.setdefault((_below_runner(one.path), one.before), []).append(one)
    by_runners: dict[tuple[str, ...], list[str]] = {}
    for (path, _), same in groups.items():
        who = tuple(runners[one.path[1]] for one in same if _is_of_runner(one.path))
        by_runners.setdefault(who, []).extend(_entry(path, same, width))
    lines: list[str] = []
    for who, entries in by_runners.items():
        lines += [_heading(who, len(runners)), *entries]
    return lines


def _is_of_runner(path: Sequence[str]) -> bool:
    return len(path) > 2 and path[0] == "runners"


def _below_runner(path: tuple[str, ...]) -> str:
    keys = path[2:] if _is_of_runner(path) else path
    return ".".join(key if _BARE.fullmatch(key) else f'"{redact(key)}"' for key in keys)


def _heading(who: tuple[str, ...], total: int) -> str:
    if not who:
        return "The file itself:"
    if len(who) == total:
        return "Every runner:" if total > 1 else f"Runner {who[0]}:"
    return f"Runner{'s' if len(who) > 1 else ''} {', '.join(who)}:"


def _entry(path: str, same: Sequence[Difference], width: int) -> list[str]:
    """Write one key as a diff does: `+` new, `~` other value, `-` gone."""
    first = same[0]
    after = first.after if len({one.after for one in same}) == 1 else "(one value for each)"
    if after is None:
        text = f"- {path} (was {first.before})"
    elif first.before is None:
        text = f"+ {path} = {after}"
    else:
        text = f"~ {path} = {after} (was {first.before})"
    lines = _fold(text, width, "  ", "      ")
    return lines + (_fold(first.why, width, "      ", "      ") if first.why else [])


def _fold(text: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
