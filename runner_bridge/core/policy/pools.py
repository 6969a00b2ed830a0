"""Pools: from shape to values, with everything that Calico would refuse later or, worse, accept."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, TypeAlias

from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy import forms
from runner_bridge.core.policy.model import Encapsulation, Pool, PoolClass, PoolName
from runner_bridge.core.policy.report import did_you_mean, listed, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Network
    from runner_bridge.core.policy.report import Report
    from runner_bridge.core.policy.schema.places import PoolShape

Pools: TypeAlias = dict[str, Pool | None]
"""By name; None for one that is defined but wrong, so that its name is no second problem."""

FEW = 16
"""Fewer blocks than this are worth a word: each node that runs a job needs one."""
DEFAULT_BLOCK = {4: 26, 6: 122}
"""libcalico-go, clientv3/ippool.go."""
BLOCKS = {4: (20, 32), 6: (116, 128)}
"""The CRD's own rule."""

_LINK_LOCAL = {4: ip_network("169.254.0.0/16"), 6: ip_network("fe80::/10")}
_DOCKER = ip_network("172.17.0.0/16")
_SAME_AS = "same-as "


def compile_pools(shapes: Mapping[str, PoolShape], pod_cidrs: tuple[Network, ...], report: Report) -> Pools:
    """Return the pools in the order of the file. Never raises."""
    encapsulations = _Encapsulations(shapes, report)
    pools: Pools = {}
    for name, shape in shapes.items():
        encapsulation = encapsulations.of(name)
        pools[name] = _pool(name, shape, encapsulation, pod_cidrs, report)
    _overlaps([pool for pool in pools.values() if pool], report)
    return pools


def _pool(
    name: str, shape: PoolShape, encapsulation: Encapsulation, pod_cidrs: tuple[Network, ...], report: Report
) -> Pool | None:
    if not forms.is_object_name(name):
        report.add(
            codes.INVALID_VALUE,
            "pools",
            name,
            on_key=True,
            observed=shown(name),
            expected="a name of small letters, digits, - and .",
            cause="It becomes the name of an IPPool and stands in an annotation.",
        )
    cidr = report.read(forms.network, shape.cidr, "pools", name, "cidr")
    if cidr is None:
        return None
    said = (shape.block_size, shape.nat_outgoing, shape.automatic, shape.encapsulation)
    nat = shape.pool_class is PoolClass.NAT if shape.nat_outgoing is None else shape.nat_outgoing
    pool = Pool(
        name=PoolName(name),
        cidr=cidr,
        pool_class=shape.pool_class,
        generated=any(one is not None for one in said) if shape.generate is None else shape.generate,
        block_size=DEFAULT_BLOCK[cidr.version] if shape.block_size is None else shape.block_size,
        nat_outgoing=nat,
        automatic=shape.pool_class is PoolClass.ROUTABLE if shape.automatic is None else shape.automatic,
        encapsulation=encapsulation,
    )
    _range(pool, pod_cidrs, report)
    _blocks(pool, report)
    if pool.cidr.version == 6 and encapsulation in {Encapsulation.IPIP, Encapsulation.IPIP_CROSS_SUBNET}:
        report.add(codes.IPIP_ON_IPV6, "pools", name, "encapsulation", observed=f"{encapsulation} for {pool.cidr}")
    if nat != (pool.pool_class is PoolClass.NAT) and report.is_whole("pools", name):
        report.add(
            codes.CLASS_AND_NAT,
            "pools",
            name,
            "nat_outgoing",
            observed=f"class {pool.pool_class} with nat_outgoing: {str(nat).lower()}",
        )
    return pool if report.is_whole("pools", name) else None


def _range(pool: Pool, pod_cidrs: tuple[Network, ...], report: Report) -> None:
    at = ("pools", pool.name, "cidr")
    if pool.cidr.overlaps(_LINK_LOCAL[pool.cidr.version]):
        report.add(codes.POOL_LINK_LOCAL, *at, observed=str(pool.cidr))
    if pool.cidr.overlaps(_DOCKER):
        report.add(codes.POOL_COVERS_DOCKER, *at, observed=str(pool.cidr), expected="a range without 172.17.0.0/16")
    if pod_cidrs and not any(_within(pool.cidr, cidr) for cidr in pod_cidrs):
        report.add(
            codes.POOL_OUTSIDE_POD_CIDRS, *at, observed=str(pool.cidr), expected=f"a part of {listed(pod_cidrs)}"
        )


def _within(inner: Network, outer: Network) -> bool:
    return (
        inner.version == outer.version
        and outer.network_address <= inner.network_address  # type: ignore[operator]  # same version
        and inner.broadcast_address <= outer.broadcast_address  # type: ignore[operator]  # same version
    )


