"""The ledger's open intervals, as they are known to be after every entry that was acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.intervals import OF_INTERVALS, fold
from runner_bridge.core.model.ledger import IntervalKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_bridge.core.model.ledger import Entry, Interval
    from runner_bridge.core.wire.stream import Key


class OpenIntervals:
    """
    See the module.

    Args of the constructor:
        intervals: those that the ledger has open.
    """

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self._open: dict[Key, dict[IntervalKey, Interval]] = {}
        for one in intervals:
            self._open.setdefault((one.namespace, one.pod), {})[one.key] = one

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._open))

    def of(self, key: Key) -> Mapping[IntervalKey, Interval]:
        """Return the open intervals of pods of this name, one after the other if the name came again."""
        return self._open.get(key, {})

    def take(self, entries: Iterable[Entry]) -> None:
        """Take in entries that are recorded; those that are about no interval change nothing."""
        for entry in entries:
            if entry.kind in OF_INTERVALS:
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        key = (entry.namespace, entry.pod)
        intervals = self._open.setdefault(key, {})
        name = IntervalKey(entry.cluster, entry.pod_uid, entry.address)
        folded = fold(intervals.get(name), entry)
        if folded.open:
            intervals[name] = folded
            return
        intervals.pop(name, None)
        if not intervals:
            del self._open[key]
