"""Watches take nothing away from requests, however many namespaces the policy names."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from runner_bridge.flow.observe.observer import Observer
from runner_bridge.ports.kube import Patience, open_cluster, plain_access
from runner_bridge.simulate.cluster import Cluster
from tests.flow.bridge import pause
from tests.flow.world import pod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POOLS = "/apis/crd.projectcalico.org/v1/ippools"
NAMESPACES = tuple(f"runners-{number}" for number in range(40))
WATCHES = 3 + 2 * len(NAMESPACES)
PODS = f"/api/v1/namespaces/{NAMESPACES[-1]}/pods"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster(bookmark_every_s=0.2) as started:
        yield started


async def heard_from_now_on(observer: Observer) -> None:
    """Wait until every watch has brought something that was sent after this call: its bookmark, if nothing else."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(10):
        while any((one.heard_s or 0) <= began for one in observer.watchings):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_requests_are_answered_at_once_beside_the_watches_of_forty_namespaces(cluster: Cluster) -> None:
    patience = Patience(attempts=1, sleep=pause)
    async with open_cluster(plain_access(cluster.url), patience=patience) as client:
        for name in NAMESPACES:
            await client.writer.create("/api/v1/namespaces", json.dumps({"metadata": {"name": name}}).encode())
        uid = await client.writer.create_pod(NAMESPACES[-1], json.dumps(pod("a")).encode())
        observer = Observer(NAMESPACES, POOLS, reads=client.reader, pause=pause, jitter=lambda: 0.5)
        running = asyncio.create_task(observer.run())
        try:
            await observer.listed()
            await heard_from_now_on(observer)
            async with asyncio.timeout(1):
                assert await client.reader.get(f"{PODS}/a") is not None
                assert await client.writer.label(namespace=NAMESPACES[-1], pod="a", uid=uid, labels={"x/y": "z"})
            await heard_from_now_on(observer)
            assert len(observer.watchings) == WATCHES
            assert observer.picture.gaps == ()
            assert [one.restarts for one in observer.watchings] == [0] * WATCHES
        finally:
            running.cancel()
            await asyncio.wait([running])
