"""
The whole bridge on 50,000 job pods: memory, how long it does not listen, and how soon a label is laid.

Wired as `run` wires it, with a durable ledger, in a process of its own against a server in another one. Memory is what
the process grew by, divided by the pods. A heartbeat in the same loop tells how long nobody had a turn. Events come at
a steady rate, and the server notes when it wrote each and when its patch came; then 300 come at once. A bridge that
starts again, where all labels are right, must write nothing. `PODS=5000` makes it smaller, `LEDGER_FOLDER` says where
the ledger lies.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time, thread_time
from typing import TYPE_CHECKING, Any

import aiohttp
from cluster_server import serving
from recorded import policy

from runner_bridge.cli.bridge import Wanted, open_bridge
from runner_bridge.core.actions import Mode
from runner_bridge.core.model.verdict import Grade
from runner_bridge.ports.kube import plain_access

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_bridge.cli.bridge import Bridge

PODS = int(os.environ.get("PODS", "50_000"))
EVENTS, RATE, BURST = 5_000, 1_000, 300


class Quiet:
    """Says nothing to anybody."""

    def verdict(self, *_: object) -> None: ...
    def doubt(self, gaps: object, _: object) -> None:
        if gaps:
            print(f"  in doubt: {gaps}", file=sys.stderr)

    def finding(self, *_: object) -> None: ...
    def note(self, text: str) -> None:
        print(f"  {text}", file=sys.stderr)


class Heart:
    """Beats every millisecond; what is between two beats nobody else could use."""

    def __init__(self) -> None:
        self.late: list[float] = []
        """Milliseconds of the clock."""
        self.busy: list[float] = []
        """Milliseconds of CPU of the loop's thread, which no neighbour lengthens."""

    async def beat(self) -> None:
        before, cpu_before = perf_counter(), thread_time()
        while True:
            await asyncio.sleep(0.001)
            now, cpu_now = perf_counter(), thread_time()
            self.late.append((now - before) * 1000 - 1)
            self.busy.append((cpu_now - cpu_before) * 1000)
            before, cpu_before = now, cpu_now

    def take(self) -> dict[str, list[float]]:
        """Return the ten longest stalls since it was asked last."""
        found = {"wall": sorted(self.late)[-10:], "cpu": sorted(self.busy)[-10:]}
        self.late, self.busy = [], []
        return found


def resident_kib() -> int:
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS:")]
    return int(line.split()[1])


async def until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110 - it looks at the bridge, which tells nobody
        await asyncio.sleep(0.05)


async def control(url: str, what: str) -> Any:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/control/{what}") as answer:
        return await answer.json()


def told(what: str, **found: Any) -> None:
    print(json.dumps({"what": what, **found}), flush=True)


async def bridge(url: str, ledger: str, mode: str, pods: int) -> None:
    wanted = Wanted(
        policy=policy(),
        policy_file="policy.yaml",
        ledger=f"sqlite:///{ledger}",
        mode=Mode(mode),
        says=Quiet(),
        access=plain_access(url),
    )
    heart = Heart()
    before = resident_kib()
    async with open_bridge(wanted) as one, asyncio.TaskGroup() as group:
        stop = asyncio.Event()
        began, cpu = perf_counter(), process_time()
        beating = group.create_task(heart.beat())
        running = group.create_task(one.run(stop))
        await settled(one, pods)
        gc.collect()
        told(
            "listed",
            seconds=perf_counter() - began,
            cpu=process_time() - cpu,
            stalls=heart.take(),
            grown_kib=resident_kib() - before,
            all_kib=resident_kib(),
            writes=one.cluster.session.writes,
        )
        if mode == "label" and pods < EVENTS:
            await control(url, f"stream?from={pods}&count={EVENTS}&rate={RATE}")
            await until(lambda: len(one.verdicts) == pods + EVENTS)
            await asyncio.sleep(1)
            told("rate", stalls=heart.take(), **await control(url, "report"))
        stop.set()
        await running
        beating.cancel()


async def settled(one: Bridge, pods: int) -> None:
    """Wait until every pod is proven by its block and nothing is due."""
    rooms: Any = one._rooms  # noqa: SLF001
    said = rooms.controller._said  # noqa: SLF001 - `verdicts` would sort them, in the time that is measured
    await until(lambda: one.is_whole and len(said) == pods)
    at = 0
    while at < pods:
        some = list(islice(said.values(), at, at + 500))
        at += 500 if all(verdict.grade is Grade.BLOCK for verdict in some) else 0
        await asyncio.sleep(0.02 if at < pods else 0.5)


def fresh(*arguments: str) -> list[dict[str, Any]]:
    """Run a bridge in a fresh process; return what it told."""
    command = [sys.executable, __file__, "bridge", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    if sys.argv[1:2] == ["bridge"]:
        asyncio.run(bridge(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
    else:
        with tempfile.TemporaryDirectory() as folder, serving(PODS) as url:
            print(fresh(url, f"{folder}/l.db", "observe", str(PODS)))
