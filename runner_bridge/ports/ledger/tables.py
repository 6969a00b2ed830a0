"""
The tables of the ledger as the newest migration leaves them.

`segment` and `entry` are the record; nothing but prune ever removes a row. `interval`, `intent`, `gap`, `node_address`
and `fact` are derived from it in the same transaction and can be derived again. Moments are microseconds since 1970 in
UTC, so that both databases keep, compare and index them alike.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

HEAD = "0002"
"""The newest migration; `migrations/versions` holds them all."""

OPEN = 2**63 - 1
"""`interval.last_us` while the address is still held: later than any moment that is asked for."""

metadata = MetaData()

segment = Table(
    "segment",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("last", BigInteger, nullable=False),  # number of the last row; 0: none yet
    Column("head", Text, nullable=False),  # hash of the last row
    Column("alive_us", BigInteger, nullable=False),  # when its writer was last known to be at work
    Column("anchored", BigInteger, nullable=False),  # up to which row a later opening names it; -1: none does
)

entry = Table(
    "entry",
    metadata,
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("entry_at", "at_us"),
    sqlite_with_rowid=False,
)

interval = Table(
    "interval",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("pod_uid", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("first_us", BigInteger, nullable=False),
    Column("seen_first_us", BigInteger, nullable=False),
    Column("seen_last_us", BigInteger),
    Column("last_us", BigInteger, nullable=False),
    Column("opened_us", BigInteger),
    Column("judged_us", BigInteger),
    Column("gitlab", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("pod", Text, nullable=False),
    Column("handle", Text, nullable=False),
    Column("sequence", BigInteger),
    Column("node", Text, nullable=False),
    Column("node_uid", Text, nullable=False),
    Column("node_addresses", Text, nullable=False),  # separated by spaces
    Column("project", Text, nullable=False),
    Column("project_path", Text, nullable=False),
    Column("runner", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("job_url", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("outcome", Text),
    Column("grade", Text),
    Column("findings", Text, nullable=False),  # separated by spaces
    Column("segment", BigInteger, nullable=False),  # the newest with an entry of it
    Index("interval_address", "cluster", "address", "last_us", "first_us"),
    Index("interval_node", "cluster", "node", "last_us", "first_us"),
    Index("interval_project", "cluster", "project", "last_us", "first_us"),
    Index("interval_job", "cluster", "job", "last_us", "first_us"),
    sqlite_with_rowid=False,
)

intent = Table(
    "intent",
    metadata,
    Column("act_id", Text, primary_key=True),
    Column("cluster", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("settled", BigInteger, nullable=False),  # 1: its receipt came first, as it may when prune takes it over
)

gap = Table(
    "gap",
    metadata,
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("cluster", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)

node_address = Table(
    "node_address",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("node", Text, primary_key=True),
)

fact = Table(
    "fact",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("pod_uid", Text, primary_key=True),
    Column("said_us", BigInteger, nullable=False),
    Column("gitlab", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("pod", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("runner", Text, nullable=False),
    Column("standing", Text),
    Column("project_path", Text, nullable=False),
    Column("job_url", Text, nullable=False),
    Column("job_name", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("segment", BigInteger, nullable=False),  # the newest with an entry of it
    Index("fact_pipeline", "cluster", "project", "pipeline", "job_name"),
    sqlite_with_rowid=False,
)
