"""Rules between pools: of one file, and of all files of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.lint.ip_pools.alone import overlaps
from runner_bridge.core.lint.ip_pools.manifest import Group
from runner_bridge.core.lint.ip_pools.report import report
from runner_bridge.core.model.codes import ip_pools as codes
from runner_bridge.core.policy.model import PoolName

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_bridge.core.lint.context import Context
    from runner_bridge.core.lint.ip_pools.manifest import Manifest
    from runner_bridge.core.model import Finding


def lint(pools: Sequence[Manifest], context: Context) -> Iterator[Finding]:
    """Yield what is wrong between pools, at the one that comes later in the run."""
    yield from _groups(pools)
    yield from _twice(pools)
    yield from _overlaps(pools)
    yield from _order(pools, context)
    yield from _carried(pools)


def _groups(pools: Sequence[Manifest]) -> Iterator[Finding]:
    first: dict[str, Manifest] = {}
    done = set()
    for pool in pools:
        if pool.group is Group.OPERATOR:
            continue
        other = first.setdefault(pool.place.file, pool)
        if other.group is not pool.group and pool.place.file not in done:
            done.add(pool.place.file)
            yield report(
                codes.BOTH_GROUPS,
                subject=pool.subject,
                place=pool.place,
                observed=f"{pool.group} here and {other.group} in line {other.place.line}",
                expected="one group in one file",
            )


def _twice(pools: Sequence[Manifest]) -> Iterator[Finding]:
    first: dict[tuple[str, Group, str], Manifest] = {}
    for pool in pools:
        other = first.setdefault((pool.place.file, pool.group, pool.name), pool)
        if other is not pool and pool.name:
            yield report(
                codes.NAMED_TWICE,
                subject=pool.subject,
                place=pool.place,
                observed=f"the name stands in line {other.place.line} already",
                expected="each pool once",
            )


def _overlaps(pools: Sequence[Manifest]) -> Iterator[Finding]:
    """
    Find pools inside of others: networks nest or are apart, so those that hold an address form a chain.

    One pool through both API groups, or in the file of another cluster, has one name: that is no overlap.
    """
    place_of = {id(pool): number for number, pool in enumerate(pools)}
    found = []
    chain: list[Manifest] = []
    for pool, cidr in sorted(
        ((pool, pool.cidr) for pool in pools if pool.cidr is not None and not pool.disabled),
        key=lambda pair: (pair[1].version, int(pair[1].network_address), pair[1].prefixlen),
    ):
        while chain and chain[-1].cidr is not None and not overlaps(chain[-1].cidr, cidr):
            chain.pop()
        outer = next((one for one in reversed(chain) if one.name != pool.name), None)
        if outer is not None:
            found.append(sorted((pool, outer), key=lambda one: place_of[id(one)]))
        chain.append(pool)
    for earlier, later in sorted(found, key=lambda pair: place_of[id(pair[1])]):
        yield report(
            codes.OVERLAP,
            subject=later.subject,
            place=later.at("cidr"),
            observed=f"{later.cidr}, which shares addresses with {earlier.cidr} of {earlier.name} ({earlier.place})",
            expected="ranges without a common address",
        )


def _order(pools: Sequence[Manifest], context: Context) -> Iterator[Finding]:
    """Find automatic pools between which only the name decides, although their traffic leaves differently."""
    for version in (4, 6):
        rivals = {
            pool.name: pool
            for pool in pools
            if pool.is_open and pool.serves_pods and pool.cidr is not None and pool.cidr.version == version
        }
        if len({_leaves(pool, context) for pool in rivals.values()}) < 2:
            continue
        names = sorted(rivals)
        first = rivals[names[0]]
        others = ", ".join(f"{name} ({_leaves(rivals[name], context)})" for name in names[1:])
        yield report(
            codes.AUTOMATIC_ORDER,
            subject=first.subject,
            place=first.place,
            observed=f"{first.name} ({_leaves(first, context)}) beside {others}",
            expected="one kind of pool for pods that name none",
            cause=f"A node without a block yet takes its first one from {first.name}, whose name sorts first.",
        )


def _leaves(pool: Manifest, context: Context) -> str:
    declared = context.policy.pools.get(PoolName(pool.name)) if context.policy else None
    if declared:
        return f"class {declared.pool_class}"
    return "with NAT" if pool.nat_outgoing else "without NAT"


def _carried(pools: Sequence[Manifest]) -> Iterator[Finding]:
    """Find the first pool of each family whose kind of encapsulation is another than that of the pool before it."""
    for version in (4, 6):
        kinds: dict[str, Manifest] = {}
        for pool in pools:
            written = pool.ipip or pool.vxlan
            if written and pool.serves_pods and pool.cidr is not None and pool.cidr.version == version:
                kinds.setdefault(_kind(pool), pool)
        if len(kinds) > 1:
            (one, first), (other, second), *_ = kinds.items()
            yield report(
                codes.ENCAPSULATION_DIFFERS,
                subject=second.subject,
                place=second.at("vxlanMode" if other == "VXLAN" else "ipipMode"),
                observed=f"{other} here, {one} for {first.name}",
                expected="the encapsulation of the other pools",
            )


def _kind(pool: Manifest) -> str:
    if pool.ipip not in {"", "Never"}:
        return "IPIP"
    return "VXLAN" if pool.vxlan not in {"", "Never"} else "no encapsulation"
