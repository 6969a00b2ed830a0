"""
How many addresses CI holds now: by what holds them, and by the pool they are from. Pure, one pass over the pods.

A pod holds its addresses until it has left, also while it is being deleted; one on the host's network has none of its
own. CI are the pods that runners make, their managers, and whatever else lives in namespaces that the policy names.
"""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.judge.evidence import Evidence
from runner_bridge.core.judge.identity import identify
from runner_bridge.core.judge.ranges import RangeMap
from runner_bridge.core.model.cluster import Snapshot
from runner_bridge.core.model.verdict import Counts, PodClass
from runner_bridge.core.policy.model import PoolClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model.cluster import Address, Pod
    from runner_bridge.core.policy.model import Policy, Pool

UNDECLARED: Final = "undeclared"
"""The class of an address outside every pool of the policy."""

# The chart calls its Deployment `<release>-gitlab-runner`, the operator `<name>-runner`; a ReplicaSet adds its hash.
# Nothing hangs on it but under which word an address is counted.
_MANAGER = re.compile(r"(?:^|-)runner(?:-|$)")
_PULLER = re.compile(r"pre-?pull|image-?pull|puller|image-?cache|warm")
_TEMPLATED: Final = frozenset({"ReplicaSet", "StatefulSet", "Deployment"})


class Holder(StrEnum):
    """What a pod of CI is; the values of the metric's label `kind`."""

    JOBS = "jobs"
    """Job pods of declared runners."""
    OTHER_JOBS = "other-jobs"
    """Job pods of runners that the policy does not declare."""
    MANAGERS = "managers"
    """The processes of GitLab Runner."""
    PAUSE_PODS = "pause-pods"
    """They keep room for jobs, and their template carries no annotation (executors/kubernetes/autoscaler)."""
    PRE_PULLERS = "pre-pullers"
    """They fetch images onto nodes; told by the name of their DaemonSet or Kubernetes Job."""
    PROBES = "probes"
    """Pods of `probe`, and the runner's own check at start-up."""
    OTHER = "other"
    """Whatever else lives in a namespace that the policy names for jobs."""


class Held(Struct, frozen=True, gc=False, kw_only=True):
    """Addresses of one pool that one kind of pod holds."""

    kind: Holder
    pool: str
    """Name of the policy's pool that covers them; empty where none does."""
    pool_class: str
    """A `PoolClass`, or `undeclared`."""
    addresses: int


class Holding(Struct, frozen=True, kw_only=True):
    """All of it."""

    held: tuple[Held, ...] = ()
    """By kind and pool, in their order; only what is not zero."""
    pods: dict[Holder, int] = {}
    """How many pods of each kind are there, with and without addresses, those that have left included."""

    def addresses(self, *, kind: Holder | None = None, pool: str | None = None, pool_class: str | None = None) -> int:
        """Return how many addresses are held; None counts all."""
        return sum(
            one.addresses
            for one in self.held
            if kind in (None, one.kind) and pool in (None, one.pool) and pool_class in (None, one.pool_class)
        )

    def pods_of(self, *kinds: Holder) -> int:
        """Return how many pods of these kinds are there."""
        return sum(self.pods.get(kind, 0) for kind in kinds)

    @property
    def others(self) -> int:
        """How many pods are neither jobs nor probes."""
        return sum(self.pods.values()) - self.pods_of(Holder.JOBS, Holder.OTHER_JOBS, Holder.PROBES)

    @property
    def beside(self) -> Counts:
        """How many pods there are beside job pods of declared runners, as a judgement counts them."""
        return Counts(unmanaged=self.pods_of(Holder.OTHER_JOBS), probes=self.pods_of(Holder.PROBES), other=self.others)

    @property
    def routable(self) -> int:
        """The headline: routable addresses that CI holds."""
        return self.addresses(pool_class=PoolClass.ROUTABLE)


def holding(policy: Policy, pods: Iterable[Pod], *, short_ids: Iterable[tuple[str, str]] = ()) -> Holding:
    """
    Count the addresses that CI holds. Never raises.

    Args:
        policy: names pools, runners and namespaces.
        pods: all that are seen.
        short_ids: further pairs (short id, runner's name), as `core.judge.judge` takes them.

    An address that two pods show counts once, for the first kind in the order of `Holder`.
    """
    evidence = Evidence.of(policy, Snapshot(), short_ids=short_ids)
    holders: dict[Address, Holder] = {}
    seen: Counter[Holder] = Counter()
    order = {kind: position for position, kind in enumerate(Holder)}
    for pod in pods:
        kind = _kind_of(evidence, pod)
        if kind is None:
            continue
        seen[kind] += 1
        if pod.has_left or pod.host_network:
            continue
        for address in pod.addresses or pod.annotated or ():
            before = holders.get(address)
            if before is None or order[kind] < order[before]:
                holders[address] = kind
    return Holding(held=_grouped(policy, holders), pods={kind: seen[kind] for kind in Holder if seen[kind]})


def _grouped(policy: Policy, holders: dict[Address, Holder]) -> tuple[Held, ...]:
    ranges: RangeMap[Pool] = RangeMap((pool.cidr, pool) for pool in policy.pools.values())
    counts: Counter[tuple[Holder, str]] = Counter()
    for address, kind in holders.items():
        pool = ranges.first(address)
        counts[kind, pool.name if pool else ""] += 1
    places = [*((str(name), str(pool.pool_class)) for name, pool in policy.pools.items()), ("", UNDECLARED)]
    return tuple(
        Held(kind=kind, pool=name, pool_class=pool_class, addresses=counts[kind, name])
        for kind in Holder
        for name, pool_class in places
        if counts[kind, name]
    )


def _kind_of(evidence: Evidence, pod: Pod) -> Holder | None:
    """Return what a pod of CI is; None for pods that are not of CI."""
    match identify(evidence, pod).kind:
        case PodClass.JOB:
            return Holder.JOBS
        case PodClass.UNMANAGED:
            return Holder.OTHER_JOBS
        case PodClass.PAUSE:
            return Holder.PAUSE_PODS
        case PodClass.CANARY | PodClass.PROBE:
            return Holder.PROBES
        case _:
            return _bystander(evidence.ground.policy, pod)


def _bystander(policy: Policy, pod: Pod) -> Holder | None:
    if not any(fnmatchcase(pod.namespace, pattern) for pattern in policy.cluster.namespaces):
        return None
    if pod.owner_kind in _TEMPLATED and _MANAGER.search(pod.owner):
        return Holder.MANAGERS
    if _PULLER.search(pod.owner or pod.name):
        return Holder.PRE_PULLERS
    return Holder.OTHER
