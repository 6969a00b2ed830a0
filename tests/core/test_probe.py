"""What a probe comes to: wrong, not proven, or as declared, and how the source address is compared."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from runner_bridge.core.model import Outcome
from runner_bridge.core.model.verdict import Assigned, Grade
from runner_bridge.core.policy import model as p
from runner_bridge.core.probe import Met, Probed, Targets, conclude, egress_in_words
from runner_bridge.core.wire.probe import Container, Report, Said, State
from tests import make

OWN = ip_address("172.16.84.128")
NODE = ip_address("192.0.2.1")
GATEWAYS = make.pool("gateways", "198.51.100.0/28")
TARGETS = Targets(name="gitlab.example.com", gitlab="gitlab.example.com:443", echo="https://echo.example.com")
YES = Said(State.YES, "")
VERDICT = make.verdict(grade=Grade.BLOCK, assigned=(Assigned(address=OWN, pool="infraestrutura", confirmed=True),))


def tier(kind: p.EgressKind = p.EgressKind.NODE, **more: Any) -> p.Tier:
    return make.tier(egress=p.Egress(kind=kind, **more))


EXTERNAL = tier(p.EgressKind.EXTERNAL, addresses=(ip_network("203.0.113.0/29"), ip_network("2001:db8::/64")))
GATEWAY = tier(p.EgressKind.GATEWAY, gateway=GATEWAYS.name)


def probed(of: p.Tier | None = None, *, echo: Said | None = None, targets: Targets = TARGETS, **changes: Any) -> Probed:
    of = of or tier()
    policy = make.policy(of, pools={one.name: one for one in (*of.pools, GATEWAYS)})
    report = Report(1, name=YES, api=YES, gitlab=YES, echo=echo or Said())
    values: dict[str, Any] = {
        "subject": "gitlab-runners/runner-bridge-probe-infra-x",
        "verdict": VERDICT,
        "container": Container(started=True),
        "report": report,
        "node_addresses": (NODE,),
    }
    return conclude(policy, of, targets, Met(**(values | changes)))


def codes(found: Probed) -> list[str]:
    return [one.code.name for one in found.findings]


@pytest.mark.parametrize(
    ("of", "seen", "is_right"),
    [
        (tier(), NODE, True),
        (tier(), OWN, False),
        (tier(p.EgressKind.POD), OWN, True),
        (tier(p.EgressKind.POD), NODE, False),
        (GATEWAY, ip_address("198.51.100.3"), True),
        (GATEWAY, NODE, False),
        (GATEWAY, ip_address("2001:db8::1"), False),
        (EXTERNAL, ip_address("203.0.113.6"), True),
        (EXTERNAL, ip_address("2001:db8::7"), True),
        (EXTERNAL, NODE, False),
        (tier(p.EgressKind.NONE), NODE, False),
    ],
)
def test_the_source_address_is_the_declared_one_or_a_finding(of: p.Tier, seen: object, is_right: bool) -> None:
    found = probed(of, echo=Said(State.YES, f"{seen}"))
    assert found.seen == seen
    assert codes(found) == ([] if is_right else ["egress-differs"])
    assert found.is_wrong is not is_right
    assert found.verdict is not None
    assert found.verdict.grade is (Grade.PROBED if is_right else Grade.BLOCK)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (OWN, "It is the pod's own: nothing was translated."),
        (NODE, "It is the node's: Calico translated it"),
        (ip_address("198.51.100.3"), "It lies in pool gateways"),
        (ip_address("203.0.113.99"), "something behind the node translates"),
    ],
)
def test_a_source_that_differs_is_explained(seen: object, words: str) -> None:
    (finding,) = probed(EXTERNAL, echo=Said(State.YES, f"{seen}")).findings
    assert words in finding.cause


def test_a_destinations_word_proves_no_address_that_no_block_confirmed() -> None:
    found = probed(echo=Said(State.YES, f"{NODE}"), verdict=make.verdict(grade=Grade.ADDRESS))
    assert found.verdict is not None
    assert found.verdict.grade is Grade.ADDRESS


@pytest.mark.parametrize(
    ("said", "seen"),
    [("hello", "hello"), ("", "an empty answer"), ("192.0.2.1, 10.0.0.1", "192.0.2.1, 10.0.0.1")],
    ids=["no address", "nothing", "two"],
)
def test_an_answer_without_one_address_proves_nothing(said: str, seen: str) -> None:
    found = probed(echo=Said(State.YES, said))
    assert [(one.code.name, one.observed) for one in found.findings] == [("probe-echo-unreadable", seen)]
    assert found.seen is None
    assert not found.is_proven


def test_a_tier_whose_traffic_does_not_leave_is_proven_by_silence() -> None:
    silent = probed(tier(p.EgressKind.NONE), echo=Said(State.NO, "timed out"))
    assert codes(silent) == []
    assert silent.is_proven


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"container": Container(waiting="ErrImagePull", message="no route"), "report": None}, ["probe-not-started"]),
        ({"container": Container(), "report": None}, ["probe-not-started"]),
        ({"report": None}, ["probe-report-missing"]),
        ({"report": None, "container": Container(started=True, ended=True)}, ["probe-report-missing"]),
        ({"report": None, "trouble": "403"}, ["probe-report-missing"]),
        ({"report": None, "verdict": make.verdict(Outcome.UNKNOWN, assigned=())}, []),
        ({"report": None, "verdict": None}, []),
        ({"report": Report(1, name=Said(State.NO_TOOL, "nslookup"), api=YES, gitlab=YES)}, ["probe-tool-missing"]),
        ({"left": "403."}, ["probe-pod-left"]),
        ({"absent": make.finding()}, ["pool-overlap"]),
    ],
    ids=[
        "image",
        "in no time",
        "no report",
        "ended",
        "denied",
        "no address",
        "never seen",
        "tool",
        "left",
        "no calico",
    ],
)
def test_what_could_not_be_seen_is_never_a_pass(changes: dict[str, Any], expected: list[str]) -> None:
    found = probed(**changes)
    assert codes(found) == expected
    assert found.is_wrong or not found.is_proven


def test_a_breach_is_wrong_whatever_else_was_seen() -> None:
    assert probed(verdict=make.verdict(Outcome.BREACH)).is_wrong
    assert not probed(verdict=make.verdict(Outcome.BREACH)).is_proven


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (tier(), "an address of the node"),
        (tier(p.EgressKind.POD), "the pod's own address"),
        (GATEWAY, "an address of the gateway's pool gateways (198.51.100.0/28)"),
        (EXTERNAL, "an address of 203.0.113.0/29, 2001:db8::/64"),
        (tier(p.EgressKind.NONE), "none: no traffic leaves"),
    ],
)
def test_the_declared_egress_in_words(of: p.Tier, words: str) -> None:
    policy = make.policy(of, pools={one.name: one for one in (*of.pools, GATEWAYS)})
    assert egress_in_words(policy, of) == words


def test_a_secret_that_a_destination_echoes_is_not_shown() -> None:
    found = probed(echo=Said(State.NO, "glpat-AbCdEfGhIjKlMnOpQrSt"))
    assert "AbCdEf" not in str(found)
