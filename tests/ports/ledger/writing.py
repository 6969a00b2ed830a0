"""Short words for writing to a ledger in tests."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from runner_bridge.core.model.ledger import Entry, EntryKind, Purpose, Standing
from tests.make import NOON, entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.ports.ledger import Ledger, Writer


def later(seconds: float) -> Any:
    return NOON + timedelta(seconds=seconds)


@contextmanager
def term(ledger: Ledger, at: float = 0, **changes: Any) -> Iterator[Writer]:
    values: dict[str, Any] = {"purpose": Purpose.RUN, "cluster": "prod-1", "at": later(at)}
    writer = ledger.write(**(values | changes))
    try:
        yield writer
    finally:
        writer.close()


def record(writer: Writer, *entries: Entry) -> None:
    asyncio.run(writer.append(entries))


def life(uid: str, start: float, end: float | None = None, **changes: Any) -> list[Entry]:
    """A pod that comes and, where an end is told, goes."""
    opened = entry(pod_uid=uid, at=later(start), **changes)
    closed = [] if end is None else [entry(EntryKind.CLOSED, pod_uid=uid, at=later(end), **changes)]
    return [opened, *closed]


def fact(uid: str, seconds: float = 0, **changes: Any) -> Entry:
    """What GitLab says of the job that a pod claims."""
    values: dict[str, Any] = {"job": "4711", "standing": Standing.CONTRADICTED, "status": "success"}
    return entry(EntryKind.FACT, pod_uid=uid, at=later(seconds), **(values | changes))


def a_day(ledger: Ledger, pods: int = 5) -> None:
    """A term with some pods, one after the other on one address, the last of which stays."""
    with term(ledger) as writer:
        for number in range(pods):
            last = number == pods - 1
            record(writer, *life(f"u{number}", number * 10, None if last else number * 10 + 8))


def codes(ledger: Ledger, *witnesses: Any) -> list[str]:
    return [f"{one.code.name.removeprefix('ledger-')}: {one.subject}" for one in ledger.verify(witnesses)]


def tamper(ledger: Ledger, *statements: str) -> None:
    """Change the database as somebody with a shell would."""
    with ledger._database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
