"""The servers that have to agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.simulate.cluster import Cluster
from tests.contract.asking import Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Return a pretend cluster of this test's own, for what only a pretend one can be made to do."""
    async with Cluster() as started:
        yield started


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(cluster.url) as session:
        yield await _with_namespace(session)


async def _with_namespace(session: aiohttp.ClientSession) -> Api:
    body = json.dumps({"metadata": {"generateName": "contract-"}})
    async with session.post("/api/v1/namespaces", data=body, headers={"Content-Type": "application/json"}) as made:
        namespace = await made.json()
    return Api(session=session, namespace=namespace["metadata"]["name"])
