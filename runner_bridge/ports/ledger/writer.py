"""
The writing half: one thread, one connection, as many entries to a transaction as have come meanwhile.

`append` resolves when its entries are on the disk. While one transaction is being synced the next ones gather, so the
rate does not depend on how long a sync takes. Every error leaves the entries unrecorded and unacknowledged; the next
append tries again from the end of the chain as it is in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from runner_bridge.core.chain import ZERO, canonical, link, witness_line
from runner_bridge.core.errors import LedgerError, RunnerBridgeError
from runner_bridge.core.model.ledger import Anchor, Opening
from runner_bridge.ports.ledger import tables
from runner_bridge.ports.ledger.projection import Projection, micros, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.ports.ledger.database import Database

BATCH = 2000
"""The most entries of one transaction; more wait for the next."""

ROOM = 4096
"""How many calls of `append` may wait at a time; more wait before they are queued."""

CLOCK_TOLERANCE = timedelta(seconds=2)
"""An entry may be so much older than the newest one: calls overtake each other, and clocks are trimmed."""

SILENCE_S: Final = 10.0
"""Beyond what a lock is waited for: a database that takes longer for one transaction is as good as gone."""

_INSERT: Final = insert(tables.entry)
# Made once: to build a statement takes longer than to carry it out.
_MOVE_END: Final = update(tables.segment).where(
    tables.segment.c.number == bindparam("of"),
    tables.segment.c.last == bindparam("last_before"),
    tables.segment.c.head == bindparam("head_before"),
)


class _Job(NamedTuple):
    entries: tuple[Entry, ...]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]
    alive_at: datetime
    """When the caller was at work."""


class _Hand(NamedTuple):
    """What the thread is at."""

    calls: int
    begun: float
    """By the writer's own clock, seconds."""


class End(NamedTuple):
    """Where the chain of a segment ends."""

    segment: int
    number: int
    hash: str


