"""Which clusters can be judged at all: where Calico's own IPAM gives the addresses, and one line where it does not."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from msgspec import structs

from runner_bridge.core.judge import judge
from runner_bridge.core.model import Outcome
from runner_bridge.core.model import cluster as c
from tests import make

PLAIN = c.Namespace(name="gitlab-runners")
POOLS = (
    c.IPPool(name="infraestrutura", cidr=ip_network("172.16.0.0/16"), block_size=25),
    c.IPPool(name="workload", cidr=ip_network("10.10.0.0/16")),
)
DEFAULT_POOL = (c.IPPool(name="default-ipv4-ippool", cidr=ip_network("192.168.0.0/16")),)
POLICY = make.policy(make.tier(runners=(make.runner(short_ids=(make.SHORT_ID,)),)))
POD = make.job_pod()
BLOCK = c.Block(
    cidr=ip_network("172.16.84.128/25"),
    node="node-1",
    allocations={0: c.Allocation(handle="k8s-pod-network.71fd75da", pod=POD.name, namespace=POD.namespace)},
)


def bare(address: str) -> c.Pod:
    """A job pod that no CNI plugin of Calico has touched."""
    return make.job_pod(address, annotated=None, container_id="")


def seen(pod: c.Pod, **more: Any) -> c.Snapshot:
    return c.Snapshot(pods=(pod,), namespaces=(PLAIN,), **more)


NOT_CALICO = {
    "AmazonVPC with Calico for policies, installed by the operator": seen(bare("10.0.5.9"), pools=()),
    "AmazonVPC, a pool from a manifest": seen(bare("10.0.5.9"), pools=DEFAULT_POOL, blocks=(), blocks_exist=False),
    "AmazonVPC, blocks not readable": seen(bare("10.0.5.9"), pools=DEFAULT_POOL),
    "Azure, whose addresses happen to lie in a pool": seen(
        bare("172.16.84.128"), pools=POOLS, blocks=(), blocks_exist=False
    ),
    "GKE: Calico's plugin on host-local, a pool over the node ranges": seen(
        POD, pools=POOLS, blocks=(), blocks_exist=False
    ),
    "host-local beside an address in no pool": seen(
        make.job_pod("10.244.1.7"), pools=POOLS, blocks=(), blocks_exist=False
    ),
    "etcd datastore: no pool in Kubernetes": seen(POD, pools=(), blocks=None),
    "another CNI plugin, nothing of Calico given": seen(bare("10.42.0.9")),
}


@pytest.mark.parametrize("snapshot", NOT_CALICO.values(), ids=NOT_CALICO)
def test_a_cluster_without_calicos_ipam_is_one_line_and_no_verdict(snapshot: c.Snapshot) -> None:
    judgement = judge(POLICY, snapshot, now=make.NOW)
    assert [finding.code.name for finding in judgement.findings] == ["calico-ipam-absent"]
    assert judgement.verdicts == ()
    assert judgement.outcome is Outcome.UNKNOWN
    assert judgement.counts.other == 1


CALICO = {
    "its block is there": (seen(POD, pools=POOLS, blocks=(BLOCK,), blocks_exist=True), []),
    "mixed: a pod of another IPAM where others have blocks": (
        seen(bare("10.0.5.9"), pools=POOLS, blocks=(), blocks_exist=True),
        ["address-in-no-pool", "block-disagrees"],
    ),
    "blocks that were not read": (seen(POD, pools=POOLS), []),
    "blocks that may not be listed": (seen(POD, pools=POOLS, blocks=(BLOCK,), blocks_exist=None), []),
    "a new cluster: the first pod has no address yet": (
        seen(make.job_pod(""), pools=POOLS, blocks=(), blocks_exist=False),
        ["address-pending"],
    ),
    "the last block went with its last pod": (
        seen(structs.replace(POD, phase="Succeeded"), pools=POOLS, blocks=(), blocks_exist=False),
        [],
    ),
    "and the pod that is going": (
        seen(structs.replace(POD, deleting=True), pools=POOLS, blocks=(), blocks_exist=False),
        ["pod-leaving"],
    ),
    "a pod that Calico never annotated, in a pool": (seen(bare("172.16.84.128"), pools=POOLS), []),
    "pools of which one could not be read": (
        seen(POD, pools=(), gaps=(c.Gap(kind=c.Kind.POOLS, reason="torn"),)),
        [],
    ),
}


@pytest.mark.parametrize(("snapshot", "expected"), CALICO.values(), ids=CALICO)
def test_a_cluster_with_calicos_ipam_is_judged_pod_by_pod(snapshot: c.Snapshot, expected: list[str]) -> None:
    (verdict,) = judge(POLICY, snapshot, now=make.NOW).verdicts
    assert sorted(finding.code.name for finding in verdict.findings if finding.code.outcome) == expected


def test_pods_of_the_hosts_network_say_nothing_about_the_ipam() -> None:
    pod = make.job_pod("192.0.2.1", annotated=None, container_id="", host_network=True)
    (verdict,) = judge(POLICY, seen(pod, pools=POOLS), now=make.NOW).verdicts
    assert [finding.code.name for finding in verdict.findings if finding.code.outcome] == ["host-network"]
