"""
What is derived from entries, kept in the transaction that records them.

`Projection.apply` is the one step for the writer, for `verify`, which derives everything again beside it, for repair
and for prune.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from runner_bridge.core import facts
from runner_bridge.core.chain import canonical
from runner_bridge.core.intervals import EVIDENCE, OF_INTERVALS, fold
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.ledger import EntryKind, Fact, FactKey, Interval, IntervalKey, Standing, Step
from runner_bridge.core.model.verdict import Grade
from runner_bridge.ports.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row, Select, Table
    from sqlalchemy.sql.dml import Insert

    from runner_bridge.core.model.ledger import Entry

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_CONVERTED = frozenset({"node_addresses", "outcome", "grade", "findings"})
"""Evidence that a column holds in another form than an entry."""
_PLAIN = tuple(name for name in EVIDENCE if name not in _CONVERTED)
_LOOKUP = 500
"""So many pods are looked up in one question; SQLite bounds the number of values in one."""


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Return the moment again."""
    return EPOCH + timedelta(microseconds=value)


def row_of(interval: Interval, segment: int) -> dict[str, Any]:
    """Return the row of an interval; `segment` is the newest with an entry of it."""
    row = {name: getattr(interval, name) for name in _PLAIN}
    row |= {
        "cluster": interval.cluster,
        "pod_uid": interval.pod_uid,
        "address": interval.address,
        "first_us": micros(interval.from_at),
        "seen_first_us": micros(interval.seen_from_at),
        "seen_last_us": None if interval.seen_to_at is None else micros(interval.seen_to_at),
        "last_us": tables.OPEN if interval.to_at is None else micros(interval.to_at),
        "opened_us": None if interval.opened_at is None else micros(interval.opened_at),
        "judged_us": None if interval.judged_at is None else micros(interval.judged_at),
        "node_addresses": " ".join(interval.node_addresses),
        "outcome": interval.outcome and interval.outcome.value,
        "grade": interval.grade and interval.grade.value,
        "findings": " ".join(interval.findings),
        "segment": segment,
    }
    return _without_nul(row)


def row_of_fact(fact: Fact, segment: int) -> dict[str, Any]:
    """Return the row of a fact; `segment` is the newest with an entry of it."""
    row = {name: getattr(fact, name) for name in facts.FIELDS}
    row |= {"said_us": micros(fact.said_at), "standing": fact.standing and fact.standing.value, "segment": segment}
    return _without_nul(row)


def _without_nul(row: dict[str, Any]) -> dict[str, Any]:
    """PostgreSQL keeps no NUL in a text, and a job may claim one; the entry has it, as JSON writes it."""
    for name, value in row.items():
        if isinstance(value, str) and "\0" in value:
            row[name] = value.replace("\0", "\ufffd")
    return row


def interval_of(row: Row[Any]) -> Interval:
    """Return the interval of a row."""
    return Interval(
        cluster=row.cluster,
        pod_uid=row.pod_uid,
        address=row.address,
        from_at=moment(row.first_us),
        seen_from_at=moment(row.seen_first_us),
        seen_to_at=None if row.seen_last_us is None else moment(row.seen_last_us),
        to_at=None if row.last_us == tables.OPEN else moment(row.last_us),
        opened_at=None if row.opened_us is None else moment(row.opened_us),
        judged_at=None if row.judged_us is None else moment(row.judged_us),
        gitlab=row.gitlab,
        policy=row.policy,
        actor=row.actor,
        namespace=row.namespace,
        pod=row.pod,
        handle=row.handle,
        sequence=row.sequence,
        node=row.node,
        node_uid=row.node_uid,
        node_addresses=tuple(row.node_addresses.split()),
        project=row.project,
        project_path=row.project_path,
        runner=row.runner,
        job=row.job,
        job_url=row.job_url,
        tier=row.tier,
        pool=row.pool,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        grade=None if row.grade is None else Grade(row.grade),
        findings=tuple(row.findings.split()),
    )


def fact_of(row: Row[Any]) -> Fact:
    """Return the fact of a row."""
    told = {name: getattr(row, name) for name in facts.FIELDS}
    told["standing"] = None if row.standing is None else Standing(row.standing)
    return Fact(said_at=moment(row.said_us), **told)


