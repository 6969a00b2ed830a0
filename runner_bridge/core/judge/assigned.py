"""
What the pod has: its addresses, the pool of each, and whether the Calico block names the pod as the holder.

The block is the authority. `status.podIPs` is what kubelet last reported, and history once the pod has finished or
leaves with its annotation emptied; the annotation comes earlier and can be forged, as can its being empty. None of them
makes a pass alone where another one contradicts.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.judge.problem import Problem, listed, quote
from runner_bridge.core.judge.ranges import RangeMap
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.verdict import Assigned
from runner_bridge.core.policy.model import PoolClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.judge.evidence import Evidence
    from runner_bridge.core.judge.ground import TierView
    from runner_bridge.core.model.cluster import Address, Allocation, Block, Pod
    from runner_bridge.core.policy.model import Pool

MOST_NAMED: Final = 3
"""Of the other pods that show one address."""
_HELD_BY = "held by "


class Assignment(Struct, frozen=True, gc=False):
    """The addresses of a pod, judged."""

    assigned: tuple[Assigned, ...] = ()
    problems: tuple[Problem, ...] = ()
    outside: bool = False
    """At least one address is none of the tier's."""

    @property
    def confirmed(self) -> bool:
        """Every address is confirmed by a block."""
        return bool(self.assigned) and all(one.confirmed for one in self.assigned)


def assignment_of(evidence: Evidence, pod: Pod, view: TierView | None) -> Assignment:
    """Return the pod's addresses; compared with `view` unless that is None. Never raises."""
    held = not pod.finished and not (pod.annotated == () and pod.deleting)
    claimed = held and (pod.annotated != () or evidence.blocks_given)
    addresses, doubt = _addresses(evidence.blocks, pod) if claimed else (pod.addresses, _given_back(pod))
    problems = [doubt] if doubt else []
    assigned: list[Assigned] = []
    outside = False
    unjudged: list[str] = []
    for address in addresses:
        name, pool = evidence.ground.covering_pool(address)
        confirmed = False
        if claimed:
            confirmed, unconfirmed = _confirm(evidence, pod, address)
            problems += [unconfirmed] if unconfirmed else []
        assigned.append(Assigned(address=address, pool=name, confirmed=confirmed))
        if view is None:
            continue
        family = f"IPv{address.version}"
        if family not in view.families and family not in evidence.ground.declared_families:
            unjudged.append(f"{address}")
            continue
        wrong = _wrong_pool(view, address, name, pool)
        if wrong is None and held and pool is not None:
            wrong = _removed(evidence, address, pool)
        if wrong is not None:
            outside |= wrong.code is not codes.POOL_UNDECLARED and wrong.code is not codes.POOL_UNKNOWN
            problems.append(wrong)
    if unjudged and len(unjudged) == len(assigned):
        # With an address of a declared family beside it, this is said once for the cluster.
        problems.append(Problem(codes.FAMILY_UNDECLARED, listed(unjudged), _families_of(view)))
    return Assignment(tuple(assigned), tuple(problems), outside)


def confirmed_by(blocks: Iterable[Block], pod: Pod) -> bool:
    """
    Tell whether blocks alone confirm every address that a pod is said to hold now. Never raises.

    A pod that is found to hold none is not confirmed: a block from before does not know of an address that only the
    annotation shows so far.
    """
    index = RangeMap((block.cidr, block) for block in blocks if not block.deleted)
    addresses, _ = _addresses(index, pod)
    found = [_reasons(index, pod, address) for address in addresses]
    return bool(found) and all("" in reasons and not _others(reasons) for reasons in found)


def _families_of(view: TierView | None) -> str:
    return f"an address of {listed(sorted(view.families))}" if view is not None else ""


def _addresses(blocks: RangeMap[Block], pod: Pod) -> tuple[tuple[Address, ...], Problem | None]:
    """Choose between status and annotation: they agree, or a block confirms one of them, or it is not known."""
    annotated = pod.annotated
    if annotated is None or annotated == pod.addresses or set(annotated) == set(pod.addresses):
        return pod.addresses, None
    if not annotated:
        return _emptied(blocks, pod)
    if all(_holder(blocks, pod, address) for address in annotated):
        return annotated, None
    if not pod.addresses:
        return (), None
    if all(_holder(blocks, pod, address) for address in pod.addresses):
        return pod.addresses, None
    return pod.addresses, Problem(
        codes.ADDRESSES_DISAGREE,
        observed=f"status {listed([str(one) for one in pod.addresses])}, "
        f"annotation {listed([str(one) for one in annotated])}",
        expected="the same addresses in both",
    )


def _given_back(pod: Pod) -> Problem | None:
    """Say of a pod that is to live on that its annotation is empty: what its status shows may be history."""
    if pod.finished or pod.deleting or not pod.addresses:
        return None
    seen = f"{listed([str(one) for one in pod.addresses])} in its status, given back as its annotation says"
    return Problem(codes.POD_LEAVING, seen, "the pod to go, or to get an address again")


def _emptied(blocks: RangeMap[Block], pod: Pod) -> tuple[tuple[Address, ...], Problem | None]:
    """
    Choose for a pod that is to live on and whose annotation is empty: it still holds what a block says that it holds.

    Calico empties the annotation when it takes a network down, and so can whoever may patch pods.
    """
    held = tuple(address for address in pod.addresses if _holder(blocks, pod, address))
    if not held:
        return (), None
    return held, Problem(
        codes.ADDRESSES_DISAGREE,
        observed=f"status {listed([str(one) for one in pod.addresses])}, annotation empty",
        expected="the same addresses in both",
        cause="The block still names the pod as the holder. Calico empties the annotation a moment before it gives an "
        "address back; where that does not follow, somebody else has emptied it.",
    )


