"""The reader of these tests and `core.wire` see the same in the recorded pods, pools and blocks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import structs

from runner_bridge.core.wire.reader import Reader
from tests.core.judge import reading

if TYPE_CHECKING:
    from runner_bridge.core.model import cluster as c


def listed(kind: str, version: str, items: list[dict[str, Any]]) -> bytes:
    objects = [{"kind": kind, "apiVersion": version} | item for item in items]
    return json.dumps({"kind": "List", "apiVersion": "v1", "items": objects}).encode()


def test_recorded_pods_read_alike() -> None:
    cases = {name: found for name, found in reading.sample("runner").items() if not name.startswith("watch/")}
    for name, found in cases.items():
        reader = Reader()
        reader.read(listed("Pod", "v1", [found]), name=name, want="pods")
        (pod,) = reader.snapshot().pods
        assert structs.replace(pod, waiting=()) == reading.pod(found), name


def test_recorded_pools_and_blocks_read_alike() -> None:
    recorded = reading.sample("calico")["raw-lists-v1"]
    reader = Reader()
    pools = [
        {"metadata": {"name": one["name"]}, "spec": {key: value for key, value in one.items() if key not in META}}
        for one in recorded["pools"]
    ]
    blocks = [{"metadata": {"name": one["cidr"]}, "spec": one} for one in recorded["blocks"]]
    reader.read(listed("IPPool", "crd.projectcalico.org/v1", pools), name="pools", want="pools")
    reader.read(listed("IPAMBlock", "crd.projectcalico.org/v1", blocks), name="blocks", want="blocks")
    snapshot = reader.snapshot()
    assert snapshot.pools == tuple(reading.pool(one) for one in recorded["pools"])
    assert tuple(map(undated, snapshot.blocks or ())) == tuple(reading.block(one) for one in recorded["blocks"])


META = {"name", "group", "deleting", "conditions"}


def undated(block: c.Block) -> c.Block:
    """The instants of allocations are `core.wire`'s to read."""
    kept = {ordinal: structs.replace(entry, allocated_at=None) for ordinal, entry in block.allocations.items()}
    return structs.replace(block, allocations=kept)
