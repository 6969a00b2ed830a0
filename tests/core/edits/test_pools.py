"""Declared pools against the cluster's."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from runner_bridge.core.edits import pools
from runner_bridge.core.model.cluster import IPPool
from runner_bridge.core.model.edit import Deed
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.edits.base import ip_pool, policy

TEXTS = {"infraestrutura": "kind: IPPool\n"}
OPERATORS = replace(make.policy().cluster, pools_owner=p.PoolsOwner.TIGERA_OPERATOR)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, []),
        ({"assignment_mode": "", "node_selector": "! all()"}, []),
        ({"assignment_mode": ""}, [("assignmentMode", "Automatic", "Manual")]),
        ({"nat_outgoing": False}, [("natOutgoing", "false", "true")]),
        ({"disabled": True}, [("disabled", "true", "false")]),
        ({"block_size": 0}, [("blockSize", "26", "25")]),
        ({"cidr": ip_network("172.16.0.0/17")}, [("cidr", "172.16.0.0/17", "172.16.0.0/16")]),
    ],
)
def test_what_differs_is_told_field_by_field(seen: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    edits = pools.compare(policy(), [ip_pool(**seen)], TEXTS)
    assert [(one.name, one.before, one.after) for edit in edits for one in edit.fields] == expected


def test_a_block_of_the_other_family_has_another_size() -> None:
    six = make.pool("six", "fd00::/48", block_size=122)
    seen = IPPool(name="six", cidr=ip_network("fd00::/48"), nat_outgoing=True, assignment_mode="Manual")
    assert pools.differing(six, seen) == ()


def test_a_pool_that_may_be_used_by_everybody_is_made_so() -> None:
    declared = make.pool(automatic=True)
    assert [(one.before, one.after) for one in pools.differing(declared, ip_pool())] == [("Manual", "Automatic")]


@pytest.mark.parametrize(
    ("seen", "changes", "deed", "why"),
    [
        ((), {}, Deed.CREATE, "no such pool"),
        ((), {"cluster": OPERATORS}, Deed.TELL, "Tigera operator"),
        ((ip_pool(disabled=True),), {}, Deed.UPDATE, "not as declared"),
        ((ip_pool(disabled=True),), {"cluster": OPERATORS}, Deed.TELL, "Tigera operator"),
        ((ip_pool(block_size=26),), {}, Deed.TELL, "blockSize of a pool cannot be changed"),
    ],
)
def test_who_may_change_it_is_said(seen: tuple[IPPool, ...], changes: dict[str, Any], deed: Deed, why: str) -> None:
    (edit,) = pools.compare(policy(**changes), seen, TEXTS)
    assert edit.deed is deed
    assert why in edit.why


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((ip_pool(),), ""),
        ((ip_pool(allowed_uses=("Workload",)),), ""),
        ((), "it is not in the cluster"),
        ((ip_pool(disabled=True),), "it is disabled"),
        ((ip_pool(deleting=True),), "it is being deleted"),
        ((ip_pool(allocatable=False),), "it is not allocatable"),
        ((ip_pool(allocatable=False, reason="CIDROverlap"),), "it is not allocatable: CIDROverlap"),
        ((ip_pool(allowed_uses=("Tunnel",)),), "its allowedUses are Tunnel"),
    ],
)
def test_a_runner_waits_for_a_pool_that_gives_addresses(seen: tuple[IPPool, ...], expected: str) -> None:
    meant = policy()
    found = pools.not_ready(meant, meant.runners[p.RunnerName("infra-platform")], seen)
    assert [one.observed for one in found] == ([expected] if expected else [])
    assert pools.not_ready(meant, meant.runners[p.RunnerName("shared")], seen) == ()
