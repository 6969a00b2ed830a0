"""Projects and their tiers for people: a line each, then how many there are and how old this is."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.cells import cell_len

from runner_bridge.ask.views import age_of, well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.ask.answers.mapping import MappingAnswer

_TITLES = ("PROJECT", "ID", "TIER", "RULE")
_GAP = "  "


def render(answer: MappingAnswer) -> Iterator[str]:
    """Yield the answer line by line, each with its end; columns are as wide as what they hold."""
    rows = [
        (
            _shown(one.project.path),
            str(one.project.id),
            str(one.tier or "-"),
            _shown(_rule(one.why, one.project.is_archived)),
        )
        for one in answer.rows
    ]
    if rows:
        widths = [max(cell_len(row[index]) for row in (_TITLES, *rows)) for index in range(len(_TITLES) - 1)]
        yield _line(_TITLES, widths)
        for row in rows:
            yield _line(row, widths)
    yield _ending(answer)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [text + " " * (width - cell_len(text)) for text, width in zip(cells, widths, strict=False)]
    return _GAP.join([*padded, cells[-1]]).rstrip() + "\n"


def _rule(why: str, is_archived: bool) -> str:  # noqa: FBT001 - one caller, a line above
    return f"{why} (archived)" if is_archived else why


def _ending(answer: MappingAnswer) -> str:
    total = sum(answer.counts.values())
    parts = ", ".join(f"{name} {count:,}" for name, count in answer.counts.items())
    shown = "" if len(answer.rows) == total else f"{len(answer.rows):,} of "
    return f"{shown}{total:,} project{'s' * (total != 1)}: {parts}; as of {age_of(answer.now - answer.as_of)} ago.\n"


def _shown(text: str) -> str:
    """Return a text that cannot steer the terminal."""
    return "".join("?" if unicodedata.category(one) in {"Cc", "Cf"} else one for one in well_formed(text))
