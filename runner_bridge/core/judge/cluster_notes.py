"""
Findings about the cluster as a whole: said once, not once per pod.

They name what makes many verdicts uncertain: lists that are not complete, overlapping pools or blocks, a family that
nobody declared, and the cluster in which Calico does not give the addresses at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from runner_bridge.core.judge.problem import Problem, listed, quote
from runner_bridge.core.judge.waivers import Match
from runner_bridge.core.model.codes import job_pods as codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.judge.evidence import Evidence
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Block, Network, Pod
    from runner_bridge.core.model.verdict import Verdict

T = TypeVar("T")


def calico_absent(evidence: Evidence) -> Finding | None:
    """
    Return the one line for a cluster where Calico IPAM is not in use or not readable; None where it is in use.

    Not in use: there is no pool; or there are pools, pods with addresses, and not one block in the whole cluster, for
    Calico's IPAM writes the block before a pod has its address. So Calico's policy-only installations are told from
    its own IPAM: with AmazonVPC, Azure, GKE or host-local IPAM the pods may even carry Calico's annotations. A node's
    podCIDR proves nothing, because Kubernetes may hand it out without anybody using it. One block makes it in use, and
    pods beside it that have their addresses from elsewhere are judged one by one.
    Where blocks were not read: a pod that Calico's plugin annotated, or whose address lies in a pool, shows that it is.
    With no pod on a network nothing is said. Never raises.
    """
    subject = f"cluster {evidence.ground.policy.cluster.name}"
    if evidence.ground.pools_given and not evidence.ground.pools:
        if not evidence.ground.pools_complete:
            return None
        return Problem(codes.CALICO_IPAM_ABSENT, "no IPPool", "Calico's pools").on(subject)
    networked = [pod for pod in evidence.pods if pod.addresses and not pod.host_network]
    if evidence.ground.pools_given and evidence.blocks_exist is not None:
        holders = sum(not (pod.finished or pod.deleting or pod.annotated == ()) for pod in networked)
        if evidence.blocks_exist or not holders:
            return None
        seen = f"{len(evidence.ground.pools)} pools and {holders} pods with addresses, but not one block"
        return Problem(codes.CALICO_IPAM_ABSENT, seen, "blocks that hold the addresses of pods").on(subject)
    if not networked or any(_shows_calico(evidence, pod) for pod in evidence.pods):
        return None
    pool = "pool" if evidence.ground.pools_given else "declared pool"
    seen = f"{len(networked)} pods with addresses, none annotated by Calico, none in a {pool}"
    return Problem(codes.CALICO_IPAM_ABSENT, seen, "Calico's traces on pods").on(subject)


def _shows_calico(evidence: Evidence, pod: Pod) -> bool:
    if pod.annotated is not None or pod.container_id:
        return True
    return not pod.host_network and any(evidence.ground.covering_pool(address)[0] for address in pod.addresses)


def cluster_findings(evidence: Evidence, verdicts: Sequence[Verdict]) -> list[tuple[Finding, Match]]:
    """Return the findings about the cluster, in a fixed order, each with what a waiver can match. Never raises."""
    found = _incomplete(evidence)
    found += _blocks_overlap(evidence)
    found += _undeclared_families(evidence, verdicts)
    found += _unchecked_projects(evidence, verdicts)
    anywhere = Match()
    return [*_pools_overlap(evidence), *_pools_differ(evidence), *((finding, anywhere) for finding in found)]


def _incomplete(evidence: Evidence) -> list[Finding]:
    found = [
        Problem(codes.SNAPSHOT_INCOMPLETE, quote(gap.reason), f"all {gap.kind}").on(str(gap.kind))
        for gap in sorted(set(evidence.gaps), key=lambda gap: (gap.kind, gap.reason))
    ]
    found += [
        Problem(codes.SNAPSHOT_INCOMPLETE, quote(problem), "a block that can be read").on(f"block {block.cidr}")
        for block in sorted(evidence.live_blocks, key=_block_order)
        for problem in block.problems
    ]
    return found


def _pools_overlap(evidence: Evidence) -> list[tuple[Finding, Match]]:
    enabled = [pool for pool in evidence.ground.pools if pool.enabled]
    return [
        (
            Problem(codes.POOLS_OVERLAP, f"{one.cidr} and {two.cidr}", "ranges apart from each other").on(
                f"pools {quote(one.name)} and {quote(two.name)}"
            ),
            Match(pools=(one.name, two.name)),
        )
        for one, two in _overlapping([(pool.cidr, pool) for pool in enabled])
    ]


def _pools_differ(evidence: Evidence) -> list[tuple[Finding, Match]]:
    found = []
    for pool in evidence.ground.policy.pools.values():
        seen = evidence.ground.pools_by_name.get(pool.name)
        if seen is not None and seen.cidr != pool.cidr:
            finding = Problem(codes.POOL_DIFFERS, str(seen.cidr), str(pool.cidr)).on(f"pool {pool.name}")
            found.append((finding, Match(pools=(pool.name,))))
    return found


def _blocks_overlap(evidence: Evidence) -> list[Finding]:
    return [
        Problem(codes.BLOCKS_OVERLAP, f"{one.cidr} and {two.cidr}", "ranges apart from each other").on(
            f"blocks of {listed(sorted({one.node or 'no node', two.node or 'no node'}))}"
        )
        for one, two in _overlapping([(block.cidr, block) for block in evidence.live_blocks])
    ]


def _undeclared_families(evidence: Evidence, verdicts: Sequence[Verdict]) -> list[Finding]:
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for verdict in verdicts:
        if len(verdict.assigned) < 2 or not verdict.tier:
            continue
        for one in verdict.assigned:
            family = f"IPv{one.address.version}"
            if family not in evidence.ground.declared_families:
                counts[family] = counts.get(family, 0) + 1
                example = f"{one.address} of {verdict.namespace}/{verdict.pod}"
                examples[family] = min(examples.get(family, example), example)
    return [
        Problem(
            codes.FAMILY_UNDECLARED,
            observed=f"{counts[family]} job pods, for example {quote(examples[family])}",
            expected=f"a pool of {family} in the policy, or job pods without {family}",
        ).on(f"cluster {evidence.ground.policy.cluster.name}")
        for family in sorted(counts)
    ]


def _unchecked_projects(evidence: Evidence, verdicts: Sequence[Verdict]) -> list[Finding]:
    unchecked = {one.project for one in verdicts if one.tier and not evidence.ground.place(one.project).checked}
    if not unchecked:
        return []
    pods = sum(one.tier != "" and one.project in unchecked for one in verdicts)
    what = "not in the list of projects" if evidence.ground.projects is not None else "no list of projects was given"
    return [
        Problem(
            codes.PROJECT_UNCHECKED,
            observed=f"{pods} job pods of {len(unchecked)} projects, {what}",
            expected="each project's path",
            cause="Their tier is taken from the runner.",
        ).on("projects")
    ]


def assumptions(evidence: Evidence) -> tuple[str, ...]:
    """Return what is taken for granted because nobody gave the evidence, one sentence each."""
    found: list[str] = []
    if not evidence.namespaces_given:
        found.append("No namespaces were given: they are assumed to carry no pool annotation.")
    if not evidence.blocks_given:
        found.append("No blocks were given: addresses are as the pods' status says.")
    if not evidence.ground.pools_given:
        found.append("No pools were given: those of the policy are assumed to exist, with the same names.")
    return tuple(found)


def _block_order(block: Block) -> tuple[object, ...]:
    return _range_order(block.cidr)


def _range_order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen


def _overlapping(items: list[tuple[Network, T]]) -> list[tuple[T, T]]:
    """Return the pairs whose ranges overlap, in order of their addresses; a sweep, not every pair."""
    found: list[tuple[T, T]] = []
    open_ranges: list[tuple[Network, T]] = []
    for network, value in sorted(items, key=lambda item: _range_order(item[0])):
        open_ranges = [one for one in open_ranges if one[0].overlaps(network)]
        found += [(other, value) for _, other in open_ranges]
        open_ranges.append((network, value))
    return found
