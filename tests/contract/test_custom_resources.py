"""Calico's pools: resources of a CRD differ from built-in ones in small ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.contract.asking import MERGE, STRATEGIC, named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contract.asking import Api

POOLS = "/apis/crd.projectcalico.org/v1/ippools"


@pytest.fixture
async def pool(api: Api) -> AsyncIterator[str]:
    """Return the path of a pool that is there for this test only."""
    name = f"pool-{uuid4().hex[:8]}"
    kind = {"apiVersion": "crd.projectcalico.org/v1", "kind": "IPPool"}
    spec = {"cidr": "172.16.0.0/16", "blockSize": 26}
    sent = {**kind, "metadata": {"name": name}, "spec": spec}
    status, body = await api.ask("POST", POOLS, sent)
    assert status == 201, body
    yield f"{POOLS}/{name}"
    await api.ask("DELETE", f"{POOLS}/{name}")


async def test_items_of_a_list_repeat_their_kind(api: Api, pool: str) -> None:
    _, listed = await api.ask("GET", POOLS, fieldSelector=f"metadata.name={pool.rpartition('/')[2]}")
    assert [(each["kind"], each["apiVersion"]) for each in listed["items"]] == [("IPPool", "crd.projectcalico.org/v1")]


async def test_a_strategic_patch_is_refused(api: Api, pool: str) -> None:
    assert (await api.ask("PATCH", pool, {}, headers=STRATEGIC))[0] == 415


async def test_the_generation_counts_changes_of_spec_only(api: Api, pool: str) -> None:
    patches: list[dict[str, Any]] = [{"metadata": {"labels": {"x": "1"}}}, {"spec": {"disabled": True}}]
    for patch in patches:
        _, body = await api.ask("PATCH", pool, patch, headers=MERGE)
    assert body["metadata"]["generation"] == 2


async def test_a_missing_one_is_named_with_its_group(api: Api) -> None:
    status, body = await api.ask("GET", f"{POOLS}/gone")
    assert (status, body["message"]) == (404, 'ippools.crd.projectcalico.org "gone" not found')


async def test_a_watch_tells_of_them(api: Api, pool: str) -> None:
    name = pool.rpartition("/")[2]
    query = {"watch": "1", "timeoutSeconds": "5", "fieldSelector": f"metadata.name={name}"}
    async with api.events(POOLS, **query) as events:
        assert named(await anext(events)) == ("ADDED", name)
        await api.ask("DELETE", pool)
        assert named(await anext(events)) == ("DELETED", name)
