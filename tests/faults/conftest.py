"""A real API server with the documented roles, and a small cluster in motion on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.cluster.server import BRIDGE, READER
from tests.flow.world import World, furnished

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
    async with furnished(allowed) as made:
        yield made
