"""
Findings for people: one paragraph each, with the source line and a caret under the exact columns.

The first line starts with `file:line:column:`, which terminals and editors make a link of. What was quoted from a
file cannot steer the terminal: control characters and those that turn the direction of text are shown as symbols.
"""

from __future__ import annotations

import textwrap
import unicodedata
from typing import TYPE_CHECKING

from runner_bridge.ask.views import well_formed
from runner_bridge.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model import Finding, Place

_RESET, _BOLD, _DIM, _GREEN = "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m"
_COLOURS = {Severity.ERROR: "\x1b[31m", Severity.WARNING: "\x1b[33m", Severity.ADVICE: "\x1b[36m"}

_LABEL = 10
"""Columns of the label before a row, with the blank after it."""
_TAB = 4
_NARROWEST = 40
_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def render(findings: Iterable[Finding], *, colour: bool, width: int) -> str:
    """
    Return one paragraph per finding, an empty line between them; empty text for none.

    Args:
        findings: in the order in which they are shown.
        colour: whether ANSI sequences are written.
        width: columns of the terminal; below 40 counts as 40. A proof is never wrapped, so that it can be copied.

    Advice is short, what it is about and what to do, so that it does not bury what is wrong.
    """
    width = max(width, _NARROWEST)
    return "\n".join(_paragraph(finding, colour=colour, width=width) for finding in findings)


def _paragraph(finding: Finding, *, colour: bool, width: int) -> str:
    lines = _headline(finding, colour=colour, width=width)
    if finding.place and finding.place.line and finding.excerpt and not _is_advice(finding):
        lines += _excerpt(finding.place, finding.excerpt[0], _paint_of(finding, colour=colour), width)
    evidence = (
        ("seen", finding.observed),
        ("expected", finding.expected),
        ("because", finding.cause),
        ("proof", finding.proof),
    )
    for label, text in (*(() if _is_advice(finding) else evidence), ("do", finding.what_to_do)):
        if text:
            lines += _row(label, _harmless(text), width, colour=colour)
    return "".join(f"{line}\n" for line in lines)


def _is_advice(finding: Finding) -> bool:
    return finding.code.severity is Severity.ADVICE


def _paint_of(finding: Finding, *, colour: bool) -> str:
    return _COLOURS[finding.code.severity] if colour else ""


def _headline(finding: Finding, *, colour: bool, width: int) -> list[str]:
    place = f"{finding.place}: " if finding.place else ""
    severity = f"{finding.code.severity}:"
    text = _harmless(f"{place}{severity} {finding.subject}: {finding.code.title} [{finding.code.name}]")
    lines = _wrap(text, width, "", "    ")
    if colour:
        # Only what surely stands on the first line is painted, after wrapping: sequences have no width.
        start, found, rest = lines[0].partition(severity)
        if found:
            lines[0] = f"{_BOLD}{start}{_RESET}{_COLOURS[finding.code.severity]}{severity}{_RESET}{rest}"
        lines[-1] = lines[-1].replace(f"[{finding.code.name}]", f"{_DIM}[{finding.code.name}]{_RESET}")
    return lines


def _row(label: str, text: str, width: int, *, colour: bool) -> list[str]:
    shown = f"{label:<{_LABEL - 1}} "
    if colour:
        shown = f"{_GREEN if label == 'do' else _DIM}{label}{_RESET}{' ' * (_LABEL - len(label))}"
    first, rest = "  " + " " * _LABEL, "  " + " " * _LABEL
    if label == "proof":
        # Below its label, so that a variable of usual length stays within 80 columns.
        return [f"  {shown}".rstrip(), *(f"   {line}" for line in text.splitlines())]
    lines = [line for part in text.splitlines() for line in _wrap(part, width, first, rest)]
    return [f"  {shown}{lines[0][2 + _LABEL :]}", *lines[1:]]


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]


def _excerpt(place: Place, line: str, paint: str, width: int) -> list[str]:
    """Return the numbered source line and, where a column is known, the caret line below it."""
    number = str(place.line)
    bar = f"  {number} | "
    blank = f"  {' ' * len(number)} | "
    start = min(max(place.column, 1), len(line) + 1) - 1
    end = max(min(place.end_column - 1, len(line)), start + 1)
    # A line of a megabyte is not laid out as a whole for each finding in it.
    skipped = max(start - 4 * width, 0)
    cells = _cells(line[skipped : start + 4 * width])
    start, end = start - skipped, end - skipped
    shown, before, under = _around(cells, start, end, width - len(bar))
    lines = [f"{bar}{shown}".rstrip()]
    if place.column:
        caret = "^" * max(under, 1)
        lines.append(f"{blank}{' ' * before}{paint}{caret}{_RESET if paint else ''}")
    return lines


def _around(cells: list[tuple[str, int]], start: int, end: int, room: int) -> tuple[str, int, int]:
    """
    Cut a line to `room` columns so that what is marked stays in sight.

    Returns:
        The text to show, the columns before the mark, the columns of the mark.
    """
    first, last, left, right = 0, len(cells), "", ""
    if _size(cells) > room:
        if _size(cells[:end]) >= room:
            # A third of the room for what stands before the mark; the first character gives way to the ellipsis.
            first, left = start, "…"
            while first > 0 and _size(cells[first - 1 : start]) <= room // 3:
                first -= 1
        last = start
        while last < len(cells) and len(left) + _size(cells[first : last + 1]) < room:
            last += 1
        right = "…" if last < len(cells) else ""
    shown = left + "".join(text for text, _ in cells[first:last]) + right
    before = len(left) + _size(cells[first:start])
    return shown, before, _size(cells[start : min(end, last)])


def _size(cells: list[tuple[str, int]]) -> int:
    return sum(size for _, size in cells)


def _cells(line: str) -> list[tuple[str, int]]:
    """Return, for each character, what is shown for it and how many columns that takes."""
    cells = []
    column = 0
    for character in line:
        if character == "\t":
            size = _TAB - column % _TAB
            shown = " " * size
        else:
            shown = _harmless(character)
            size = _columns(shown)
        cells.append((shown, size))
        column += size
    return cells


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _harmless(text: str) -> str:
    """Return the text with what could steer a terminal as symbols, one for one; line ends stay."""
    if text.isprintable():
        return text
    return "".join(map(_symbol, well_formed(text)))


def _symbol(character: str) -> str:
    if character == "\n":
        return character
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f" or "\x80" <= character <= "\x9f" or character in _DIRECTION or character in "\u2028\u2029":
        return "\N{REPLACEMENT CHARACTER}"
    return character
