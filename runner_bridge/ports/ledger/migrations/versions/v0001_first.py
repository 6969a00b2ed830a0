"""The first tables: segments and entries, and what is derived from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _record()
    _interval()
    op.create_table(
        "intent",
        sa.Column("act_id", sa.Text, primary_key=True),
        _text("cluster"),
        _text("text"),
        _number("settled"),
    )
    op.create_table(
        "gap",
        _key("segment"),
        _key("number"),
        _text("cluster"),
        _number("from_us"),
        _number("to_us"),
        _text("text"),
    )
    op.create_table(
        "node_address",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("cluster", "address", "node")),
    )


def _record() -> None:
    op.create_table(
        "segment",
        _key("number"),
        *map(_text, ("text", "hash", "cluster")),
        _number("last"),
        _text("head"),
        *map(_number, ("alive_us", "anchored")),
    )
    op.create_table(
        "entry",
        _key("segment"),
        _key("number"),
        _number("at_us"),
        *map(_text, ("text", "prev", "hash")),
        sqlite_with_rowid=False,
    )
    op.create_index("entry_at", "entry", ["at_us"])


def _interval() -> None:
    op.create_table(
        "interval",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("cluster", "pod_uid", "address")),
        *map(_number, ("first_us", "seen_first_us")),
        sa.Column("seen_last_us", sa.BigInteger),
        _number("last_us"),
        *(sa.Column(name, sa.BigInteger) for name in ("opened_us", "judged_us")),
        *map(_text, ("gitlab", "policy", "actor", "namespace", "pod", "handle")),
        sa.Column("sequence", sa.BigInteger),
        *map(_text, ("node", "node_uid", "node_addresses", "project", "project_path", "runner", "job", "job_url")),
        *map(_text, ("tier", "pool")),
        *(sa.Column(name, sa.Text) for name in ("outcome", "grade")),
        _text("findings"),
        _number("segment"),
        sqlite_with_rowid=False,
    )
    for column in ("address", "node", "project"):
        op.create_index(f"interval_{column}", "interval", ["cluster", column, "last_us", "first_us"])


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)
