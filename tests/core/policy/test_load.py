"""The one way in: a whole policy, from one file or several, or every problem at once."""

from __future__ import annotations

from datetime import date

import pytest

from runner_bridge.core.errors import PolicyError
from runner_bridge.core.policy import Source, load
from runner_bridge.core.policy import model as p

TODAY = date(2026, 11, 25)

POLICY = """\
version: 1
gitlab:
  url: https://gitlab.example.com/
  root_groups: [platform, products]
cluster:
  name: prod-1
  namespaces: [gitlab-runners, "ci-job-*"]
  pod_cidrs: [10.10.0.0/16, 172.16.0.0/16]
pools:
  workload:
    cidr: 10.10.0.0/16
    class: routable
  infraestrutura:
    cidr: 172.16.0.0/16
    class: nat
    block_size: 25
    nat_outgoing: true
    automatic: false
    encapsulation: same-as workload
tiers:
  infra:
    pools: [infraestrutura]
    egress: node
    projects: ["platform/**", "id:19241"]
    runners:
      - {name: infra-platform, scope: "group:platform", tags: [infra], limit: 20}
      - {name: infra-19241, scope: "project:19241", tags: [infra], limit: 2, short_ids: [4xYqA7pLw]}
    labels: {cost-centre: infra}
  default:
    pools: [workload]
    pin: false
    projects: ["**"]
    runners: [{name: shared, scope: instance, run_untagged: true}]
privacy: {people: off}
"""


def read(text: str, name: str = "policy.yaml") -> p.Policy:
    return load([Source(name=name, text=text)], today=TODAY)


def test_the_whole_policy_becomes_values() -> None:
    policy = read(POLICY)
    infra = policy.tiers[p.TierName("infra")]
    assert [pool.name for pool in infra.pools] == ["infraestrutura"]
    assert infra.pools[0].encapsulation is p.Encapsulation.NONE
    assert (infra.pools[0].generated, policy.pools[p.PoolName("workload")].generated) == (True, False)
    assert infra.egress.kind is p.EgressKind.NODE
    assert infra.families == ("IPv4",)
    assert infra.job.namespace == "gitlab-runners"
    assert policy.runners[p.RunnerName("infra-19241")].short_ids == ("4xYqA7pLw",)
    assert policy.gitlab.url == "https://gitlab.example.com"
    assert policy.manager.concurrent == 20 + 2 + 10
    assert policy.people is p.People.OFF


def test_every_place_of_a_value_is_that_of_its_text() -> None:
    policy = read(POLICY)
    infra = policy.tiers[p.TierName("infra")]
    lines = POLICY.split("\n")
    assert lines[infra.place.line - 1][infra.place.column - 1 :] == "infra:"
    rule = infra.rules[1].place
    assert lines[rule.line - 1][rule.column - 1 : rule.end_column - 1] == '"id:19241"'
    runner = infra.runners[1].place
    assert lines[runner.line - 1][runner.column - 1 : runner.end_column - 1] == "infra-19241"


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = POLICY.replace("class: routable", "class: rotable").replace("pin: false", "pni: false")
    with pytest.raises(PolicyError) as caught:
        read(text)
    found = [(one.code.name, one.place.line if one.place else 0) for one in caught.value.findings]
    assert found == [("policy-invalid-value", 12), ("policy-encapsulation-assumed", 19), ("policy-unknown-key", 31)]
