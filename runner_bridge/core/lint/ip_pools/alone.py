"""
Rules about one pool.

The rules of the CustomResourceDefinition are those that Calico compiles into it (api/pkg/apis/projectcalico/v3/
ippool.go, XValidation markers); the others are what the API server stores without a word.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from runner_bridge.core.lint.ip_pools.manifest import Group
from runner_bridge.core.lint.ip_pools.report import in_quotes, report
from runner_bridge.core.model.codes import ip_pools as codes
from runner_bridge.core.policy.model import Encapsulation, PoolClass, PoolName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.lint.context import Context
    from runner_bridge.core.lint.ip_pools.manifest import Manifest, Network
    from runner_bridge.core.lint.selector import Selector
    from runner_bridge.core.model import Code, Finding, Place
    from runner_bridge.core.policy.model import Policy, Pool

_LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))
_DOCKER = ip_network("172.17.0.0/16")
_PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_SIZES = {4: range(20, 33), 6: range(116, 129)}

_MANUAL_SINCE = (3, 30)
_NAMESPACES_SINCE = (3, 31)


def lint(pool: Manifest, context: Context) -> Iterator[Finding]:
    """Yield what is wrong with a pool by itself, and against the policy if there is one."""
    yield from _address(pool)
    yield from _blocks(pool, context)
    yield from _carried(pool)
    yield from _selectors(pool)
    yield from _uses(pool)
    yield from _versions(pool, context)
    yield from _told(pool)
    declared = _declared(pool, context)
    yield from _against_policy(pool, declared) if declared else _nat(pool)
    if not declared and context.policy:
        yield from _misnamed(pool, context.policy)


def _finding(
    code: Code,
    pool: Manifest,
    place: Place,
    observed: str,
    *,
    expected: str = "",
    cause: str = "",
    remedy: str = "",
) -> Finding:
    return report(
        code, subject=pool.subject, place=place, observed=observed, expected=expected, cause=cause, remedy=remedy
    )


def overlaps(one: Network, other: Network) -> bool:
    """Tell whether two networks share an address; those of different families never do."""
    return one.version == other.version and one.overlaps(other)


def _address(pool: Manifest) -> Iterator[Finding]:
    if pool.cidr is None:
        return
    place = pool.at("cidr")
    for network in _LINK_LOCAL:
        if overlaps(pool.cidr, network):
            yield _finding(codes.LINK_LOCAL, pool, place, str(pool.cidr), expected=f"no address of {network}")
    if overlaps(pool.cidr, _DOCKER):
        yield _finding(codes.DOCKER_RANGE, pool, place, str(pool.cidr), expected=f"no address of {_DOCKER}")


def _blocks(pool: Manifest, context: Context) -> Iterator[Finding]:
    if "blockSize" in pool.unread:
        return
    if not pool.block_size and pool.group is not Group.OPERATOR:
        seen = "blockSize: 0" if "blockSize" in pool.nodes else "no blockSize"
        yield _finding(codes.BLOCK_SIZE_ABSENT, pool, pool.at("blockSize"), seen)
    if pool.cidr is None:
        return
    sizes, size, place = _SIZES[pool.cidr.version], pool.size_in_force, pool.at("blockSize")
    if size not in sizes:
        expected = f"{sizes.start} to {sizes.stop - 1} for an IPv{pool.cidr.version} pool"
        yield _finding(codes.BLOCK_SIZE_RANGE, pool, place, f"blockSize: {size}", expected=expected)
        return
    blocks = 2 ** (size - pool.cidr.prefixlen) if size >= pool.cidr.prefixlen else 0
    seen = f"{pool.cidr} with blocks of /{size}"
    if not blocks and not pool.disabled:
        yield _finding(codes.SMALLER_THAN_BLOCK, pool, place, seen, expected=f"at most /{size} as the pool")
    elif context.nodes and blocks < context.nodes and pool.serves_pods:
        yield _finding(
            codes.TOO_FEW_BLOCKS,
            pool,
            place,
            f"{seen}: {blocks:,} {'block' if blocks == 1 else 'blocks'}",
            expected=f"at least {context.nodes:,}, one for each node",
        )


def _carried(pool: Manifest) -> Iterator[Finding]:
    ipip, vxlan = pool.ipip not in {"", "Never"}, pool.vxlan not in {"", "Never"}
    if ipip and vxlan:
        seen = f"ipipMode: {pool.ipip} and vxlanMode: {pool.vxlan}"
        yield _finding(codes.TWO_ENCAPSULATIONS, pool, pool.at("vxlanMode"), seen, expected="Never for one of them")
    if ipip and pool.cidr and pool.cidr.version == 6:
        seen = f"{pool.cidr} with IPIP"
        yield _finding(codes.IPIP_ON_IPV6, pool, pool.at("ipipMode"), seen, expected="vxlanMode, or Never")
    if (
        not pool.ipip
        and not pool.vxlan
        and pool.group is not Group.OPERATOR
        and "LoadBalancer" not in pool.allowed_uses
    ):
        yield _finding(codes.ENCAPSULATION_ABSENT, pool, pool.place, "neither ipipMode nor vxlanMode")


def _selectors(pool: Manifest) -> Iterator[Finding]:
    for name, selector in (("nodeSelector", pool.node_selector), ("namespaceSelector", pool.namespace_selector)):
        node = pool.nodes.get(name)
        if selector is None or node is None:
            continue
        if "global(" in node.text:
            seen = f"{name}: {in_quotes(node.text)}"
            yield _finding(codes.SELECTOR_GLOBAL, pool, node.place, seen, expected="all(), or labels")
        elif not selector.is_well_formed:
            yield _unreadable(pool, name, selector)


def _unreadable(pool: Manifest, name: str, selector: Selector) -> Finding:
    asleep = pool.manual or pool.disabled
    return _finding(
        codes.SELECTOR_INVALID if asleep else codes.SELECTOR_BREAKS_PODS,
        pool,
        pool.nodes[name].inner_place(1, selector.start + 1, selector.end + 1),
        selector.observed,
        expected=selector.expected,
        cause=f"{name} is {in_quotes(pool.nodes[name].text)}."
        + ("" if asleep else " Once this is applied, no pod of the cluster that names no pool gets an address."),
    )


def _uses(pool: Manifest) -> Iterator[Finding]:
    place = pool.at("allowedUses")
    # The pool that every pod may use is the one that nodes take tunnel addresses from, as they should.
    silent = not pool.allowed_uses and "allowedUses" not in pool.unread
    if silent and not pool.disabled and not pool.is_open:
        seen = "an empty allowedUses" if "allowedUses" in pool.nodes else "no allowedUses"
        yield _finding(codes.ALLOWED_USES_ABSENT, pool, place, seen)
    if "Tunnel" in pool.allowed_uses and pool.namespace_selector is not None:
        seen = "Tunnel together with a namespaceSelector"
        yield _finding(codes.TUNNEL_NAMESPACE, pool, place, seen, expected="one of the two")
    if "LoadBalancer" not in pool.allowed_uses:
        return
    excluded = (
        (len(set(pool.allowed_uses)) > 1, "allowedUses", f"allowedUses: {', '.join(pool.allowed_uses)}"),
        (pool.ipip not in {"", "Never"}, "ipipMode", "IPIP"),
        (pool.vxlan not in {"", "Never"}, "vxlanMode", "VXLAN"),
        (pool.disable_bgp_export, "disableBGPExport", "disableBGPExport: true"),
        (pool.node_selector.matches is not True, "nodeSelector", "a nodeSelector other than all()"),
    )
    for wrong, name, seen in excluded:
        if wrong:
            yield _finding(codes.LOAD_BALANCER, pool, pool.at(name), seen, expected="LoadBalancer alone")


def _versions(pool: Manifest, context: Context) -> Iterator[Finding]:
    """Find what only a new enough Calico honours, where nothing else keeps ordinary pods out."""
    version = context.calico_version
    if pool.disabled or pool.node_selector.matches is False:
        return
    needs = []
    if pool.manual:
        needs.append(("assignmentMode", _MANUAL_SINCE))
    if pool.namespace_selector is not None and not (pool.manual and version and version >= _MANUAL_SINCE):
        needs.append(("namespaceSelector", _NAMESPACES_SINCE))
    for name, since in needs:
        expected = f"v{since[0]}.{since[1]} or newer"
        if version is None:
            yield _finding(codes.FIELD_NEEDS_VERSION, pool, pool.at(name), name, expected=expected)
        elif version < since:
            seen = f"{name} on Calico v{version[0]}.{version[1]}"
            yield _finding(codes.FIELD_IGNORED, pool, pool.at(name), seen, expected=expected)


def _told(pool: Manifest) -> Iterator[Finding]:
    """Find what is as it should be and still often misunderstood."""
    if pool.disabled:
        yield _finding(codes.DISABLED, pool, pool.at("disabled"), "disabled: true")
    if pool.disable_bgp_export:
        yield _finding(codes.BGP_EXPORT, pool, pool.at("disableBGPExport"), "disableBGPExport: true")
    restricts = pool.node_selector.is_well_formed and pool.node_selector.matches is not True
    restrictions = (
        ("namespaceSelector", pool.namespace_selector is not None),
        ("nodeSelector", restricts),
        ("assignmentMode", pool.manual),
    )
    for name, applies in restrictions:
        node = pool.nodes.get(name)
        if applies and node is not None and pool.serves_pods and "global(" not in node.text:
            seen = f"{name}: {in_quotes(node.text)}"
            yield _finding(codes.SELECTOR_NOT_PROTECTION, pool, node.place, seen)
            return


def _nat(pool: Manifest) -> Iterator[Finding]:
    private = (
        pool.cidr is not None
        and "natOutgoing" not in pool.unread
        and any(overlaps(pool.cidr, network) for network in _PRIVATE)
    )
    if private and pool.is_closed and pool.serves_pods and not pool.nat_outgoing:
        seen = "natOutgoing: false" if "natOutgoing" in pool.nodes else "no natOutgoing"
        yield _finding(codes.NAT_OFF, pool, pool.at("natOutgoing"), f"{pool.cidr} with {seen}")


_CARRIED = {
    Encapsulation.NONE: ("Never", "Never"),
    Encapsulation.IPIP: ("Always", "Never"),
    Encapsulation.IPIP_CROSS_SUBNET: ("CrossSubnet", "Never"),
    Encapsulation.VXLAN: ("Never", "Always"),
    Encapsulation.VXLAN_CROSS_SUBNET: ("Never", "CrossSubnet"),
}


def _declared(pool: Manifest, context: Context) -> Pool | None:
    return context.policy.pools.get(PoolName(pool.name)) if context.policy else None


def _misnamed(pool: Manifest, policy: Policy) -> Iterator[Finding]:
    for other in policy.pools.values():
        if other.cidr == pool.cidr:
            seen = f"{pool.cidr} as {in_quotes(pool.name)}"
            expected = f"the policy's name {in_quotes(other.name)}"
            yield _finding(codes.DIFFERS_FROM_POLICY, pool, pool.place, seen, expected=expected)


def _against_policy(pool: Manifest, declared: Pool) -> Iterator[Finding]:
    natted = declared.nat_outgoing if declared.generated else declared.pool_class is PoolClass.NAT
    if pool.nat_outgoing != natted and "natOutgoing" not in pool.unread:
        seen = f"natOutgoing: {str(pool.nat_outgoing).lower()}"
        expected = f"{str(natted).lower()} for a pool of class {declared.pool_class}"
        yield _finding(codes.NAT_AGAINST_CLASS, pool, pool.at("natOutgoing"), seen, expected=expected)
    for name, seen, expected in _differences(pool, declared):
        yield _finding(codes.DIFFERS_FROM_POLICY, pool, pool.at(name), seen, expected=expected)


def _differences(pool: Manifest, declared: Pool) -> Iterator[tuple[str, str, str]]:
    """Yield field, what is seen, what the policy says."""
    if pool.cidr is not None and pool.cidr != declared.cidr:
        yield "cidr", f"cidr: {pool.cidr}", str(declared.cidr)
    if not pool.serves_pods:
        yield (
            ("disabled", "disabled: true", "false")
            if pool.disabled
            else (
                "allowedUses",
                f"allowedUses: {', '.join(pool.allowed_uses)}",
                "Workload among them",
            )
        )
    if not declared.generated:
        return
    if pool.cidr is not None and pool.size_in_force != declared.block_size:
        yield "blockSize", f"blockSize: {pool.size_in_force}", str(declared.block_size)
    if pool.is_open and not declared.automatic:
        yield "nodeSelector", "a pool that every pod may get an address of", '"!all()" or assignmentMode: Manual'
    ipip, vxlan = _CARRIED[declared.encapsulation]
    if (pool.ipip or "Never", pool.vxlan or "Never") != (ipip, vxlan) and pool.group is not Group.OPERATOR:
        seen = f"ipipMode: {pool.ipip or 'Never'}, vxlanMode: {pool.vxlan or 'Never'}"
        yield "ipipMode", seen, f"ipipMode: {ipip}, vxlanMode: {vxlan}"
