"""
An API server in a process of its own that serves as many recorded job pods as wanted, and notes when patches come.

It holds no objects: pods and Calico's blocks are written from their numbers as they are asked for, so that tens of
thousands cost it nothing. It tells everything a bridge reads, streams what it is told to, and keeps the labels that are
laid. Told over HTTP: `/control/stream?from=&count=&rate=` has pods made, `/control/report` says what was noted.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from aiohttp import web
from recorded import NAMESPACES, POOLS, JobPods

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = "/apis/crd.projectcalico.org/v1"
BLOCK = 64
JSON = "application/json"


class Server:
    """See the module; `count` pods are there from the beginning."""

    def __init__(self, count: int) -> None:
        self._pods = JobPods()
        self._numbers = set(range(count))
        self._labels: dict[int, dict[str, str]] = {}
        self._version = 10_000_000
        self._watchers: dict[str, web.StreamResponse] = {}
        self._sent: dict[int, float] = {}
        self._patched: dict[int, float] = {}
        self.patches = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:  # noqa: PLR0911 - one line per request
        parts = request.path.strip("/").split("/")
        if parts[0] == "control":
            return await self._control(request, parts[1])
        if request.method == "PATCH":
            return await self._patch(request, parts[-1])
        if request.method == "POST":
            return web.json_response({}, status=201)
        if parts[-1] == "pods":
            return await (self._watch if "watch" in request.query else self._list)(request, parts[3])
        if "watch" in request.query:
            return await self._silent(request)
        if parts[-2] == "ipamblocks":
            return self._block(parts[-1])
        found = self._small(request.path, parts[-1])
        return web.Response(status=404, text="{}") if found is None else web.json_response(found)

    def _small(self, path: str, last: str) -> Any:
        if path == OLD:
            return {"resources": [{"name": "ippools"}, {"name": "ipamblocks"}]}
        items: dict[str, list[Any]] = {
            "ippools": [
                {"metadata": {"name": name}, "spec": {"cidr": f"{first}/16", "blockSize": 26, "natOutgoing": True}}
                for name, first in POOLS.items()
            ],
            "namespaces": [{"metadata": {"name": name}} for name in NAMESPACES],
            "nodes": [{"metadata": {"name": f"worker-{number}"}} for number in (1, 2)],
            "events": [],
        }
        return {"metadata": {"resourceVersion": "7"}, "items": items[last]} if last in items else None

    async def _list(self, request: web.BaseRequest, namespace: str) -> web.Response:
        numbers = sorted(number for number in self._numbers if self._pods.namespace(number) == namespace)
        at, limit = int(request.query.get("continue", "0")), int(request.query["limit"])
        page, rest = numbers[at : at + limit], len(numbers) - at - limit
        more = str(at + limit) if rest > 0 else ""
        body = self._pods.page(page, version=self._version, more=more, labels=self._labels)
        return web.Response(body=body, content_type=JSON)

    async def _watch(self, request: web.BaseRequest, namespace: str) -> web.StreamResponse:
        return await self._silent(request, namespace)

    async def _silent(self, request: web.BaseRequest, namespace: str = "") -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_type = JSON
        await response.prepare(request)
        if namespace:
            self._watchers[namespace] = response
        await asyncio.sleep(int(request.query["timeoutSeconds"]))
        return response

    def _block(self, name: str) -> web.Response:
        first = IPv4Address(".".join(name.split("-")[:4]))
        pool = next(pool for pool, start in POOLS.items() if int(first) >> 16 == int(IPv4Address(start)) >> 16)
        start = int(first) - int(IPv4Address(POOLS[pool]))
        held = [n for n in range(start, start + BLOCK) if n in self._numbers and self._pods.pool(n) == pool]
        index = {number: position for position, number in enumerate(held)}
        spec = {
            "cidr": f"{first}/26",
            "affinity": "host:worker-1",
            "strictAffinity": False,
            "allocations": [index.get(number) for number in range(start, start + BLOCK)],
            "unallocated": [],
            "attributes": [
                {
                    "handle_id": f"k8s-pod-network.{number:064x}",
                    "secondary": {
                        "pod": self._pods.name(number),
                        "namespace": self._pods.namespace(number),
                        "node": self._pods.node(number),
                    },
                }
                for number in held
            ],
            "sequenceNumberForAllocation": {str(number - start): 1_764_000_000_000_000_000 + number for number in held},
        }
        meta = {"name": name, "resourceVersion": str(self._version)}
        return web.json_response({"kind": "IPAMBlock", "metadata": meta, "spec": spec})

    async def _patch(self, request: web.BaseRequest, name: str) -> web.Response:
        number = int(name.rpartition("-")[2], 16)
        self._patched.setdefault(number, time.monotonic())
        self.patches += 1
        body = json.loads(await request.read())
        self._labels[number] = self._labels.get(number, {}) | {
            key: value for key, value in body["metadata"]["labels"].items() if value is not None
        }
        await self._write([(number, "MODIFIED")])
        return web.json_response({"kind": "PartialObjectMetadata"})

    async def _write(self, some: list[tuple[int, str]]) -> None:
        for number, type_ in some:
            self._version += 1
            line = self._pods.line(number, type_, self._version, self._labels.get(number))
            await self._watchers[self._pods.namespace(number)].write(line)

    async def _control(self, request: web.BaseRequest, what: str) -> web.Response:
        if what == "stream":
            first, count, rate = (int(request.query[key]) for key in ("from", "count", "rate"))
            self._sent.clear()
            self._patched.clear()
            began = time.monotonic()
            for number in range(first, first + count):
                if rate:
                    await asyncio.sleep(max(0.0, began + (number - first) / rate - time.monotonic()))
                self._numbers.add(number)
                self._sent[number] = time.monotonic()
                await self._write([(number, "ADDED")])
        sent, patched = self._sent, self._patched
        waited = [(patched[number] - at) * 1000 for number, at in sent.items() if number in patched]
        burst = (max(patched.values()) - min(sent.values())) * 1000 if sent and patched else 0.0
        return web.json_response({"patches": self.patches, "waited_ms": waited, "burst_ms": burst})


async def serve(count: int) -> None:
    """Serve until standard input ends; the first line of standard output is the port."""
    runner = web.ServerRunner(web.Server(Server(count).answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@contextmanager
def serving(count: int) -> Iterator[str]:
    """Serve in a process of its own; yields its address."""
    command = [sys.executable, __file__, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.communicate("")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
