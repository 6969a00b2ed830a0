"""
How much may be done to pods in mode `enforce`: so many in any hour, and nothing in a tier where too many are bad.

What they guard against is not a bad job but a wrong policy, or a wrong configuration of a runner: then every job of a
tier is a breach. Moments are seconds of a clock that only goes forward.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_S: Final = 3600.0
ALWAYS: Final = 2
"""So many pods of a tier may be bad whatever share they are of it; else one bad job of a quiet tier would stop all."""


class Limiter:
    """
    Lets so many pods pass in any stretch of `WINDOW_S` seconds, and a pod that passed in it again.

    Args of the constructor:
        most: how many.
        before: uids that passed before → when.
    """

    def __init__(self, most: int, before: Mapping[str, float] | None = None) -> None:
        self.most = most
        # In the order of their moments: a pod that passes again goes to the end.
        self._passed = dict(sorted((before or {}).items(), key=lambda one: one[1]))

    def has_room(self, uid: str, now: float) -> bool:
        """Tell whether a pod may pass now."""
        self._forget(now)
        return uid in self._passed or len(self._passed) < self.most

    def take(self, uid: str, now: float) -> None:
        """Let a pod pass that there is room for; it counts from now on."""
        self._passed.pop(uid, None)
        self._passed[uid] = now

    def _forget(self, now: float) -> None:
        while self._passed and now - (oldest := next(iter(self._passed.items())))[1] >= WINDOW_S:
            del self._passed[oldest[0]]


class Brake:
    """
    Tells in which tiers more than a share of the job pods of the last `WINDOW_S` seconds call for quarantine.

    Args of the constructor:
        percent: the share.
    """

    def __init__(self, percent: int) -> None:
        self.percent = percent
        self._seen: dict[str, tuple[float, str, bool]] = {}
        """uid → when it was judged last, its tier, whether it calls for quarantine; in the order of the moments."""
        self._all: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()

    def see(self, uid: str, tier: str, *, is_bad: bool, now: float) -> None:
        """Take note of a pod as it is judged now."""
        self._drop(uid)
        self._forget(now)
        self._seen[uid] = (now, tier, is_bad)
        self._all[tier] += 1
        self._bad[tier] += is_bad

    def is_on(self, tier: str, now: float) -> bool:
        """Tell whether nothing more may be done in a tier."""
        self._forget(now)
        bad = self._bad[tier]
        return bad > ALWAYS and bad * 100 > self.percent * self._all[tier]

    def share(self, tier: str) -> tuple[int, int]:
        """Return how many pods of a tier call for quarantine, and how many there are."""
        return self._bad[tier], self._all[tier]

    def _forget(self, now: float) -> None:
        while self._seen and now - next(iter(self._seen.values()))[0] >= WINDOW_S:
            self._drop(next(iter(self._seen)))

    def _drop(self, uid: str) -> None:
        _, tier, was_bad = self._seen.pop(uid, (0.0, "", False))
        self._all[tier] -= bool(tier)
        self._bad[tier] -= was_bad