def _wrong_pool(view: TierView, address: Address, name: str, pool: Pool | None) -> Problem | None:
    tier = view.tier
    if pool is None:
        return _outside_policy(view, address, name)
    right = pool.name in view.pool_names if tier.pin else pool.pool_class is tier.pool_class
    if right:
        return None
    code = codes.ADDRESS_OUTSIDE_TIER_POOLS
    if pool.pool_class is PoolClass.ROUTABLE and tier.pool_class is not PoolClass.ROUTABLE:
        code = codes.ADDRESS_ROUTABLE
    return Problem(code, f"{address} in {pool.name}", _expected(view), pool=pool.name)


def _removed(evidence: Evidence, address: Address, pool: Pool) -> Problem | None:
    if not evidence.ground.pools_complete or evidence.ground.observed_pools.first(address) is not None:
        return None
    cause = f"The address lies in {pool.name} ({pool.cidr}), which the cluster does not have any more."
    return Problem(codes.POOL_UNKNOWN, f"{address} in no pool of the cluster", f"pool {pool.name}", cause)


def _outside_policy(view: TierView, address: Address, name: str) -> Problem:
    if not name:
        return Problem(codes.ADDRESS_IN_NO_POOL, f"{address}", _expected(view))
    code = codes.ADDRESS_OUTSIDE_TIER_POOLS if view.tier.pin else codes.POOL_UNDECLARED
    cause = f"The policy does not know the pool {quote(name)}."
    return Problem(code, f"{address} in {quote(name)}", _expected(view), cause, pool=name)


def _expected(view: TierView) -> str:
    if view.tier.pin:
        return f"an address of {listed(view.pool_names)}"
    return f"an address of class {view.tier.pool_class}"


def _confirm(evidence: Evidence, pod: Pod, address: Address) -> tuple[bool, Problem | None]:
    """Ask the blocks about one address that the pod is said to hold now."""
    if not evidence.blocks_given:
        return False, _by_status(evidence, pod, address)
    reasons = _reasons(evidence.blocks, pod, address)
    if "" in reasons:
        others = _others(reasons)
        return (False, _twice(address, listed(others))) if others else (True, None)
    if pod.deleting:
        return False, Problem(codes.POD_LEAVING, f"{address} not held by it any more", "the pod to go")
    seen = reasons[0] if reasons else "in no block"
    cause = "The lists were read one after the other; if it stays, the address is not this pod's."
    return False, Problem(codes.BLOCK_DISAGREES, f"{address} {seen}", "held by this pod", cause)


def _reasons(blocks: RangeMap[Block], pod: Pod, address: Address) -> list[str]:
    """Return why blocks do not say "held by this pod", each reason once; an empty one for a block that says it."""
    return sorted({_disagreement(pod, address, block) for block in blocks.all(address)})


def _others(reasons: list[str]) -> list[str]:
    """Return the other holders: blocks that overlap can each name another one."""
    return [reason.removeprefix(_HELD_BY) for reason in reasons if reason.startswith(_HELD_BY)]


def _by_status(evidence: Evidence, pod: Pod, address: Address) -> Problem | None:
    """Judge an address that no block was read for."""
    # An address is slow to be looked up, and hardly ever anybody shares one.
    holders = evidence.holders.get(address) if evidence.holders else None
    if holders and (rivals := _rivals(f"{pod.namespace}/{pod.name}", holders)):
        return _twice(address, rivals)
    if evidence.strict:
        return Problem(codes.BLOCK_UNREAD, f"{address} by status only", "a block that names the pod")
    return None


def _rivals(me: str, holders: tuple[str, ...]) -> str:
    """Name who else shows an address, if this pod shows it too; a few of many, for each of the many is told."""
    at = bisect_left(holders, me)
    if at == len(holders) or holders[at] != me:
        return ""
    named = [one for one in holders[: MOST_NAMED + 1] if one != me][:MOST_NAMED]
    more = len(holders) - 1 - len(named)
    return f"{listed(named)} and {more} more" if more else listed(named)


def _twice(address: Address, others: str) -> Problem:
    return Problem(
        codes.ADDRESS_GIVEN_TWICE,
        observed=f"{address} held by {others} too",
        expected="one holder",
        cause="Blocks overlap, or one of the pods shows an address that it has lost.",
    )


def _holder(blocks: RangeMap[Block], pod: Pod, address: Address) -> bool:
    """Tell whether some block names the pod as the holder of `address`."""
    return any(not _disagreement(pod, address, block) for block in blocks.all(address))


def _disagreement(pod: Pod, address: Address, block: Block) -> str:
    """Say how the block's entry differs from "held by this pod"; empty text where it does not."""
    entry = block.allocations.get(int(address) - int(block.cidr.network_address))
    if entry is None:
        return f"free in block {block.cidr}"
    if entry.released_at is not None or not (entry.handle or entry.pod):
        return f"cooling down in block {block.cidr}"
    if (entry.namespace, entry.pod) != (pod.namespace, pod.name):
        return f"{_HELD_BY}{_named(entry)}"
    if pod.node and entry.node and entry.node != pod.node:
        return f"on node {quote(entry.node)}, not {quote(pod.node)}"
    # Anything after a carriage return is an old fault of Calico (libcalico-go/lib/ipam/ipam_block.go).
    sandbox = entry.handle.partition("\r")[0].rpartition(".")[2]
    if pod.container_id and sandbox != pod.container_id:
        return "of another sandbox of it"
    return ""


def _named(entry: Allocation) -> str:
    if entry.pod:
        return quote(f"{entry.namespace}/{entry.pod}")
    return quote(entry.use or entry.handle)
