"""The servers that have to agree."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.simulate.cluster import Cluster, Denial
from tests.cluster.server import ADMIN, NOBODY, token_of
from tests.contract.asking import Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cluster.server import ApiServer


@pytest.fixture(params=["pretend", pytest.param("real", marks=pytest.mark.real)])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """Return a namespace of this test's own, on each server in turn."""
    if request.param == "pretend":
        async with Cluster() as cluster, aiohttp.ClientSession(cluster.url, headers=_bearer(ADMIN)) as session:
            cluster.access.tokens |= {ADMIN: "admin", token_of(NOBODY): NOBODY}
            cluster.access.denials.append(Denial(user=NOBODY))
            yield await _with_namespace(session)
        return
    server: ApiServer = request.getfixturevalue("api_server")
    trusted = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(server.authority)))
    async with aiohttp.ClientSession(server.url, connector=trusted, headers=_bearer(ADMIN)) as session:
        yield await _with_namespace(session)
    await asyncio.sleep(0.05)  # watches that were left in the middle close their TLS connections a moment later


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _with_namespace(session: aiohttp.ClientSession) -> Api:
    body = json.dumps({"metadata": {"generateName": "contract-"}})
    async with session.post("/api/v1/namespaces", data=body, headers={"Content-Type": "application/json"}) as made:
        namespace = await made.json()
    name = namespace["metadata"]["name"]
    return Api(session=session, namespace=name, stranger=_bearer(token_of(NOBODY)))
