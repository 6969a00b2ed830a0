"""
From entries to facts: what GitLab said last of each pod's claim, whatever order the entries are told in.

The latest answer counts whole. Nothing is added up: a job that runs now and has ended later is told twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.ledger import Entry, EntryKind, Fact

if TYPE_CHECKING:
    from datetime import datetime

FIELDS = tuple(name for name in Fact.__struct_fields__ if name != "said_at")
"""What a fact and its entry have in common."""


def fold(before: Fact | None, entry: Entry) -> Fact:
    """
    Return the fact after one more entry of its key; `entry.kind` is `fact`.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2026, 11, 20, 10, 31, tzinfo=UTC)
    >>> told = Entry(kind=EntryKind.FACT, at=at, cluster="prod-1", pod_uid="u1", job="4711", status="running")
    >>> fold(None, told).status
    'running'
    """
    told = Fact(said_at=entry.said_at or entry.at, **{name: getattr(entry, name) for name in FIELDS})
    return told if before is None else max(before, told, key=_rank)


def carry(fact: Fact, at: datetime) -> Entry:
    """Return the entry that takes a fact over into a new segment; folding it gives the fact again."""
    told = {name: getattr(fact, name) for name in FIELDS}
    return Entry(kind=EntryKind.FACT, at=at, said_at=fact.said_at, **told)


def _rank(fact: Fact) -> tuple[datetime, str]:
    """Order by time; of the same moment the same one counts whichever was told first."""
    return fact.said_at, repr([getattr(fact, name) for name in FIELDS])
