"""
Listing and watching job pods of an API server, against `kubernetes.aio` and its typed models on the same bytes.

A server in a process of its own sends 1,000 pods as a real runner makes them (28 kB each, recorded; names, uids and
addresses vary), in pages of 500 and as the lines of a watch. Ours ends with a verdict for each listed pod and with a
narrow value for each watched one; the peer ends with its V1Pod objects and judges nothing. CPU of the client alone.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from bench_check import POLICY
from compare import compare
from kubernetes.aio import client, watch

from runner_bridge.core.judge import judge
from runner_bridge.core.policy import Source, load
from runner_bridge.core.wire.reader import Reader
from runner_bridge.ports.kube import open_cluster, plain_access

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

SAMPLE = Path(__file__).parents[1] / "tests/core/wire/samples/pod-build.json.gz"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
PODS = 1_000
PAGE = 500
PATH = "/api/v1/pods"
ACCEPTED = load([Source(name="policy.yaml", text=POLICY)], today=NOW.date())
PROMISE = 1 / 20
"""A third of our time goes into receiving 28 MB, which costs the peer the same: it bounds what decoding can win."""


def pods() -> list[dict[str, Any]]:
    text = gzip.decompress(SAMPLE.read_bytes()).decode()
    one = json.loads(text)
    name, uid, address = one["metadata"]["name"], one["metadata"]["uid"], one["status"]["podIP"]
    return [
        json.loads(
            text.replace(name, f"{name[:-8]}{number:08d}")
            .replace(uid, f"{uid[:-8]}{number:08d}")
            .replace(address, str(IPv4Address("172.16.0.0") + number))
        )
        for number in range(PODS)
    ]


def serve() -> None:
    """Serve until standard input ends; the first line of standard output is the port."""
    every = pods()
    pages = [
        json.dumps(
            {
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": "7", **({"continue": "more"} if at + PAGE < PODS else {})},
                "items": every[at : at + PAGE],
            },
            separators=(",", ":"),
        ).encode()
        for at in range(0, PODS, PAGE)
    ]
    lines = b"".join(
        json.dumps({"type": "ADDED", "object": one}, separators=(",", ":")).encode() + b"\n" for one in every
    )

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if "watch" not in request.query:
            page = pages[1 if "continue" in request.query else 0]
            return web.Response(body=page, content_type="application/json")
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(lines)
        return response

    async def until_told() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()

    asyncio.run(until_told())


@contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate("")


def running(call: Callable[[str], Coroutine[Any, Any, int]], url: str) -> Callable[[], None]:
    def run() -> None:
        assert asyncio.run(call(url)) == PODS

    return run


async def list_and_judge(url: str) -> int:
    found = Reader()
    async with open_cluster(plain_access(url)) as cluster:
        async for page in cluster.reader.pages(PATH, limit=PAGE):
            found.read(page.body, name="pods", want="pods")
    return judge(ACCEPTED, found.snapshot(), now=NOW).counts.job_pods


async def watch_narrow(url: str) -> int:
    found = Reader()
    async with open_cluster(plain_access(url)) as cluster:
        async for lines in cluster.reader.watch(PATH, resource_version="7"):
            found.read(lines, name="pods", want="pods")
    return len(found.snapshot().pods)


async def list_typed(url: str) -> int:
    async with client.ApiClient(client.Configuration(host=url)) as api:
        core, count = client.CoreV1Api(api), 0
        token: str | None = None
        while True:
            page = await core.list_pod_for_all_namespaces(limit=PAGE, _continue=token)
            count += len(page.items)
            assert page.metadata is not None
            token = page.metadata._continue  # noqa: SLF001 - how the library calls it
            if not token:
                return count


async def watch_typed(url: str) -> int:
    async with client.ApiClient(client.Configuration(host=url)) as api:
        core, count = client.CoreV1Api(api), 0
        async with watch.Watch().stream(core.list_pod_for_all_namespaces, timeout_seconds=5) as stream:
            async for event in stream:
                count += isinstance(event["object"], client.V1Pod)
                if count == PODS:
                    break
        return count


def main() -> None:
    with serving() as url:
        for what, ours, typed in (("list", list_and_judge, list_typed), ("watch", watch_narrow, watch_typed)):
            compare(
                f"{what} {PODS} job pods of 28 kB",
                {"ours": running(ours, url), "kubernetes.aio": running(typed, url)},
                peer="kubernetes.aio",
                rounds=3,
                at_most={"ours": PROMISE},
            )


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
