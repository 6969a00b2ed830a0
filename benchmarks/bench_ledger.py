"""
The ledger: how much faster entries are durable when they share a transaction, and how fast an address is found.

Writing: as many calls of `append` as there is room for wait at any time, one entry each, half of them openings and half
of them endings. The peer is the same code with one call to a transaction. The rate without sharing hangs on the disk,
so the time of one sync of this disk is printed beside it. Looking up: addresses of a /16 that are used again and again;
every question hits. `LEDGER_INTERVALS` sets how many intervals there are (10,000,000 take some minutes and 8 GB).
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import TYPE_CHECKING

from sqlalchemy import insert

from runner_bridge.core.intervals import fold
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.ledger import Entry, EntryKind, Purpose
from runner_bridge.core.model.verdict import Grade
from runner_bridge.ports.ledger import Ledger, tables
from runner_bridge.ports.ledger.projection import row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 11, 20, tzinfo=UTC)
INTERVALS = int(os.environ.get("LEDGER_INTERVALS", "1_000_000"))
RATIO_PROMISE = 15.0
LOOKUP_PROMISE_MS = 0.5
ROUNDS = 5


def entry(number: int, kind: EntryKind = EntryKind.OPENED, *, at: datetime = START) -> Entry:
    return Entry(
        kind=kind,
        at=at,
        cluster="prod-1",
        gitlab="https://gitlab.example.com",
        policy="5f0c1b2a9d3e4f60",
        actor="runner-bridge/runner-bridge-0",
        pod_uid=f"0b6f6ac1-6d5e-4c1e-9c1f-{number:012x}",
        namespace="gitlab-runners",
        pod=f"runner-4xyqa7plw-project-{number % 500}-concurrent-{number % 20}-x7k2p9qd",
        address=str(IPv4Address(0xAC100000 + number * 40_503 % 65_536)),
        handle=f"k8s-pod-network.{number:064x}",
        sequence=1_763_596_800_000_000_000 + number,
        node=f"node-{number % 200}",
        node_addresses=("10.0.3.7",),
        project=str(number % 500),
        job=str(number),
        tier="infra",
        pool="infraestrutura",
        outcome=Outcome.PASS,
        grade=Grade.BLOCK,
    )


def sync_ms(folder: str) -> float:
    """Return the median time in which this disk makes a page durable."""
    taken = []
    with Path(folder, "sync").open("wb") as file:
        for _ in range(50):
            file.write(os.urandom(4096))
            file.flush()
            before = perf_counter()
            os.fdatasync(file.fileno())
            taken.append((perf_counter() - before) * 1000)
    return median(taken)


async def saturate(ledger: Ledger, count: int, batch: int, first: int) -> float:
    """Return durable entries per second."""
    at = datetime.now(tz=UTC)
    writer = ledger.write(purpose=Purpose.RUN, cluster="prod-1", at=at, batch=batch)
    kinds = (EntryKind.OPENED, EntryKind.CLOSED)
    before = perf_counter()
    await asyncio.gather(
        *(writer.append([entry(first + number // 2, kinds[number % 2], at=at)]) for number in range(count))
    )
    taken = perf_counter() - before
    await asyncio.to_thread(writer.close)
    return count / taken


def writing(folder: str) -> float:
    ledger = Ledger.open(f"sqlite:///{folder}/writing.db")
    shared, alone = [], []
    for number in range(ROUNDS):
        alone.append(asyncio.run(saturate(ledger, 100, 1, number * 100_000)))
        shared.append(asyncio.run(saturate(ledger, 10_000, 2000, number * 100_000 + 50_000)))
    ledger.close()
    ratios = [one / other for one, other in zip(shared, alone, strict=True)]
    print(f"durable entries per second, SQLite on a disk with {sync_ms(folder):.2f} ms a sync")
    print(f"  one to a transaction        {median(alone):10.0f}   ({min(alone):.0f} to {max(alone):.0f})")
    print(f"  as many as have come        {median(shared):10.0f}   ({min(shared):.0f} to {max(shared):.0f})")
    print(f"  ratio                       {median(ratios):10.1f} x ({min(ratios):.1f} to {max(ratios):.1f})")
    return median(ratios)


def rows(count: int) -> Iterator[list[dict[str, object]]]:
    """Yield intervals as they are stored: each address again and again, a minute or so each time."""
    for start in range(0, count, 10_000):
        page = []
        for number in range(start, min(start + 10_000, count)):
            at = START + timedelta(seconds=number // 65_536 * 90 + number % 17)
            held = fold(None, entry(number, at=at))
            ended = fold(held, entry(number, EntryKind.CLOSED, at=at + timedelta(seconds=60)))
            page.append(row_of(ended, 1))
        yield page


def looking_up(folder: str) -> float:
    """Return the 99th percentile in milliseconds of CPU: all is in memory, and neighbours do not count."""
    ledger = Ledger.open(f"sqlite:///{folder}/reading.db")
    asyncio.run(saturate(ledger, 1, 1, 10**9))
    with ledger._database.engine.connect() as connection:  # noqa: SLF001 - the record of months, made in minutes
        for page in rows(INTERVALS):
            with ledger._database.writing(connection):  # noqa: SLF001
                connection.execute(insert(tables.interval), page)
    chance = random.Random(1)  # noqa: S311
    taken: list[float] = []
    burnt: list[float] = []
    for turn in range(6000):
        number = chance.randrange(INTERVALS)
        one = entry(number)
        at = START + timedelta(seconds=number // 65_536 * 90 + number % 17 + 30)
        before, cpu_before = perf_counter(), thread_time()
        found = ledger.who_had(IPv4Address(one.address), since=at, until=at)
        if turn >= 1000:
            burnt.append((thread_time() - cpu_before) * 1000)
            taken.append((perf_counter() - before) * 1000)
        assert one.pod_uid in {each.pod_uid for each in found}
    ledger.close()
    size = Path(folder, "reading.db").stat().st_size / 2**30
    print(f"who-had over {INTERVALS:,} intervals ({size:.1f} GiB), every question hits")
    worst = {}
    for name, times in (("CPU", burnt), ("wall clock", taken)):
        rounds = sorted(p99(times[start : start + 1000]) for start in range(0, len(times), 1000))
        worst[name] = rounds[0]
        spread = f"{rounds[0]:.3f} ms in the quietest of {len(rounds)} rounds, {rounds[-1]:.3f} ms in the loudest"
        print(f"  {name:12} median {median(times):.3f} ms, p99 {spread}")
    return worst["CPU"]


def p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=os.environ.get("LEDGER_FOLDER")) as folder:
        ratio = writing(folder)
        worst = looking_up(folder)
    broken = [
        *([f"sharing a transaction is {ratio:.1f} x, promised {RATIO_PROMISE:g}"] if ratio < RATIO_PROMISE else []),
        *([f"who-had takes {worst:.3f} ms, promised {LOOKUP_PROMISE_MS}"] if worst > LOOKUP_PROMISE_MS else []),
    ]
    if broken:
        sys.exit(f"slower than promised: {'; '.join(broken)}")


if __name__ == "__main__":
    main()
