"""
Calico's objects as they lie on the wire → `model.cluster`: IPPool and IPAMBlock of both API groups.

`crd.projectcalico.org/v1` and `projectcalico.org/v3` differ in spelling and in whether a boolean is one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import ip_network
from sys import intern

from msgspec import Struct, field
from msgspec.structs import replace

from runner_bridge.core.model import cluster
from runner_bridge.core.redact import redact
from runner_bridge.core.wire import objects  # noqa: TC001 - msgspec resolves the annotations of fields

# Go's default text of a time: `2026-08-22 13:33:20.123456789 +0000 UTC`; trailing zeros of the fraction are left out.
_GO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(?:([+-]\d\d):?(\d\d)|Z)")


class PoolSpec(Struct, gc=False, rename="camel"):
    """`spec` of an IPPool of either group; `nat-outgoing` is the spelling of objects made by Calico before 3."""

    cidr: str | None = None
    disabled: objects.Flag = None
    nat_outgoing: objects.Flag = None
    nat_outgoing_old: objects.Flag = field(default=None, name="nat-outgoing")
    block_size: int | None = None
    allowed_uses: list[str] | None = None
    assignment_mode: str | None = None
    node_selector: str | None = None


class PoolStatus(Struct, gc=False):
    """`status` of an IPPool; absent in the older group."""

    conditions: list[objects.Condition] | None = None


class IPPool(Struct, gc=False, tag_field="kind", tag="IPPool", rename="camel"):
    """A Calico IPPool of either API group."""

    api_version: str | None = None
    metadata: objects.Metadata | None = None
    spec: PoolSpec | None = None
    status: PoolStatus | None = None


class Secondary(Struct, gc=False):
    """What an attribute of a block says about the holder."""

    pod: str | None = None
    namespace: str | None = None
    node: str | None = None
    timestamp: str | None = None
    type: str | None = None


class Attribute(Struct, gc=False):
    """An entry of a block's `attributes`."""

    handle: str | None = field(default=None, name="handle_id")
    secondary: Secondary | None = None
    released_at: str | None = field(default=None, name="releasedAt")


class BlockSpec(Struct, gc=False, rename="camel"):
    """`spec` of an IPAMBlock."""

    cidr: str | None = None
    affinity: str | None = None
    allocations: list[int | None] | None = None
    attributes: list[Attribute] | None = None
    sequences: dict[str, int] | None = field(default=None, name="sequenceNumberForAllocation")
    deleted: objects.Flag = None


class IPAMBlock(Struct, gc=False, tag_field="kind", tag="IPAMBlock"):
    """A Calico IPAMBlock of either API group."""

    metadata: objects.Metadata | None = None
    spec: BlockSpec | None = None


def pool_of(wire: IPPool) -> tuple[cluster.IPPool | None, str]:
    """Return the pool, or None and why it cannot be read."""
    meta, spec = wire.metadata, wire.spec
    name = (meta and meta.name) or ""
    cidr, why = _network(spec.cidr if spec else None)
    if cidr is None or spec is None or not name:
        return None, f"IPPool {name or '(no name)'}: spec.cidr {why}" if name else "an IPPool without a name"
    allocatable, reason = _allocatable(wire.status)
    return cluster.IPPool(
        name=name,
        cidr=cidr,
        disabled=is_true(spec.disabled),
        deleting=bool(meta and meta.deletion_timestamp),
        allocatable=allocatable,
        reason=reason,
        nat_outgoing=is_true(spec.nat_outgoing) or is_true(spec.nat_outgoing_old),
        block_size=spec.block_size or 0,
        allowed_uses=tuple(spec.allowed_uses or ()),
        assignment_mode=spec.assignment_mode or "",
        node_selector=spec.node_selector or "",
        groups=((wire.api_version or "").partition("/")[0],),
    ), ""


