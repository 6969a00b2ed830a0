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
from bench_ledger import sync_ms
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
FEW = 200
"""Pods that are there before the events come."""
EVENTS, RATE, BURST = 3_000, 1_000, 300


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


async def bridge(url: str, ledger: str, mode: str, pods: int, *, streaming: bool) -> None:
    """Run a bridge until every pod is proven, then on new ones where that is wanted; tell what was measured."""
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
        if streaming:
            told("rate", **await streamed(one, url, pods, EVENTS, RATE), stalls=heart.take())
            told("burst", **await streamed(one, url, pods + EVENTS, BURST, 0), stalls=heart.take())
        stop.set()
        await running
        beating.cancel()


async def streamed(one: Bridge, url: str, first: int, count: int, rate: int) -> Any:
    """Have pods made, and wait until each has its label; return what the server noted."""
    await control(url, f"stream?from={first}&count={count}&rate={rate}")
    async with asyncio.timeout(120):
        while len((found := await control(url, "report"))["waited_ms"]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    await settled(one, first + count)
    return found


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


def fresh(url: str, ledger: str, mode: Mode, pods: int, *options: str) -> dict[str, Any]:
    """Run a bridge in a fresh process; return what it told."""
    command = [sys.executable, __file__, "bridge", url, ledger, mode, str(pods), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {one["what"]: one for one in map(json.loads, done.stdout.splitlines())}


def percentile(times: list[float], part: float) -> float:
    return sorted(times)[int(len(times) * part)]


def listing(folder: str) -> None:
    with serving(PODS) as url:
        found = fresh(url, f"{folder}/list.db", Mode.OBSERVE, PODS)["listed"]
    stalls = found["stalls"]
    print(f"{PODS:,} job pods listed, judged, recorded and proven by their blocks")
    print(f"  {found['seconds']:.0f} s, {found['cpu'] / PODS * 1e6:.0f} µs of CPU a pod")
    all_mib = found["all_kib"] / 1024
    print(f"  memory: {found['grown_kib'] / PODS:.2f} KiB a pod, {all_mib:.0f} MiB in all, aim 1.5 and 200")
    print(f"  longest stalls of the loop, aim 15 ms: CPU {stalls['cpu'][-1]:.1f} ms, tenth {stalls['cpu'][0]:.1f} ms;")
    print(f"    by the clock {stalls['wall'][-1]:.1f} ms, tenth {stalls['wall'][0]:.1f} ms")


def labelling(folder: str) -> int:
    """Return how many writes a bridge sends that starts where all labels are right."""
    with serving(FEW) as url:
        told = fresh(url, f"{folder}/label.db", Mode.LABEL, FEW, "streaming")
        again = fresh(url, f"{folder}/label.db", Mode.LABEL, FEW + EVENTS + BURST)["listed"]
    waited, burst = told["rate"]["waited_ms"], told["burst"]
    sync = f"the ledger on a disk with {sync_ms(folder):.2f} ms a sync"
    print(f"from the event to its patch, {RATE:,} events a second, {sync}")
    halves = ", ".join(f"p{part:.0%} {percentile(waited, part):.1f} ms" for part in (0.5, 0.9, 0.99)).replace("%", "")
    print(f"  {halves}, aim p99 5 ms; {BURST} at once: all patched after {burst['burst_ms']:.0f} ms, aim 120 ms")
    print(f"a start where {FEW + EVENTS + BURST:,} pods have their labels: {again['writes']} writes, promised 0")
    return int(again["writes"])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-run-", dir=os.environ.get("LEDGER_FOLDER")) as folder:
        writes = labelling(folder)
        listing(folder)
    if writes:
        sys.exit(f"a start where all is right has sent {writes} writes")


if __name__ == "__main__":
    if sys.argv[1:2] == ["bridge"]:
        url, ledger, mode, pods, *options = sys.argv[2:]
        asyncio.run(bridge(url, ledger, mode, int(pods), streaming=bool(options)))
    else:
        main()
