"""The policy that these tests start from, and how they read it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import PolicyError
from runner_bridge.core.policy import Source, load

if TYPE_CHECKING:
    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Policy

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
    encapsulation: none
    generate: false
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
waivers:
  - {code: host-network, match: {project: platform/node-tools}, until: 2027-03-31, reason: "node agent, NET-114"}
privacy: {people: off}
"""


def read(text: str, name: str = "policy.yaml") -> Policy:
    return load([Source(name=name, text=text)], today=TODAY)


def changed(*edits: tuple[str, str]) -> str:
    """Return the policy with texts replaced, each of which must be there."""
    text = POLICY
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def problems(text: str) -> tuple[Finding, ...]:
    with pytest.raises(PolicyError) as caught:
        read(text)
    return caught.value.findings


def told(text: str) -> tuple[Finding, ...]:
    """Return what is said about a text, whether it is used or not."""
    try:
        return read(text).warnings
    except PolicyError as error:
        return error.findings
