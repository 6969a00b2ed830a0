from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from runner_bridge.core.model import Code, Finding, Outcome
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.verdict import Counts, Judgement


def about(code: Code) -> tuple[Finding, ...]:
    return (Finding(code=code, subject="cluster"),)


@pytest.mark.parametrize(
    ("judgement", "outcome"),
    [
        pytest.param(Judgement(), Outcome.PASS, id="nothing"),
        pytest.param(Judgement(counts=Counts(pending=3, passed=1, unmanaged=9)), Outcome.PASS, id="pending settles"),
        pytest.param(Judgement(counts=Counts(unknown=1)), Outcome.UNKNOWN, id="an unknown pod"),
        pytest.param(Judgement(counts=Counts(unknown=1, breach=1)), Outcome.BREACH, id="a breach is worse"),
        pytest.param(Judgement(findings=about(codes.POOLS_OVERLAP)), Outcome.UNKNOWN, id="the cluster is unsure"),
        pytest.param(Judgement(findings=about(codes.HOST_NETWORK)), Outcome.BREACH, id="a breach of the cluster"),
        pytest.param(Judgement(findings=about(codes.PROJECT_UNCHECKED)), Outcome.PASS, id="a note"),
    ],
)
def test_the_worst_of_all_is_the_outcome(judgement: Judgement, outcome: Outcome) -> None:
    assert judgement.outcome is outcome


def test_job_pods_are_all_that_got_a_verdict() -> None:
    assert Counts(passed=1, breach=2, unknown=3, pending=4, unmanaged=5, other=6).job_pods == 10


@pytest.mark.parametrize(
    ("changes", "enabled"),
    [
        ({}, True),
        ({"allocatable": True}, True),
        ({"allocatable": False}, False),
        ({"disabled": True}, False),
        ({"deleting": True}, False),
    ],
)
def test_a_pool_gives_addresses_unless_something_says_no(changes: dict[str, Any], enabled: bool) -> None:
    assert c.IPPool(name="x", cidr=ip_network("172.16.0.0/16"), **changes).enabled is enabled


@pytest.mark.parametrize(
    ("phase", "finished"), [("Succeeded", True), ("Failed", True), ("Running", False), ("Pending", False), ("", False)]
)
def test_a_pod_has_finished_in_two_phases(phase: str, finished: bool) -> None:
    assert c.Pod(namespace="a", name="b", phase=phase).finished is finished


OF_THE_CLUSTER = (codes.POOL_HELD_BY_OTHERS, codes.ADDRESS_LEAKED)
"""They stand among the codes of job pods and are about no one pod: no verdict carries them."""


def test_every_code_about_job_pods_keeps_to_the_rule_of_outcomes() -> None:
    found = [value for value in vars(codes).values() if isinstance(value, Code)]
    assert len(found) > 50
    for code in found:
        expected = {Outcome.BREACH: "error", None: "advice"}.get(code.outcome, "advice" if code.pending else "warning")
        if code in OF_THE_CLUSTER:
            expected = "warning"
        assert code.severity == expected, code.name
        assert not code.title.endswith("."), code.name
        assert code.page.endswith((".", ")")), code.name
