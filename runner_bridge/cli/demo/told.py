"""What is told while the demo plays: by the bridge, verdict by verdict, and by the pods of the pretend cluster."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner_bridge.ask.views.verdict_lines import word_of
from runner_bridge.core.model.codes.job_pods import ADDRESS_PENDING, HOST_NETWORK
from runner_bridge.simulate.cluster.resources import CORE_EVENTS, PODS
from runner_bridge.simulate.story.ending import VERDICT, Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Gap
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.simulate.cluster.store import Change, Store


_ADDRESS: Final = "cni.projectcalico.org/podIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A job that did not pass, in what fits one line."""

    at: datetime
    pod: str
    job: str
    word: str
    where: str
    """Address and pool, or why there is none."""
    code: str
    cause: str
    """What was seen, what was expected, why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A trouble, as it is shown."""

    trouble: Trouble
    label: str
    """What the pod itself says; empty until that is what the bridge says."""
    more: str
    """How long it took to know why a pod is stuck; empty for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was said of no single job."""

    at: datetime
    text: str


class Told:
    """
    Listens to the bridge (`flow.controller.Says`): keeps the last word on each pod, and the trouble.

    Args of the constructor:
        clock: the story's.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.said: dict[str, Said] = {}
        self.verdicts: dict[str, Verdict] = {}
        """The last one of each pod that was judged, by its name."""
        self.troubles: dict[str, Trouble] = {}
        """By the name of the pod; a pod that is still waited for is not among them."""
        self.notes: list[Note] = []
        """What was in doubt, and what could not be done."""
        self._in_doubt = False

    def verdict(self, verdict: Verdict, at: datetime) -> None:
        """Keep it."""
        codes = [one for one in verdict.findings if one.code.outcome is not None]
        self.said[verdict.pod] = Said(outcome=str(verdict.outcome), codes=frozenset(one.code.name for one in codes))
        self.verdicts[verdict.pod] = verdict
        if word_of(verdict) == "pass":
            self.troubles.pop(verdict.pod, None)
        elif codes and not verdict.pending:
            # Of a pod without an address the refusal is told last, and it is what a person waits for.
            shown = codes[0] if verdict.assigned else codes[-1]
            if shown.code is not ADDRESS_PENDING:
                self.troubles[verdict.pod] = _trouble(verdict, shown, at)

    def doubt(self, gaps: tuple[Gap, ...], at: datetime) -> None:
        """Note that nothing is judged, or that it is over."""
        if gaps:
            self._note("The API server is not heard: nothing is judged meanwhile.", at)
        elif self._in_doubt:
            self._note("It is back: everything was listed again and judged anew.", at)
        self._in_doubt = bool(gaps)

    def finding(self, finding: Finding, at: datetime) -> None:
        """Note what stands in the way of judging."""
        self._note(finding.headline, at)

    def note(self, text: str) -> None:
        """Note what could not be done."""
        self._note(text, self._clock())

    def _note(self, text: str, at: datetime) -> None:
        self.notes.append(Note(at=at, text=text))

    def counts(self, tier: str) -> Counter[str]:
        """Return how many jobs of a tier have which word."""
        return Counter(word_of(one) for one in self.verdicts.values() if one.tier == tier)


def _trouble(verdict: Verdict, shown: Finding, at: datetime) -> Trouble:
    held = ", ".join(f"{one.address} {one.pool}".rstrip() for one in verdict.assigned)
    seen = f"Seen {shown.observed}, expected {shown.expected}. {shown.cause}".rstrip()
    none = "the node's address" if shown.code is HOST_NETWORK else "no address"
    return Trouble(
        at=at,
        pod=verdict.pod,
        job=verdict.job.id,
        word=word_of(verdict),
        where=held or none,
        code=shown.code.name,
        cause=seen,
    )


class Labels:
    """
    Watches the pods of the pretend cluster itself: which verdict is written on each, and how soon.

    Args of the constructor:
        store: the cluster's.
        clock: real seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._moved_s: dict[str, float] = {}
        self._address: dict[str, str] = {}
        self.on: dict[str, str | None] = {}
        self.took_s: dict[str, float] = {}
        """From what a label can follow from (pod made, address there, event) until it stood; real seconds."""

    async def run(self) -> None:
        """Watch, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(PODS.storage, self.pod), name="labels of pods")
            group.create_task(self._watch(CORE_EVENTS.storage, self._event), name="events of pods")

    async def _watch(self, storage: str, note: Callable[[Change], None]) -> None:
        version = self._store.version
        with self._store.sleeper(storage) as sleep:
            while True:
                while changes := self._store.since(storage, version):
                    version = changes[-1].version
                    for change in changes:
                        note(change)
                await sleep(None)

    def _event(self, change: Change) -> None:
        """Note that kubelet said something of a pod."""
        if change.shown.get("reason") == "FailedCreatePodSandBox":
            self._moved_s[change.shown["involvedObject"]["name"]] = self._clock()

    def pod(self, change: Change) -> None:
        """Take note of a change of a pod."""
        pod, meta = change.key[1], change.shown["metadata"]
        label, address = (meta.get("labels") or {}).get(VERDICT), (meta.get("annotations") or {}).get(_ADDRESS, "")
        if label is not None and label != self.on.get(pod):
            self.took_s[pod] = self._clock() - self._moved_s.get(pod, self._clock())
        elif pod not in self.on or address != self._address.get(pod, ""):
            self._moved_s[pod] = self._clock()
        self.on[pod], self._address[pod] = label, address
