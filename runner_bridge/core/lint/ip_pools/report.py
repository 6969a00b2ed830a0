"""How findings about pools are put together: nothing secret, nothing long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model import Finding
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from runner_bridge.core.model import Code, Place

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
    """Return a finding whose texts went through `redact`."""
    return Finding(
        code=code,
        subject=redact(_short(subject)),
        place=place,
        observed=redact(observed),
        expected=redact(expected),
        cause=redact(cause),
        remedy=redact(remedy),
    )


def in_quotes(text: str) -> str:
    """
    Return a piece of a file in quotes, cut where it is long.

    >>> in_quotes("a" * 100)[-3:]
    'a…"'
    """
    return f'"{_short(text)}"'


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
