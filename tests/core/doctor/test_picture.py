"""What of a cluster does not fit the policy: one thing wrong at a time, and nothing on a healthy one."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Any

import pytest

from runner_bridge.core.doctor import Picture, examine
from runner_bridge.core.model.cluster import Allocation, Block, IPPool
from tests import make

POLICY = make.policy(make.tier("infra"), make.tier("default", make.WORKLOAD, pin=False))
INFRA = {"name": "infraestrutura", "cidr": "172.16.0.0/16", "block_size": 25, "nat_outgoing": True}
WORKLOAD = {"name": "workload", "cidr": "10.10.0.0/16", "block_size": 26}


def pool(values: dict[str, Any], **changes: Any) -> IPPool:
    merged = values | {"allowed_uses": ("Workload",)} | changes
    return IPPool(**(merged | {"cidr": ip_network(merged["cidr"])}))


def text(*pools: IPPool) -> str:
    """The same pools as the cluster tells them."""
    items = [
        {
            "apiVersion": "crd.projectcalico.org/v1",
            "kind": "IPPool",
            "metadata": {"name": one.name},
            "spec": {
                "cidr": str(one.cidr),
                "blockSize": one.block_size,
                "natOutgoing": one.nat_outgoing,
                "disabled": one.disabled,
                "ipipMode": "CrossSubnet",
                "vxlanMode": "Never",
                "allowedUses": list(one.allowed_uses),
                "nodeSelector": "!all()" if one.name == "infraestrutura" else "all()",
            },
        }
        for one in pools
    ]
    return json.dumps({"apiVersion": "crd.projectcalico.org/v1", "kind": "IPPoolList", "items": items})


def found(*pools: IPPool, **changes: Any) -> list[tuple[str, str]]:
    """Code and subject of every finding that is more than advice."""
    picture = Picture(**({"pools": pools, "pools_text": text(*pools)} | changes))
    return [(one.code.name, one.subject) for one in examine(picture, POLICY) if one.code.severity.value != "advice"]


HEALTHY = (pool(INFRA), pool(WORKLOAD))


def block(cidr: str, *, used: bool = True, **changes: Any) -> Block:
    return Block(cidr=ip_network(cidr), allocations={0: Allocation(pod="p")} if used else {}, **changes)


def test_a_healthy_cluster_has_no_finding() -> None:
    blocks = (block("172.16.12.0/25"), block("10.10.1.0/26"), block("192.0.2.0/26", used=False))

    assert found(*HEALTHY, blocks=blocks, proxy_ranges=(ip_network("0.0.0.0/0"), ip_network("fd00::/8"))) == []


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ((HEALTHY[1],), [("pool-missing", "pool infraestrutura")]),
        ((pool(INFRA, disabled=True), HEALTHY[1]), [("pool-gives-nothing", "pool infraestrutura")]),
        ((pool(INFRA, deleting=True), HEALTHY[1]), [("pool-gives-nothing", "pool infraestrutura")]),
        (
            (pool(INFRA, allocatable=False, reason="CIDROverlap"), HEALTHY[1]),
            [("pool-gives-nothing", "pool infraestrutura")],
        ),
        ((pool(INFRA, allowed_uses=("Tunnel",)), HEALTHY[1]), [("pool-gives-nothing", "pool infraestrutura")]),
        (
            (*HEALTHY, pool(WORKLOAD, name="zone", cidr="10.10.128.0/17")),
            [("pools-overlap", "pools workload and zone")],
        ),
    ],
    ids=["missing", "disabled", "being deleted", "not allocatable", "not for pods", "overlap"],
)
def test_pools_that_the_policy_cannot_use(pools: tuple[IPPool, ...], expected: list[tuple[str, str]]) -> None:
    assert [one for one in found(*pools) if not one[0].startswith("ip-pool")][: len(expected)] == expected


@pytest.mark.parametrize(
    "changes",
    [{"block_size": 26}, {"nat_outgoing": False}, {"cidr": "172.16.0.0/17"}],
    ids=["blockSize", "natOutgoing", "CIDR"],
)
def test_a_pool_that_is_not_as_declared_is_told_by_the_rules_of_lint(changes: dict[str, Any]) -> None:
    codes = found(pool(INFRA, **changes), HEALTHY[1])

    assert codes
    assert all("infraestrutura" in subject for _, subject in codes)


def test_findings_about_the_cluster_have_no_place_in_a_file() -> None:
    pools = (pool(INFRA, nat_outgoing=False), HEALTHY[1])

    assert not [one for one in examine(Picture(pools=pools, pools_text=text(*pools)), POLICY) if one.place]


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ((block("172.16.12.0/26"), block("172.16.13.0/26")), [("block-size-differs", "pool infraestrutura")]),
        ((block("172.16.12.0/26", deleted=True),), []),
        ((block("192.0.2.0/26"),), [("block-in-no-pool", "block 192.0.2.0/26")]),
        ((block("fd00::/122"),), [("block-in-no-pool", "block fd00::/122")]),
    ],
    ids=["another size, told once", "deleted", "in no pool", "of a family without pools"],
)
def test_blocks_that_fit_no_pool(blocks: tuple[Block, ...], expected: list[tuple[str, str]]) -> None:
    assert found(*HEALTHY, blocks=blocks) == expected


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        (["10.10.0.0/16"], [("pool-outside-proxy-range", "pool infraestrutura")]),
        (["172.16.0.0/17", "10.0.0.0/8"], [("pool-outside-proxy-range", "pool infraestrutura")]),
        (["fd00::/8"], []),
        (["10.0.0.0/8", "172.16.0.0/12"], []),
    ],
    ids=["outside", "half outside", "another family", "inside"],
)
def test_pools_and_what_kube_proxy_takes_for_pods(ranges: list[str], expected: list[tuple[str, str]]) -> None:
    assert found(*HEALTHY, proxy_ranges=tuple(map(ip_network, ranges))) == expected


def test_a_pool_that_the_policy_does_not_know_is_told_only_for_what_it_does() -> None:
    other = pool(WORKLOAD, name="other", cidr="198.51.100.0/24")

    codes = found(*HEALTHY, other, proxy_ranges=(ip_network("10.0.0.0/8"), ip_network("172.16.0.0/12")))
    # Its only effect on the policy's jobs: a pod that asks for nothing may land there.
    assert codes == [("ippool-automatic-order", "pool other")]


def test_blocks_that_nobody_serves() -> None:
    assert found(*HEALTHY, blocks_served=False) == [("blocks-not-served", "ipamblocks")]


def test_a_cluster_without_pools_is_one_finding_with_the_reason() -> None:
    (finding,) = examine(Picture(pools=(), explanation="nobody serves IPPools"), POLICY)

    assert (finding.code.name, finding.cause) == ("calico-ipam-absent", "Nobody serves IPPools.")
    (bare,) = examine(Picture(pools=()), POLICY)
    assert bare.cause == ""


def test_pools_that_may_not_be_read_are_told_as_a_missing_right() -> None:
    assert examine(Picture(pools=None), POLICY) == ()


def test_a_tier_that_waits_for_a_pool_is_named() -> None:
    findings = {one.subject: one for one in examine(Picture(pools=(pool(WORKLOAD, name="x"),)), POLICY)}

    assert "tier infra" in findings["pool infraestrutura"].cause
    assert findings["pool workload"].cause == ""
