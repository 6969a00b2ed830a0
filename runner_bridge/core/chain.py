"""
The chain of hashes that makes an append-only record of rows: canonical text, links, and what is wrong with a chain.

The hash of a row is SHA-256 over the hash of the row before it and the row's text; it does not depend on where the row
stands, so that a row that was moved is still known. A segment begins with its opening, which is hashed like a row over
sixty-four zeros. Each row keeps the hash it was linked to beside its own: that is what tells an edited row from one
whose predecessor was edited. Whoever can write the database can write a new chain; only a witness outside of it sees
that (`Witness`).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import DecodeError, ValidationError
from msgspec.json import Decoder, Encoder

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.codes import ledger as codes
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.model.ledger import Anchor, Entry, Opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    from runner_bridge.core.model.finding import Code

    _Marks: TypeAlias = Mapping[int, list[tuple[str, str]]]
    """Of one segment: number of a row → the hashes that others remember of it, and who does."""

ZERO = "0" * 64
"""What the opening of a segment is linked to; its text names the segments before it."""

# A log that wraps our line into its own JSON escapes the quotes.
_WITNESS = re.compile(r'\\*"ledger\\*":\s*\\*"(\d{1,18}):(\d{1,18})\\*",\s*\\*"hash\\*":\s*\\*"([0-9a-f]{64})\\*"')
_ENCODER = Encoder(order="sorted")
_ENTRIES = Decoder(Entry)
_OPENINGS = Decoder(Opening)
T = TypeVar("T")


class Row(NamedTuple):
    """One row of a segment as it is stored."""

    number: int
    """From 1 in each segment, without holes."""
    text: str
    """Canonical text of the entry."""
    prev: str
    """The hash that this row was linked to."""
    hash: str


class Witness(NamedTuple):
    """What somebody outside of the database saw: the hash of one row. Number 0 is the opening."""

    segment: int
    number: int
    hash: str


class Segment(NamedTuple):
    """One segment as it is stored: its opening, and where its writer says that it ends."""

    number: int
    text: str
    hash: str
    last: int
    """The number of the last row, as the writer noted it in the same transaction."""
    head: str
    """The hash of that row."""


def witness_line(segment: int, number: int, head: str, text: str = "") -> str:
    """
    Return one line for a log outside of the database: cursor, hash and, for an entry, its text. Number 0: the opening.

    >>> witness_line(3, 17, "c0ffee")
    '{"ledger":"3:17","hash":"c0ffee"}'
    """
    entry = f',"entry":{text}' if text else ""
    return f'{{"ledger":"{segment}:{number}","hash":"{head}"{entry}}}'


def witnesses(lines: Iterable[str]) -> Iterator[Witness]:
    """Find what a log witnessed; lines of something else and what a log writes around ours are passed over."""
    for line in lines:
        if found := _WITNESS.search(line):
            yield Witness(int(found[1]), int(found[2]), found[3])


def canonical(value: Entry | Opening) -> str:
    """
    Return the one text of a value: JSON with sorted keys, no spaces, no field that has its default.

    >>> from datetime import UTC, datetime
    >>> from runner_bridge.core.model.ledger import EntryKind
    >>> canonical(Entry(kind=EntryKind.ALERT, at=datetime(2026, 11, 20, 10, 31, tzinfo=UTC), cluster="prod-1"))
    '{"at":"2026-11-20T10:31:00Z","cluster":"prod-1","kind":"alert"}'

    Raises:
        WireError: a text holds half of a surrogate pair, which no encoding of Unicode can write.
    """
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError as error:
        message = f"an entry cannot be written as UTF-8: {error.reason}. Leave the text out or clean it."
        raise WireError(message) from error


def entry_of(text: str) -> Entry:
    """
    Read the text of a row.

    Raises:
        WireError: it is no entry.
    """
    return _decode(_ENTRIES, text, "an entry")


def opening_of(text: str) -> Opening:
    """
    Read the text of an opening.

    Raises:
        WireError: it is no opening.
    """
    return _decode(_OPENINGS, text, "an opening of a segment")


def _decode(decoder: Decoder[T], text: str, what: str) -> T:
    try:
        return decoder.decode(text)
    except (DecodeError, ValidationError, UnicodeError) as error:
        message = f"a row of the ledger is not {what}: {error}. Run: runner-bridge ledger verify."
        raise WireError(message) from error


def link(prev: str, text: str) -> str:
    """Return the hash of a row: SHA-256 over the hash before it, in hexadecimal, and its text in UTF-8."""
    return sha256(f"{prev}{text}".encode("utf-8", "surrogatepass")).hexdigest()


def verify(
    segments: Iterable[Segment],
    rows: Callable[[int], Iterable[Row]],
    witnesses: Iterable[Witness] = (),
) -> list[Finding]:
    """
    Find every row that was edited, removed or moved, and say which; an empty list: the chain is whole.

    Args:
        segments: all that are stored, in the order of their numbers.
        rows: given a segment's number, its rows in the order of their numbers.
        witnesses: what was seen from outside; without them rows cut off from the very end go unnoticed where
            whoever cut them also changed what the segment says of its end.
    """
    stored = {segment.number: segment for segment in segments}
    found: list[Finding] = []
    openings = {segment.number: _opening(segment, found) for segment in stored.values()}
    dropped = {one.segment: one for opening in openings.values() if opening for one in opening.dropped}
    marks: dict[int, dict[int, list[tuple[str, str]]]] = {}
    for number, opening in openings.items():
        for anchor in opening.after if opening else ():
            mark = (anchor.hash, f"the opening of segment {number}")
            marks.setdefault(anchor.segment, {}).setdefault(anchor.number, []).append(mark)
    for witness in witnesses:
        mark = (witness.hash, "the witness")
        marks.setdefault(witness.segment, {}).setdefault(witness.number, []).append(mark)
    found += _missing_segments(stored, dropped, marks)
    for segment in stored.values():
        found += _Walk(segment, marks.get(segment.number, {})).findings(rows(segment.number))
    return found


def _opening(segment: Segment, found: list[Finding]) -> Opening | None:
    """Read one opening; one that does not fit its hash, its number or its form is told as edited."""
    subject = f"segment {segment.number}, its opening"
    try:
        opening = opening_of(segment.text)
    except WireError:
        found.append(_finding(codes.EDITED, subject, observed="a text that is no opening"))
        return None
    if link(ZERO, segment.text) != segment.hash:
        found.append(_finding(codes.EDITED, subject, observed="text and hash that do not fit each other"))
    elif opening.segment != segment.number:
        found.append(_finding(codes.REORDERED, subject, observed=f"the opening of segment {opening.segment}"))
    return opening


def _missing_segments(
    stored: Mapping[int, Segment], dropped: Mapping[int, Anchor], marks: Mapping[int, _Marks]
) -> Iterable[Finding]:
    """Tell each segment that somebody has seen, that is not there, and that no checkpoint says was pruned."""
    for number, seen in marks.items():
        gone = dropped.get(number)
        last = max(seen)
        if number not in stored and (gone is None or gone.number < last):
            yield _finding(
                codes.SEGMENT_REMOVED, f"segment {number}", observed=f"no row of it, which {seen[last][0][1]} names"
            )


class _Suspect(NamedTuple):
    """A row that does not fit the row before it, or itself."""

    row: Row
    expected: str
    """The hash of the row before it."""
    sound: bool
    """Its hash fits its own text and link."""


class _Walk:
    """One pass over the rows of a segment; holds only what does not fit."""

    def __init__(self, segment: Segment, marks: _Marks) -> None:
        self.segment = segment
        self.marks = marks
        self.suspects: dict[int, _Suspect] = {}
        self.others: list[tuple[int, str]] = []
        """Rows whose hash somebody else remembers otherwise, and who does."""
        self.explained: set[int] = set()
        """Rows that something was said about, so that no consequence is told beside its cause."""
        self.found: list[Finding] = []

    def findings(self, rows: Iterable[Row]) -> list[Finding]:
        """Walk the rows once and say what is wrong with them."""
        number, head = 0, self.segment.hash
        self._compare(0, head)
        for row in rows:
            removed = row.number > number + 1
            if removed:
                self._removed(number + 1, row.number - 1)
            sound = link(row.prev, row.text) == row.hash
            if not sound or (row.prev != head and not removed):
                self.suspects[row.number] = _Suspect(row, head, sound)
            self._compare(row.number, row.hash)
            number, head = row.number, row.hash
        self._explain()
        self._end(number, head)
        self._remembered()
        return self.found

    def _say(self, code: Code, subject: str, observed: str) -> None:
        self.found.append(_finding(code, f"segment {self.segment.number}, {subject}", observed=observed))

    def _removed(self, first: int, last: int) -> None:
        rows = f"row {first}" if first == last else f"rows {first} to {last}"
        self._say(codes.REMOVED, rows, "no such row" if first == last else "no such rows")

    def _compare(self, number: int, seen: str) -> None:
        for expected, by in self.marks.get(number, ()):
            if expected != seen:
                self.others.append((number, by))

    def _end(self, number: int, head: str) -> None:
        """Compare the end with where the segment, and everybody outside of it, says that it is."""
        last = max([self.segment.last, *self.marks])
        if number < last:
            self._removed(number + 1, last)
        elif number > self.segment.last:
            self._say(codes.REWRITTEN, "its end", f"row {number}, where the segment ends with row {self.segment.last}")
        elif head != self.segment.head and number not in self.explained:
            self.explained.add(number)
            self._say(codes.REWRITTEN, f"row {number}", "another hash than its segment notes")

    def _remembered(self) -> None:
        """Say what the next segment or a witness remembers otherwise, where nothing else says it."""
        for number, by in self.others:
            if number not in self.explained:
                self.explained.add(number)
                self._say(codes.REWRITTEN, f"row {number}" if number else "its opening", f"another hash than {by} saw")

    def _explain(self) -> None:
        """Say for each suspect what happened, the causes before their consequences."""
        explained = self.explained
        for one, other in self._exchanged():
            if {one, other} & explained:  # the rows after an exchanged pair look like another one
                continue
            self._say(codes.REORDERED, f"rows {one} and {other}", "each in the other's place")
            explained |= {one, other, one + 1, other + 1}
        for number, suspect in self.suspects.items():
            if number in explained and suspect.sound:
                continue
            before = self.suspects.get(number - 1)
            if not suspect.sound:
                if number not in explained:
                    explained.add(number)
                    self._say(codes.EDITED, f"row {number}", "text and hash that do not fit each other")
            elif before is None or before.sound:
                explained.add(number - 1)
                self._say(
                    codes.REWRITTEN,
                    f"row {number - 1}" if number > 1 else "its opening",
                    f"another hash than row {number} is linked to: it was written anew, or rows between were removed",
                )

    def _exchanged(self) -> Iterable[tuple[int, int]]:
        """Yield pairs that stand in each other's place, whole or with their texts alone."""
        places = {suspect.expected: number for number, suspect in self.suspects.items() if suspect.sound}
        for number, suspect in self.suspects.items():
            if suspect.sound:
                other = places.get(suspect.row.prev)
                if other is not None and other < number and self._fit(other, number):
                    yield other, number
        unsound = [suspect for suspect in self.suspects.values() if not suspect.sound][:_PAIRED]
        for position, one in enumerate(unsound):
            for other_one in unsound[position + 1 :]:
                if link(one.row.prev, other_one.row.text) == one.row.hash:
                    yield one.row.number, other_one.row.number

    def _fit(self, one: int, other: int) -> bool:
        """Tell whether the earlier row belongs where the later one stands."""
        row, place = self.suspects[one].row, self.suspects[other]
        return row.prev == (place.row.hash if other == one + 1 else place.expected)


_PAIRED = 100
"""So many edited rows are tried against each other; in a chain with more, exchanged texts are told as edited."""


def _finding(code: Code, subject: str, *, observed: str) -> Finding:
    return Finding(code=code, subject=subject, observed=observed)
