"""Who holds what of a pool of CI, and who has no business there."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.judge import summed
from runner_bridge.core.judge.waivers import Match
from runner_bridge.core.model.cluster import Asked, Kind, Labels, PackedBlock, Pod, Snapshot
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.occupancy import (
    MOST_NODES,
    MOST_PAIRS,
    Fate,
    HeldAddress,
    NodeFill,
    Occupancy,
    PoolUse,
    Tally,
    Use,
    conclude,
    fate_of,
    look,
    pools_of_ci,
)
from runner_bridge.core.policy import model as p
from runner_bridge.core.wire.stream import Stream
from tests import make

SHIPPER = p.Workload(tier=p.TierName("infra"), namespace="logs", kind="DaemonSet", name="fluentd", place=make.HERE)
POLICY = make.policy(workloads=(SHIPPER,))
STREAM = Stream(Kind.BLOCKS, packed=True)
HELD = HeldAddress("infraestrutura", ip_address("172.16.0.1"), "gitlab-runners", "a", "node-1", "net.71fd")
POD = make.job_pod("172.16.0.1", name="a", container_id="71fd")


def entry(pod: str = "a", namespace: str = "gitlab-runners", handle: str = "net.71fd", **more: Any) -> dict[str, Any]:
    return {"handle_id": handle, "secondary": {"pod": pod, "namespace": namespace, "node": "node-1"}} | more


def block(cidr: str = "172.16.0.0/30", node: str = "node-1", **held: dict[str, Any]) -> PackedBlock:
    """A block; `_1=entry()` is held at its second address."""
    ordinals = {int(name[1:]): number for number, name in enumerate(held)}
    spec = {
        "cidr": cidr,
        "affinity": f"host:{node}" if node else None,
        "allocations": [ordinals.get(one) for one in range(4)],
        "attributes": list(held.values()),
    }
    body = {"items": [{"kind": "IPAMBlock", "metadata": {"name": "x"}, "spec": spec}]}
    (seen,) = STREAM.page(json.dumps(body).encode()).seen
    assert isinstance(seen.value, PackedBlock)
    return seen.value


def seen(*blocks: PackedBlock, pods: tuple[Pod, ...] = (), fates: Any = None, policy: p.Policy = POLICY) -> Occupancy:
    known = {(one.namespace, one.name): one for one in pods}
    return conclude(policy, look(policy, blocks, known.get), fates or {}, make.NOW)


def told(found: Occupancy) -> list[tuple[str, str, str]]:
    return [(one.code.name, one.subject, one.observed) for one, _ in found.findings]


def test_a_pool_of_ci_is_pinned_and_gives_nothing_by_itself() -> None:
    assert pools_of_ci(POLICY) == {"infraestrutura"}
    assert pools_of_ci(make.policy(make.tier("infra", make.pool(automatic=True)))) == frozenset()


def test_every_address_is_counted_by_what_holds_it() -> None:
    found = seen(
        block(
            _0={"handle_id": "ipip-tunnel-addr-node-1", "secondary": {"node": "node-1", "type": "ipipTunnelAddress"}},
            _1=entry(),
            _2=entry("gone", handle="net.aa"),
            _3=entry(releasedAt="2026-11-20T12:00:00Z"),
        ),
        block("10.10.0.0/30", _0=entry("web", "shop")),
        block("192.0.2.0/30", _0=entry("x")),
        block("172.16.9.0/30"),
        pods=(POD,),
    )
    assert found.of("infraestrutura") == PoolUse(
        pool="infraestrutura",
        blocks=2,
        used=3,
        cooling=1,
        nodes=1,
        fullest=(NodeFill("node-1", 2, 3),),
        uses={Use.CI: 1, Use.NODES: 1, Use.OTHERS: 0, Use.LEAKED: 0, Use.UNCLEAR: 1},
    )
    workload = found.of("workload")
    assert workload is not None
    assert (workload.used, workload.uses) == (1, None)
    assert (found.of("another"), found.findings) == (None, ())


def test_the_nodes_with_the_most_blocks_are_named() -> None:
    tally = Tally(POLICY)
    for number in range(6):
        tally.add(block(f"172.16.{number}.0/30", node="" if number == 5 else f"node-{number}", _0=entry()))
    tally.add(block("172.16.9.0/30", node="node-4"))
    infra, _ = tally.pools()
    assert (infra.blocks, infra.nodes, len(infra.fullest)) == (7, 5, MOST_NODES)
    assert infra.fullest[:2] == (NodeFill("node-4", 2, 1), NodeFill("node-0", 1, 1))


@pytest.mark.parametrize(
    ("pod", "fate"),
    [
        pytest.param(POD, Fate.BELONGS, id="a job pod"),
        pytest.param(make.job_pod("172.16.0.1", container_id="", marks=None), Fate.BELONGS, id="in a namespace of CI"),
        pytest.param(
            make.job_pod("172.16.0.1", container_id="71fd", marks=None, namespace="x", labels=Labels(probe="infra")),
            Fate.BELONGS,
            id="a probe",
        ),
        pytest.param(
            make.job_pod("172.16.0.1", container_id="71fd", marks=None, namespace="logs"), Fate.BELONGS, id="a workload"
        ),
        pytest.param(
            make.job_pod("172.16.0.1", container_id="71fd", marks=None, namespace="shop"),
            Fate.ASKED,
            id="it asks",
        ),
        pytest.param(
            make.job_pod("172.16.0.1", container_id="71fd", marks=None, namespace="shop", asked=Asked()),
            Fate.UNASKED,
            id="it asks for nothing",
        ),
        pytest.param(None, Fate.GONE, id="no such pod"),
        pytest.param(make.job_pod("172.16.0.1", container_id="99"), Fate.GONE, id="another sandbox"),
        pytest.param(make.job_pod("172.16.0.9", container_id="71fd"), Fate.GONE, id="another address"),
        pytest.param(make.job_pod("172.16.0.1", container_id="71fd", phase="Failed"), Fate.GONE, id="finished"),
        pytest.param(make.job_pod("172.16.0.1", container_id="71fd", annotated=()), Fate.GONE, id="given back"),
        pytest.param(make.job_pod("172.16.0.1", host_network=True), Fate.GONE, id="on the host's network"),
        pytest.param(make.job_pod(""), Fate.UNCLEAR, id="about to show it"),
    ],
)
def test_what_becomes_of_an_address_follows_from_its_pod_as_it_is(pod: Pod | None, fate: Fate) -> None:
    assert fate_of(POLICY, HELD, pod) is fate


def test_pods_that_are_none_of_ci_are_told_once_for_a_pool() -> None:
    whole = block(_1=entry("a", "shop", "net.1"), _2=entry("b", "shop", "net.2"), _3=entry("c", "shop", "net.3"))
    first, second, third = (ip_address(f"172.16.0.{number}") for number in (1, 2, 3))
    fates = {(first, "net.1"): Fate.UNASKED, (second, "net.2"): Fate.ASKED, (third, "net.3"): Fate.UNCLEAR}
    found = seen(whole, fates=fates)
    ((one, match),) = found.findings
    assert told(found) == [
        ("pool-held-by-others", "pool infraestrutura", "2 addresses, for example 172.16.0.2 of shop/b on node-1")
    ]
    assert "172.16.0.2 of shop/b on node-1 asks for it by its own annotation. 172.16.0.1 of shop/a" in one.cause
    assert match == Match(pools=("infraestrutura",))
    use = found.of("infraestrutura")
    assert use is not None
    assert use.uses == {Use.CI: 0, Use.NODES: 0, Use.OTHERS: 2, Use.LEAKED: 0, Use.UNCLEAR: 1}


@pytest.mark.parametrize(("fate", "cause"), [(Fate.ASKED, "asks for it"), (Fate.UNASKED, "carries no annotation")])
def test_one_such_pod_is_told_with_its_cause(fate: Fate, cause: str) -> None:
    found = seen(
        block(node="", _1={"handle_id": "net.1", "secondary": {"pod": "a", "namespace": "shop"}}),
        fates={(ip_address("172.16.0.1"), "net.1"): fate},
    )
    assert told(found)[0][2] == "1 address, for example 172.16.0.1 of shop/a"
    assert cause in found.findings[0][0].cause


def test_a_leaked_address_is_told_and_one_that_is_only_gone_is_not() -> None:
    whole = block(_1=entry("a", handle="net.1"), _2=entry("b", handle="net.2"))
    fates = {(ip_address("172.16.0.1"), "net.1"): Fate.LEAKED, (ip_address("172.16.0.2"), "net.2"): Fate.GONE}
    assert told(seen(whole, fates=fates)) == [
        (
            "address-leaked",
            "pool infraestrutura",
            "1 address, for example 172.16.0.1 of gitlab-runners/a on node-1",
        )
    ]


def test_blocks_that_overlap_are_told_with_the_address_that_was_given_twice() -> None:
    inner = block("10.10.0.0/31", node="", _0=entry("a", "shop"), _1=entry("b", "shop"))
    outer = block(
        "10.10.0.0/30",
        _0=entry("x", "shop"),
        _1={"handle_id": "tunnel"},
        _2=entry("z", "shop"),
        _3=entry(releasedAt="2026-11-20T12:00:00Z"),
    )
    apart = block("10.10.0.4/30", _0=entry("a", "shop"))
    assert told(seen(inner, apart, outer)) == [
        ("blocks-overlap", "blocks of no node and node-1", "10.10.0.0/30 and 10.10.0.0/31"),
        ("address-given-twice", "address 10.10.0.0", "shop/x and shop/a, and 1 more"),
    ]
    same = block("10.10.0.0/31", _0=entry("x", "shop"))
    assert [code for code, *_ in told(seen(same, outer))] == ["blocks-overlap"]
    once = block("10.10.0.0/31", _0=entry("y", "shop"))
    assert told(seen(once, outer))[1][2] == "shop/x and shop/y"


def test_of_very_many_pairs_some_are_told() -> None:
    blocks = [block(f"192.0.2.0/{prefix}") for prefix in range(24, 31)] + [
        block("2001:db8::/126"),
        block("2001:db9::/126"),
    ]
    assert len(seen(*blocks).findings) == MOST_PAIRS


def test_a_waiver_takes_such_a_finding_out_and_shows_it() -> None:
    waiver = p.Waiver(
        code="pool-held-by-others", project="", tier="", namespace="", pool="infraestrutura",
        until=make.NOW.date(), reason="NET-114", place=make.HERE,
    )  # fmt: skip
    policy = make.policy(waivers=(waiver,))
    found = seen(
        block(_1=entry("a", "shop", "net.1")), fates={(ip_address("172.16.0.1"), "net.1"): Fate.ASKED}, policy=policy
    )
    judgement = summed(policy, Snapshot(), (), now=make.NOW, also=found.findings)
    assert [one.finding.code for one in judgement.waived] == [codes.POOL_HELD_BY_OTHERS]
    assert [one.code for one in summed(POLICY, Snapshot(), (), now=make.NOW, also=found.findings).findings] == [
        codes.POOL_HELD_BY_OTHERS
    ]


@given(
    pods=st.sets(st.integers(0, 3)), held=st.sets(st.integers(0, 3)), fates=st.lists(st.sampled_from(Fate), min_size=4)
)
def test_every_held_address_is_counted_for_exactly_one_use(pods: set[int], held: set[int], fates: list[Fate]) -> None:
    entries: Any = {f"_{one}": entry(f"p{one}", handle=f"net.{one}") for one in sorted(held)}
    whole = block(**entries)
    there = tuple(make.job_pod(f"172.16.0.{one}", name=f"p{one}", container_id=f"{one}") for one in pods)
    known = {(ip_address(f"172.16.0.{one}"), f"net.{one}"): fates[one] for one in range(4)}
    use = seen(whole, pods=there, fates=known).of("infraestrutura")
    assert use is not None
    assert sum((use.uses or {}).values()) == use.used == len(held)
    assert (use.uses or {})[Use.CI] >= len(held & pods)
