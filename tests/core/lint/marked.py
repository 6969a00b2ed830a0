"""Text with the expected place marked in it: `poll_timeout = «"30"»`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model import Finding

Places = list[tuple[int, int, int]]


def unmarked(text: str) -> tuple[str, Places]:
    """Return the text without its marks, and the line, column and end column of each."""
    places: Places = []
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        # Each mark before has moved the rest by two characters.
        for at, found in enumerate(re.finditer("«(.*?)»", line)):
            places.append((number, found.start() + 1 - 2 * at, found.end() - 1 - 2 * at))
        lines.append(re.sub("[«»]", "", line))
    return "\n".join(lines), places


def places_of(findings: Iterable[Finding], code: str) -> Places:
    """Return where a code was found."""
    places = [finding.place for finding in findings if finding.code.name == code]
    return [(place.line, place.column, place.end_column) for place in places if place]
