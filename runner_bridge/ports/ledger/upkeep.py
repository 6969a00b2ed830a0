"""
Verifying, repairing and pruning a ledger.

`verify` reads the chain once, row by row, and derives everything again into temporary tables beside what is stored.
`prune` removes whole segments only, after the chain was verified, and writes a segment of its own whose opening is the
checkpoint: which segments went, and the hash that each ended with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Column, MetaData, Table, bindparam, delete, except_, func, insert, select, update

from runner_bridge.core import chain, facts
from runner_bridge.core.chain import Row, canonical, entry_of, opening_of
from runner_bridge.core.errors import LedgerError, SettingsError, WireError
from runner_bridge.core.intervals import OF_INTERVALS, carry
from runner_bridge.core.model import Finding
from runner_bridge.core.model.codes import ledger as codes
from runner_bridge.core.model.ledger import Anchor, EntryKind, FactKey, IntervalKey, Opening, Purpose, Step
from runner_bridge.ports.ledger import tables
from runner_bridge.ports.ledger.projection import Projection, micros, moment
from runner_bridge.ports.ledger.reading import stored_segment
from runner_bridge.ports.ledger.writer import chained, open_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from runner_bridge.core.chain import Witness
    from runner_bridge.core.model.ledger import Entry, Fact, Interval
    from runner_bridge.ports.ledger.database import Database

_PAGE = 2000
_AT_ONCE = 50_000
"""Prune removes about so many rows in one transaction: a bridge that writes meanwhile waits for each of them."""

_TOLD = 20
"""So many differences of one derived table are told one by one."""

_DERIVED = (tables.interval, tables.intent, tables.gap, tables.node_address, tables.fact)


class Pruned(NamedTuple):
    """What prune did."""

    segments: int
    entries: int
    intervals: int
    """Intervals that are gone."""
    carried: int
    """Intervals that were taken over because they are open or ended later."""


def verify(database: Database, witnesses: Iterable[Witness] = ()) -> list[Finding]:
    """Check the file, the chain, and all that is derived; see `Ledger.verify`."""
    with database.reading(temporary=True) as connection:
        found = list(_damage(connection)) if database.path else []
        derived = _temporary_tables(connection)
        projection = Projection(derived, postgres=not database.path)
        segments = [stored_segment(row) for row in connection.execute(_ordered_segments())]
        odd: list[Finding] = []
        found += chain.verify(segments, lambda number: _derived_rows(connection, number, projection, odd), witnesses)
        found += odd
        found += _notes(connection)
        for table in _DERIVED:
            found += _differences(connection, table, derived[table.name])
        return found


def repair(database: Database) -> None:
    """Derive everything again; see `Ledger.repair`."""
    projection = Projection(postgres=not database.path)
    with database.translated(), database.engine.connect() as connection, database.writing(connection):
        for table in _DERIVED:
            connection.execute(delete(table))
        for number in list(connection.scalars(select(tables.segment.c.number).order_by(tables.segment.c.number))):
            for page in _pages(connection, number):
                projection.apply(connection, [(number, row.number, entry_of(row.text)) for row in page])


def prune(database: Database, *, before: datetime, at: datetime, actor: str) -> Pruned:
    """Remove segments that ended before a moment; see `Ledger.prune`."""
    if before >= at:
        message = f"--before: {before:%Y-%m-%d %H:%M:%SZ} is not in the past. Name an earlier moment."
        raise SettingsError(message)
    found = verify(database)
    if found:
        message = f"{database.name}: not pruned, because the ledger is not whole: {found[0].headline}"
        raise LedgerError(message)
    total = Pruned(0, 0, 0, 0)
    while True:
        with database.translated(), database.engine.connect() as connection, database.writing(connection):
            dropped = _droppable(connection, before)
            if not dropped:
                return total
            opening = _checkpoint(connection, dropped, before=before, at=at, actor=actor)
            done = _Prune(connection, opening, dropped, postgres=not database.path).run()
        total = Pruned(*map(sum, zip(total, done, strict=True)))


def _ordered_segments() -> Any:  # noqa: ANN401 - the statement's type says nothing more
    return select(tables.segment).order_by(tables.segment.c.number)


def _pages(connection: Connection, segment: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of a segment in order, some at a time, so that a segment of any size fits."""
    table = tables.entry
    last = 0
    while True:
        question = select(table).where(table.c.segment == segment, table.c.number > last)
        page = connection.execute(question.order_by(table.c.number).limit(_PAGE)).all()
        if not page:
            return
        yield page
        last = page[-1].number


# verify


def _damage(connection: Connection) -> Iterator[Finding]:
    """Let SQLite check its own pages and indexes."""
    for (said,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_TOLD})"):
        if said != "ok":
            yield Finding(code=codes.FILE_DAMAGED, subject="the database file", observed=str(said))


def _temporary_tables(connection: Connection) -> dict[str, Table]:
    """Create a temporary table like each derived one; they go with the transaction."""
    metadata = MetaData()
    created = {}
    for table in _DERIVED:
        columns = (
            Column(column.name, column.type, primary_key=column.primary_key, autoincrement=False)
            for column in table.columns
        )
        created[table.name] = Table(f"derived_{table.name}", metadata, *columns, prefixes=["TEMPORARY"])
    metadata.create_all(connection, checkfirst=False)
    return created


