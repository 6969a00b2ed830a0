"""
The reading half: who had an address, what ran on a node, what a project had, and when nobody looked.

Every answer is complete for what is recorded; `gaps` says for when it is not. Boundaries count on both sides: an answer
names a candidate too many rather than one too few.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, or_, select, tuple_

from runner_bridge.core.chain import Row, Segment, entry_of, opening_of
from runner_bridge.core.model.ledger import Entry, FactKey, Gap, Opening, Purpose
from runner_bridge.ports.ledger import tables
from runner_bridge.ports.ledger.projection import EPOCH, fact_of, interval_of, micros, moment, slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from runner_bridge.core.model.cluster import Address
    from runner_bridge.core.model.ledger import Fact, Interval
    from runner_bridge.ports.ledger.database import Database

_PAGE = 2000
_interval = tables.interval


_touching = (_interval.c.last_us >= bindparam("since"), _interval.c.first_us <= bindparam("until"))
_ordered = (_interval.c.first_us, _interval.c.cluster, _interval.c.pod_uid, _interval.c.address)


_all_clusters = select(tables.segment.c.cluster)


def _lookup(name: str) -> dict[bool, Select[Any]]:
    """
    Return the question for the intervals of one value that touch a stretch of time, of one cluster (True) or of all.

    The clusters of all are named within the question, so that the index serves it and it is asked at once. The index
    alone tells which intervals touch the time: asked in one step, SQLite fetches the row of every later interval first
    (0.7 ms instead of 0.06 ms for an address that was used 150 times).
    """
    found = tables.interval.alias("found")
    key = ("cluster", "pod_uid", "address")
    touching = (
        found.c[name] == bindparam("value"),
        found.c.last_us >= bindparam("since"),
        found.c.first_us <= bindparam("until"),
    )
    return {
        one: select(_interval)
        .where(
            tuple_(*(_interval.c[column] for column in key)).in_(
                select(*(found.c[column] for column in key)).where(
                    found.c.cluster == bindparam("cluster") if one else found.c.cluster.in_(_all_clusters), *touching
                )
            )
        )
        .order_by(*_ordered)
        for one in (True, False)
    }


_BY_ADDRESS = _lookup("address")
_BY_NODE = _lookup("node")
_BY_PROJECT = _lookup("project")
_BY_JOB = _lookup("job")

LATE = timedelta(seconds=60)
"""A writer notes every few seconds that it is at work; silent for longer, it is taken to be down."""


class Stored(NamedTuple):
    """One entry with its place in the chain."""

    segment: int
    row: Row
    entry: Entry


class Reading:
    """
    Questions to one ledger; each sees one state of it. They block: async code calls them in a thread.

    Every method raises `LedgerError` where the ledger cannot be read.
    """

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._database = database

    def who_had(
        self, address: Address, *, since: datetime | None = None, until: datetime | None = None, cluster: str = ""
    ) -> list[Interval]:
        """Return the intervals of an address that touch a stretch of time, by their beginning; None: no bound."""
        return self._ask(_BY_ADDRESS, [str(address)], since, until, cluster)

    def by_node(
        self, node: str, *, since: datetime | None = None, until: datetime | None = None, cluster: str = ""
    ) -> list[Interval]:
        """Return what ran on a node, given its name or one of the addresses it had at that time."""
        try:
            address = str(ip_address(node))
        except ValueError:
            return self._ask(_BY_NODE, [node], since, until, cluster)
        table = tables.node_address
        with self._database.reading() as connection:
            nodes = list(connection.scalars(select(table.c.node).where(table.c.address == address).distinct()))
        found = self._ask(_BY_NODE, nodes, since, until, cluster)
        return [one for one in found if address in one.node_addresses]

    def by_project(
        self, project: str, *, since: datetime | None = None, until: datetime | None = None, cluster: str = ""
    ) -> list[Interval]:
        """Return what a project had, given its number."""
        return self._ask(_BY_PROJECT, [project], since, until, cluster)

    def by_job(self, job: str, *, cluster: str = "") -> list[Interval]:
        """Return what pods had that claim to run a job, given its number."""
        return self._ask(_BY_JOB, [job], None, None, cluster)

    def facts(self, intervals: Iterable[Interval]) -> dict[FactKey, Fact]:
        """Return what GitLab said last of the claims of the pods that intervals are of, where it was asked."""
        wanted: dict[str, list[str]] = {}
        for key in dict.fromkeys(FactKey(one.cluster, one.pod_uid) for one in intervals):
            wanted.setdefault(key.cluster, []).append(key.pod_uid)
        table = tables.fact.c
        with self._database.reading() as connection:
            found = [
                fact_of(row)
                for cluster, uids in wanted.items()
                for some in slices(uids)
                for row in connection.execute(
                    select(tables.fact).where(table.cluster == cluster, table.pod_uid.in_(some))
                )
            ]
        return {fact.key: fact for fact in found}

    def history(self, fact: Fact) -> list[Fact]:
        """Return the facts about all jobs of the same name in the pipeline of one, oldest job first: its retries."""
        if not fact.pipeline:
            return [fact]
        table = tables.fact.c
        same = (
            table.cluster == fact.cluster,
            table.project == fact.project,
            table.pipeline == fact.pipeline,
            table.job_name == fact.job_name,
        )
        with self._database.reading(one_question=True) as connection:
            found = [fact_of(row) for row in connection.execute(select(tables.fact).where(*same))]
        return sorted(found, key=lambda one: (len(one.job), one.job, one.said_at))

    def open_intervals(self, cluster: str) -> list[Interval]:
        """Return the intervals that are open, as far as is recorded: where a restart goes on."""
        open_now = select(_interval).where(_interval.c.cluster == cluster, _interval.c.last_us == tables.OPEN)
        with self._database.reading() as connection:
            return [interval_of(row) for row in connection.execute(open_now.order_by(*_ordered))]

    def unsettled(self, cluster: str) -> list[Entry]:
        """Return the intents without a receipt, oldest first: what a crash left to be found out."""
        table = tables.intent
        with self._database.reading() as connection:
            found = connection.scalars(select(table.c.text).where(table.c.cluster == cluster, table.c.settled == 0))
            return sorted(map(entry_of, found), key=lambda entry: (entry.at, entry.act_id))

    def acts_since(self, since: datetime, cluster: str, acts: Iterable[str]) -> list[Entry]:
        """Return the entries about certain kinds of actions in a cluster since a moment, in the order of the chain."""
        table = tables.entry
        kinds = [table.c.text.contains(f'"act":"{act}"', autoescape=True) for act in acts]
        found = select(table.c.text).where(table.c.at_us >= micros(since), or_(*kinds))
        with self._database.reading() as connection:
            texts = connection.scalars(found.order_by(table.c.segment, table.c.number))
            return [entry for entry in map(entry_of, texts) if entry.cluster == cluster]

    def intervals(
        self, *, since: datetime | None = None, until: datetime | None = None, tier: str = "", project: str = ""
    ) -> Iterator[Interval]:
        """Yield all intervals that touch a stretch of time, by their beginning; read as they are taken."""
        question = _touch(tier, project).order_by(*_ordered)
        with self._database.reading() as connection:
            streamed = connection.execution_options(yield_per=_PAGE)
            for row in streamed.execute(question, _bounds(since, until)):
                yield interval_of(row)

    def newest(
        self,
        most: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        tier: str = "",
        project: str = "",
    ) -> list[Interval]:
        """Return the intervals that touch a stretch of time and began last, up to so many, the newest first."""
        question = _touch(tier, project).order_by(*(column.desc() for column in _ordered)).limit(most)
        with self._database.reading(one_question=True) as connection:
            return [interval_of(row) for row in connection.execute(question, _bounds(since, until))]

    def entries(
        self, *, since: datetime | None = None, until: datetime | None = None, tier: str = "", project: str = ""
    ) -> Iterator[Stored]:
        """Yield entries recorded in a stretch of time, in the order of the chain; read as they are taken."""
        table = tables.entry
        question = select(table).order_by(table.c.segment, table.c.number)
        if since is not None:
            question = question.where(table.c.at_us >= micros(since))
        if until is not None:
            question = question.where(table.c.at_us <= micros(until))
        with self._database.reading() as connection:
            streamed = connection.execution_options(yield_per=_PAGE)
            for row in streamed.execute(question):
                entry = entry_of(row.text)
                if (not tier or entry.tier == tier) and (not project or entry.project == project):
                    yield Stored(row.segment, Row(row.number, row.text, row.prev, row.hash), entry)

    def segments(self) -> list[Segment]:
        """Return every segment as it is stored, by number."""
        with self._database.reading() as connection:
            return [stored_segment(row) for row in connection.execute(_SEGMENTS)]

    def clusters(self) -> list[str]:
        """Return the clusters that have written to this ledger."""
        with self._database.reading() as connection:
            return _clusters(connection)

    def gaps(
        self, *, now: datetime, since: datetime | None = None, until: datetime | None = None, cluster: str = ""
    ) -> list[Gap]:
        """
        Return the stretches in which pods may have come and gone unrecorded, those that touch a stretch of time.

        Before the first term, between terms, since the last sign of life, and what writers recorded as gaps.
        """
        table = tables.gap
        first, last = since or EPOCH, min(until or now, now)
        with self._database.reading() as connection:
            segments = [(row.alive_us, opening_of(row.text)) for row in connection.execute(_SEGMENTS)]
            told = [
                Gap(cluster=row.cluster, reason=row.text, from_at=moment(row.from_us), to_at=moment(row.to_us))
                for row in connection.execute(select(table).order_by(table.c.from_us))
            ]
        for one in [cluster] if cluster else sorted({opening.cluster for _, opening in segments} - {""}):
            told += _silences(one, segments, now)
        return [
            gap
            for gap in sorted(told, key=lambda gap: (gap.cluster, gap.from_at or EPOCH))
            if (not cluster or gap.cluster == cluster)
            and (gap.from_at or EPOCH) <= last
            and (gap.to_at is None or gap.to_at >= first)
        ]

    def _ask(
        self,
        question: dict[bool, Select[Any]],
        values: Sequence[str],
        since: datetime | None,
        until: datetime | None,
        cluster: str,
    ) -> list[Interval]:
        given = {"cluster": cluster, **_bounds(since, until)} if cluster else _bounds(since, until)
        with self._database.reading(one_question=len(values) == 1) as connection:
            found = [
                interval_of(row)
                for value in values
                for row in connection.execute(question[bool(cluster)], {**given, "value": value})
            ]
        return found if len(values) == 1 else sorted(found, key=lambda one: (one.from_at, one.key))


_SEGMENTS = select(tables.segment).order_by(tables.segment.c.number)
_CLUSTERS = select(tables.segment.c.cluster).distinct().order_by(tables.segment.c.cluster)


def _touch(tier: str, project: str) -> Select[Any]:
    """Return the question for all intervals that touch a stretch of time; empty: of any tier, of any project."""
    question = select(_interval).where(*_touching)
    if tier:
        question = question.where(_interval.c.tier == tier)
    return question.where(_interval.c.project == project) if project else question


def stored_segment(row: Any) -> Segment:  # noqa: ANN401 - a row of the driver
    """Return the segment of a row."""
    return Segment(row.number, row.text, row.hash, row.last, row.head)


def _clusters(connection: Connection) -> list[str]:
    return [name for name in connection.scalars(_CLUSTERS) if name]  # prune works for all of them, and has none


def _bounds(since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """Return the bounds as they are stored; an open interval reaches past every moment."""
    return {"since": 0 if since is None else micros(since), "until": tables.OPEN if until is None else micros(until)}


def _silences(cluster: str, segments: Sequence[tuple[int, Opening]], now: datetime) -> Iterator[Gap]:
    """Yield when no term of `run` was at work on a cluster."""
    pruned = max((one.dropped_before for _, one in segments if one.dropped_before is not None), default=None)
    terms = [(moment(alive), one) for alive, one in segments if one.cluster == cluster and one.purpose is Purpose.RUN]
    if not terms:
        yield Gap(cluster=cluster, reason="the bridge has never recorded this cluster")
        return
    begins = terms[0][1].at
    if pruned is not None:
        begins = max(pruned, begins) if not terms[0][1].continues else pruned
        yield Gap(cluster=cluster, reason="what ended before was pruned", to_at=begins)
    else:
        yield Gap(cluster=cluster, reason="the ledger begins then", to_at=begins)
    alive = terms[0][0]
    for ended, opening in terms[1:]:
        if not opening.continues and opening.at > alive:
            yield Gap(cluster=cluster, reason="the bridge was not running", from_at=alive, to_at=opening.at)
        alive = max(alive, ended)
    if now - alive > LATE:
        yield Gap(cluster=cluster, reason="the bridge has recorded nothing since then", from_at=alive)
