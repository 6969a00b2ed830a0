"""IPPools and IPAMBlocks of both API groups give the same values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.wire.calico import go_time
from tests.core.wire.recorded import kubectl, read, tree

if TYPE_CHECKING:
    from runner_bridge.core.model.cluster import Block, IPPool

V1, V3 = "crd.projectcalico.org/v1", "projectcalico.org/v3"


def pool(name: str = "infraestrutura", group: str = V1, metadata: Any = (), status: Any = None, **spec: Any) -> Any:
    return {
        "apiVersion": group,
        "kind": "IPPool",
        "metadata": {"name": name, "uid": f"{group}{name}", **dict(metadata)},
        "spec": {"cidr": "172.16.0.0/16"} | spec,
        "status": status,
    }


def pools(*items: Any) -> tuple[IPPool, ...]:
    seen = read(kubectl(*items), want="pools").pools
    assert seen is not None
    return seen


def block(**spec: Any) -> Any:
    base = {"cidr": "172.16.0.0/30", "affinity": "host:node-1", "allocations": [None] * 4, "attributes": []}
    return {"kind": "IPAMBlock", "metadata": {"name": "172-16-0-0-30"}, "spec": base | spec}


def only_block(**spec: Any) -> Block:
    seen = read(kubectl(block(**spec)), want="blocks").blocks
    assert seen is not None
    return seen[0]


def test_recorded_pools_of_both_groups_read_alike() -> None:
    recorded = tree("v3-group.json.gz")["before"]["ippools"]
    v3 = pools(*recorded)
    assert [(one.name, str(one.cidr), one.nat_outgoing, one.block_size, one.node_selector) for one in v3] == [
        ("default-ipv4-ippool", "10.244.0.0/16", False, 26, "all()"),
        ("infraestrutura", "172.16.0.0/16", True, 26, "!all()"),
    ]
    v1 = pools(*tree("raw-lists-v1.json.gz")["ippools"]["items"])
    assert [(one.name, one.cidr, one.nat_outgoing, one.groups) for one in v1] == [
        ("default-ipv4-ippool", ip_network("10.244.0.0/16"), False, ("crd.projectcalico.org",)),
        ("infraestrutura", ip_network("172.16.0.0/16"), True, ("crd.projectcalico.org",)),
    ]


@pytest.mark.parametrize("written", [True, "true", "True"])
def test_a_boolean_may_be_text(written: Any) -> None:
    (seen,) = pools(pool(disabled=written, natOutgoing=written))
    assert seen.disabled
    assert seen.nat_outgoing
    assert not seen.enabled
    (old,) = pools(pool(**{"nat-outgoing": written}))
    assert old.nat_outgoing
    assert only_block(deleted=written).deleted


@pytest.mark.parametrize("written", [False, "false", "", None])
def test_whatever_is_not_true_is_false(written: Any) -> None:
    (seen,) = pools(pool(disabled=written, natOutgoing=written))
    assert not seen.disabled
    assert not seen.nat_outgoing
    assert seen.enabled


@pytest.mark.parametrize(
    ("status", "allocatable", "reason"),
    [
        (None, None, ""),
        ({}, None, ""),
        ({"conditions": [{"type": "Other", "status": "False"}]}, None, ""),
        ({"conditions": [{"type": "Allocatable", "status": "Unknown"}]}, None, ""),
        ({"conditions": [{"type": "Allocatable", "status": "True", "reason": "OK"}]}, True, "OK"),
        ({"conditions": [{"type": "Allocatable", "status": "False", "reason": "CIDROverlap"}]}, False, "CIDROverlap"),
    ],
)
def test_the_condition_allocatable_is_read_and_its_absence_means_nothing(
    status: Any, allocatable: bool | None, reason: str
) -> None:
    (seen,) = pools(pool(status=status))
    assert (seen.allocatable, seen.reason) == (allocatable, reason)


def test_the_same_pool_through_both_groups_is_one_pool_with_the_newer_groups_status() -> None:
    healthy = {"conditions": [{"type": "Allocatable", "status": "True"}]}
    one = pool(group=V3, status=healthy)
    for items in ((one, pool()), (pool(), one)):
        (seen,) = pools(*items)
        assert seen.groups == ("crd.projectcalico.org", "projectcalico.org")
        assert seen.allocatable is True


def test_pools_that_share_only_a_name_stay_two() -> None:
    assert len(pools(pool(), pool(group=V3, cidr="172.17.0.0/16"))) == 2


def test_what_else_a_pool_says_is_kept() -> None:
    (seen,) = pools(
        pool(
            metadata={"deletionTimestamp": "2026-11-23T17:32:47Z"},
            cidr="172.16.9.9/16",
            allowedUses=["Workload"],
            assignmentMode="Manual",
        )
    )
    assert seen.deleting
    assert seen.cidr == ip_network("172.16.0.0/16")
    assert (seen.allowed_uses, seen.assignment_mode, seen.block_size) == (("Workload",), "Manual", 0)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (pool(cidr="nowhere"), "could not be read: IPPool infraestrutura: spec.cidr is 'nowhere', which is no range"),
        (pool(cidr=None), "could not be read: IPPool infraestrutura: spec.cidr is missing"),
        (pool() | {"spec": None}, "spec.cidr is missing"),
        (pool() | {"spec": 7}, "spec.cidr is missing"),
        (
            pool(blockSize="25"),
            "could not be read: infraestrutura: spec.blockSize cannot be read: expected int or null",
        ),
    ],
)
def test_a_pool_that_cannot_be_read_is_a_gap(item: Any, reason: str) -> None:
    (gap,) = read(kubectl(item), want="pools").gaps
    assert reason in gap.reason


def test_recorded_blocks_name_their_holders_with_exact_numbers() -> None:
    seen = read(tree("raw-lists-v1.json.gz")["ipamblocks"], want="blocks").blocks
    assert seen is not None
    held = {one.pod: one for each in seen for one in each.allocations.values()}
    first = held["job-two-c"]
    assert first.handle == "k8s-pod-network.344b6e59d7110106b021f95d69100b9a07c9cb9101b879b5db77ca62f0d9d25e"
    assert (first.namespace, first.node, first.sequence) == ("ci-jobs", "node-2", 1795454686380180104)
    assert first.allocated_at == datetime(2026, 11, 23, 17, 24, 46, 588, tzinfo=UTC)


def test_recorded_blocks_of_the_newer_group_read_alike() -> None:
    (raw,) = [step["raw"] for step in tree("v3-group.json.gz")["steps"] if "raw" in step]
    seen = read(raw["ipamblocks"], want="blocks").blocks
    assert seen is not None
    assert {one.pod for each in seen for one in each.allocations.values()} >= {"job-1"}


def test_a_block_in_a_watch_ends_in_its_last_state() -> None:
    events = tree("watch-one-pod.json.gz")["events"]
    states = [
        read(b"\n".join(json.dumps(one).encode() for one in events[:end]), want="blocks").blocks for end in (3, 6, 11)
    ]
    assert [[len(one.allocations) for one in each or ()] for each in states] == [[0], [1], [0]]


def test_an_address_without_an_attribute_is_said_and_still_taken() -> None:
    seen = only_block(allocations=[None, 7, -1, None])
    assert sorted(seen.allocations) == [1, 2]
    assert len(seen.problems) == 2
    assert "address 1 points at attribute 7, which is not there" in seen.problems[0]


def test_odd_entries_of_a_block_are_read() -> None:
    attributes = [
        {"handle_id": "k8s-pod-network.abc\rk8s-pod-network.abc", "secondary": {"pod": "p", "timestamp": "never"}},
        {"releasedAt": "2026-11-23T17:24:49Z"},
        {"handle_id": "ipip-tunnel-addr-node-1", "secondary": {"type": "ipipTunnelAddress", "node": "node-1"}},
    ]
    seen = only_block(allocations=[0, 1, 2, 0], attributes=attributes, sequenceNumberForAllocation={"0": 2**63})
    assert seen.allocations[0].handle == "k8s-pod-network.abc"
    assert seen.allocations[0].allocated_at is None
    assert seen.allocations[0].sequence == 2**63
    assert seen.allocations[1].released_at == datetime(2026, 11, 23, 17, 24, 49, tzinfo=UTC)
    assert (seen.allocations[2].use, seen.allocations[3].sequence) == ("ipipTunnelAddress", None)


@pytest.mark.parametrize(
    ("affinity", "node"), [("host:node-1", "node-1"), ("virtual:load-balancer", ""), (None, ""), ("", "")]
)
def test_a_block_belongs_to_the_host_of_its_affinity(affinity: str | None, node: str) -> None:
    assert only_block(affinity=affinity).node == node


def test_a_block_without_a_range_is_a_gap() -> None:
    seen = read(kubectl(block(cidr=None), {"kind": "IPAMBlock", "metadata": {"name": "x"}}), want="blocks")
    assert seen.blocks == ()
    assert [gap.reason for gap in seen.gaps] == [
        "could not be read: IPAMBlock 172-16-0-0-30: spec.cidr is missing, and 1 more"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-22 13:33:20.123456789 +0000 UTC", datetime(2026, 8, 22, 13, 33, 20, 123456, tzinfo=UTC)),
        ("2026-08-22 13:33:20.1 +0000 UTC", datetime(2026, 8, 22, 13, 33, 20, 100000, tzinfo=UTC)),
        ("2026-08-22 13:33:20 +0000 UTC", datetime(2026, 8, 22, 13, 33, 20, tzinfo=UTC)),
        ("2026-08-22 15:33:20 +0200 CEST", datetime(2026, 8, 22, 15, 33, 20, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-08-22T13:33:20Z", datetime(2026, 8, 22, 13, 33, 20, tzinfo=UTC)),
        ("2026-08-22T15:33:20+02:00", datetime(2026, 8, 22, 13, 33, 20, tzinfo=UTC)),
        ("2026-13-22T13:33:20Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times_in_gos_text_and_in_rfc_3339_are_read(text: str, expected: datetime | None) -> None:
    assert go_time(text) == expected
