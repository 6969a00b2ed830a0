"""
The answers of `who-had` for programs and spreadsheets. Keys and columns are only ever added.

Every moment is ISO 8601 in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json, to_builtins
from msgspec.structs import fields

from runner_bridge.ask.views import csv_table
from runner_bridge.core.model.ledger import Entry, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from runner_bridge.ask.answers.addresses import AddressAnswer, Candidate, LineAnswer

VERSION = 1
INTERVAL_COLUMNS = tuple(field.name for field in fields(Interval))
ENTRY_COLUMNS = ("segment", "number", *(field.name for field in fields(Entry)))
_LOG_COLUMNS = (
    *("line", "time", "address", "answer", "by", "since", "until"),
    *("candidates", "pods", "projects", "jobs", "tiers", "nodes", "certainty", "note"),
)


def render_json(answer: AddressAnswer) -> str:
    """Return one indented document with a line end."""
    document = {
        "version": VERSION,
        "kind": answer.kind,
        "asked": answer.asked,
        "since": answer.since,
        "until": answer.until,
        "candidates": list(map(_shape, answer.candidates)),
        "gaps": [to_builtins(gap) for gap in answer.gaps],
        "notes": list(answer.notes),
    }
    return json.format(json.encode(document), indent=2).decode() + "\n"


def render_csv(answer: AddressAnswer) -> str:
    """Return one row per candidate under a header."""
    rows = ({"certainty": one.certainty, **interval_row(one.interval)} for one in answer.candidates)
    return "".join(csv_table(("certainty", *INTERVAL_COLUMNS), rows))


def log_json(answers: Iterable[LineAnswer]) -> Iterator[str]:
    """Yield one document in one line per line of the log."""
    for one in answers:
        document = {
            "line": one.line.number,
            "time": one.line.time,
            "address": one.line.address,
            "answer": one.word,
            "by": one.by,
            "since": one.since,
            "until": one.until,
            "candidates": list(map(_shape, one.candidates)),
            "note": one.note,
        }
        yield json.encode(document).decode() + "\n"


def log_csv(answers: Iterable[LineAnswer]) -> Iterator[str]:
    """Yield a header, then one row per line of the log; values of a cell are separated by blanks, `-` for none."""
    return csv_table(_LOG_COLUMNS, map(_log_row, answers))


def interval_row(interval: Interval) -> dict[str, str]:
    """Return an interval as the cells of a row."""
    return {name: _cell(getattr(interval, name)) for name in INTERVAL_COLUMNS}


def entry_row(segment: int, number: int, entry: Entry) -> dict[str, str]:
    """Return an entry with its place in the chain as the cells of a row."""
    cells = {name: _cell(getattr(entry, name)) for name in entry.__struct_fields__}
    return {"segment": str(segment), "number": str(number), **cells}


def _shape(candidate: Candidate) -> dict[str, Any]:
    return {"certainty": candidate.certainty, **to_builtins(candidate.interval)}


def _log_row(one: LineAnswer) -> dict[str, str]:
    intervals = [each.interval for each in one.candidates]
    return {
        "line": str(one.line.number),
        "time": one.line.time,
        "address": one.line.address,
        "answer": one.word,
        "by": one.by,
        "since": _moment(one.since),
        "until": _moment(one.until),
        "candidates": str(len(intervals)),
        "pods": " ".join(f"{each.namespace}/{each.pod}" for each in intervals),
        "projects": " ".join(each.project_path or each.project or "-" for each in intervals),
        "jobs": " ".join(each.job or "-" for each in intervals),
        "tiers": " ".join(each.tier or "-" for each in intervals),
        "nodes": " ".join(each.node or "-" for each in intervals),
        "certainty": " ".join(each.certainty for each in one.candidates),
        "note": one.note,
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    plain = to_builtins(value)
    return " ".join(map(str, plain)) if isinstance(plain, (list, tuple)) else str(plain)


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else _cell(moment)