class Projection:
    """Writes what follows from entries; remembers which addresses of nodes it has written."""

    def __init__(self, found: Mapping[str, Table] = tables.metadata.tables, *, postgres: bool) -> None:
        """Write to these tables."""
        self.interval, self.intent = found["interval"], found["intent"]
        self.gap, self.node_address, self.fact = found["gap"], found["node_address"], found["fact"]
        self._insert: Any = postgresql.insert if postgres else sqlite.insert
        self._known_nodes: set[tuple[str, str, str]] = set()
        columns = self.interval.c
        self._some = select(self.interval).where(
            columns.cluster == bindparam("cluster"), columns.pod_uid.in_(bindparam("uids", expanding=True))
        )
        self._some_facts = select(self.fact).where(
            self.fact.c.cluster == bindparam("cluster"), self.fact.c.pod_uid.in_(bindparam("uids", expanding=True))
        )
        self._upsert = self._upserting(self.interval)
        self._upsert_fact = self._upserting(self.fact)
        self._upsert_intent = self._upserting(self.intent)
        # Made once: to build a statement takes longer than to carry it out.
        acts = self.intent.c.act_id.in_(bindparam("acts", expanding=True))
        self._known_acts = select(self.intent.c.act_id, self.intent.c.settled).where(acts)
        self._settle_acts = delete(self.intent).where(acts)
        self._add_nodes = self._insert(self.node_address).on_conflict_do_nothing()

    def apply(self, connection: Connection, entries: Sequence[tuple[int, int, Entry]]) -> None:
        """Derive what follows from entries, each with its segment and number, in the order of the chain."""
        of_intervals = [(segment, entry) for segment, _, entry in entries if entry.kind in OF_INTERVALS]
        self._intervals(connection, of_intervals)
        self._nodes(connection, (entry for _, entry in of_intervals))
        self._intents(connection, [entry for _, _, entry in entries if entry.kind is EntryKind.ACTED])
        self._facts(connection, [(segment, entry) for segment, _, entry in entries if entry.kind is EntryKind.FACT])
        gaps = [_gap_row(*one) for one in entries if one[2].kind is EntryKind.GAP]
        if gaps:
            connection.execute(self._insert(self.gap), gaps)

    def forget(self) -> None:
        """Forget what was written: the transaction was rolled back."""
        self._known_nodes.clear()

    def _upserting(self, table: Table) -> Insert:
        statement = self._insert(table)
        keys = [column.name for column in table.primary_key.columns]
        rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
        upsert: Insert = statement.on_conflict_do_update(index_elements=keys, set_=rest)
        return upsert

    def _intervals(self, connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
        if not entries:
            return
        found = self.stored(connection, (entry for _, entry in entries))
        changed: dict[IntervalKey, tuple[Interval, int]] = {}
        for segment, entry in entries:
            key = IntervalKey(entry.cluster, entry.pod_uid, entry.address)
            before, newest = changed.get(key) or found.get(key) or (None, 0)
            changed[key] = (fold(before, entry), max(segment, newest))
        connection.execute(self._upsert, [row_of(*one) for one in changed.values()])

    def stored(self, connection: Connection, entries: Iterable[Entry]) -> dict[IntervalKey, tuple[Interval, int]]:
        """Return the intervals of the pods that entries tell of, each with the newest segment that tells of it."""
        found = {}
        for row in self._rows(connection, self._some, entries):
            interval = interval_of(row)
            found[interval.key] = (interval, row.segment)
        return found

    def _facts(self, connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
        if not entries:
            return
        found = self.stored_facts(connection, (entry for _, entry in entries))
        changed: dict[FactKey, tuple[Fact, int]] = {}
        for segment, entry in entries:
            key = FactKey(entry.cluster, entry.pod_uid)
            before, newest = changed.get(key) or found.get(key) or (None, 0)
            changed[key] = (facts.fold(before, entry), max(segment, newest))
        connection.execute(self._upsert_fact, [row_of_fact(*one) for one in changed.values()])

    def stored_facts(self, connection: Connection, entries: Iterable[Entry]) -> dict[FactKey, tuple[Fact, int]]:
        """Return the facts about the pods that entries tell of, each with the newest segment that tells it."""
        found = {}
        for row in self._rows(connection, self._some_facts, entries):
            fact = fact_of(row)
            found[fact.key] = (fact, row.segment)
        return found

    @staticmethod
    def _rows(connection: Connection, question: Select[Any], entries: Iterable[Entry]) -> Iterator[Row[Any]]:
        """Yield the rows about the pods that entries tell of."""
        wanted: dict[str, set[str]] = {}
        for entry in entries:
            wanted.setdefault(entry.cluster, set()).add(entry.pod_uid)
        for cluster, some in wanted.items():
            for uids in slices(sorted(some)):
                yield from connection.execute(question, {"cluster": cluster, "uids": uids})

    def _nodes(self, connection: Connection, entries: Iterable[Entry]) -> None:
        found = {(entry.cluster, address, entry.node) for entry in entries for address in entry.node_addresses}
        new = found - self._known_nodes
        if new:
            rows = [{"cluster": cluster, "address": address, "node": node} for cluster, address, node in sorted(new)]
            connection.execute(self._add_nodes, rows)
            self._known_nodes |= new

    def _intents(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Keep the intents that no receipt has settled, whichever of the two comes first."""
        intents = {entry.act_id: entry for entry in entries if entry.step is Step.INTENT}
        receipts = {entry.act_id: entry for entry in entries if entry.step is not Step.INTENT}
        waiting: dict[str, bool] = {}
        for some in slices([*(intents.keys() ^ receipts.keys())]):
            waiting |= {row.act_id: bool(row.settled) for row in connection.execute(self._known_acts, {"acts": some})}
        changed, done = [], []
        for act_id in [*(intents.keys() ^ receipts.keys())]:
            settled = act_id in receipts
            if waiting.get(act_id, settled) is not settled:
                done.append(act_id)
            else:
                entry = receipts[act_id] if settled else intents[act_id]
                changed.append(
                    {"act_id": act_id, "cluster": entry.cluster, "text": canonical(entry), "settled": int(settled)}
                )
        for some in slices(done):
            connection.execute(self._settle_acts, {"acts": some})
        if changed:
            connection.execute(self._upsert_intent, changed)


def slices(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield values, as many at a time as one question may hold."""
    return (values[start : start + _LOOKUP] for start in range(0, len(values), _LOOKUP))


def _gap_row(segment: int, number: int, entry: Entry) -> dict[str, Any]:
    return {
        "segment": segment,
        "number": number,
        "cluster": entry.cluster,
        "from_us": micros(entry.from_at or entry.at),
        "to_us": micros(entry.to_at or entry.at),
        "text": entry.text,
    }
