"""
Findings and answers → text: a table, JSON, JUnit, Code Quality, SARIF. Siblings are strangers.

What several of them need stands here: how a finding is known again tomorrow, text that no output can trip over, and
rows for spreadsheets.
"""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from runner_bridge.core.model import Finding


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """
    Return one fingerprint per finding, in order: the same tomorrow, unless what is wrong changes.

    Lines and columns are left out, so an edit above a finding makes no new one. Findings alike in everything else are
    told apart by counting them. 64 hexadecimal digits each. Never raises.
    """
    seen: dict[tuple[str, ...], int] = {}
    result = []
    for finding in findings:
        place = finding.place.file if finding.place else ""
        key = (finding.code.name, place, finding.subject, finding.observed)
        number = seen[key] = seen.get(key, 0) + 1
        text = "\0".join((*key, str(number)))
        result.append(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())
    return result


def in_one_line(finding: Finding) -> str:
    """Return what is wrong and what to do, without the place: for formats that have one field for it."""
    seen = f" Seen {finding.observed}." if finding.observed else ""
    wanted = f" Expected {finding.expected}." if finding.expected else ""
    cause = f" {finding.cause}" if finding.cause else ""
    text = f"{finding.subject}: {finding.code.title}.{seen}{wanted}{cause} {finding.what_to_do}"
    return well_formed(" ".join(text.split()))


def well_formed(text: str) -> str:
    """Return the text with lone surrogates (file names that are not UTF-8) as `?`: it can be encoded. Never raises."""
    return text.encode("utf-8", "replace").decode("utf-8")


def printable(text: str) -> str:
    """Return the text with all that cannot be printed, and what turns its direction, as `?`. Never raises."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def csv_table(columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """
    Yield CSV (RFC 4180, lines end in LF) piece by piece.

    A cell that a spreadsheet would take for a formula gets an apostrophe before it: a job may claim any name.
    """
    names = list(columns)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([_inert(row[name]) for name in names])
    yield buffer.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


def age_of(age: timedelta) -> str:
    """
    Write an age in its largest unit.

    >>> from datetime import timedelta
    >>> age_of(timedelta(minutes=3, seconds=20))
    '3 min'
    """
    seconds = max(0, int(age.total_seconds()))
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
