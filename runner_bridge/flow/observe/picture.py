"""
The picture of the cluster: what lists and watches told, reduced to the state of now. No network, no clock.

It holds the last state of each object and nothing of how it came there: lost, repeated or reordered changes and a list
that is read again end in the same picture. A list replaces all that its source told before, so whatever vanished while
nobody watched is gone. What a source cannot tell (never listed, torn for too long, refused) is a gap, never silence.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.blocks import block_name
from runner_bridge.core.model.cluster import (
    FINISHED,
    Gap,
    IPPool,
    Kind,
    Namespace,
    Node,
    PackedBlock,
    Pod,
    SandboxFailure,
    Snapshot,
)
from runner_bridge.core.wire.calico import merged_pools
from runner_bridge.core.wire.packed import unpacked
from runner_bridge.core.wire.stream import ChangeType, Key, Seen, problems_of
from runner_bridge.flow.observe.by_address import ByAddress, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner_bridge.core.model.cluster import Address
    from runner_bridge.core.wire.stream import Change

NOT_LISTED = "it was not listed yet"
MOST_TOMBSTONES = 10_000
"""Of one source: how many deletions are remembered, so that a late line brings nothing back."""


class Source(Struct, frozen=True, order=True):
    """One list with its watch."""

    kind: Kind
    namespace: str = ""
    """Empty: all of the cluster."""

    def __str__(self) -> str:
        return f"{self.kind} of {self.namespace}" if self.namespace else str(self.kind)


class Touched(Struct, frozen=True):
    """What must be judged again."""

    pods: frozenset[Key] = frozenset()
    everything: bool = False
    """What all verdicts stand on has changed: the pools."""
    namespaces: frozenset[str] = frozenset()
    """Namespaces whose annotations have changed: all pods in them."""
    proofs: frozenset[Key] = frozenset()
    """Pods of whose address a block that is watched says something else now."""

    def __or__(self, other: Touched) -> Touched:
        return Touched(
            self.pods | other.pods,
            self.everything or other.everything,
            self.namespaces | other.namespaces,
            self.proofs | other.proofs,
        )


class _Part:
    """What one source has told."""

    __slots__ = ("doubt", "gone", "items", "listed", "lost", "odd")

    def __init__(self) -> None:
        self.items: dict[Key, Seen] = {}
        self.gone: dict[Key, int] = {}
        self.doubt = NOT_LISTED
        """Why it is not to be relied on; empty where it is."""
        self.lost: tuple[str, ...] = ()
        """Items of the last list of which nothing could be read, not even the name."""
        self.listed: set[Key] = set()
        """What the list that is being read holds so far."""
        self.odd: dict[Key, str] = {}
        """What of an object could not be read."""

    @property
    def problems(self) -> str:
        """What could not be read, as one clause; empty for nothing."""
        if not self.odd and not self.lost:
            return ""
        return problems_of([*(self.odd[key] for key in sorted(self.odd)), *self.lost])


class Picture:
    """
    See the module.

    Args of the constructor:
        sources: all there are; a kind without a source was not asked for.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._parts: dict[Source, _Part] = {source: _Part() for source in sources}
        self._sources = sorted(self._parts)
        self._pools: tuple[IPPool, ...] | None = None
        """All pools, each once; None: to be merged anew."""
        self._pods = {source.namespace: part for source, part in self._parts.items() if source.kind is Kind.PODS}
        self._kinds = frozenset(source.kind for source in self._parts)
        self._by_address = ByAddress()
        self._failures: dict[Key, dict[Key, SandboxFailure]] = {}
        """Pod → event → what it reports."""
        self._sizes: Counter[tuple[int, int]] = Counter()
        """IP version and length of prefix → how many blocks are of that size."""

    def replace(self, source: Source, seen: Iterable[Seen], lost: Sequence[str] = ()) -> Touched:
        """Take in a whole list at once; as `begin`, `extend` and `finish`."""
        self.begin(source)
        touched = self.extend(source, seen)
        return touched | self.finish(source, lost)

    def begin(self, source: Source) -> None:
        """Begin to take in a list; what it is going to hold replaces all that the source told before."""
        self._parts[source].listed = set()

    def extend(self, source: Source, seen: Iterable[Seen]) -> Touched:
        """Take in a page of the list that has begun."""
        part = self._parts[source]
        touched = _Touching()
        for one in seen:
            part.listed.add(one.key)
            if part.items.get(one.key) != one:
                self._set(source.kind, part, one.key, one, touched)
        return touched.frozen(self._by_address)

    def finish(self, source: Source, lost: Sequence[str] = ()) -> Touched:
        """End the list: what it did not hold is gone. `lost` are items without so much as a name."""
        part = self._parts[source]
        touched = _Touching()
        for key in [key for key in part.items if key not in part.listed]:
            self._set(source.kind, part, key, None, touched)
        part.listed = set()
        part.gone.clear()
        part.doubt = ""
        part.lost = tuple(lost)
        return touched.frozen(self._by_address)

    def apply(self, source: Source, changes: Iterable[Change]) -> Touched:
        """Take in lines of a watch, in any order and any number of times."""
        part = self._parts[source]
        touched = _Touching()
        for change in changes:
            seen = change.seen
            if seen is None or self._is_late(part, change.type, seen):
                continue
            if change.type is ChangeType.DELETED:
                part.gone[seen.key] = seen.version
                while len(part.gone) > MOST_TOMBSTONES:
                    del part.gone[next(iter(part.gone))]
                self._set(source.kind, part, seen.key, None, touched)
            else:
                part.gone.pop(seen.key, None)
                self._set(source.kind, part, seen.key, seen, touched)
        return touched.frozen(self._by_address)

    def doubt(self, source: Source, why: str) -> None:
        """Say why a source is not to be relied on until it is listed again."""
        self._parts[source].doubt = why

    def doubt_of(self, source: Source) -> str:
        """Return why a source is not to be relied on; empty where it is."""
        return self._parts[source].doubt

    def count(self, source: Source) -> int:
        """Return how many objects a source holds."""
        return len(self._parts[source].items)

    @property
    def doubts(self) -> tuple[Gap, ...]:
        """What may be old, in a fixed order: sources that were not listed, or have not been heard since."""
        return tuple(
            Gap(kind=source.kind, reason=f"{source}: {self._parts[source].doubt}")
            for source in self._sources
            if self._parts[source].doubt
        )

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing: what may be old, and objects that could not be read."""
        lost = (
            Gap(kind=source.kind, reason=f"{source}: {why}")
            for source in self._sources
            if (why := self._parts[source].problems)
        )
        return (*self.doubts, *lost)

    def seen(self, key: Key) -> Seen | None:
        """Return the last state of a pod."""
        part = self._pods.get(key[0]) or self._pods.get("")
        return part.items.get(key) if part is not None else None

    def pod(self, key: Key) -> Pod | None:
        """Return a pod."""
        seen = self.seen(key)
        return seen.value if seen is not None and isinstance(seen.value, Pod) else None

    def keys(self) -> list[Key]:
        """Return the keys of all pods, in the order in which they are kept."""
        return [key for part in self._of(Kind.PODS) for key in part.items]

    def pods(self) -> Iterator[tuple[Key, Pod]]:
        """Yield every pod."""
        for part in self._of(Kind.PODS):
            for key, seen in part.items.items():
                if isinstance(seen.value, Pod):
                    yield key, seen.value

    def node(self, name: str) -> Node | None:
        """Return a node; None where it is not known."""
        for part in self._of(Kind.NODES):
            seen = part.items.get(("", name))
            if seen is not None and isinstance(seen.value, Node):
                return seen.value
        return None

    def about(self, pods: Iterable[Pod]) -> Snapshot:
        """
        Return all that bears on some pods; blocks are read on demand by others.

        Themselves, those that show an address of theirs, pools, their namespaces, and what was reported of them.
        """
        chosen: dict[Key, Pod] = {}
        looked: set[int] = set()
        for pod in pods:
            chosen[pod.namespace, pod.name] = pod
            for number in numbers_of(pod):
                if number in looked:
                    continue
                looked.add(number)  # thousands may show it, and each of them may be asked about
                for key in self._by_address.all(number):
                    if key not in chosen and (rival := self.pod(key)) is not None:
                        chosen[key] = rival
        return Snapshot(
            pods=tuple(chosen.values()),
            pools=self.pools(),
            namespaces=self._namespaces({namespace for namespace, _ in chosen}),
            failures=tuple(one for key in chosen for one in self._failures.get(key, {}).values())
            if Kind.EVENTS in self._kinds
            else None,
            gaps=self.gaps,
        )

    def snapshot(self) -> Snapshot:
        """Return the whole picture."""
        return self.about(pod for _, pod in self.pods())

    def pools(self) -> tuple[IPPool, ...] | None:
        """Return the pools, the same value until one has changed; None where nobody asked for them."""
        if Kind.POOLS not in self._kinds:
            return None
        if self._pools is None:
            found = [seen.value for part in self._of(Kind.POOLS) for seen in part.items.values()]
            self._pools = merged_pools([one for one in found if isinstance(one, IPPool)])
        return self._pools

    def blocks(self) -> list[PackedBlock]:
        """Return all blocks, where they are watched."""
        return [
            seen.value
            for part in self._of(Kind.BLOCKS)
            for seen in part.items.values()
            if isinstance(seen.value, PackedBlock)
        ]

    def blocks_at(self, address: Address) -> list[Seen]:
        """Return the blocks that cover an address, where blocks are watched: by name, which follows from the range."""
        found = []
        for part in self._of(Kind.BLOCKS):
            for version, prefix in sorted(self._sizes):
                if version == address.version:
                    name = block_name(ip_network((int(address).to_bytes(len(address.packed)), prefix), strict=False))
                    if (seen := part.items.get(("", name))) is not None and isinstance(seen.value, PackedBlock):
                        found.append(seen)
        return found

    def _namespaces(self, names: set[str]) -> tuple[Namespace, ...] | None:
        if Kind.NAMESPACES not in self._kinds:
            return None
        found = [part.items.get(("", name)) for part in self._of(Kind.NAMESPACES) for name in sorted(names)]
        return tuple(one.value for one in found if one is not None and isinstance(one.value, Namespace))

    def _of(self, kind: Kind) -> Iterator[_Part]:
        return (part for source, part in self._parts.items() if source.kind is kind)

    @staticmethod
    def _is_late(part: _Part, change: ChangeType, seen: Seen) -> bool:
        """Tell whether something newer is known already; without a number the last word counts."""
        if seen.version < 0:
            return False
        before = part.items.get(seen.key)
        newest = before.version if before is not None else part.gone.get(seen.key, -1)
        return seen.version < newest or (seen.version == newest and before is None and change != ChangeType.DELETED)

    def _set(self, kind: Kind, part: _Part, key: Key, seen: Seen | None, touched: _Touching) -> None:
        before = part.items.pop(key, None)
        part.odd.pop(key, None)
        if seen is not None:
            part.items[key] = seen
            if seen.problem:
                part.odd[key] = seen.problem
        old, new = before and before.value, seen and seen.value
        if old == new and (before and before.uid) == (seen and seen.uid):
            return
        if kind is Kind.PODS:
            self._pod_changed(key, old, new, touched)
        elif kind is Kind.POOLS:
            self._pools = None
            touched.everything = True
        elif kind is Kind.NAMESPACES:
            touched.namespaces.add(key[1])
        elif kind is Kind.EVENTS:
            self._failure_changed(key, old, new, touched)
        elif kind is Kind.BLOCKS:
            self._block_changed(old, new, touched)

    def _pod_changed(self, key: Key, old: object, new: object, touched: _Touching) -> None:
        touched.pods.add(key)
        shown_before, shown_now = _shown(old), _shown(new)
        for number in shown_before:
            if number not in shown_now:
                self._by_address.drop(number, key)
        for number in shown_now:
            self._by_address.add(number, key)
        touched.numbers.update(shown_before, shown_now)

    def _block_changed(self, old: object, new: object, touched: _Touching) -> None:
        before = old if isinstance(old, PackedBlock) else None
        now = new if isinstance(new, PackedBlock) else None
        for one, number in ((before, -1), (now, 1)):
            if one is not None:
                self._sizes[one.version, one.prefix] += number
        self._sizes = +self._sizes
        around = now or before
        if around is None:
            return
        shown = self._by_address.within(around.version, around.first, around.prefix)
        if not shown:
            return  # nobody's that are watched: most blocks
        was, is_ = (unpacked(one).allocations if one else {} for one in (before, now))
        for ordinal, keys in shown:
            if was.get(ordinal) != is_.get(ordinal):
                touched.proofs.update(keys)

    def _failure_changed(self, key: Key, old: object, new: object, touched: _Touching) -> None:
        if isinstance(old, SandboxFailure):
            about = (old.namespace, old.pod)
            reports = self._failures.get(about, {})
            reports.pop(key, None)
            if not reports:
                self._failures.pop(about, None)
            touched.pods.add(about)
        if isinstance(new, SandboxFailure):
            about = (new.namespace, new.pod)
            self._failures.setdefault(about, {})[key] = new
            touched.pods.add(about)


class _Touching:
    """`Touched` while it grows."""

    __slots__ = ("everything", "namespaces", "numbers", "pods", "proofs")

    def __init__(self) -> None:
        self.pods: set[Key] = set()
        self.numbers: set[int] = set()
        """Whoever shows one of them is touched too; found out once at the end, for thousands may show the same."""
        self.namespaces: set[str] = set()
        self.proofs: set[Key] = set()
        self.everything = False

    def frozen(self, by_address: ByAddress) -> Touched:
        pods = self.pods.union(*map(by_address.all, self.numbers))
        return Touched(frozenset(pods), self.everything, frozenset(self.namespaces), frozenset(self.proofs))


def _shown(pod: object) -> tuple[int, ...]:
    """Return the addresses that a pod shows as its own now; a finished pod's are history."""
    if not isinstance(pod, Pod) or pod.phase in FINISHED or pod.host_network:
        return ()
    return numbers_of(pod)
