"""How findings about pools are put together: nothing secret, nothing long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.lint.told import found

if TYPE_CHECKING:
    from runner_bridge.core.model import Code, Finding, Place

_SHOWN = 80
"""Longest quotation, in characters."""


def report(
    code: Code,
    *,
    subject: str,
    place: Place,
    observed: str = "",
    expected: str = "",
    cause: str = "",
    remedy: str = "",
) -> Finding:
    """Return a finding about a pool; a subject of any length is cut."""
    return found(code, _short(subject), place, observed=observed, expected=expected, cause=cause, remedy=remedy)


def in_quotes(text: str) -> str:
    """
    Return a piece of a file in quotes, cut where it is long.

    >>> in_quotes("a" * 100)[-3:]
    'a…"'
    """
    return f'"{_short(text)}"'


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