def _derived_rows(connection: Connection, segment: int, projection: Projection, found: list[Finding]) -> Iterator[Row]:
    """Yield the rows of a segment for the chain, and derive what follows from their entries on the way."""
    for page in _pages(connection, segment):
        entries: list[tuple[int, int, Entry]] = []
        for row in page:
            yield Row(row.number, row.text, row.prev, row.hash)
            try:
                entry = entry_of(row.text)
            except WireError:  # a text that was changed is told by the chain
                continue
            entries.append((segment, row.number, entry))
            if micros(entry.at) != row.at_us:
                subject = f"segment {segment}, row {row.number}"
                observed = "a moment beside the text that is not the text's"
                found.append(Finding(code=codes.EDITED, subject=subject, observed=observed))
        projection.apply(connection, entries)


def _notes(connection: Connection) -> Iterator[Finding]:
    """Compare what a segment notes beside its text with its own opening and with those that name it."""
    rows = {row.number: row for row in connection.execute(_ordered_segments())}
    anchors: dict[int, list[Anchor]] = {}
    openings = {}
    for number, row in rows.items():
        try:
            openings[number] = opening_of(row.text)
        except WireError:  # told by the chain
            continue
        for anchor in openings[number].after:
            anchors.setdefault(anchor.segment, []).append(anchor)
    for number, opening in openings.items():
        row, seen = rows[number], anchors.get(number, [])
        alive_us = max([micros(opening.at), *(micros(anchor.alive_at) for anchor in seen)])
        anchored = max([-1, *(anchor.number for anchor in seen)])
        if row.cluster != opening.cluster or row.alive_us < alive_us or row.anchored != anchored:
            subject = f"segment {number}, its notes"
            observed = "cluster, sign of life, or the mark of what is named later differ from the openings"
            yield Finding(code=codes.EDITED, subject=subject, observed=observed)


def _differences(connection: Connection, stored: Table, derived: Table) -> Iterator[Finding]:
    """Tell each row that is stored and does not follow from the entries, and each that follows and is not stored."""
    keys = [column.name for column in stored.primary_key.columns]
    told: dict[tuple[Any, ...], str] = {}
    all_stored, all_derived = select(stored), select(derived)
    if stored is tables.intent:  # a receipt whose intent was pruned, or has not come yet
        all_stored, all_derived = all_stored.where(stored.c.settled == 0), all_derived.where(derived.c.settled == 0)
    if stored is not tables.node_address:  # prune leaves more of these than follows from what is left: an index
        for row in connection.execute(except_(all_stored, all_derived).limit(_TOLD)):
            told[tuple(row._mapping[key] for key in keys)] = "a row that no entry accounts for"  # noqa: SLF001 - public
    for row in connection.execute(except_(all_derived, all_stored).limit(_TOLD)):
        key = tuple(row._mapping[key] for key in keys)  # noqa: SLF001 - public, in spite of its name
        told[key] = "another row than its entries give" if key in told else "no row, though entries give one"
    for key, observed in told.items():
        subject = f"{stored.name} {' '.join(map(str, key))}"
        yield Finding(code=codes.INTERVAL_DIFFERS, subject=subject, observed=observed)


# prune


def _droppable(connection: Connection, before: datetime) -> list[Any]:
    """
    Return segments that may go: of each cluster the oldest ones, up to the first that is needed.

    The newest segment of a cluster stays: its writer may be at work.
    """
    rows = connection.execute(_ordered_segments()).all()
    newest = {row.cluster: row.number for row in rows if row.cluster}
    kept: set[str] = set()
    dropped: list[Any] = []
    size = 0
    for row in rows:
        needed = row.number == newest.get(row.cluster) or _latest_us(connection, row) >= micros(before)
        if needed or size >= _AT_ONCE:
            kept.add(row.cluster)
        if row.cluster not in kept:
            dropped.append(row)
            size += row.last
    return dropped


def _latest_us(connection: Connection, segment: Any) -> int:  # noqa: ANN401 - a row of the driver
    last = select(func.max(tables.entry.c.at_us)).where(tables.entry.c.segment == segment.number)
    return max(int(segment.alive_us), connection.execute(last).scalar() or 0)


def _checkpoint(
    connection: Connection, dropped: Sequence[Any], *, before: datetime, at: datetime, actor: str
) -> Opening:
    """Return the opening that accounts for all that was ever removed, including what earlier checkpoints told."""
    anchors: list[Anchor] = []
    for row in dropped:
        old = opening_of(row.text)
        anchors += old.dropped
        anchors.append(Anchor(segment=row.number, number=row.last, hash=row.head, alive_at=moment(row.alive_us)))
    told = [opening_of(row.text).dropped_before for row in connection.execute(_ordered_segments())]
    return Opening(
        segment=0,
        at=at,
        purpose=Purpose.PRUNE,
        cluster="",
        actor=actor,
        dropped=tuple(sorted(anchors, key=lambda anchor: anchor.segment)),
        dropped_before=max([before, *(one for one in told if one is not None)]),
    )


