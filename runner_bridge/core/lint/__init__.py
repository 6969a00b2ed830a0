"""Problems in files that admins already have: one file per kind of file, and `overwrites` for what a job can reach."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner_bridge.core.redact import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model import Finding


_LINE_END = re.compile("\r\n|[\n\r]")
_MASKS = re.compile(f"(?:{re.escape(MASK)})+")


def with_excerpts(findings: Iterable[Finding], text: str) -> tuple[Finding, ...]:
    """
    Return the findings with the source line of their place in `excerpt`, in the same order.

    Secrets in it are replaced by as many characters, so that columns still point at what they pointed at. A finding
    that has an excerpt already, no line, or a line that the text does not have, stays as it is. Never raises.

    Args:
        findings: all of one file.
        text: of that file.
    """
    lines = _LINE_END.split(text)
    shown: dict[int, str] = {}

    def fill(finding: Finding) -> Finding:
        number = finding.place.line if finding.place else 0
        if finding.excerpt or not 1 <= number <= len(lines):
            return finding
        if number not in shown:
            shown[number] = _without_secrets(lines, number)
        return replace(finding, excerpt=(shown[number],))

    return tuple(fill(finding) for finding in findings)


def _without_secrets(lines: list[str], number: int) -> str:
    """Return a line with its secrets masked; the line before is looked at too, a key may stand there alone."""
    line = lines[number - 1]
    before = lines[number - 2] if number > 1 else ""
    hidden = redact(f"{before}\n{line}").split("\n")[-1]
    return line if hidden == line else _stretched(line, hidden)


def _stretched(line: str, hidden: str) -> str:
    """Return `hidden` with every mask as long as what it stands for."""
    pieces = _MASKS.split(hidden)
    result = pieces[0]
    for number, piece in enumerate(pieces[1:], start=2):
        # What follows a secret starts with a character that no secret holds, so its first occurrence is the right one.
        end = len(line) - len(piece) if number == len(pieces) else line.find(piece, len(result))
        result += _mask(max(end - len(result), 0)) + piece
    return result


def _mask(length: int) -> str:
    return MASK.ljust(length, "*") if length >= len(MASK) else "*" * length
