"""
What was read to prove the addresses of a pod, for as long as the pod is there.

There is one for each of tens of thousands, so of a block only what it says of this pod's addresses is kept, and what
is the same in all that a block says is one value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from runner_bridge.core.model.cluster import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model.cluster import Address, Allocation, Network, Pod


class Fingerprint(Struct, frozen=True, gc=False):
    """What of a pod a block was read for; another one needs another read."""

    uid: str
    node: str
    container_id: str
    addresses: tuple[Address, ...]
    annotated: tuple[Address, ...] | None


class Word(Struct, frozen=True, gc=False):
    """What one block says of a pod's addresses."""

    head: Block
    """The block without what is allocated in it."""
    ordinal: int = -1
    """Of the first address that it says something of; -1: of none."""
    entry: Allocation | None = None
    more: tuple[tuple[int, Allocation], ...] = ()
    """What it says of further ones."""


class Proof(Struct, frozen=True, gc=False):
    """What was read to prove the addresses of a pod."""

    of: Fingerprint
    words: tuple[Word, ...] | None
    """None: no block could be read."""
    reads: int
    """How often pod and block were read afresh; 0: the block was read before, for a neighbour."""

    @property
    def blocks(self) -> tuple[Block, ...] | None:
        """What the blocks say of these addresses, and of nobody else's; None: they could not be read."""
        return None if self.words is None else tuple(_block(word) for word in self.words)


def fingerprint(pod: Pod) -> Fingerprint:
    """Return what a block has to be read for."""
    return Fingerprint(pod.uid, pod.node, pod.container_id, pod.addresses, pod.annotated)


def excerpt(blocks: Iterable[Block], pod: Pod) -> tuple[Word, ...]:
    """Return what blocks say of a pod's addresses."""
    shown = dict.fromkeys((*pod.addresses, *(pod.annotated or ())))
    found = []
    for block in blocks:
        said = [
            (ordinal, _shared(entry, pod))
            for address in shown
            if address.version == block.cidr.version
            and (entry := block.allocations.get(ordinal := int(address) - int(block.cidr.network_address)))
        ]
        head = _head(block.cidr, block.node, block.deleted, block.problems)
        found.append(Word(head, *said[0], tuple(said[1:])) if said else Word(head))
    return tuple(found)


def allocations(pod: Pod, proof: Proof | None) -> dict[Address, Allocation]:
    """Return what the blocks say of the pod's addresses."""
    found = {}
    for block in (proof and proof.blocks) or ():
        for address in (*pod.addresses, *(pod.annotated or ())):
            if address.version == block.cidr.version and address in block.cidr:
                entry = block.allocations.get(int(address) - int(block.cidr.network_address))
                if entry is not None and (entry.namespace, entry.pod) == (pod.namespace, pod.name):
                    found[address] = entry
    return found


def _block(word: Word) -> Block:
    first = {} if word.entry is None else {word.ordinal: word.entry}
    return structs.replace(word.head, allocations=first | dict(word.more))


@lru_cache(maxsize=1024)
def _head(cidr: Network, node: str, deleted: bool, problems: tuple[str, ...]) -> Block:  # noqa: FBT001 - as in `Block`
    return Block(cidr=cidr, node=node, deleted=deleted, problems=problems)


def _shared(entry: Allocation, pod: Pod) -> Allocation:
    """Let a pod's own entry hold the pod's own name, not another copy of it."""
    return structs.replace(entry, pod=pod.name) if entry.pod == pod.name else entry
