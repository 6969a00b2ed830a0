"""What a cluster's pools, blocks and kube-proxy say beside what the policy says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_bridge.core.blocks import DEFAULT_SIZE
from runner_bridge.core.judge.problem import quote
from runner_bridge.core.lint import ip_pools
from runner_bridge.core.lint.context import Context
from runner_bridge.core.model import Finding
from runner_bridge.core.model.codes import doctor as codes
from runner_bridge.core.model.codes import ip_pools as pool_codes
from runner_bridge.core.model.codes import job_pods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model.cluster import Block, IPPool, Network
    from runner_bridge.core.policy.model import Policy, Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The answers of a cluster; None for what was not to be had."""

    pools: tuple[IPPool, ...] | None
    pools_text: str = ""
    """The same as the cluster sent them, JSON, for the rules of `lint`."""
    blocks: tuple[Block, ...] | None = None
    blocks_served: bool = True
    explanation: str = ""
    """How Calico's API is served here, one sentence without full stop."""
    nodes: int | None = None
    calico: tuple[int, int] | None = None
    """Calico's version, `(3, 32)`."""
    proxy_ranges: tuple[Network, ...] = ()
    """kube-proxy's clusterCIDR, where it goes by that; empty where it does not or is not known."""


def examine(picture: Picture, policy: Policy) -> tuple[Finding, ...]:
    """Return what does not fit, errors among pools first. Never raises."""
    if not picture.pools:
        return tuple(_absent(picture, policy))
    return (
        *_served(picture),
        *_declared(picture.pools, policy),
        *_overlaps(picture.pools),
        *_blocks(picture.blocks or (), picture.pools),
        *_proxy(picture, policy),
        *_linted(picture, policy),
    )


def _absent(picture: Picture, policy: Policy) -> Iterator[Finding]:
    if picture.pools is None:
        return  # they may not be read, and that is said as a right that is missing
    cause = f"{picture.explanation[:1].upper()}{picture.explanation[1:]}." if picture.explanation else ""
    yield Finding(
        code=job_pods.CALICO_IPAM_ABSENT,
        subject=f"cluster {policy.cluster.name}",
        observed="no IPPool",
        expected="Calico's pools",
        cause=cause,
    )


def _served(picture: Picture) -> Iterator[Finding]:
    if not picture.blocks_served:
        yield Finding(code=codes.BLOCKS_NOT_SERVED, subject="ipamblocks", observed=picture.explanation)


def _declared(pools: tuple[IPPool, ...], policy: Policy) -> Iterator[Finding]:
    found = {pool.name: pool for pool in pools}
    for declared in policy.pools.values():
        seen = found.get(declared.name)
        if seen is None:
            yield Finding(
                code=codes.POOL_MISSING,
                subject=f"pool {declared.name}",
                observed="not there",
                expected=f"an IPPool {declared.name} with {declared.cidr}",
                cause=_who_waits(declared, policy),
            )
        elif why := _gives_nothing(seen):
            yield Finding(
                code=codes.POOL_GIVES_NOTHING,
                subject=f"pool {declared.name}",
                observed=why,
                expected="enabled, with Workload among its uses",
                cause=_who_waits(declared, policy),
            )


def _who_waits(declared: Pool, policy: Policy) -> str:
    names = [tier.name for tier in policy.tiers.values() if tier.pin and declared in tier.pools]
    return f"Every job of tier {', '.join(names)} that asks for it would wait and fail." if names else ""


def _gives_nothing(pool: IPPool) -> str:
    if pool.disabled:
        return "disabled"
    if pool.deleting:
        return "being deleted"
    if pool.allocatable is False:
        return f"not allocatable: {quote(pool.reason or 'no reason given')}"
    if pool.allowed_uses and "Workload" not in pool.allowed_uses:
        return f"allowedUses {', '.join(map(quote, pool.allowed_uses))}"
    return ""


def _overlaps(pools: tuple[IPPool, ...]) -> Iterator[Finding]:
    enabled = sorted((pool for pool in pools if pool.enabled), key=lambda pool: pool.name)
    for position, one in enumerate(enabled):
        for other in enabled[position + 1 :]:
            if one.cidr.version == other.cidr.version and one.cidr.overlaps(other.cidr):
                yield Finding(
                    code=job_pods.POOLS_OVERLAP,
                    subject=f"pools {quote(one.name)} and {quote(other.name)}",
                    observed=f"{one.cidr} and {other.cidr}",
                    expected="ranges apart from each other",
                )


def _blocks(blocks: tuple[Block, ...], pools: tuple[IPPool, ...]) -> Iterator[Finding]:
    """Count blocks per pool that do not fit, and tell of each pool once."""
    odd: Counter[str] = Counter()
    example: dict[str, Block] = {}
    for block in blocks:
        if block.deleted:
            continue
        around = [pool for pool in pools if _holds(pool, block)]
        if not around and block.allocations:
            yield Finding(
                code=codes.BLOCK_IN_NO_POOL,
                subject=f"block {block.cidr}",
                observed=f"{len(block.allocations)} addresses in use on {quote(block.node or 'no node')}",
                expected="a pool around it",
            )
        for pool in around:
            if block.cidr.prefixlen != _size(pool):
                odd[pool.name] += 1
                example.setdefault(pool.name, block)
    for pool in pools:
        if count := odd[pool.name]:
            yield Finding(
                code=codes.BLOCK_SIZE_DIFFERS,
                subject=f"pool {pool.name}",
                observed=f"{count} of them, for example {example[pool.name].cidr}",
                expected=f"blocks of /{_size(pool)}",
            )


def _holds(pool: IPPool, block: Block) -> bool:
    return pool.cidr.version == block.cidr.version and block.cidr.network_address in pool.cidr


def _size(pool: IPPool) -> int:
    return pool.block_size or DEFAULT_SIZE[pool.cidr.version]


def _proxy(picture: Picture, policy: Policy) -> Iterator[Finding]:
    for pool in picture.pools or ():
        ranges = [one for one in picture.proxy_ranges if one.version == pool.cidr.version]
        inside = any(
            int(one.network_address) <= int(pool.cidr.network_address)
            and int(pool.cidr.broadcast_address) <= int(one.broadcast_address)
            for one in ranges
        )
        if ranges and not inside and pool.name in policy.pools:
            yield Finding(
                code=codes.PROXY_RANGE,
                subject=f"pool {pool.name}",
                observed=f"{pool.cidr}, clusterCIDR is {', '.join(map(str, ranges))}",
                expected="a clusterCIDR around it",
            )


def _linted(picture: Picture, policy: Policy) -> Iterator[Finding]:
    """Take the findings of `lint`; a place in the cluster's answer means nothing to a reader."""
    context = Context(nodes=picture.nodes, calico=picture.calico, policy=policy)
    said = {pool_codes.OVERLAP, pool_codes.DISABLED}  # with what it means here
    for finding in ip_pools.lint([(picture.pools_text, "the cluster")], context):
        if finding.code not in said:
            yield replace(finding, place=None, excerpt=())
