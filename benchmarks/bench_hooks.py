"""
The promise about hooks: two thousand signed ones a second on one core, of which 99 in a hundred are answered in 10 ms.

The peer is the least that could receive them with the same library: an aiohttp handler that reads the body and answers.
Each receiver has a process and a core of its own, connections are kept, and one event waits for the answer of the one
before on its connection. How many a second is by the CPU that the receiver burns, which other work on the machine does
not change; how long one waits is by the clock, in the quietest round.
"""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from runner_bridge.ask.hooks import PATH, Receiver
from runner_bridge.ask.metrics import Metrics
from runner_bridge.ask.web import Sources, make_app, serve
from runner_bridge.core.policy import Source, load
from runner_bridge.core.wire.hook_proof import Secrets
from runner_bridge.simulate.gitlab import World
from runner_bridge.simulate.gitlab.hooks import Hook, job_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent

EVENTS = 10_000
ROUNDS = 5
CONNECTIONS = 8
PROMISED_A_SECOND = 2_000
PROMISED_P99_S = 0.010
PROMISED_RATIO = 3.0
KEY = b"a key of thirty-two bytes, fake!"
POLICY = Path(__file__).parents[1] / "config" / "blog.yaml"
KINDS = ("bare", "bridge")


def main() -> None:
    if len(sys.argv) > 1:
        asyncio.run(receive(sys.argv[1]))
        return
    taken: dict[str, list[tuple[float, list[float]]]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS):
        for kind in KINDS:
            taken[kind].append(measure(kind, number))
    each = {kind: [cpu for cpu, _ in rounds] for kind, rounds in taken.items()}
    ratio = median(ours / bare for ours, bare in zip(each["bridge"], each["bare"], strict=True))
    for kind in KINDS:
        quietest = min((waits for _, waits in taken[kind]), key=p99)
        a_second = 1 / median(each[kind])
        print(f"  {kind:8} {1e6 * median(each[kind]):8.0f} µs of CPU an event, {a_second:8,.0f} a second on one core;")
        print(f"           median {1e3 * median(quietest):.2f} ms, p99 {1e3 * p99(quietest):.2f} ms")
    print(f"  {ratio:.2f} x the bare handler (promised ≤ {PROMISED_RATIO:g})")
    broken = [
        name
        for name, is_kept in (
            ("events a second", 1 / median(each["bridge"]) >= PROMISED_A_SECOND),
            ("p99", min(p99(waits) for _, waits in taken["bridge"]) <= PROMISED_P99_S),
            ("ratio", ratio <= PROMISED_RATIO),
        )
        if not is_kept
    ]
    if broken:
        sys.exit(f"slower than promised: {', '.join(broken)}")


def p99(waits: list[float]) -> float:
    return sorted(waits)[len(waits) * 99 // 100]


def measure(kind: str, number: int) -> tuple[float, list[float]]:
    """Return the CPU seconds that a receiver burns for an event, and how long each waited for its answer."""
    requests = list(signed(number))
    with subprocess.Popen([sys.executable, __file__, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        port = int(child.stdout.readline())
        waits: list[float] = []
        asyncio.run(post_all(port, iter(requests), waits))
        child.stdin.close()
        burnt, accepted = child.stdout.read().split()
    assert int(accepted) == EVENTS, f"{kind}: {accepted!r} of {EVENTS} were accepted"
    return float(burnt) / EVENTS, waits


def signed(number: int) -> Iterator[bytes]:
    """Yield whole requests, as GitLab makes them, each of another job."""
    world = World(seed=number)
    project = world.project("deploy", world.group("platform"))
    runner = world.runner("group", group=project.group)
    hook = Hook(url="", signing=f"whsec_{base64.b64encode(KEY).decode()}")
    for _ in range(EVENTS):
        job = world.job(project, runner=runner, status="running", started_at=world.now())
        padded = {**job_event(job, base="https://gitlab.example.com"), "repository": {"description": "x" * 1500}}
        sent = hook.delivery("Job Hook", padded, world)
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
        head = f"POST {PATH} HTTP/1.1\r\nHost: bridge\r\nContent-Length: {len(sent.body)}\r\n{lines}\r\n"
        yield head.encode() + sent.body


async def post_all(port: int, left: Iterator[bytes], waits: list[float]) -> None:
    await asyncio.gather(*(post(port, left, waits) for _ in range(CONNECTIONS)))


async def post(port: int, left: Iterator[bytes], waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in left:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        waits.append(time.perf_counter() - began)
        assert head.startswith(b"HTTP/1.1 200"), head
    writer.close()


async def receive(kind: str) -> None:
    """Receive until nobody writes to standard input any more; then print the CPU that it took, and how many."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    accepted: list[object] = []

    async def hint(event: JobEvent | PipelineEvent) -> None:
        pass

    async def bare(request: web.Request) -> web.Response:
        accepted.append(len(await request.read()))
        return web.Response()

    if kind == "bare":
        app = web.Application()
        app.router.add_post(PATH, bare)
    else:
        secrets = Secrets(signing=(KEY,))
        receiver = Receiver(secrets=lambda: secrets, hint=hint, count=accepted.append, tell=print)
        app = make_app(sources(receiver))
    async with serve(app, "127.0.0.1", 0) as url:
        print(url.rpartition(":")[2], flush=True)
        before = burnt()
        await asyncio.to_thread(sys.stdin.read)
        print(burnt() - before, len(accepted))


def burnt() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def sources(receiver: Receiver) -> Sources:
    """Return sources of which only hooks are asked."""
    nothing = cast("Any", None)
    policy = load([Source(name="blog.yaml", text=POLICY.read_text(encoding="utf-8"))], today=date(2026, 1, 1))
    return Sources(
        state=nothing,
        policy=lambda: policy,
        verdicts=nothing,
        pods=nothing,
        pools=nothing,
        who_had=None,
        metrics=Metrics("0", policy),
        tell=print,
        hooks=receiver,
    )


if __name__ == "__main__":
    main()
