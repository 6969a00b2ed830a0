"""When a pod is taken off the network, and that nothing but proof brings it back or takes it off."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from msgspec import structs

from runner_bridge.core.model.codes import REGISTRY
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Code, Finding, Outcome, Quarantine
from runner_bridge.core.model.verdict import Assigned, Verdict
from runner_bridge.core.policy import model as p
from runner_bridge.core.quarantine import NO_POWERS, Isolation, Powers, grounds, isolation, powers_of
from tests import make

POD = make.job_pod("10.10.0.1")
INFRA = Powers(quarantine=frozenset({"infra"}))
SEEN = (Assigned(address=ip_address("10.10.0.1"), pool="workload"),)
PROVEN = (Assigned(address=ip_address("10.10.0.1"), pool="workload", confirmed=True),)


def verdict(*found: Code, assigned: tuple[Assigned, ...] = PROVEN, **changes: object) -> Verdict:
    findings = tuple(Finding(code=one, subject="gitlab-runners/a") for one in found)
    outcome = findings[0].code.outcome if findings else Outcome.PASS
    made = make.verdict(outcome or Outcome.PASS, findings=findings, assigned=assigned)
    return structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("verdict", "becomes"),
    [
        pytest.param(verdict(codes.ADDRESS_ROUTABLE), Isolation.LAY, id="proven by the block"),
        pytest.param(verdict(codes.ADDRESS_ROUTABLE, assigned=SEEN), Isolation.KEEP, id="not proven yet"),
        pytest.param(verdict(codes.ANNOTATION_OVERWRITTEN, assigned=SEEN), Isolation.LAY, id="asked for by the job"),
        pytest.param(verdict(codes.ANNOTATION_OVERWRITTEN, assigned=()), Isolation.KEEP, id="has no address"),
        pytest.param(verdict(codes.ANNOTATION_MISSING), Isolation.LIFT, id="the configuration is wrong"),
        pytest.param(verdict(codes.BLOCK_DISAGREES), Isolation.KEEP, id="unknown"),
        pytest.param(verdict(codes.BLOCK_DISAGREES, tier=""), Isolation.KEEP, id="unknown tier"),
        pytest.param(verdict(), Isolation.LIFT, id="over"),
        pytest.param(verdict(codes.ADDRESS_ROUTABLE, tier="default"), Isolation.LIFT, id="a tier that did not opt in"),
    ],
)
def test_what_becomes_of_the_label(verdict: Verdict, becomes: Isolation) -> None:
    assert isolation(verdict, POD, INFRA) is becomes


def test_a_pod_on_the_nodes_network_is_left_alone_because_no_network_policy_reaches_it() -> None:
    on_node = structs.replace(POD, host_network=True)
    assert isolation(verdict(codes.ANNOTATION_OVERWRITTEN), on_node, INFRA) is Isolation.LIFT


def test_without_powers_a_quarantine_is_taken_off() -> None:
    assert isolation(verdict(codes.ADDRESS_ROUTABLE), POD, NO_POWERS) is Isolation.LIFT


def test_grounds_are_the_codes_that_justify_it_each_once() -> None:
    found = verdict(codes.ADDRESS_ROUTABLE, codes.ANNOTATION_MISSING, codes.ADDRESS_ROUTABLE)
    assert grounds(found) == ("address-routable",)


def test_only_a_breach_ever_justifies_quarantine() -> None:
    justify = {code.name for code in REGISTRY.values() if code.quarantine is not Quarantine.NEVER}
    assert justify == {
        "address-outside-tier-pools",
        "address-routable",
        "allowed-source-prefixes-requested",
        "annotation-asks-nothing",
        "annotation-overwritten",
        "floating-ips-requested",
        "ip-addrs-no-ipam-requested",
        "ip-addrs-requested",
        "ip-families-requested",
    }
    assert {REGISTRY[name].outcome for name in justify} == {Outcome.BREACH}


def test_powers_are_those_of_tiers_that_opt_in() -> None:
    both = p.TierEnforcement(quarantine=True, delete=True)
    policy = make.policy(
        make.tier("a", enforce=p.TierEnforcement(quarantine=True)), make.tier("b", enforce=both), make.tier("c")
    )
    assert powers_of(policy) == Powers(quarantine=frozenset({"a", "b"}), delete=frozenset({"b"}))
