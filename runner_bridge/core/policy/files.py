"""What a policy is read from; apart from `load` and from `source`, which both need it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of a policy."""

    name: str
    """How it is called in messages."""
    text: str
