"""
Every address of a pool of CI, accounted for.

A pool of CI is one that a pinned tier names and that gives no addresses by itself: whatever else holds an address of it
does not belong there. An address whose holder nobody can vouch for is `unclear`, and is not called anything else.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.judge.problem import Problem, quote
from runner_bridge.core.judge.waivers import Match
from runner_bridge.core.model.cluster import NOTHING_ASKED
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.occupancy.overlaps import is_held, overlaps
from runner_bridge.core.occupancy.tally import Tally
from runner_bridge.core.occupancy.values import Occupancy, Use
from runner_bridge.core.wire.packed import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Address, PackedBlock, Pod
    from runner_bridge.core.policy.model import Policy


class Fate(StrEnum):
    """What is known of the pod that a block names as a holder."""

    BELONGS = "belongs"
    ASKED = "asked"
    """None of CI, and its own annotation asks for an address."""
    UNASKED = "unasked"
    """None of CI, and without an annotation of its own."""
    GONE = "gone"
    """It is not there, or not with this address."""
    LEAKED = "leaked"
    """Gone for longer than the grace."""
    UNCLEAR = "unclear"


_USE: Final = {
    Fate.BELONGS: Use.CI,
    Fate.ASKED: Use.OTHERS,
    Fate.UNASKED: Use.OTHERS,
    Fate.GONE: Use.UNCLEAR,
    Fate.LEAKED: Use.LEAKED,
    Fate.UNCLEAR: Use.UNCLEAR,
}


class HeldAddress(Struct, frozen=True, gc=False):
    """An address of a pool of CI that a block says is held by a pod."""

    pool: str
    address: Address
    namespace: str
    pod: str
    node: str
    handle: str

    @property
    def sandbox(self) -> str:
        """The network sandbox that it was given to."""
        return self.handle.rpartition(".")[2]


class Looked(Struct, frozen=True, kw_only=True):
    """All blocks, gone through once: what is plain, and whom somebody has to ask after."""

    tally: Tally
    plain: Mapping[str, Mapping[Use, int]]
    """Pool of CI → what needs no asking."""
    suspects: tuple[HeldAddress, ...]
    """Held for pods that are not seen with their address, in the order of pools and addresses."""
    overlaps: tuple[tuple[Finding, Match], ...]


def pools_of_ci(policy: Policy) -> frozenset[str]:
    """Return the pools in which nothing but CI has any business."""
    return frozenset(
        str(pool.name) for tier in policy.tiers.values() if tier.pin for pool in tier.pools if not pool.automatic
    )


def look(policy: Policy, blocks: Sequence[PackedBlock], pod_of: Callable[[tuple[str, str]], Pod | None]) -> Looked:
    """
    Go through all blocks of a cluster. Never raises.

    Args:
        policy: what is meant.
        blocks: all of them.
        pod_of: a pod that is watched, by namespace and name; None for any other.
    """
    tally, inner = Tally(policy), pools_of_ci(policy)
    plain: dict[str, Counter[Use]] = {name: Counter() for name in inner}
    suspects: list[HeldAddress] = []
    for block in blocks:
        tally.add(block)
        pool = tally.pool_of(block)
        if pool not in inner or not block.used:
            continue
        for held in _held(pool, block):
            if not held.pod:
                plain[pool][Use.NODES] += 1
            elif fate_of(policy, held, pod_of((held.namespace, held.pod))) is Fate.BELONGS:
                plain[pool][Use.CI] += 1
            else:
                suspects.append(held)
    suspects.sort(key=lambda one: (one.pool, one.address.version, int(one.address)))
    return Looked(tally=tally, plain=plain, suspects=tuple(suspects), overlaps=tuple(overlaps(tally, blocks)))


def fate_of(policy: Policy, held: HeldAddress, pod: Pod | None) -> Fate:
    """Say what becomes of a held address by its pod as it was read; None: there is no such pod. Never raises."""
    if pod is None:
        return Fate.GONE
    shown = (*pod.addresses, *(pod.annotated or ()))
    is_anew = bool(pod.container_id) and held.sandbox != pod.container_id
    if pod.finished or pod.host_network or pod.annotated == () or held.address not in shown or is_anew:
        # Calico writes the block first: a pod that shows nothing yet may be about to.
        return Fate.UNCLEAR if not shown and not pod.finished and pod.annotated is None else Fate.GONE
    if _belongs(policy, pod):
        return Fate.BELONGS
    return Fate.UNASKED if pod.asked == NOTHING_ASKED else Fate.ASKED


def conclude(policy: Policy, looked: Looked, fates: Mapping[tuple[Address, str], Fate], at: datetime) -> Occupancy:
    """
    Put together what was seen in the blocks and what was found out of the pods. Never raises.

    Args:
        policy: what is meant.
        looked: the blocks.
        fates: of suspects, by address and handle; of one that is not in it nothing is known.
        at: when the blocks were as they were looked at.
    """
    uses = {pool: Counter(counts) for pool, counts in looked.plain.items()}
    found: dict[tuple[str, Fate], list[HeldAddress]] = {}
    for one in looked.suspects:
        fate = fates.get((one.address, one.handle), Fate.UNCLEAR)
        uses[one.pool][_USE[fate]] += 1
        found.setdefault((one.pool, fate), []).append(one)
    findings: list[tuple[Finding, Match]] = []
    for pool in (str(name) for name in policy.pools):
        asked, unasked = found.get((pool, Fate.ASKED), []), found.get((pool, Fate.UNASKED), [])
        if asked or unasked:
            findings.append((_by_others(pool, asked, unasked), Match(pools=(pool,))))
        if leaked := found.get((pool, Fate.LEAKED)):
            observed = f"{_many(leaked)}, for example {_named(leaked[0])}"
            cause = f"{_named(leaked[0])}: no such pod is there, or not with this address."
            problem = Problem(codes.ADDRESS_LEAKED, observed, "every address held by a pod that is there", cause)
            findings.append((problem.on(f"pool {pool}"), Match(pools=(pool,))))
    return Occupancy(
        at=at,
        pools=looked.tally.pools({pool: {use: counts[use] for use in Use} for pool, counts in uses.items()}),
        findings=(*findings, *looked.overlaps),
    )


def _by_others(pool: str, asked: list[HeldAddress], unasked: list[HeldAddress]) -> Finding:
    all_ = [*asked, *unasked]
    causes = []
    if asked:
        causes.append(f"{_named(asked[0])} asks for it by its own annotation.")
    if unasked:
        causes.append(
            f"{_named(unasked[0])} carries no annotation: its namespace does, or the pool gives addresses by itself."
        )
    problem = Problem(
        codes.POOL_HELD_BY_OTHERS,
        f"{_many(all_)}, for example {_named(all_[0])}",
        "addresses held by job pods and what the policy names",
        " ".join(causes),
    )
    return problem.on(f"pool {pool}")


def _many(held: Sequence[HeldAddress]) -> str:
    return f"{len(held)} address{'es' * (len(held) != 1)}"


def _named(held: HeldAddress) -> str:
    where = f" on {quote(held.node)}" if held.node else ""
    return f"{held.address} of {quote(f'{held.namespace}/{held.pod}')}{where}"


def _belongs(policy: Policy, pod: Pod) -> bool:
    if pod.marks is not None or pod.labels.probe:
        return True
    if any(fnmatchcase(pod.namespace, pattern) for pattern in policy.cluster.namespaces):
        return True
    return any(one.namespace == pod.namespace for one in policy.workloads)


def _held(pool: str, block: PackedBlock) -> Iterator[HeldAddress]:
    whole = unpacked(block)
    first = whole.cidr.network_address
    for ordinal, entry in whole.allocations.items():
        if is_held(entry):
            pod = "" if entry.use else entry.pod
            yield HeldAddress(pool, first + ordinal, entry.namespace, pod, entry.node or whole.node, entry.handle)
