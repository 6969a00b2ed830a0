from __future__ import annotations

from ipaddress import ip_network

import pytest

from runner_bridge.core.adopt.existing import read_runners
from runner_bridge.core.adopt.pools import KnownPool, KnownPools
from runner_bridge.core.adopt.tiers import TierDraft, draft_tiers
from runner_bridge.core.policy.model import PoolClass


def known(name: str, cidr: str, kind: PoolClass = PoolClass.NAT) -> KnownPool:
    return KnownPool(name=name, cidr=ip_network(cidr), pool_class=kind, automatic=False)


INFRA = known("infra", "172.16.0.0/16")
EDGE = known("edge.v4", "172.17.0.0/16")
WORKLOAD = known("workload", "10.10.0.0/16", PoolClass.ROUTABLE)


def section(name: str, pools: str = "", kubernetes: str = "", tables: str = "") -> str:
    pinned = f"[runners.kubernetes.pod_annotations]\n'cni.projectcalico.org/ipv4pools' = '{pools}'\n" if pools else ""
    head = f'[[runners]]\nname = "{name}"\nexecutor = "kubernetes"\n[runners.kubernetes]\n'
    return f"{head}{kubernetes}\n{pinned}{tables}\n"


def sort(*sections: str, pools: tuple[KnownPool, ...] = (INFRA, EDGE, WORKLOAD)) -> tuple[TierDraft, ...]:
    tiers, problems = draft_tiers(read_runners("".join(sections), "f").runners, KnownPools(pools, ()))
    assert problems == ()
    return tiers


def problems(*sections: str, pools: tuple[KnownPool, ...] = ()) -> tuple[str, ...]:
    tiers, found = draft_tiers(read_runners("".join(sections), "f").runners, KnownPools(pools, ()))
    assert tiers == ()
    return found


def names(tiers: tuple[TierDraft, ...]) -> dict[str, list[str]]:
    return {tier.name: [one.name for one in tier.runners] for tier in tiers}


LABELS = "[runners.kubernetes.pod_labels]\nteam = 'x'\n"


def test_runners_of_the_same_pools_are_one_tier_named_after_them() -> None:
    found = sort(section("a", '["infra"]'), section("b"), section("c", '["infra"]'), pools=(INFRA, WORKLOAD))
    assert names(found) == {"infra": ["a", "c"], "default": ["b"]}
    assert [tier.pin for tier in found] == [True, False]


def test_a_list_of_pools_keeps_its_order_and_its_order_makes_another_tier() -> None:
    found = sort(section("a", '["infra", "edge.v4"]'), section("b", '["edge.v4", "infra"]'))
    assert names(found) == {"infra-edge-v4": ["a"], "edge-v4-infra": ["b"]}


def test_a_pool_named_by_its_cidr_is_the_same_pool() -> None:
    assert names(sort(section("a", '["172.16.0.0/16"]'), section("b", '["infra"]'))) == {"infra": ["a", "b"]}


@pytest.mark.parametrize(
    ("other", "tiers"),
    [
        pytest.param(section("b", '["infra"]', 'namespace = "x"'), ["infra-default", "infra-x"], id="namespace"),
        pytest.param(section("b", '["infra"]', 'service_account = "x"'), ["infra-default", "infra-x"], id="account"),
        pytest.param(section("b", '["infra"]', "", LABELS), ["a", "b"], id="labels"),
        pytest.param(section("b", '["infra"]', "", '"example.com/x" = "y"'), ["a", "b"], id="annotations"),
        pytest.param(section("b", '["infra"]', "namespace_per_job = true"), ["a", "b"], id="a namespace for each job"),
        pytest.param(section("b", '["infra"]', 'pod_labels_overwrite_allowed = "^x="'), ["a", "b"], id="overwrites"),
    ],
)
def test_what_differs_in_trust_is_another_tier_named_after_what_differs(other: str, tiers: list[str]) -> None:
    assert list(names(sort(section("a", '["infra"]'), other))) == tiers


@pytest.mark.parametrize("kubernetes", ['image = "x"', "poll_timeout = 5", 'cpu_request = "1"'])
def test_what_is_no_matter_of_trust_makes_no_tier(kubernetes: str) -> None:
    assert names(sort(section("a", '["infra"]'), section("b", '["infra"]', kubernetes))) == {"infra": ["a", "b"]}


def test_names_that_would_be_the_same_are_numbered() -> None:
    found = sort(
        section("A.b", '["infra"]', "", LABELS), section("a-b", '["infra"]'), section("c", '["infra"]', "", LABELS)
    )
    assert names(found) == {"a-b": ["A.b", "c"], "a-b-2": ["a-b"]}


def test_a_name_without_letters_or_digits_still_makes_a_tier() -> None:
    found = sort(section("ü", '["infra"]', "", LABELS), section("b", '["infra"]'))
    assert list(names(found)) == ["tier", "b"]


def test_every_pool_that_is_not_known_is_asked_for_with_the_flag_that_answers() -> None:
    asked = problems(section("a", '["infra", "x"]'), section("b", '["infra"]'), section("c", '["172.18.0.0/16"]'))
    assert len(asked) == 3
    assert "pool 'infra' of runners 'a' (line 1), 'b' (line 9)" in asked[0]
    assert "--pool infra=CIDR,CLASS" in asked[0]
    assert "pool 'x' of runner 'a' (line 1)" in asked[1]
    assert "--pool NAME=172.18.0.0/16,CLASS" in asked[2]


def test_pools_of_runners_that_ask_for_none_are_asked_for_too_and_at_once() -> None:
    asked = problems(section("a", '["x"]'), section("b"), section("c"), pools=(known("x", "10.0.0.0/8"),))
    assert len(asked) == 1
    assert asked[0].startswith("runners 'b' (line 9), 'c' (line 15) ask for no pool")
    assert len(problems(section("a", '["x"]'), section("b"))) == 2


def test_of_very_many_runners_some_are_named() -> None:
    (said,) = problems(*(section(f"r{at}") for at in range(20)))
    assert "and 12 more ask for no pool" in said


def test_a_list_that_mixes_classes_is_refused() -> None:
    (said,) = problems(section("a", '["infra", "workload"]'), pools=(INFRA, WORKLOAD))
    assert "runner 'a' (line 1) asks for pools of different classes, infra (nat), workload (routable)" in said


def test_classes_that_the_cluster_could_give_by_itself_are_asked_for_once() -> None:
    (said,) = problems(section("a"), section("b"), pools=(INFRA, WORKLOAD))
    assert "runners 'a' (line 1), 'b' (line 7) ask for no pool" in said
    assert "--pool NAME=CIDR,CLASS,automatic" in said
