"""
The answer of `check` for people: one line per job pod, the cause and what to do below those that share it.

Ten pods of a group are shown and the others counted, so that the breaches stay on the screen; `wide` shows every pod on
a line of its own. Up to a thousand lines are laid out by rich; beyond, plain columns are written as they come.
"""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner_bridge.ask.answers.check import Mark
from runner_bridge.ask.views import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner_bridge.ask.answers.check import CheckAnswer, Row
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.verdict import Waived

    Columns: TypeAlias = tuple[tuple[str, Callable[[Row, str], str]], ...]
    """Title, and what stands in the column: of a row, its two parts joined by the given text."""

LAID_OUT_ROWS = 1000
"""From so many lines on rich would take longer than judging them did."""
SHOWN_ROWS = 10
"""How many pods of a group are shown in the narrow form."""

LONGEST_CELL = 255
"""What a job claims of itself may be long; no true path of a project is longer."""

_NARROWEST = 60
_GAP = 1
_FLOORS = (8, 4, 8, 9, 15, 7)
"""How narrow each column of the narrow form may become; together less than the narrowest page."""
_STYLES = {
    Mark.BREACH: "bold red",
    Mark.UNKNOWN: "yellow",
    Mark.PENDING: "cyan",
    Mark.WAIVED: "magenta",
    Mark.PASS: "green",
}

_NARROW: Columns = (
    ("PROJECT", lambda row, _: row.project),
    ("TIER", lambda row, _: row.tier),
    ("WANTED", lambda row, _: row.wanted),
    ("ASKED", lambda row, joint: _joined(row.asked or "nothing", row.asked_by, joint)),
    ("GOT", lambda row, joint: _joined(row.got or "nothing", row.got_pool, joint)),
    ("VERDICT", lambda row, _: str(row.mark)),
)
_WIDE: Columns = (
    ("NAMESPACE", lambda row, _: row.verdict.namespace),
    ("POD", lambda row, _: row.verdict.pod),
    *_NARROW,
    ("EVIDENCE", lambda row, _: str(row.verdict.grade) if row.got else ""),
    ("RUNNER", lambda row, _: row.verdict.runner),
    ("NODE", lambda row, _: row.verdict.node),
    ("JOB", lambda row, _: row.verdict.job.id),
    ("FINDINGS", lambda row, _: ",".join(row.codes)),
)


def render(answer: CheckAnswer, *, colour: bool, width: int, wide: bool = False) -> Iterator[str]:
    """
    Yield the answer in pieces, each of whole lines.

    Args:
        answer: what is shown.
        colour: whether ANSI sequences are written.
        width: columns of the terminal; below 60 counts as 60.
        wide: every pod on one line of any length, with where it ran and what was found.
    """
    page = _Page(colour=colour, width=max(width, _NARROWEST))
    if wide:
        yield from _wide(answer, page)
    else:
        yield from _narrow(answer, page)
    yield from _ending(answer, page)


def _narrow(answer: CheckAnswer, page: _Page) -> Iterator[str]:
    shown = [row for group in answer.groups for row in group.rows[:SHOWN_ROWS]]
    if not shown:
        return
    joint = " "
    widths = _natural(_NARROW, shown, joint)
    if sum(widths) + _GAP * (len(widths) - 1) > page.width:
        joint = "\n"
        widths = _shrunk(_natural(_NARROW, shown, joint), page.width - _GAP * (len(_NARROW) - 1))
    lay_out = page.rows if len(shown) <= LAID_OUT_ROWS else page.plain_rows
    yield page.line(_plain([title for title, _ in _NARROW], widths), "dim")
    for group in answer.groups:
        rows = group.rows[:SHOWN_ROWS]
        for row in rows:
            yield lay_out(_cells(_NARROW, row, joint), widths, row.mark)
            if row.codes:
                yield page.line(f"  {_harmless(row.pod)}{_job(row)}", "dim")
        if len(group.rows) > len(rows):
            yield page.line(f"  +{len(group.rows) - len(rows)} more like these; -o wide shows every pod", "dim")
        yield from _reasons(group.findings, group.waived, page, alone=len(group.rows) == 1)
        if group.findings or group.waived:
            yield "\n"


def _job(row: Row) -> str:
    return f", job {_harmless(row.verdict.job.id)}" if row.verdict.job.id else ""


def _wide(answer: CheckAnswer, page: _Page) -> Iterator[str]:
    rows = answer.rows
    if not rows:
        return
    widths = _natural(_WIDE, rows, " ")
    yield page.line(_plain([title for title, _ in _WIDE], widths), "dim")
    for row in rows:
        yield page.line(_plain(_cells(_WIDE, row, " "), widths), _STYLES[row.mark])


