"""
The ledger: how much faster entries are durable when they share a transaction.

As many calls of `append` as there is room for wait at any time, one entry each, half of them openings and half of them
endings. The peer is the same code with one call to a transaction. The rate without sharing hangs on the disk, so the
time of one sync of this disk is printed beside it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median
from time import perf_counter

from runner_bridge.core.model import Outcome
from runner_bridge.core.model.ledger import Entry, EntryKind, Purpose
from runner_bridge.core.model.verdict import Grade
from runner_bridge.ports.ledger import Ledger

START = datetime(2026, 11, 20, tzinfo=UTC)
RATIO_PROMISE = 15.0
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


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=os.environ.get("LEDGER_FOLDER")) as folder:
        ratio = writing(folder)
    if ratio < RATIO_PROMISE:
        sys.exit(f"slower than promised: sharing a transaction is {ratio:.1f} x, promised {RATIO_PROMISE:g}")


if __name__ == "__main__":
    main()
