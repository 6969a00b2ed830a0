"""Runners for people: a line each, what is not as declared below it, and at the end what was not seen."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.cells import cell_len

from runner_bridge.ask.views import age_of, well_formed
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from runner_bridge.ask.answers.runners import RunnerRow, RunnersAnswer

_TITLES = ("RUNNER", "TIER", "ID", "TYPE", "STATE", "MANAGERS", "VERSION", "HEARD OF", "TOKEN")
_GAP = "  "
_UNKNOWN = "?"


def render(answer: RunnersAnswer) -> Iterator[str]:
    """Yield the answer line by line, each with its end; columns are as wide as what they hold."""
    rows = [(_cells(one, answer.now), one) for one in answer.rows]
    if rows:
        widths = [max(cell_len(row[index]) for row in (_TITLES, *(cells for cells, _ in rows))) for index in range(8)]
        yield _line(_TITLES, widths)
        for cells, one in rows:
            yield _line(cells, widths)
            for field in one.differs:
                yield f"  ~ {field.name}: {_shown(field.before) or 'none'}, declared {_shown(field.after) or 'none'}\n"
    yield from _ending(answer)


def _cells(one: RunnerRow, now: datetime) -> tuple[str, ...]:
    live, declared = one.live, one.declared
    if live is None:
        name, tier = (str(declared.name), str(declared.tier)) if declared else ("", "")
        return (name, tier, "-", "-", "not found", "-", "-", "-", "-")
    versions = sorted({each.version for each in one.managers or () if each.version})
    heard = max(filter(None, (live.contacted_at, *(each.contacted_at for each in one.managers or ()))), default=None)
    return (
        str(declared.name) if declared else _shown(live.description) or "-",
        str(declared.tier) if declared else "-",
        str(live.id),
        live.type.removesuffix("_type"),
        "paused" if live.is_paused else live.status.replace("_", " ") or _UNKNOWN,
        _UNKNOWN if one.managers is None else str(len(one.managers)),
        _shown(", ".join(versions)) or (_UNKNOWN if one.managers is None else "-"),
        "never" if heard is None else f"{age_of(now - heard)} ago",
        _token(one, now),
    )


def _token(one: RunnerRow, now: datetime) -> str:
    left = one.token_left(now)
    if left is None:
        return "does not end"
    return f"ends in {age_of(left)}" if left.total_seconds() > 0 else f"ended {age_of(-left)} ago"


def _ending(answer: RunnersAnswer) -> Iterator[str]:
    declared = [one for one in answer.rows if one.declared is not None]
    missing = len({one.declared.name for one in declared if one.declared and one.live is None})
    wrong = sum(not one.is_in_order(answer.now) for one in declared)
    others = f"; {answer.others:,} in GitLab that the policy does not have" if answer.others else ""
    yield f"{len(declared):,} declared, {wrong:,} not in order ({missing:,} not found){others}.\n"
    if missing:
        yield "One that is not found: name its config.toml with --config, or create it with `runner-bridge apply`.\n"
    if answer.missed:
        yield f"Not listed: {', '.join(map(_shown, answer.missed))}.\n"


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [text + " " * (width - cell_len(text)) for text, width in zip(cells, widths, strict=False)]
    return _GAP.join([*padded, cells[-1]]).rstrip() + "\n"


def _shown(text: str) -> str:
    """Return a text that holds no secret and cannot steer the terminal."""
    return "".join("?" if unicodedata.category(one) in {"Cc", "Cf"} else one for one in well_formed(redact(text)))
