"""
One IPAMBlock: who has which of its addresses (Calico, libcalico-go/lib/ipam/ipam_block.go).

Functions take and return the `spec` of the object; they change copies, because an object once stored is shared.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import Object

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_RFC3339 = "%Y-%m-%dT%H:%M:%SZ"


def nanoseconds(moment: datetime) -> int:
    """Return the Unix time of a moment as Go's `UnixNano` does, exact to the microsecond."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def new(cidr: Network, node: str, now: datetime) -> Object:
    """Return a fresh block: all free in order, its sequence number begins as the time in nanoseconds."""
    size = cidr.num_addresses
    return {
        "affinity": f"host:{node}",
        "affinityClaimTime": now.astimezone(UTC).strftime(_RFC3339),
        "allocations": [None] * size,
        "attributes": [],
        "cidr": str(cidr),
        "deleted": False,
        "sequenceNumber": nanoseconds(now),
        "sequenceNumberForAllocation": {},
        "strictAffinity": False,
        "unallocated": list(range(size)),
    }


def is_empty(spec: Object) -> bool:
    """Tell whether no address is taken; a cooling one counts as taken."""
    return all(index is None for index in spec["allocations"])


def assign(spec: Object, handle: str, secondary: dict[str, str]) -> tuple[Object, Address | None]:
    """Return the block with its first free address given away, and the address (None when there is none)."""
    if not spec["unallocated"]:
        return spec, None
    ordinal, *rest = spec["unallocated"]
    attributes = list(spec["attributes"])
    wanted = {"handle_id": handle, "secondary": secondary}
    if wanted not in attributes:
        attributes.append(wanted)
    allocations = list(spec["allocations"])
    allocations[ordinal] = attributes.index(wanted)
    sequences = {**spec["sequenceNumberForAllocation"], str(ordinal): spec["sequenceNumber"]}
    changed = {
        **spec,
        "allocations": allocations,
        "attributes": attributes,
        "sequenceNumberForAllocation": sequences,
        "unallocated": rest,
    }
    return _next(changed), ip_network(spec["cidr"])[ordinal]


def release(spec: Object, handle: str, cooldown_s: int, now: datetime) -> tuple[Object, int]:
    """
    Return the block without the addresses of a handle, and how many those were.

    With a cool-down they stay taken: their attribute becomes the time of their release and nothing else.
    """
    indexes = {at for at, each in enumerate(spec["attributes"]) if each.get("handle_id") == handle}
    ordinals = [ordinal for ordinal, index in enumerate(spec["allocations"]) if index in indexes]
    if not ordinals:
        return spec, 0
    if cooldown_s:
        released = {"releasedAt": now.astimezone(UTC).isoformat().replace("+00:00", "Z")}
        attributes = [released if at in indexes else each for at, each in enumerate(spec["attributes"])]
        return _next({**spec, "attributes": attributes}), len(ordinals)
    return _next(_freed(spec, ordinals)), len(ordinals)


def without_cooled(spec: Object, cooldown_s: int, now: datetime) -> Object:
    """Return the block with the addresses free whose cool-down is over; not counted as a write of its own."""
    over = {
        at
        for at, each in enumerate(spec["attributes"])
        if "releasedAt" in each and now - datetime.fromisoformat(each["releasedAt"]) >= timedelta(seconds=cooldown_s)
    }
    ordinals = [ordinal for ordinal, index in enumerate(spec["allocations"]) if index in over]
    return _freed(spec, ordinals) if ordinals else spec


def _freed(spec: Object, ordinals: list[int]) -> Object:
    """Free ordinals: they go to the end of the queue, and unused attributes go away, which renumbers the others."""
    allocations = [None if at in ordinals else index for at, index in enumerate(spec["allocations"])]
    used = sorted({index for index in allocations if index is not None})
    renumbered = {old: new for new, old in enumerate(used)}
    sequences = spec["sequenceNumberForAllocation"]
    return {
        **spec,
        "allocations": [None if index is None else renumbered[index] for index in allocations],
        "attributes": [spec["attributes"][index] for index in used],
        "sequenceNumberForAllocation": {key: value for key, value in sequences.items() if int(key) not in ordinals},
        "unallocated": [*spec["unallocated"], *ordinals],
    }


def _next(spec: Object) -> Object:
    return {**spec, "sequenceNumber": spec["sequenceNumber"] + 1}
