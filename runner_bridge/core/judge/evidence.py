"""
Everything the judge may look at, at one moment, indexed once: the policy, the snapshot, and what the caller knows.

It holds no history. Whatever order or duplicates the snapshot came in, the same objects give the same answers; a kind
that was not given is None, and a kind with a gap never proves that something does not exist.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from runner_bridge.core.judge.ground import Ground
from runner_bridge.core.judge.ranges import RangeMap
from runner_bridge.core.judge.requested import asks_for_its_tier
from runner_bridge.core.model.cluster import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.judge.requested import Request
    from runner_bridge.core.model.cluster import Address, Block, Namespace, Pod, SandboxFailure, Snapshot
    from runner_bridge.core.policy.model import Policy, Project


class Evidence:
    """See the module. Build one per snapshot; `judge_pod` asks it about each pod."""

    def __init__(self, ground: Ground, snapshot: Snapshot, *, strict: bool = False) -> None:
        """
        Index the evidence.

        Args:
            ground: of the policy, and of the snapshot's pools.
            snapshot: what was seen.
            strict: an address counts only when a block confirms it.
        """
        self.ground = ground
        self.pods = _distinct(snapshot.pods)
        self.strict = strict
        self.gaps = snapshot.gaps
        self.namespaces_given = snapshot.namespaces is not None
        self.failures_given = snapshot.failures is not None
        self.blocks_exist = snapshot.blocks_exist
        self.namespaces: dict[str, Namespace] = {one.name: one for one in snapshot.namespaces or ()}
        self.failures: dict[tuple[str, str], list[SandboxFailure]] = {}
        for failure in dict.fromkeys(snapshot.failures or ()):
            self.failures.setdefault((failure.namespace, failure.pod), []).append(failure)
        self.holders = _holders(self.pods)
        self.requests: dict[object, Request] = {}
        self._index_blocks(snapshot.blocks)

    @classmethod
    def of(
        cls,
        policy: Policy,
        snapshot: Snapshot,
        *,
        projects: Iterable[Project] | Mapping[str, Project] | None = None,
        short_ids: Iterable[tuple[str, str]] = (),
        stamps: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> Evidence:
        """Index a snapshot and all that it stands on; the arguments are those of `Ground` and of this class."""
        complete = all(gap.kind is not Kind.POOLS for gap in snapshot.gaps)
        ground = Ground(
            policy,
            snapshot.pools,
            pools_complete=complete,
            projects=projects,
            short_ids=short_ids,
            stamps=stamps,
        )
        return cls(ground, snapshot, strict=strict)

    def with_blocks(self, blocks: tuple[Block, ...]) -> Evidence:
        """Return this evidence with other blocks; what has no block in it is shared."""
        other = copy(self)
        other._index_blocks(blocks)  # noqa: SLF001 - of the same class
        return other

    def _index_blocks(self, blocks: tuple[Block, ...] | None) -> None:
        self.blocks_given = blocks is not None
        live = [block for block in dict.fromkeys(map(_ByCidr, blocks or ())) if not block.block.deleted]
        self.live_blocks: tuple[Block, ...] = tuple(one.block for one in live)
        self.blocks: RangeMap[Block] = RangeMap((block.cidr, block) for block in self.live_blocks)

    @cached_property
    def configured_runners(self) -> frozenset[str]:
        """Runners of pinned tiers of which at least one pod here carries exactly the declared pools."""
        found: set[str] = set()
        for pod in self.pods:
            owner = self.ground.owners.get(pod.marks.short_id) if pod.marks else None
            if owner is None or len(owner.names) != 1 or not owner.runners or owner.names[0] in found:
                continue
            view = self.ground.tiers[owner.runners[0].tier]
            if view.tier.pin and asks_for_its_tier(self, pod, view):
                found.add(owner.names[0])
        return frozenset(found)


class _ByCidr:
    """Makes blocks comparable as set members: a block's allocations are a mapping, which has no hash."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    def __hash__(self) -> int:
        return hash(self.block.cidr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByCidr) and self.block == other.block


def _distinct(pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
    """Drop what is there twice word for word; two different states of one pod are both judged."""
    seen: dict[tuple[str, str], list[Pod]] = {}
    kept: list[Pod] = []
    for pod in pods:
        same = seen.setdefault((pod.namespace, pod.name), [])
        if pod not in same:
            same.append(pod)
            kept.append(pod)
    return tuple(kept)


def _holders(pods: tuple[Pod, ...]) -> dict[Address, tuple[str, ...]]:
    """Return the live pods of each address that more than one live pod shows, `namespace/name`, in that order."""
    first: dict[Address, str] = {}
    shared: dict[Address, set[str]] = {}
    for pod in pods:
        if pod.finished or pod.host_network or pod.deleting or pod.annotated == ():
            continue
        name = f"{pod.namespace}/{pod.name}"
        # After a new sandbox the status is old for some seconds; Calico's annotation is not.
        for address in pod.annotated or pod.addresses:
            other = first.setdefault(address, name)
            if other != name:
                shared.setdefault(address, {other}).add(name)
    return {address: tuple(sorted(names)) for address, names in shared.items()}
