"""
What acting remembers of pods, all of it only to ask less: what was laid and is not shown yet, told lately, refused.

None of it decides what is due. A process that has forgotten everything does the same, with a few more questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from runner_bridge.core.model.ledger import Step
from runner_bridge.flow.act.entries import EVENT, described
from runner_bridge.flow.act.events import COUNT_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from runner_bridge.core.actions import Action
    from runner_bridge.core.model.cluster import Labels, Pod
    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.wire.stream import Key

_TOLD: Final = frozenset({Step.DONE, Step.ALREADY_SO})
REFUSED_S: Final = 60.0
"""How long an action that the API server refuses, by right or by rule, is not tried again."""


class Memory:
    """See the module; moments are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._laid: dict[Key, tuple[str, Labels, Labels]] = {}
        """uid, labels before, labels after: until the watch shows what a patch has done."""
        self._told: dict[Key, tuple[str, dict[str, float]]] = {}
        """uid, and when each Event was made or counted last."""
        self._refused: dict[Key, dict[str, float]] = {}
        """What was refused, as it is described, and when: pods that wait are looked at every second."""

    def forget(self, key: Key) -> str:
        """Drop what is remembered of a pod that is gone; return the uid of one that something was told of."""
        self._laid.pop(key, None)
        self._refused.pop(key, None)
        uid, _ = self._told.pop(key, ("", {}))
        return uid

    def forget_refusals(self) -> None:
        """Try everything again."""
        self._refused.clear()

    def lay(self, key: Key, uid: str, before: Labels, after: Labels) -> None:
        """Note the labels that a patch has laid."""
        self._laid[key] = (uid, before, after)

    def as_laid(self, key: Key, pod: Pod) -> Pod:
        """Return the pod with the labels that were laid on it, as long as it shows those from before."""
        laid = self._laid.get(key)
        if laid is None:
            return pod
        uid, before, after = laid
        if pod.uid == uid and pod.labels == before:
            return structs.replace(pod, labels=after)
        del self._laid[key]
        return pod

    def tell(self, key: Key, uid: str, event: str, at: float) -> None:
        """Note when an Event was made or counted."""
        of, told = self._told.get(key, ("", {}))
        self._told[key] = (uid, (told if of == uid else {}) | {event: at})

    def recall(self, entries: Iterable[Entry], at: datetime, now: float) -> None:
        """
        Take from the ledger which Events were acknowledged lately; the last word about each of them counts.

        Args:
            entries: in the order of the chain.
            at: the moment now, as entries have it.
            now: the same on the forward clock.
        """
        for one in entries:
            if one.act == EVENT and one.step in _TOLD:
                key, event = (one.namespace, one.pod), one.text.rpartition(" ")[2]
                age = max(0.0, (at - one.at).total_seconds())
                if age < COUNT_EVERY_S:
                    self.tell(key, one.pod_uid, event, now - age)

    def told_lately(self, key: Key, uid: str, now: float) -> frozenset[str]:
        """Return the Events of a pod that need not be made or counted now."""
        of, told = self._told.get(key, ("", {}))
        return frozenset(name for name, when in told.items() if of == uid and now - when < COUNT_EVERY_S)

    def settle(self, key: Key, steps: Iterable[tuple[str, Step | None]], now: float) -> None:
        """Note which actions, as they are described, were refused just now, and which were not."""
        outcomes = dict(steps)
        others = {text: when for text, when in self._refused.pop(key, {}).items() if text not in outcomes}
        refused = others | {text: now for text, step in outcomes.items() if step is Step.FAILED}
        if refused:
            self._refused[key] = refused

    def was_refused(self, key: Key, action: Action, now: float) -> bool:
        """Tell whether just this was refused a moment ago."""
        refused = self._refused.get(key)
        return refused is not None and now - refused.get(described(action), now - REFUSED_S) < REFUSED_S