class _Prune:
    """One transaction of a prune."""

    def __init__(self, connection: Connection, opening: Opening, dropped: Sequence[Any], *, postgres: bool) -> None:
        self.connection = connection
        self.numbers = frozenset(row.number for row in dropped)
        rows = connection.execute(_ordered_segments()).all()
        self.kept = [(row.number, row.cluster) for row in rows if row.number not in self.numbers]
        self.opening, self.end = open_segment(connection, opening)
        self.before = opening.dropped_before
        self.projection = Projection(postgres=postgres)

    def run(self) -> Pruned:
        """Take over what is still needed, then remove the segments and what follows from them alone."""
        intervals: dict[IntervalKey, tuple[Interval, int]] = {}
        told: dict[FactKey, tuple[Fact, int]] = {}
        others: list[Entry] = []
        entries = 0
        for number in sorted(self.numbers):
            for page in _pages(self.connection, number):
                entries += len(page)
                found = [entry_of(row.text) for row in page]
                intervals |= self.projection.stored(self.connection, [one for one in found if one.kind in OF_INTERVALS])
                told |= self.projection.stored_facts(
                    self.connection, [one for one in found if one.kind is EntryKind.FACT]
                )
                others += [one for one in found if one.kind is EntryKind.GAP and self._needed(one.to_at or one.at)]
                others += [one for one in found if one.kind is EntryKind.ACTED and one.step is Step.INTENT]
        carried = [carry(one, self.opening.at) for one, newest in intervals.values() if not self._over(one, newest)]
        self._remove([key for key, (one, newest) in intervals.items() if self._over(one, newest)])
        self._append([*carried, *self._facts(told), *self._unsettled(others)])
        return Pruned(len(self.numbers), entries, len(intervals) - len(carried), len(carried))

    def _needed(self, moment: datetime) -> bool:
        return self.before is None or moment >= self.before

    def _over(self, interval: Interval, newest: int) -> bool:
        """Tell whether nobody can ask for it any more, and no segment that stays tells of it."""
        if interval.to_at is None or self._needed(interval.to_at):
            return False
        return self._is_told_nowhere(interval.cluster, newest)

    def _is_told_nowhere(self, cluster: str, newest: int) -> bool:
        """Tell whether no segment that stays tells of what was told last in the segment `newest`."""
        if newest not in self.numbers:
            return False
        return not any(number < newest and of in {"", cluster} for number, of in self.kept)

    def _facts(self, told: Mapping[FactKey, tuple[Fact, int]]) -> Iterator[Entry]:
        """Take over the facts about pods that are still known, or that were told lately; remove the others."""
        interval, fact = tables.interval.c, tables.fact.c
        for (cluster, pod_uid), (one, newest) in told.items():
            of_pod = select(interval.pod_uid).where(interval.cluster == cluster, interval.pod_uid == pod_uid).limit(1)
            is_known = self.connection.execute(of_pod).first() is not None
            if is_known or self._needed(one.said_at) or not self._is_told_nowhere(cluster, newest):
                yield facts.carry(one, self.opening.at)
            else:
                where = (fact.cluster == cluster, fact.pod_uid == pod_uid)
                self.connection.execute(delete(tables.fact).where(*where))

    def _unsettled(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Leave out intents that have a receipt; what is taken over is recorded now."""
        unsettled = set(self.connection.scalars(select(tables.intent.c.act_id)))
        for entry in entries:
            if entry.kind is EntryKind.GAP:
                from_at, to_at = entry.from_at or entry.at, entry.to_at or entry.at
                yield replace(entry, at=self.opening.at, from_at=from_at, to_at=to_at)
            elif entry.act_id in unsettled:
                yield replace(entry, at=self.opening.at)

    def _remove(self, keys: Sequence[IntervalKey]) -> None:
        columns = tables.interval.c
        statement = delete(tables.interval).where(
            columns.cluster == bindparam("of_cluster"),
            columns.pod_uid == bindparam("of_pod"),
            columns.address == bindparam("of_address"),
        )
        if keys:
            rows = [{"of_cluster": key.cluster, "of_pod": key.pod_uid, "of_address": key.address} for key in keys]
            self.connection.execute(statement, rows)
        for table in (tables.entry, tables.gap):
            self.connection.execute(delete(table).where(table.c.segment.in_(self.numbers)))
        self.connection.execute(delete(tables.segment).where(tables.segment.c.number.in_(self.numbers)))

    def _append(self, entries: Sequence[Entry]) -> None:
        rows = chained(self.end, entries, [canonical(entry) for entry in entries])
        if not rows:
            return
        self.connection.execute(insert(tables.entry), rows)
        numbered = [(self.end.segment, row["number"], entry) for row, entry in zip(rows, entries, strict=True)]
        self.projection.apply(self.connection, numbered)
        where = tables.segment.c.number == self.end.segment
        self.connection.execute(
            update(tables.segment).where(where).values(last=rows[-1]["number"], head=rows[-1]["hash"])
        )
