"""
Verdicts of some pods at one moment: by their addresses, and by the blocks that were read for them.

A block may raise the grade at once. Where it turns the verdict for the worse, that is believed only when it came from
two fresh reads of pod and block, seconds apart: lists and blocks are read one after the other, and Calico writes the
pod before it gives the address back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from runner_bridge.core.judge import Evidence, Ground, confirmed_by, judge_pod
from runner_bridge.core.judge.cluster_notes import calico_absent
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.verdict import Origin
from runner_bridge.flow.controller.proof import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import IPPool, Pod, Snapshot
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy, Project
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.controller.proof import Proof
    from runner_bridge.flow.observe.picture import Picture

ENOUGH_READS: Final = 2
_BETTER: Final = {Outcome.PASS: 2, Outcome.UNKNOWN: 1, Outcome.BREACH: 0}
# Calico's annotation and kubelet's status differ for seconds after a new sandbox; only the block can tell.
_IN_DOUBT: Final = frozenset({codes.ADDRESSES_DISAGREE, codes.ADDRESS_GIVEN_TWICE})


class Judged(Struct, frozen=True):
    """A verdict, and how sure it is."""

    verdict: Verdict
    held_back: bool = False
    """Not to be said while a block is being read: that decides."""


def provable(pod: Pod) -> bool:
    """Tell whether a block can say anything about the pod."""
    shown = pod.addresses or pod.annotated
    return bool(shown) and not (pod.host_network or pod.has_left)


class Known(Struct, frozen=True, kw_only=True):
    """What GitLab's and the runners' own files tell besides the policy, as `Evidence` takes it."""

    projects: Mapping[str, Project] | None = None
    """By number; None where nobody gave a list."""
    short_ids: tuple[tuple[str, str], ...] = ()
    stamps: Mapping[str, str] = {}


NOTHING_KNOWN: Final = Known()


class Bench:
    """
    See the module.

    Args of the constructor:
        policy: what is meant.
        picture: what is seen.
        known: what files tell besides.
    """

    def __init__(self, policy: Policy, picture: Picture, known: Known = NOTHING_KNOWN) -> None:
        self._policy = policy
        self._known = known
        self._picture = picture
        self._ground: tuple[tuple[IPPool, ...] | None, bool, Ground] | None = None
        """What all verdicts stand on now, and the pools that it was made of."""
        self._examples: dict[str, dict[Key, None]] = {}
        """Runner → job pods of it that ask for exactly their tier's pools."""

    def adopt(self, policy: Policy, known: Known) -> None:
        """Judge by another policy; what was learned of runners was learned by the old one."""
        self._policy, self._known = policy, known
        self._ground = None
        self._examples.clear()

    def absent(self, blocks_exist: bool | None) -> Finding | None:  # noqa: FBT001 - the answer of a question
        """
        Return the one line for a cluster in which Calico does not give the addresses; None where it does.

        Args:
            blocks_exist: whether there is any block at all; None where that is not known.
        """
        if self._picture.pools() and blocks_exist is not False:
            return None
        snapshot = structs.replace(self._picture.snapshot(), gaps=(), blocks_exist=blocks_exist)
        return calico_absent(self._evidence(snapshot))

    def judge(self, pods: Mapping[Key, Pod], proofs: Mapping[Key, Proof], now: datetime) -> dict[Key, Judged | None]:
        """Return the verdict of each pod; None for what is no job pod of a declared runner. Never raises."""
        evidence = self._evidence(self._about(pods.values()))
        return {key: _judged(evidence, pod, proofs.get(key), now) for key, pod in pods.items()}

    def is_disputed(self, pod: Pod, proof: Proof, now: datetime) -> bool:
        """Tell whether what was read does not prove a pod's addresses, so that another read has to decide."""
        if not provable(pod):
            return False
        # Where Calico has emptied the annotation, the block may be about to follow.
        if pod.annotated == () or not confirmed_by(proof.blocks or (), pod):
            return True
        if pod.annotated is None or set(pod.annotated) == set(pod.addresses):
            return False
        # The block has chosen between two addresses, which may be for the worse.
        judged = _judged(self._evidence(self._about((pod,))), pod, proof, now)
        if judged is None:
            return False
        assigned = judged.verdict.assigned
        return not assigned or not all(one.confirmed for one in assigned)

    def _evidence(self, snapshot: Snapshot) -> Evidence:
        complete = all(gap.kind is not Kind.POOLS for gap in snapshot.gaps)
        before = self._ground
        if before is None or before[0] is not snapshot.pools or before[1] is not complete:
            known = self._known
            ground = Ground(
                self._policy,
                snapshot.pools,
                pools_complete=complete,
                projects=known.projects,
                short_ids=known.short_ids,
                stamps=known.stamps,
            )
            before = self._ground = (snapshot.pools, complete, ground)
        return Evidence(before[2], snapshot)

    def learn(self, key: Key, verdict: Verdict | None) -> frozenset[str]:
        """
        Remember whether a pod shows that its runner is configured right; return runners of which that changed.

        The causes of other pods of such a runner are then told in other words.
        """
        shows = verdict.runner if verdict is not None and _shows_configuration(verdict) else ""
        changed = set()
        for runner, keys in list(self._examples.items()):
            if key in keys and runner != shows:
                del keys[key]
                if not keys:
                    del self._examples[runner]
                    changed.add(runner)
        if shows:
            if shows not in self._examples:
                changed.add(shows)
            self._examples.setdefault(shows, {})[key] = None
        return frozenset(changed)

    def _about(self, pods: Iterable[Pod]) -> Snapshot:
        examples = [self._picture.pod(next(iter(keys))) for keys in self._examples.values()]
        return self._picture.about([*(one for one in examples if one is not None), *pods])


def _judged(evidence: Evidence, pod: Pod, proof: Proof | None, now: datetime) -> Judged | None:
    """Judge one pod by what was read to prove it, if that is still about it; by its address where that is better."""
    if proof is None or proof.of != fingerprint(pod):
        return _held_back(pod, judge_pod(evidence, pod, now=now))
    enough = proof.reads >= ENOUGH_READS
    by_block = None
    if (blocks := proof.blocks) is not None:
        by_block = judge_pod(evidence.with_blocks(blocks), pod, now=now)
        if by_block is not None and (by_block.outcome is Outcome.PASS or enough):
            return Judged(by_block)  # whatever the address says, it is no better or not believed
    by_address = judge_pod(evidence, pod, now=now)
    is_better = (
        by_address is not None and by_block is not None and _BETTER[by_block.outcome] >= _BETTER[by_address.outcome]
    )
    chosen = by_block if is_better else by_address
    if enough and chosen is not None:
        return Judged(chosen)  # it could not be read
    return _held_back(pod, chosen)


def _held_back(pod: Pod, verdict: Verdict | None) -> Judged | None:
    """Let what only a block can tell wait for it."""
    if verdict is None:
        return None
    doubtful = any(finding.code in _IN_DOUBT for finding in verdict.findings)
    return Judged(verdict, held_back=doubtful and provable(pod))


def worse(verdict: Verdict) -> tuple[Outcome, ...]:
    """Return the outcomes that are worse than a verdict's."""
    return tuple(outcome for outcome in Outcome if _BETTER[outcome] < _BETTER[verdict.outcome])


def _shows_configuration(verdict: Verdict) -> bool:
    asked = verdict.requested
    return asked.origin is Origin.POD and bool(asked.pools) and set(asked.pools) == set(verdict.intended)
