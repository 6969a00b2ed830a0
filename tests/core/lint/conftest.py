"""What several tests of linters need."""

from __future__ import annotations

import pytest

BLOG = """\
version: 1
gitlab: {url: "https://gitlab.example.com"}
cluster:
  name: prod-1
  namespaces: [gitlab-runners]
  pod_cidrs: [10.10.0.0/16, 172.16.0.0/16]
pools:
  workload: {cidr: 10.10.0.0/16, class: routable}
  infraestrutura:
    cidr: 172.16.0.0/16
    class: nat
    block_size: 25
    nat_outgoing: true
    automatic: false
    encapsulation: ipip-cross-subnet
tiers:
  infra:
    pools: [infraestrutura]
    projects: ["platform/**"]
    runners: [{name: infra, scope: "group:platform", tags: [infra]}]
  default:
    pools: [workload]
    pin: false
    projects: ["**"]
    runners: [{name: shared, scope: instance, run_untagged: true}]
"""


@pytest.fixture
def blog() -> str:
    """A small policy that is accepted."""
    return BLOG