class Writer:
    """
    One term of one writer.

    `append` may be called from one event loop; everything else from any thread.
    """

    def __init__(
        self,
        database: Database,
        opening: Opening,
        *,
        witness: Callable[[str], None] | None = None,
        batch: int = BATCH,
        room: int = ROOM,
        tolerance: timedelta = CLOCK_TOLERANCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Open the first segment of the term; see `Ledger.write`.

        Raises:
            LedgerError: it could not be written, or the clock stands before the last entry of this cluster.
        """
        self.witness_trouble = ""
        """Why the witness missed lines last time; empty while all is well. The record goes on without it."""
        self._refused = ""
        """Why the last append failed; empty while all is well."""
        self.recorded = 0
        """Entries of this term that became durable."""
        self._database = database
        self._witness = witness
        self._batch = batch
        self._tolerance = tolerance
        self._room = asyncio.Semaphore(room)
        self._projection = Projection(postgres=not database.path)
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._clock = clock
        self._hand: _Hand | None = None
        self._closing = False
        self._known_end = True
        self._connection: Connection | None = None
        self._opening, self._end, self._latest = self._begin(opening)
        self._hour = opening.at.replace(minute=0, second=0, microsecond=0)
        self._tell([witness_line(self._end.segment, 0, self._end.hash)])
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    @property
    def end(self) -> End:
        """Where the chain of this term ends, as far as it is durable."""
        return self._end

    @property
    def waiting(self) -> int:
        """How many calls of `append` and `beat` wait for the disk, those of the transaction under way included."""
        hand = self._hand
        return len(self._jobs) + (hand.calls if hand else 0)

    @property
    def problem(self) -> str:
        """Why nothing is recorded: the last append failed, or one does not end. For readiness, status and metrics."""
        hand = self._hand
        silent_s = self._clock() - hand.begun if hand else 0.0
        if silent_s <= SILENCE_S:
            return self._refused
        return (
            f"{self._database.name}: the ledger has not answered for {int(silent_s)} s. "
            "Nothing is acted on until it does; look at its disk or its server."
        )

    async def append(self, entries: Sequence[Entry]) -> None:
        """
        Record entries, in this order and after those of earlier calls; return when they are durable.

        Raises:
            LedgerError: none of them is recorded; stop acting. The same may be appended again. Where the
                connection broke during the commit they may be there; told again they change nothing.
        """
        if entries:
            await self._queue(tuple(entries), max(entry.at for entry in entries))

    async def beat(self, at: datetime) -> None:
        """
        Note that the writer is at work at this moment: after a crash the gap begins here. Not part of the chain.

        Raises:
            LedgerError: it could not be written.
        """
        await self._queue((), at)

    async def _queue(self, entries: tuple[Entry, ...], alive_at: datetime) -> None:
        async with self._room:
            loop = asyncio.get_running_loop()
            job = _Job(entries, loop, loop.create_future(), alive_at)
            with self._wake:
                if self._closing:
                    message = f"{self._database.name}: the writer is closed. Nothing was recorded."
                    raise LedgerError(message)
                self._jobs.append(job)
                self._wake.notify()
            await job.done

    def close(self) -> None:
        """Record what was appended before, then end the term. Waits for the disk; call it in a thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _begin(self, opening: Opening) -> tuple[Opening, End, datetime]:
        with (
            self._database.translated(),
            self._database.engine.connect() as connection,
            self._database.writing(connection),
        ):
            latest = _alive_at(connection, opening.cluster)
            if latest is not None and opening.at < latest - self._tolerance:
                raise LedgerError(self._set_back(opening.at, latest))
            opened, end = open_segment(connection, opening)
            return opened, end, max(opening.at, latest or opening.at)

    def _work(self) -> None:
        while jobs := self._take():
            settled = self._record(jobs)
            self._hand = None  # before they are told: whoever has been told waits no more
            self._settle(settled)
        self._disconnect()

    def _take(self) -> list[_Job]:
        """Wait for work and take as much as goes into one transaction; nothing: the writer is closed."""
        with self._wake:
            while not self._jobs and not self._closing:
                self._wake.wait()
            jobs: list[_Job] = []
            room = self._batch
            while self._jobs and (not jobs or len(self._jobs[0].entries) <= room):
                jobs.append(self._jobs.popleft())
                room -= len(jobs[-1].entries)
            self._hand = _Hand(len(jobs), self._clock()) if jobs else None
            return jobs

    def _record(self, jobs: Sequence[_Job]) -> list[tuple[_Job, Exception | None]]:
        """Record all jobs but those that cannot be; return what became of each."""
        sound: list[tuple[_Job, list[str]]] = []
        settled: list[tuple[_Job, Exception | None]] = []
        latest = self._latest
        for job in jobs:
            try:
                sound.append((job, self._texts(job, latest)))
                latest = max(latest, job.alive_at)
            except RunnerBridgeError as error:
                self._refused = str(error)
                settled.append((job, LedgerError(str(error))))
            except Exception as error:  # noqa: BLE001 - a defect of one caller must not leave the others waiting
                settled.append((job, error))
        if not sound:
            return settled
        try:
            lines = self._store(sound, latest)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, a defect included
            self._refused = str(error)
            self._known_end = False
            self._projection.forget()
            self._disconnect()
            return settled + [(job, error) for job, _ in sound]
        self._latest = latest
        self.recorded += sum(len(job.entries) for job, _ in sound)
        if not settled:
            self._refused = ""
        self._tell(lines)
        return settled + [(job, None) for job, _ in sound]

    def _texts(self, job: _Job, latest: datetime) -> list[str]:
        oldest = min((entry.at for entry in job.entries), default=job.alive_at)
        if oldest < latest - self._tolerance:
            raise LedgerError(self._set_back(oldest, latest))
        return [canonical(entry) for entry in job.entries]

    def _store(self, jobs: Sequence[tuple[_Job, list[str]]], latest: datetime) -> list[str]:
        """Record in one transaction; return what a witness is to be told."""
        entries = [entry for job, _ in jobs for entry in job.entries]
        texts = [text for _, some in jobs for text in some]
        if self._connection is None:
            with self._database.translated():
                self._connection = self._database.engine.connect()
        opening, lines = self._opening, []
        with self._database.writing(self._connection):
            end = self._end if self._known_end else self._read_end(self._connection)
            if entries and latest.date() > opening.at.date():
                opening, end = open_segment(
                    self._connection,
                    Opening(
                        segment=0,
                        at=latest,
                        purpose=opening.purpose,
                        cluster=opening.cluster,
                        gitlab=opening.gitlab,
                        actor=opening.actor,
                        continues=end.segment,
                    ),
                )
                lines.append(witness_line(end.segment, 0, end.hash))
            rows = chained(end, entries, texts)
            if rows:
                self._connection.execute(_INSERT, rows)
                numbered = [(end.segment, row["number"], entry) for row, entry in zip(rows, entries, strict=True)]
                self._projection.apply(self._connection, numbered)
            end = self._move_end(self._connection, end, rows, latest)
        self._opening, self._end, self._known_end = opening, end, True
        lines += [witness_line(end.segment, row["number"], row["hash"], row["text"]) for row in rows]
        return lines + self._hourly(latest)

    def _read_end(self, connection: Connection) -> End:
        table = tables.segment
        where = table.c.number == self._end.segment
        row = connection.execute(select(table.c.last, table.c.head).where(where)).one_or_none()
        if row is None:
            raise LedgerError(self._changed())
        return End(self._end.segment, row.last, row.head)

    def _move_end(self, connection: Connection, end: End, rows: Sequence[dict[str, Any]], latest: datetime) -> End:
        """Note the new end in the segment, if the old one is still what was noted before."""
        moved = End(end.segment, rows[-1]["number"], rows[-1]["hash"]) if rows else end
        before = {"of": end.segment, "last_before": end.number, "head_before": end.hash}
        after = {"last": moved.number, "head": moved.hash, "alive_us": micros(latest)}
        if connection.execute(_MOVE_END, before | after).rowcount != 1:
            raise LedgerError(self._changed())
        return moved

    def _settle(self, settled: Sequence[tuple[_Job, Exception | None]]) -> None:
        """Tell everybody who waits, with one wake-up per event loop."""
        loops: dict[asyncio.AbstractEventLoop, list[tuple[_Job, Exception | None]]] = {}
        for one in settled:
            loops.setdefault(one[0].loop, []).append(one)
        for loop, some in loops.items():
            with contextlib.suppress(RuntimeError):  # the loop is gone, and whoever waited with it
                loop.call_soon_threadsafe(_resolve, some)

    def _hourly(self, latest: datetime) -> list[str]:
        hour = latest.replace(minute=0, second=0, microsecond=0)
        if hour <= self._hour:
            return []
        self._hour = hour
        return [witness_line(self._end.segment, self._end.number, self._end.hash)]

    def _tell(self, lines: Sequence[str]) -> None:
        if self._witness is None or not lines:
            return
        try:
            for line in lines:
                self._witness(line)
        except Exception as error:  # noqa: BLE001 - whatever a witness does, the record goes on
            self.witness_trouble = f"the ledger's witness cannot be written: {error}."
        else:
            self.witness_trouble = ""

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._connection.close()
            self._connection = None

    def _set_back(self, seen: datetime, latest: datetime) -> str:
        return (
            f"{self._database.name}: the clock was set back: it shows {seen:%Y-%m-%d %H:%M:%SZ}, the ledger holds an "
            f"entry of {latest:%Y-%m-%d %H:%M:%SZ}. Set the clock right; nothing is recorded until it is past that."
        )

    def _changed(self) -> str:
        return (
            f"{self._database.name}: segment {self._end.segment} was changed by something else. "
            "Stop, keep the file, and run: runner-bridge ledger verify."
        )


def open_segment(connection: Connection, opening: Opening) -> tuple[Opening, End]:
    """Store the opening of the next segment, linked to the end of every segment that has grown since the last one."""
    table = tables.segment
    number = (connection.execute(select(func.max(table.c.number))).scalar() or 0) + 1
    grown = connection.execute(
        select(table.c.number, table.c.last, table.c.head, table.c.alive_us)
        .where(table.c.last > table.c.anchored)
        .order_by(table.c.number)
    )
    after = tuple(
        Anchor(segment=row.number, number=row.last, hash=row.head, alive_at=moment(row.alive_us)) for row in grown
    )
    opened = replace(opening, segment=number, after=after)
    text = canonical(opened)
    head = link(ZERO, text)
    connection.execute(update(table).where(table.c.last > table.c.anchored).values(anchored=table.c.last))
    row = {"number": number, "text": text, "hash": head, "cluster": opening.cluster, "last": 0, "head": head}
    connection.execute(insert(table), {**row, "alive_us": micros(opening.at), "anchored": -1})
    return opened, End(number, 0, head)


def _alive_at(connection: Connection, cluster: str) -> datetime | None:
    table = tables.segment
    latest = connection.execute(select(func.max(table.c.alive_us)).where(table.c.cluster == cluster)).scalar()
    return None if latest is None else moment(latest)


def chained(end: End, entries: Sequence[Entry], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows that continue a chain with entries and their canonical texts."""
    rows: list[dict[str, Any]] = []
    head = end.hash
    for number, (entry, text) in enumerate(zip(entries, texts, strict=True), end.number + 1):
        prev, head = head, link(head, text)
        row = {"segment": end.segment, "number": number, "at_us": micros(entry.at)}
        rows.append({**row, "text": text, "prev": prev, "hash": head})
    return rows


def _resolve(settled: Sequence[tuple[_Job, Exception | None]]) -> None:
    for job, error in settled:
        if job.done.done():
            continue
        if error is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(error)
