"""A real API server with the documented roles, and a small cluster in motion on it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from ruamel.yaml import YAML

from tests.cluster.server import ADMIN, BRIDGE, READER
from tests.flow.world import CALICO, NAMESPACE, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.cluster.server import ApiServer

RBAC = Path(__file__).parents[2] / "deploy" / "rbac-run.yaml"
RBAC_API = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def allowed(api_server: ApiServer) -> Iterator[ApiServer]:
    """RBAC as documented, for the account of the tests; another account gets the half that observes."""
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    made = []
    for document in YAML(typ="safe").load_all(RBAC):
        if document["kind"].startswith("ClusterRole"):
            for subject in document.get("subjects", ()):
                subject["name"] = BRIDGE.rpartition(":")[2]
            if document["kind"] == "ClusterRoleBinding" and document["roleRef"]["name"].endswith("observe"):
                document["subjects"].append(document["subjects"][0] | {"name": READER.rpartition(":")[2]})
            api_server.create(document)
            made.append(f"{RBAC_API}/{document['kind'].lower()}s/{document['metadata']['name']}")
    yield api_server
    for path in made:
        api_server.admin("DELETE", path)


@pytest.fixture
async def world(allowed: ApiServer) -> AsyncIterator[World]:
    headers = {"Authorization": f"Bearer {ADMIN}"}
    connector = aiohttp.TCPConnector(ssl=allowed.tls() or True, force_close=True)
    async with aiohttp.ClientSession(allowed.url, headers=headers, connector=connector) as session:
        made = World(session)
        await made.furnish()
        yield made
        for path in (f"{CALICO}/ipamblocks", f"{CALICO}/ippools", f"/api/v1/namespaces/{NAMESPACE}/pods"):
            await made.ask("DELETE", path, {"gracePeriodSeconds": 0})
        await made.ask("DELETE", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
        for node in ("node-1", "node-2"):
            await made.ask("DELETE", f"/api/v1/nodes/{node}")
    await asyncio.sleep(0.3)  # TLS connections end a moment after they are closed