def _ending(answer: CheckAnswer, page: _Page) -> Iterator[str]:
    """Yield what is about the whole: findings of the cluster, notes, what was assumed, the summary."""
    if answer.cluster or answer.cluster_waived:
        yield page.line("The cluster")
        yield from _reasons(answer.cluster, answer.cluster_waived, page, alone=True)
    for note in answer.notes:
        pods = f" ({note.pods} pod{'' if note.pods == 1 else 's'})" if note.pods else ""
        yield page.paragraph(f"note: {note.finding.code.title}{pods}. {note.finding.cause}", "", "  ", "dim")
    for assumption in answer.assumptions:
        yield page.paragraph(f"assumed: {assumption}", "", "  ", "dim")
    if answer.nothing_proven:
        yield page.paragraph(answer.nothing_proven, "", "", "yellow")
    yield page.paragraph(answer.summary, "", "  ", "bold")
    yield page.paragraph(answer.source, "", "  ", "dim")


def _reasons(findings: Iterable[Finding], waived: Iterable[Waived], page: _Page, *, alone: bool) -> Iterator[str]:
    """Yield each reason once, with what to do; what was seen only where it is of one pod."""
    told: set[str] = set()
    for finding in findings:
        seen = f" Seen {finding.observed}, expected {finding.expected}." if alone and finding.observed else ""
        why = finding.cause or f"{finding.code.title[:1].upper()}{finding.code.title[1:]}."
        yield page.paragraph(f"{finding.code.name}: {why}{seen}", "  ", "    ")
        if finding.what_to_do not in told:
            told.add(finding.what_to_do)
            yield page.paragraph(f"do: {finding.what_to_do}", "    ", "        ", "green")
    for one in waived:
        text = f"{one.finding.code.name}: waived until {one.until}: {one.reason}"
        yield page.paragraph(text, "  ", "    ", "magenta")


class _Page:
    """Text of one width, with or without colour."""

    def __init__(self, *, colour: bool, width: int) -> None:
        self.width = width
        self._colour = colour
        self._out = io.StringIO()
        self._console = Console(
            file=self._out,
            width=width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            legacy_windows=False,
            highlight=False,
            _environ={},
        )

    def rows(self, cells: Sequence[str], widths: Sequence[int], mark: Mark) -> str:
        """Lay a pod out in columns; a cell that is too long goes on below itself."""
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
        for width in widths:
            table.add_column(width=width, overflow="fold")
        project, *between, verdict = cells
        table.add_row(_at_slashes(project, widths[0]), *map(Text, between), Text(verdict, style=_STYLES[mark]))
        self._console.print(table)
        return self._taken()

    def plain_rows(self, cells: Sequence[str], widths: Sequence[int], mark: Mark) -> str:
        """Write a pod on one line; a cell that is too long pushes the others."""
        return self.line(_plain([cell.replace("\n", " ") for cell in cells], widths), _STYLES[mark])

    def line(self, text: str, style: str = "") -> str:
        """Write one line, however long."""
        if not self._colour:
            return f"{text.rstrip()}\n"
        self._console.print(Text(text, style=style), soft_wrap=True)
        return self._taken()

    def paragraph(self, text: str, first: str, rest: str, style: str = "") -> str:
        """Write text, wrapped at blanks."""
        lines = textwrap.wrap(
            _harmless(text),
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return "".join(self.line(line, style) for line in lines)

    def _taken(self) -> str:
        text = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _at_slashes(path: str, width: int) -> Text:
    """Break a path after its slashes where it is too long; a part that is itself too long is left to be folded."""
    lines = [""]
    for part in path.split("/"):
        if lines[-1] and cell_len(f"{lines[-1]}{part}/") > width + 1:
            lines.append("")
        lines[-1] += f"{part}/"
    return Text("\n".join(lines).removesuffix("/"))


def _joined(first: str, second: str, joint: str) -> str:
    return joint.join(part for part in (first, second) if part)


def _cells(columns: Columns, row: Row, joint: str) -> list[str]:
    return [_harmless(cell(row, joint)[:LONGEST_CELL]) for _, cell in columns]


def _natural(columns: Columns, rows: Iterable[Row], joint: str) -> list[int]:
    widths = [len(title) for title, _ in columns]
    for row in rows:
        for at, cell in enumerate(_cells(columns, row, joint)):
            widths[at] = max(widths[at], *map(cell_len, cell.split("\n")))
    return widths


def _shrunk(widths: list[int], room: int) -> list[int]:
    """Take columns from the widest that may give some until all fit; an IPv4 address and a verdict stay whole."""
    while sum(widths) > room:
        spare = [width if width > floor else 0 for width, floor in zip(widths, _FLOORS, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return widths


def _plain(cells: Sequence[str], widths: Sequence[int]) -> str:
    gap = " " * _GAP
    padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
    return gap.join(padded).rstrip()


def _harmless(text: str) -> str:
    """Return the text with what could steer a terminal as question marks; line ends stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in well_formed(text))
