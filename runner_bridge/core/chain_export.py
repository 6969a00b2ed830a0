"""
A ledger as lines of JSON: every opening, then every entry, with the hashes that link them.

The text of an opening or entry stands in its line byte for byte, so the chain can be checked from the lines alone, by
`ledger verify --export` or by any program that knows SHA-256.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from runner_bridge.core.chain import Row, Segment
from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

PART = '{"ledger-part":"not all entries: it cannot be verified"}\n'
"""The first line of an export that leaves entries out."""


class _Line(Struct, kw_only=True):
    segment: int = 0
    number: int = 0
    prev: str = ""
    hash: str = ""
    last: int = 0
    head: str = ""
    opening: Raw = Raw()
    entry: Raw = Raw()


_DECODER = Decoder(_Line)


class Export(NamedTuple):
    """What was read from lines."""

    segments: list[Segment]
    rows: dict[int, list[Row]]
    """Of each segment, by number."""


def opening_line(segment: Segment) -> str:
    """Return the line of a segment."""
    return (
        f'{{"segment":{segment.number},"last":{segment.last},"head":"{segment.head}",'
        f'"hash":"{segment.hash}","opening":{segment.text}}}\n'
    )


def entry_line(segment: int, row: Row) -> str:
    """Return the line of a row."""
    return f'{{"segment":{segment},"number":{row.number},"prev":"{row.prev}","hash":"{row.hash}","entry":{row.text}}}\n'


def read(lines: Iterable[str]) -> Export:
    """
    Read an export; give the parts to `core.chain.verify`.

    Raises:
        WireError: a line is none of an export, or the export leaves entries out.
    """
    export = Export([], {})
    for place, line in enumerate(lines, 1):
        if line.strip() == PART.strip():
            message = (
                "the export leaves entries out, so the chain has holes. Export without --since, --tier and others."
            )
            raise WireError(message)
        if not line.strip():
            continue
        try:
            found = _DECODER.decode(line)
        except (DecodeError, UnicodeError) as error:
            message = f"line {place} is none of an export: {error}."
            raise WireError(message) from error
        if bytes(found.opening):
            text = bytes(found.opening).decode()
            export.segments.append(Segment(found.segment, text, found.hash, found.last, found.head))
        else:
            row = Row(found.number, bytes(found.entry).decode(), found.prev, found.hash)
            export.rows.setdefault(found.segment, []).append(row)
    export.segments.sort()
    for rows in export.rows.values():
        rows.sort()
    return export
