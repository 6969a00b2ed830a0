"""Whether the label of a quarantine acts on anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner_bridge.core.doctor import Acting, examine_quarantine
from runner_bridge.core.policy import model as p
from tests import make

CLUSTER = replace(make.policy().cluster, namespaces=("gitlab-runners", "ci-job-*"))
OPTED_IN = make.policy(make.tier(enforce=p.TierEnforcement(quarantine=True)), cluster=CLUSTER)
BOTH = frozenset({"gitlab-runners", "ci-job-*"})


@pytest.mark.parametrize(
    ("acting", "policy"),
    [
        pytest.param(Acting(calico=True), OPTED_IN, id="Calico's reaches all"),
        pytest.param(Acting(namespaces=BOTH), OPTED_IN, id="each namespace has one"),
        pytest.param(Acting(), make.policy(), id="no tier opts in"),
    ],
)
def test_nothing_is_wrong(acting: Acting, policy: p.Policy) -> None:
    assert list(examine_quarantine(acting, policy)) == []


def test_namespaces_in_which_nothing_acts_are_named() -> None:
    (found,) = examine_quarantine(Acting(namespaces=frozenset({"gitlab-runners"})), OPTED_IN)
    assert found.code.name == "quarantine-acts-on-nothing"
    assert found.subject == "tier infra"
    assert found.observed == "no network policy runner-bridge-quarantine for ci-job-*"
    assert found.cause == ""


def test_what_may_not_be_read_is_said() -> None:
    (found,) = examine_quarantine(Acting(unread=("networkpolicies.networking.k8s.io",)), OPTED_IN)
    assert found.cause == "Not everything could be read: networkpolicies.networking.k8s.io."
