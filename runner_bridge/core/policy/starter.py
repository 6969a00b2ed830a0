"""The commented policy that `init` writes: the smallest one that is useful, ready to be edited."""

from __future__ import annotations

from ipaddress import ip_network
from string import Template
from typing import TYPE_CHECKING

from runner_bridge.core.text.yaml_scalar import scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA_LINE = "# yaml-language-server: $schema=policy.schema.json"
"""First line of a policy: editors with a YAML language server then complete and explain its keys."""


def starter(*, gitlab_url: str, root_groups: Sequence[str], workload_cidr: str, infra_cidr: str, namespace: str) -> str:
    """
    Return the text of a new policy; whether it is one is for `load` to say.

    >>> starter(gitlab_url="https://gitlab.example.com", root_groups=[], workload_cidr="10.10.0.0/16",
    ...         infra_cidr="172.16.0.0/16", namespace="gitlab-runners").splitlines()[0]
    '# yaml-language-server: $schema=policy.schema.json'
    """
    groups = list(root_groups) or ["platform"]
    return _TEXT.substitute(
        schema=SCHEMA_LINE,
        url=scalar(gitlab_url),
        groups=", ".join(map(scalar, groups)),
        group=groups[0],
        scope=scalar(f"group:{groups[0]}"),
        rule=scalar(f"{groups[0]}/**"),
        shared=scalar(f"group:{groups[0]}") if "//gitlab.com" in gitlab_url.lower() else "instance",
        namespace=scalar(namespace),
        workload=scalar(workload_cidr),
        infra=scalar(infra_cidr),
        block=_block_size(infra_cidr),
    )


def _block_size(cidr: str) -> int:
    """Return a block size with room for at least 16 nodes, and 128 addresses a node where the pool allows it."""
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return 26  # `load` will refuse the range itself
    if network.version == 6:
        return max(122, min(network.prefixlen + 4, 128))
    return max(25, min(network.prefixlen + 4, 32))


_TEXT = Template("""\
$schema
#
# Which CI jobs get addresses of which Calico pool. Every key is explained in docs/reference/policy.md and, with the
# line above, in your editor. Check it with: runner-bridge lint policy.yaml
version: 1

gitlab:
  url: $url
  # Top-level groups whose projects are looked at; mandatory on GitLab.com.
  root_groups: [$groups]

cluster:
  name: my-cluster
  # Where job pods live. The first one without a * is where jobs run unless a tier says otherwise.
  namespaces: [$namespace]
  # Ranges from which pods get addresses, as kube-proxy should know them: both pools lie inside.
  pod_cidrs: [$workload, $infra]

pools:
  # The pool that exists already. Give it the name and the encapsulation that the cluster has:
  #   kubectl get ippools.crd.projectcalico.org -o wide
  workload:
    cidr: $workload
    class: routable          # routable | nat | isolated
    encapsulation: none      # none | ipip | ipip-cross-subnet | vxlan | vxlan-cross-subnet
    generate: false          # only recognised, never written

  # The pool for infrastructure jobs. It is generated; destinations outside of both pools see the node's address.
  infra:
    cidr: $infra
    class: nat
    block_size: $block           # each node that runs such a job takes one block; it cannot be changed later
    nat_outgoing: true
    automatic: false         # ordinary pods do not land here by themselves; that is tidiness, not protection
    encapsulation: same-as workload   # another type restarts Felix on every node

tiers:
  # Jobs of these projects get an address of the infra pool.
  infra:
    pools: [infra]
    # The most specific rule of all tiers wins: id:N, then the path segment by segment, then attribute:key=value,
    # then topic:name, then **.
    projects: [$rule]
    runners:                 # one token, one runner; as many as the tier's scopes need
      - {name: infra, scope: $scope, tags: [infra], limit: 10}

  # Everybody else stays where the cluster puts them; no annotation is written.
  default:
    pools: [workload]
    pin: false
    projects: ["**"]
    runners:
      - {name: shared, scope: $shared, run_untagged: true, limit: 20}

# Where the runner managers run. `plan` compares that with this file, and `apply` writes it.
# installations:
#   ci-main:
#     configuration: {secret: gitlab-runners/runner-config}   # or {file: PATH}, or {values: PATH} for the chart
#     tokens: {secret: gitlab-runners/runner-tokens}           # where tokens of new runners are kept
#     loaded: {metrics: ["http://ci-main:9252/metrics"]}       # how each manager says that it has loaded it

# A finding that is accepted until a day. It is shown and counted, and does not change the exit code.
# waivers:
#   - {code: host-network, match: {project: $group/node-tools}, until: 2027-03-31, reason: "node agent, approved"}

# `runner-bridge run --mode enforce` does nothing to a pod unless its tier opts in:
#   tiers: {infra: {enforce: {quarantine: true, delete: false}}}
# These are the limits in the whole cluster, so that a wrong policy cannot take down all CI.
# enforce:
#   quarantines_per_hour: 20
#   brake_percent: 25        # above this share of a tier's job pods nothing more is done in that tier

privacy:
  people: off                # off | pseudonym | names
""")
