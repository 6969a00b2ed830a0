"""What the demo shows while it plays: a screen that stays in its place on a terminal, else lines as they come."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from runner_bridge.cli.demo.told import Note, Shown
from runner_bridge.cli.output import emit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rich.console import RenderableType
    from rich.live import Live

    from runner_bridge.core.holding import Holding

WIDTH, HEIGHT = 80, 24
_INDENT = " " * 9
_STYLES = {"breach": "bold red", "unknown": "yellow", "pass": "green", "pending": "cyan"}
_SHOWN = 8
"""Lines of the log on the screen."""


def has_room() -> bool:
    """Tell whether standard output is a terminal on which a screen can stay in its place."""
    size = shutil.get_terminal_size((WIDTH, HEIGHT))
    is_able = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return is_able and size.columns >= WIDTH and size.lines >= HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """The jobs of one tier, since the morning."""

    name: str
    pools: str
    now: int
    passed: int
    breach: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One look at the day."""

    at: datetime
    head: str
    where: str
    """Mode, addresses to ask at."""
    scene: str
    tiers: tuple[TierRow, ...]
    before: Holding
    """What CI held yesterday."""
    held: Holding | None
    """None: the cluster has not been listed yet."""
    log: tuple[Shown | Note, ...]
    """By time."""


class Screen(Protocol):
    """Who shows it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def begin(self, *sentences: str) -> None:
        """Show what stands above all."""

    def show(self, frame: Frame) -> None:
        """Show how it stands now."""


class Lines:
    """Writes what is new, a line each."""

    def __init__(self) -> None:
        self._scene = ""
        self._shown: set[object] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def begin(self, *sentences: str) -> None:
        """Write the first lines."""
        emit("".join(f"{one}\n" for one in sentences))

    def show(self, frame: Frame) -> None:
        """Write what is new."""
        if frame.scene != self._scene:
            self._scene = frame.scene
            emit(f"\n{frame.at:%H:%M} {frame.scene}\n")
        for one in frame.log:
            match one:
                case Note() if one not in self._shown:
                    self._shown.add(one)
                    emit("".join(f"{line}\n" for line in note_of(one)))
                case Shown() if one.label and (one.trouble.pod, one.trouble.code) not in self._shown:
                    self._shown.add((one.trouble.pod, one.trouble.code))
                    emit("".join(f"{line}\n" for line in (line_of(one), *cause_of(one))))


class Table:
    """Keeps one screen up to date, one line less than `HEIGHT` at most."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(width=WIDTH, highlight=False)
        self._live: Live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def begin(self, *sentences: str) -> None:
        """Do nothing: all of it is on the screen."""

    def show(self, frame: Frame) -> None:
        """Draw it anew."""
        self._live.update(_drawn(frame), refresh=True)


def line_of(shown: Shown) -> str:
    """Return a job that did not pass in one line: when, verdict, job, address, finding, label."""
    one = shown.trouble
    left = f"{one.at:%H:%M:%S} {one.word} {one.job} {one.where} {one.code}"
    return f"{left} {shown.label:>{max(0, WIDTH - len(left) - 1)}}"


def note_of(note: Note) -> list[str]:
    """Return what was said of no single job, wrapped."""
    return textwrap.wrap(f"{note.at:%H:%M:%S} {note.text}", WIDTH, subsequent_indent=_INDENT)


def cause_of(shown: Shown, *, lines: int = 4) -> list[str]:
    """Return why, wrapped below its line."""
    indent: Any = {"initial_indent": _INDENT, "subsequent_indent": _INDENT}
    cause = textwrap.wrap(shown.trouble.cause, WIDTH, max_lines=lines, placeholder=" …", **indent)
    return [*cause, *textwrap.wrap(shown.more, WIDTH, **indent)]


def held_line(before: Holding, held: Holding | None) -> str:
    """Return the headline: routable addresses that CI held, and holds now, by what holds them."""
    if held is None:
        return f"routable addresses held by CI: {before.routable} → ?"
    return f"routable addresses held by CI: {before.routable} → {held.routable}{_by_whom(held)}"


def yesterday_line(before: Holding) -> str:
    """Return what CI held while nothing was declared."""
    return f"Yesterday, undeclared: {before.routable} routable addresses held by CI{_by_whom(before)}."


def _by_whom(held: Holding) -> str:
    from runner_bridge.core.holding import Holder
    from runner_bridge.core.policy.model import PoolClass

    parts = ((kind, held.addresses(kind=kind, pool_class=PoolClass.ROUTABLE)) for kind in Holder)
    who = ", ".join(f"{kind} {count}" for kind, count in parts if count)
    return f" ({who})" if who else ""


def tier_lines(tiers: Iterable[TierRow]) -> list[str]:
    """Return the tiers as plain columns."""
    head = ("TIER", "POOL", "NOW", "PASSED", "BREACH", "UNKNOWN")
    rows = [head, *((t.name, t.pools, str(t.now), str(t.passed), str(t.breach), str(t.unknown)) for t in tiers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return [
        "  ".join(
            f"{cell:<{width}}" if at < 2 else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _drawn(frame: Frame) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    shown = frame.log[-_SHOWN:]
    last = next((one for one in reversed(frame.log) if not isinstance(one, Note)), None)
    lines = [
        Text(frame.head, style="bold"),
        Text(f"{frame.at:%a %d %b %H:%M:%S}  {frame.where}"),
        Text(),
        *(Text(line, style="" if at else "bold") for at, line in enumerate(tier_lines(frame.tiers))),
        Text(),
        Text(held_line(frame.before, frame.held), style="bold green"),
        Text(),
        Text(frame.scene, style="italic"),
        *(_coloured(one) for one in shown),
        *(Text(line, style="dim") for line in (cause_of(last) if last else ())),
    ]
    return Group(*lines)


def _coloured(one: Shown | Note) -> RenderableType:
    from rich.text import Text

    if isinstance(one, Note):
        return Text("\n".join(note_of(one)), style="yellow")
    word = one.trouble.word
    text = Text(line_of(one), no_wrap=True)
    text.stylize(_STYLES.get(word, ""), 9, 9 + len(word))
    return text