def merged_pools(pools: list[cluster.IPPool]) -> tuple[cluster.IPPool, ...]:
    """
    Return the pools, one value per name and range: the same pool seen through both API groups is one pool.

    What `projectcalico.org` says wins, for only there a status is written.
    """
    merged: dict[tuple[str, cluster.Network], cluster.IPPool] = {}
    for pool in sorted(pools, key=lambda one: one.groups):
        key = (pool.name, pool.cidr)
        before = merged[key].groups if key in merged else ()
        merged[key] = replace(pool, groups=tuple(dict.fromkeys((*before, *pool.groups))))
    return tuple(sorted(merged.values(), key=lambda one: one.name))


def block_of(wire: IPAMBlock) -> tuple[cluster.Block | None, str]:
    """Return the block, or None and why it cannot be read."""
    spec = wire.spec
    name = (wire.metadata and wire.metadata.name) or "(no name)"
    cidr, why = range_of(spec)
    if cidr is None or spec is None:
        return None, f"IPAMBlock {name}: spec.cidr {why}"
    found: dict[int, cluster.Allocation] = {}
    problems: list[str] = []
    attributes = spec.attributes or []
    sequences = spec.sequences or {}
    for ordinal, index in enumerate(spec.allocations or ()):
        if index is None:
            continue
        if 0 <= index < len(attributes):
            found[ordinal] = _allocation(attributes[index], sequences.get(str(ordinal)))
        else:
            problems.append(f"IPAMBlock {name}: address {ordinal} points at attribute {index}, which is not there")
            found[ordinal] = cluster.Allocation()
    return cluster.Block(
        cidr=cidr,
        node=intern(node_of_block(spec)),
        allocations=found,
        deleted=is_true(spec.deleted),
        problems=tuple(problems),
    ), ""


def range_of(spec: BlockSpec | None) -> tuple[cluster.Network | None, str]:
    """Return the range of a block, or None and why there is none."""
    return _network(spec.cidr if spec else None)


def node_of_block(spec: BlockSpec) -> str:
    """Return the host of a block's affinity; empty where it belongs to none."""
    kind, _, host = (spec.affinity or "").partition(":")
    return host if kind == "host" else ""


def _allocation(attribute: Attribute, sequence: int | None) -> cluster.Allocation:
    holder = attribute.secondary
    return cluster.Allocation(
        # Old releases appended other text after a carriage return (calico, libcalico-go/lib/ipam/ipam_block.go).
        handle=(attribute.handle or "").partition("\r")[0],
        pod=(holder and holder.pod) or "",
        namespace=intern((holder and holder.namespace) or ""),
        node=intern((holder and holder.node) or ""),
        allocated_at=go_time((holder and holder.timestamp) or ""),
        sequence=sequence,
        released_at=go_time(attribute.released_at or ""),
        use=intern((holder and holder.type) or ""),
    )


def go_time(text: str) -> datetime | None:
    """
    Read a time in Go's default text or in RFC 3339; None for anything else. Nanoseconds are cut to microseconds.

    >>> go_time("2026-08-22 13:33:20.1234567 +0000 UTC")
    datetime.datetime(2026, 8, 22, 13, 33, 20, 123456, tzinfo=datetime.timezone.utc)
    """
    found = _GO_TIME.match(text)
    if found is None:
        return None
    day, clock, fraction, hours, minutes = found.groups()
    zone = f"{hours}:{minutes}" if hours else "+00:00"
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_true(flag: objects.Flag) -> bool:
    """Read a boolean that may be text."""
    return flag is True or (isinstance(flag, str) and flag.lower() == "true")


def _network(text: str | None) -> tuple[cluster.Network | None, str]:
    if not text:
        return None, "is missing"
    try:
        return ip_network(text, strict=False), ""
    except ValueError:
        return None, f"is {redact(text[:60])!r}, which is no range of addresses"


def _allocatable(status: PoolStatus | None) -> tuple[bool | None, str]:
    for condition in (status and status.conditions) or ():
        if condition.type == "Allocatable" and condition.status in ("True", "False"):
            return condition.status == "True", condition.reason or ""
    return None, ""
