"""
The parts of a regular expression, as far as they decide which texts match.

Capture groups, names and greediness do not, so the tree has none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.charset import CharSet


class RefusedError(ValueError):
    """Go refuses the text as a regular expression."""


class NotUnderstoodError(ValueError):
    """Perhaps a regular expression, but not one that this reader knows."""


class At(StrEnum):
    """What must hold at a position between two characters."""

    BEGIN_TEXT = "begin-text"
    END_TEXT = "end-text"
    BEGIN_LINE = "begin-line"
    END_LINE = "end-line"
    WORD_BOUNDARY = "word-boundary"
    NO_WORD_BOUNDARY = "no-word-boundary"


@dataclass(frozen=True, slots=True)
class Char:
    """One character out of a set."""

    chars: CharSet


@dataclass(frozen=True, slots=True)
class Assert:
    """No character, but a condition on the position."""

    at: At


@dataclass(frozen=True, slots=True)
class Cat:
    """One after the other; no parts match the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The body `low` to `high` times; `high` None is without limit."""

    body: Node
    low: int
    high: int | None


Node = Char | Assert | Cat | Alt | Repeat
"""What a regular expression consists of."""
