"""A packed block is the same block, with what is counted at hand."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Any

import pytest

from runner_bridge.core.model.cluster import Kind, PackedBlock
from runner_bridge.core.wire.packed import cidr_of, unpacked
from runner_bridge.core.wire.stream import Stream

HELD = {"handle_id": "k8s-pod-network.71fd", "secondary": {"pod": "a", "namespace": "ci", "node": "node-1"}}
COOLING = {"handle_id": "k8s-pod-network.71fd", "releasedAt": "2026-11-20T12:00:00Z"}


def block(**spec: Any) -> bytes:
    whole = {"cidr": "172.16.0.0/30", "affinity": "host:node-1", "allocations": [0, None, 1, 2]}
    whole |= {"attributes": [HELD, COOLING, {}], "sequenceNumberForAllocation": {"0": 2**62}} | spec
    meta = {"name": "172-16-0-0-30", "uid": "u", "resourceVersion": "7"}
    return json.dumps({"items": [{"kind": "IPAMBlock", "metadata": meta, "spec": whole}]}).encode()


def packed(data: bytes) -> PackedBlock:
    (seen,) = Stream(Kind.BLOCKS, packed=True).page(data).seen
    assert isinstance(seen.value, PackedBlock)
    return seen.value


@pytest.mark.parametrize("spec", [{}, {"cidr": "fd00:10::/126"}, {"affinity": None}, {"attributes": None}])
def test_it_is_unpacked_to_what_it_would_have_been(spec: Any) -> None:
    (plain,) = Stream(Kind.BLOCKS).page(block(**spec)).seen
    found = unpacked(packed(block(**spec)))
    assert (found.cidr, found.node, found.allocations) == (
        plain.value.cidr,  # type: ignore[union-attr]
        plain.value.node,  # type: ignore[union-attr]
        plain.value.allocations,  # type: ignore[union-attr]
    )
    assert found.cidr == cidr_of(packed(block(**spec)))


def test_what_is_held_and_what_cools_down_are_counted_apart() -> None:
    one = packed(block())
    assert (cidr_of(one), one.node, one.used, one.cooling) == (ip_network("172.16.0.0/30"), "node-1", 1, 2)


def test_one_that_is_deleted_is_none_and_no_problem() -> None:
    (seen,) = Stream(Kind.BLOCKS, packed=True).page(block(deleted="true")).seen
    assert (seen.value, seen.problem) == (None, "")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"cidr": "here"}, "IPAMBlock 172-16-0-0-30: spec.cidr is 'here', which is no range of addresses"),
        ({"allocations": [9, 0]}, "IPAMBlock 172-16-0-0-30: 1 of its addresses point at attributes that are not there"),
    ],
)
def test_what_cannot_be_read_is_told(spec: Any, problem: str) -> None:
    (seen,) = Stream(Kind.BLOCKS, packed=True).page(block(**spec)).seen
    assert seen.problem == problem


def test_a_block_without_anything_is_told() -> None:
    page = Stream(Kind.BLOCKS, packed=True).page(b'{"items": [{"metadata": {"name": "x"}}]}')
    assert [one.problem for one in page.seen] == ["IPAMBlock x: spec.cidr is missing"]
