"""
Objects and their history: what etcd and the watch cache are to a real API server.

One counter numbers every write of every resource, so a resource version is an instant of the whole store. Objects are
never changed in place: a version, once written, may be held by lists and watches for as long as they like.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner_bridge.simulate.cluster.status import Object

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped objects) and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write: `old` is missing for a creation, `new` for a deletion."""

    version: int
    key: Key
    old: Object | None
    new: Object | None
    shown: Object
    """What a watch tells: the new object, or the last state of a deleted one with the version of its deletion."""


class Store:
    """The objects of every resource, by storage key."""

    def __init__(self, *, first_version: int = 1000, keep_changes: int = 50_000) -> None:
        self.version = first_version
        self.oldest = first_version
        """A watch may start at this version or later; an older one has expired."""
        self._keep_changes = keep_changes
        self._objects: defaultdict[str, dict[Key, Object]] = defaultdict(dict)
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)
        self._lost: defaultdict[str, int] = defaultdict(int)
        self._sleepers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def next_version(self) -> int:
        """Return the version that the coming write has to carry."""
        return self.version + 1

    def get(self, storage: str, key: Key) -> Object | None:
        """Return an object, or None."""
        return self._objects[storage].get(key)

    def put(self, storage: str, key: Key, obj: Object) -> None:
        """Write an object; it carries `next_version()` already."""
        old = self._objects[storage].get(key)
        self._objects[storage][key] = obj
        self._write(storage, Change(version=self.next_version(), key=key, old=old, new=obj, shown=obj))

    def remove(self, storage: str, key: Key, last: Object) -> None:
        """Forget an object; `last` is its last state and carries `next_version()`."""
        old = self._objects[storage].pop(key)
        self._write(storage, Change(version=self.next_version(), key=key, old=old, new=None, shown=last))

    def _write(self, storage: str, change: Change) -> None:
        self.version = change.version
        changes = self._changes[storage]
        changes.append(change)
        if len(changes) > 2 * self._keep_changes:
            self._lost[storage] = changes[self._keep_changes - 1].version
            self.oldest = max(self.oldest, self._lost[storage])
            del changes[: self._keep_changes]
        for sleeper in self._sleepers[storage]:
            sleeper.set()

    def items(self, storage: str, namespace: str) -> list[tuple[Key, Object]]:
        """Return the objects of one namespace (empty: of all), in the order of their keys."""
        return self.at(storage, namespace, self.version)

    def at(self, storage: str, namespace: str, version: int) -> list[tuple[Key, Object]]:
        """Return the objects as they were at a version that has not expired, in the order of their keys."""
        then: dict[Key, Object | None] = dict(self._objects[storage])
        for change in reversed(self._changes[storage][self._after(storage, version) :]):
            then[change.key] = change.old
        there = ((key, obj) for key, obj in then.items() if obj is not None)
        return sorted((each for each in there if not namespace or each[0][0] == namespace), key=lambda each: each[0])

    def since(self, storage: str, version: int, *, at_most: int = 500) -> list[Change]:
        """Return the changes after a version, oldest first."""
        start = self._after(storage, version)
        return self._changes[storage][start : start + at_most]

    def _after(self, storage: str, version: int) -> int:
        return bisect_right(self._changes[storage], version, key=lambda change: change.version)

    def compact(self) -> None:
        """Forget all history: every version but the newest expires."""
        self.oldest = self.version
        for storage, changes in self._changes.items():
            if changes:
                self._lost[storage] = changes[-1].version
                changes.clear()

    def has_lost(self, storage: str, version: int) -> bool:
        """Tell whether a change of this resource after a version is no longer there to be told."""
        return version < self._lost[storage]

    def sleeper(self, storage: str) -> Sleeper:
        """Return what waits for the next change of a resource; used in a `with` block."""
        return Sleeper(self._sleepers[storage])


class Sleeper:
    """Waits for changes of one resource."""

    def __init__(self, registered: set[asyncio.Event]) -> None:
        self._registered = registered
        self._event = asyncio.Event()

    def __enter__(self) -> Callable[[float | None], Awaitable[None]]:
        self._registered.add(self._event)
        return self._sleep

    def __exit__(self, *_: object) -> None:
        self._registered.discard(self._event)

    async def _sleep(self, at_most_s: float | None) -> None:
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
            async with asyncio.timeout(at_most_s):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()
