"""Drift for people: a paragraph for each thing that is not as declared, then what was not compared, and the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner_bridge.core.drift import Drift
    from runner_bridge.core.model import Finding


def render(drift: Drift, *, paragraphs: Callable[[Iterable[Finding]], str]) -> str:
    """
    Return the text; ends in a newline.

    Args:
        drift: what was found.
        paragraphs: writes findings.
    """
    body = paragraphs((*drift.found, *drift.unseen))
    ending = f"{_many(len(drift.found))} as declared"
    if drift.unseen:
        ending += f"; {len(drift.unseen):,} could not be compared, so there may be more"
    return f"{body}\n{ending}.\n" if body else f"{ending}.\n"


def _many(count: int) -> str:
    if not count:
        return "Everything that was compared is"
    return f"{count:,} thing{' is' if count == 1 else 's are'} not"
