"""
The ledger's open intervals, as they are known to be after every entry that was acknowledged.

There is one for each pod that is there, tens of thousands, and most of an interval is what many of them say: where,
of whom, judged how. That part is kept once for all who say the same, and an interval is put together when it is asked
for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner_bridge.core.intervals import OF_INTERVALS, fold
from runner_bridge.core.model.ledger import Interval, IntervalKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.wire.stream import Key


class _Kept(Struct, frozen=True, gc=False):
    """An open interval without what is known from where it is kept; names as in `Interval`."""

    pod_uid: str
    address: str
    from_at: datetime
    seen_from_at: datetime
    opened_at: datetime | None
    judged_at: datetime | None
    handle: str
    sequence: int | None
    job: str
    job_url: str
    shared: tuple[Any, ...]
    """The values of `_SHARED`."""


_OWN: Final = _Kept.__struct_fields__[:-1]
_SHARED: Final = tuple(
    name
    for name in Interval.__struct_fields__
    if name not in {*_OWN, "namespace", "pod", "seen_to_at", "to_at"}  # the last two are None while it is open
)


@lru_cache(maxsize=4096)
def _once(*values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - the values of `_SHARED`, each of its own type
    """Return the same tuple for the same values: every combination of tier, project, node and verdict."""
    return values


class OpenIntervals:
    """
    See the module.

    Args of the constructor:
        intervals: those that the ledger has open.
    """

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self._open: dict[str, dict[str, tuple[_Kept, ...]]] = {}
        """Namespace → pod → its intervals."""
        for one in intervals:
            self._put((one.namespace, one.pod), one)

    def __iter__(self) -> Iterator[Key]:
        """Yield the pods that have any; what comes and goes meanwhile may be among them or not."""
        for namespace in tuple(self._open):
            for pod in tuple(self._open.get(namespace, ())):
                yield namespace, pod

    def of(self, key: Key) -> Mapping[IntervalKey, Interval]:
        """Return the open intervals of pods of this name, one after the other if the name came again."""
        return {one.key: one for one in (_whole(key, kept) for kept in self._of(key))}

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in entries that are recorded; those that are about no interval change nothing."""
        for entry in entries:
            if entry.kind in OF_INTERVALS:
                key = (entry.namespace, entry.pod)
                before = self.of(key).get(IntervalKey(entry.cluster, entry.pod_uid, entry.address))
                self._put(key, fold(before, entry))

    def _of(self, key: Key) -> tuple[_Kept, ...]:
        return self._open.get(key[0], {}).get(key[1], ())

    def _put(self, key: Key, interval: Interval) -> None:
        """Put an interval in the place of what was known of it; one that is over is dropped."""
        namespace, pod = key
        kept = tuple([one for one in self._of(key) if _whole(key, one).key != interval.key])
        if interval.open:
            kept = (*kept, _narrow(interval))
        if kept:
            self._open.setdefault(namespace, {})[pod] = kept
        elif pods := self._open.get(namespace):
            pods.pop(pod, None)
            if not pods:
                del self._open[namespace]


def _narrow(one: Interval) -> _Kept:
    own = {name: getattr(one, name) for name in _OWN}
    return _Kept(**own, shared=_once(*[getattr(one, name) for name in _SHARED]))


def _whole(key: Key, kept: _Kept) -> Interval:
    own = {name: getattr(kept, name) for name in _OWN}
    return Interval(namespace=key[0], pod=key[1], **own, **dict(zip(_SHARED, kept.shared, strict=True)))
