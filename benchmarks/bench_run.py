"""
The whole bridge: what a job pod costs from the line of the watch to its label, memory, and how long it does not listen.

Wired as `run` wires it, with a durable ledger, in a process of its own against a server in another one. Promised is the
CPU that a pod takes, which a busy machine does not lengthen much; of the clock nothing is. Events come at a steady
rate, and the server notes when it wrote each and when its patch came; then 300 come at once, three times. The same
again with the ledger in memory tells what the disk takes. Memory is what the process grew by, divided by the pods. A
heartbeat in the same loop tells how long nobody had a turn. A bridge that starts again, where all labels are right,
must write nothing. `PODS=50000` makes it as large as is asked for, `LEDGER_FOLDER` says where the ledger lies.
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

from runner_bridge.cli.bridge.opening import open_bridge
from runner_bridge.cli.bridge.wanted import Wanted
from runner_bridge.core.actions import Mode
from runner_bridge.core.model.verdict import Grade
from runner_bridge.ports.kube import plain_access

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_bridge.cli.bridge.opening import Bridge

PODS = int(os.environ.get("PODS", "10_000"))
FEW = 200
"""Pods that are there before the events come."""
RATES = {50: 250, 1_000: 2_000}
"""Events a second, and how many of them."""
BURST, BURSTS = 300, 3
EVENTS = sum(RATES.values()) + BURST * BURSTS
LISTED_PROMISE, LABELLED_PROMISE = 1_000, 2_500
"""Microseconds of CPU a pod."""
FIXED_MIB, KEPT_KIB = 100, 3.0
"""What a bridge may hold: without any pod, and for each; at 50,000 pods that is 246 MiB."""
STALL_MS = 30
"""Of CPU, what the tenth longest stall may take."""
IN_MEMORY = "/dev/shm"  # noqa: S108 - a disk that takes no time


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
            beating.cancel()  # a thousand beats a second are work too
            for rate, count in [*RATES.items(), *[(0, BURST)] * BURSTS]:
                loop, cpu = thread_time(), process_time()
                found = await streamed(one, url, pods, count, rate)
                told("stream", rate=rate, count=count, loop=thread_time() - loop, cpu=process_time() - cpu, **found)
                pods += count
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


def fresh(url: str, ledger: str, mode: Mode, pods: int, *options: str) -> list[dict[str, Any]]:
    """Run a bridge in a fresh process; return what it told."""
    command = [sys.executable, __file__, "bridge", url, ledger, mode, str(pods), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def percentile(times: list[float], part: float) -> float:
    return sorted(times)[int(len(times) * part)]


def listing(folder: str) -> tuple[float, list[str]]:
    """Return the CPU that a pod takes until it is proven, in microseconds, and what else is more than promised."""
    with serving(PODS) as url:
        (found,) = fresh(url, f"{folder}/list.db", Mode.OBSERVE, PODS)
    stalls, cpu = found["stalls"], float(found["cpu"]) / PODS * 1e6
    print(f"{PODS:,} job pods listed, judged, recorded and proven by their blocks, load average {load()}")
    print(f"  {found['seconds']:.0f} s; CPU a pod {cpu:.0f} µs, promised at most {LISTED_PROMISE}")
    all_mib = found["all_kib"] / 1024
    print(f"  memory: {found['grown_kib'] / PODS:.2f} KiB a pod, {all_mib:.0f} MiB in all, asked 1.5 and 200 at 50,000")
    print(
        f"  longest stalls of the loop, asked 15 ms: CPU {stalls['cpu'][-1]:.1f} ms, tenth {stalls['cpu'][0]:.1f} ms;"
    )
    print(f"    by the clock {stalls['wall'][-1]:.1f} ms, tenth {stalls['wall'][0]:.1f} ms")
    most_mib = FIXED_MIB + KEPT_KIB * PODS / 1024
    print(f"  promised: at most {most_mib:.0f} MiB in all, and {STALL_MS} ms of CPU for the tenth longest", flush=True)
    failed = [f"{all_mib:.0f} MiB"] if all_mib > most_mib else []
    failed += [f"stalls of {stalls['cpu'][0]:.0f} ms"] if stalls["cpu"][0] > STALL_MS else []
    return cpu, failed


def labelling(folder: str) -> tuple[float, int]:
    """Return the CPU that a labelled pod takes, in microseconds, and the writes of a start where all is right."""
    with serving(FEW) as url:
        _, *streams = fresh(url, f"{folder}/label.db", Mode.LABEL, FEW, "streaming")
        again = fresh(url, f"{folder}/label.db", Mode.LABEL, FEW + EVENTS)[0]
    print(f"from the event to its patch, a disk with {sync_ms(folder):.2f} ms a sync, load average {load()}")
    for one in streams:
        if one["rate"]:
            parts = {f"p{part * 100:g}": percentile(one["waited_ms"], part) for part in (0.5, 0.9, 0.99)}
            waited = ", ".join(f"{name} {ms:.1f}" for name, ms in parts.items())
            asked = ", asked p99 5 ms" if one["rate"] == max(RATES) else ""
            print(f"  {one['rate']:5,} a second: {waited} ms{asked}; {_cpu([one])}")
    bursts = [one for one in streams if not one["rate"]]
    times = ", ".join(f"{one['burst_ms']:.0f}" for one in bursts)
    print(f"  {BURST} at once: all patched after {times} ms, asked 120 ms; {_cpu(bursts)}")
    print(f"a start where {FEW + EVENTS:,} pods have their labels: {again['writes']} writes, promised 0")
    # A few at a time share no transaction, and what is there without any pod counts too.
    many = [one for one in streams if one["rate"] != min(RATES)]
    cpu = float(sum(one["cpu"] for one in many)) / sum(one["count"] for one in many)
    return cpu * 1e6, int(again["writes"])


def _cpu(streams: list[dict[str, Any]]) -> str:
    count, loop, cpu = (sum(one[name] for one in streams) for name in ("count", "loop", "cpu"))
    return f"CPU a pod {cpu / count * 1e6:.0f} µs, {(cpu - loop) / count * 1e6:.0f} of them in the ledger's thread"


def load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg()[:2])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-run-", dir=os.environ.get("LEDGER_FOLDER")) as folder:
        labelled, writes = labelling(folder)
        print(f"  CPU a pod, many at a time: {labelled:.0f} µs, promised at most {LABELLED_PROMISE}")
        print(f"listing {PODS:,} job pods", flush=True)
        listed, failed = listing(folder)
    if Path(IN_MEMORY).is_dir():
        print("the same with the ledger in memory")
        with tempfile.TemporaryDirectory(prefix="bench-run-", dir=IN_MEMORY) as folder:
            labelling(folder)
    failed += [f"{writes} writes where all is right"] if writes else []
    failed += [f"{listed:.0f} µs for a listed pod"] if listed > LISTED_PROMISE else []
    failed += [f"{labelled:.0f} µs for a labelled pod"] if labelled > LABELLED_PROMISE else []
    if failed:
        sys.exit(f"more than promised: {', '.join(failed)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["bridge"]:
        url, ledger, mode, pods, *options = sys.argv[2:]
        asyncio.run(bridge(url, ledger, mode, int(pods), streaming=bool(options)))
    else:
        main()
