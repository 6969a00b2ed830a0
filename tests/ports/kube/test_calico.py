"""Which group tells the truth about pools and blocks, for every way in which Calico is installed."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from runner_bridge.core.errors import UnavailableError
from runner_bridge.ports.kube import Patience, discover_calico, open_cluster, plain_access
from runner_bridge.ports.kube.calico import NEW, OLD
from tests.ports.kube.scripted import Naps, serving_app

BOTH = ["ippools", "ipamblocks", "bgpfilters"]
CRDS = {"metadata": {"labels": {"kube-aggregator.kubernetes.io/automanaged": "true"}}}
SERVER = {"metadata": {"labels": {}}, "spec": {"service": {"name": "calico-api"}}}
SERVICE, MIGRATIONS = (
    "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org",
    "/apis/migration.projectcalico.org/v1/datastoremigrations",
)


def resources(names: list[str]) -> dict[str, Any]:
    return {"kind": "APIResourceList", "resources": [{"name": name, "kind": "X"} for name in names]}


def phase(text: str) -> dict[str, Any]:
    return {"items": [{"status": {"phase": text}}]}


@pytest.mark.parametrize(
    ("served", "pools", "blocks", "words"),
    [
        ({}, "", "", "neither"),
        ({OLD: ["felixconfigurations"]}, "", "", "neither"),
        ({OLD: BOTH}, OLD, OLD, "CRDs of crd.projectcalico.org"),
        ({OLD: BOTH, NEW: ["ippools"], SERVICE: SERVER}, OLD, OLD, "CRDs of crd.projectcalico.org"),
        ({OLD: BOTH, NEW: ["ippools"], SERVICE: 403}, OLD, OLD, "CRDs of crd.projectcalico.org"),
        ({OLD: BOTH, NEW: 503}, OLD, OLD, "own API server does not answer"),
        ({NEW: BOTH, SERVICE: CRDS}, NEW, NEW, "CRDs of projectcalico.org"),
        ({NEW: BOTH, SERVICE: 403}, NEW, NEW, "CRDs of projectcalico.org"),
        ({NEW: ["ippools"], SERVICE: SERVER}, NEW, "", "own API server, without IPAMBlocks"),
        ({OLD: BOTH, NEW: BOTH, SERVICE: CRDS}, OLD, OLD, "those of projectcalico.org are there too"),
        ({OLD: BOTH, NEW: BOTH, SERVICE: CRDS, MIGRATIONS: 403}, OLD, OLD, "there too"),
        ({OLD: BOTH, NEW: BOTH, SERVICE: CRDS, MIGRATIONS: phase("Migrating")}, OLD, OLD, "Migrating"),
        ({OLD: BOTH, NEW: BOTH, SERVICE: CRDS, MIGRATIONS: phase("Converged")}, NEW, NEW, "Converged"),
        ({OLD: BOTH, NEW: BOTH, SERVICE: CRDS, MIGRATIONS: phase("Complete")}, NEW, NEW, "Complete"),
        ({OLD: BOTH, NEW: {"resources": 7}}, OLD, OLD, "CRDs of crd.projectcalico.org"),
    ],
    ids=[
        "no Calico",
        "Calico without pools",
        "old CRDs",
        "old CRDs behind Calico's API server",
        "the same, APIService may not be read",
        "the same, and it is down",
        "new CRDs",
        "new CRDs, APIService may not be read",
        "Calico's API server over etcd",
        "both, nobody migrated",
        "both, migrations may not be read",
        "both, half way",
        "both, converged",
        "both, complete",
        "an answer of another shape",
    ],
)
async def test_each_resource_is_found_where_it_is_true(
    served: dict[str, Any], pools: str, blocks: str, words: str
) -> None:
    async with serving_app(app_of(served)) as url, open_cluster(plain_access(url), patience=quick()) as cluster:
        api = await discover_calico(cluster.reader)

    assert api.pools == (f"{pools}/ippools" if pools else "")
    assert api.blocks == (f"{blocks}/ipamblocks" if blocks else "")
    assert words in api.explanation
    assert api.is_judgeable is bool(pools)


async def test_where_only_a_server_that_is_down_would_know_nothing_is_known() -> None:
    async with serving_app(app_of({NEW: 503})) as url, open_cluster(plain_access(url), patience=quick()) as cluster:
        with pytest.raises(UnavailableError):
            await discover_calico(cluster.reader)


def quick() -> Patience:
    return Patience(attempts=2, sleep=Naps())


def app_of(served: dict[str, Any]) -> web.Server:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        found = served.get(request.path, 404)
        if isinstance(found, int):
            return web.json_response({"kind": "Status", "code": found}, status=found)
        return web.json_response(resources(found) if isinstance(found, list) else found)

    return web.Server(answer)