def _blocks(pool: Pool, report: Report) -> None:
    at = ("pools", pool.name, "block_size")
    least, most = BLOCKS[pool.cidr.version]
    if not least <= pool.block_size <= most:
        report.add(codes.BLOCK_SIZE, *at, observed=str(pool.block_size), expected=f"{least} to {most}")
    elif pool.block_size < pool.cidr.prefixlen:
        report.add(
            codes.BLOCK_SIZE,
            *at,
            observed=f"blocks of /{pool.block_size} in the pool {pool.cidr}",
            expected=f"{max(pool.cidr.prefixlen, least)} to {most}",
            cause="A block would be larger than its pool.",
        )
    elif pool.generated and (count := 1 << (pool.block_size - pool.cidr.prefixlen)) < FEW:
        report.add(
            codes.FEW_BLOCKS,
            *at,
            observed=f"{count} block{'s' * (count > 1)} of /{pool.block_size} in {pool.cidr}",
            cause=f"Only {count} node{'s' * (count > 1)} can have a block of {pool.name} at the same time.",
        )


def _overlaps(pools: list[Pool], report: Report) -> None:
    """Report each pool that overlaps one before it; sorted by first address, one comparison each is enough."""
    widest: dict[int, Pool] = {}
    for pool in sorted(pools, key=lambda one: (one.cidr.version, int(one.cidr.network_address), one.cidr.prefixlen)):
        version = pool.cidr.version
        before = widest.get(version)
        if before is not None and pool.cidr.overlaps(before.cidr):
            _overlap(before, pool, report)
        if before is None or int(pool.cidr.broadcast_address) > int(before.cidr.broadcast_address):
            widest[version] = pool


def _overlap(one: Pool, other: Pool, report: Report) -> None:
    first, later = sorted(
        (one, other), key=lambda pool: (report.order(report.place("pools", pool.name, "cidr")), pool.name)
    )
    report.add(
        codes.POOLS_OVERLAP,
        "pools",
        later.name,
        "cidr",
        observed=f"{later.cidr}, and {first.name} with {first.cidr} at {report.place('pools', first.name, 'cidr')}",
        expected="ranges without a common address",
    )


class _Encapsulations:
    """Resolves `same-as`."""

    def __init__(self, shapes: Mapping[str, PoolShape], report: Report) -> None:
        self._shapes = shapes
        self._report = report
        self._known: dict[str, Encapsulation] = {}

    def of(self, name: str) -> Encapsulation:
        """Return the encapsulation of a pool; `none` where none can be found, which is then reported."""
        chain: list[str] = []
        while name not in self._known:
            if name in chain:
                self._circle(chain[chain.index(name) :])
                self._known[name] = Encapsulation.NONE
                break
            chain.append(name)
            target = self._target(name)
            if target is None:
                break
            name = target
        for link in chain:
            self._known[link] = self._known[name]
        return self._known[name]

    def _target(self, name: str) -> str | None:
        """Return the pool whose encapsulation is taken; None where the pool's own one is now known."""
        written = self._shapes[name].encapsulation
        at = ("pools", name, "encapsulation")
        if written is not None and written.startswith(_SAME_AS):
            target = written.removeprefix(_SAME_AS).strip()
            if target in self._shapes:
                self._assumed(name, target)
                return target
            self._report.unknown_name(codes.UNKNOWN_NAME, *at, value=target, known=self._shapes, what="pools")
        elif written is not None and written not in set(Encapsulation):
            words = [*Encapsulation, "same-as POOL"]
            self._report.add(
                codes.INVALID_VALUE,
                *at,
                observed=shown(written),
                expected=listed(words),
                remedy=did_you_mean(written, words),
            )
        self._known[name] = Encapsulation(written) if written in set(Encapsulation) else Encapsulation.NONE
        return None

    def _assumed(self, name: str, target: str) -> None:
        shape = self._shapes[target]
        said = (shape.block_size, shape.nat_outgoing, shape.automatic, shape.encapsulation)
        silent = shape.encapsulation is None and not (shape.generate or any(one is not None for one in said))
        if silent and self._report.is_whole("pools", target):
            self._report.add(
                codes.ENCAPSULATION_ASSUMED,
                "pools",
                name,
                "encapsulation",
                observed=f"same-as {target}, which says none",
                remedy=f"Add what {target} has to it: encapsulation, and generate: false.",
            )

    def _circle(self, names: list[str]) -> None:
        self._report.add(
            codes.ENCAPSULATION_CIRCLE,
            "pools",
            names[0],
            "encapsulation",
            observed=" → ".join([*names, names[0]]),
            expected="one of them with an encapsulation of its own",
        )
