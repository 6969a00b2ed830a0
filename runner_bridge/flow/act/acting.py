"""Acting: plan when a pod's turn comes, record, do, record; labels of all pods before Events and deletions of any."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct, structs

from runner_bridge.core.actions import QUARANTINED, DeletePod, EmitEvent, LabelPod, Mode, plan
from runner_bridge.core.errors import NeighbourError, UnavailableError
from runner_bridge.core.model.ledger import Step
from runner_bridge.core.quarantine import NO_POWERS, UNLIMITED
from runner_bridge.flow.act.entries import alert_of, intent_of
from runner_bridge.flow.act.events import tell
from runner_bridge.flow.act.limits import WINDOW_S
from runner_bridge.flow.act.lines import Lines
from runner_bridge.flow.act.memory import Memory
from runner_bridge.flow.act.restraint import Restraint, recent
from runner_bridge.flow.measures import UNMEASURED, Measures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from runner_bridge.core.actions import Action
    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.controller.entries import Context
    from runner_bridge.ports.kube import Writer

LABELS_AT_ONCE: Final = 16
HANDS: Final = 8 * LABELS_AT_ONCE
"""Pods whose labels are in hand: most of them wait for the ledger, not for the cluster."""
EVENTS_AT_ONCE: Final = 4
AGAIN_S: Final = 5.0
"""How long a cluster that cannot be written to is left alone, besides what the port has waited already."""
TICK_S: Final = 5.0
"""How often pods are looked at again for which something becomes due only because time goes by."""


_NOT_DUE: Final = "not due any more when its turn came"


class Due(Struct, frozen=True):
    """What is said of a pod, and the pod, at one moment."""

    verdict: Verdict
    pod: Pod


class Intended(Struct, frozen=True):
    """That something is due for a pod; of a first label also the entry that says it is intended."""

    action: LabelPod | None = None
    intent: Entry | None = None


_SOMETHING: Final = Intended()


class Tools(Struct, frozen=True, kw_only=True):
    """What acting is done with; chosen by `cli`."""

    writes: Writer
    record: Callable[[tuple[Entry, ...]], Awaitable[None]]
    """Returns once the entries are durable."""
    clock: Callable[[], datetime]
    act_id: Callable[[], str]
    """Another text each time."""
    pause: Callable[[float], Awaitable[None]]
    note: Callable[[str], None]
    """Tells a person what could not be done, in one sentence."""
    elapsed: Callable[[], float] = time.monotonic
    """Seconds of a clock that only goes forward: limits are counted on it."""
    measures: Measures = UNMEASURED


class Act:
    """
    See the package.

    Args of the constructor:
        mode: what is allowed.
        context: of the entries.
        tools: what it is done with.
        look: returns what is said of a pod now; None when there is nothing to do for it any more.
        policy: says in which tiers mode `enforce` may do what, and how much of it; None: nothing in any.
        before: as of `begin`.
    """

    def __init__(
        self,
        mode: Mode,
        context: Context,
        tools: Tools,
        look: Callable[[Key], Due | None],
        policy: Policy | None = None,
        before: Iterable[Entry] = (),
    ) -> None:
        self._mode = mode
        self._context = context
        self._tools = tools
        self._look = look
        self._policy = policy
        self._restraint: Restraint | None = None
        self._lines = Lines(tools.measures)
        self._few = asyncio.Semaphore(LABELS_AT_ONCE)
        self._intended: dict[Key, Intended] = {}
        """What the ledger knows to be intended for pods that wait."""
        self._later: set[Key] = set()
        """Pods for which something becomes due only because time goes by."""
        self._memory = Memory()
        self._alerted: dict[str, float] = {}
        self.done = 0
        """Actions that changed something."""
        self.already_so = 0
        self.skipped = 0
        """Actions whose pod was gone when their turn came."""
        self.failed = 0
        self.begin(before)

    def begin(self, before: Iterable[Entry]) -> None:
        """
        Begin a term: others may have acted since the last one, and what was refused then was maybe not ours to do.

        Args:
            before: entries of the last hour about acts of `entries.REMEMBERED`, so that limits outlive a process, and
                nobody is told again of what the API server has acknowledged.
        """
        before = tuple(before)
        self._memory.forget_refusals()
        self._intended.clear()  # whoever begins a term settles what the ledger knows to be intended
        self._memory.recall(before, self._tools.clock(), self._tools.elapsed())
        if self._mode is Mode.ENFORCE and self._policy is not None:
            done = recent(before, self._tools.clock(), self._tools.elapsed())
            self._restraint = Restraint(self._policy, self._tools.elapsed, done)

    def adopt(self, policy: Policy, context: Context) -> None:
        """Go on by another policy."""
        self._policy, self._context = policy, context
        if self._restraint is not None:
            self._restraint.adopt(policy)

    def intend(self, key: Key) -> Intended | None:
        """
        Return what is going to be done for a pod, for whoever has entries about it to record anyway; None: nothing.

        Once they are durable it is handed to `due`: so between an event and its patch the disk is waited for once.
        Without an entry for a pod that is waiting or in hand already, and for what is limited and therefore planned
        when its turn comes.
        """
        if self._mode is Mode.OBSERVE:
            return None
        if key in self._lines:
            return _SOMETHING
        actions = self._to_do(key)
        if actions and isinstance(actions[0], LabelPod) and not actions[0].quarantines:
            return Intended(actions[0], self._intent_of(actions[0]))
        # What is limited may become due only because time goes by: then a pod has to be looked at in any case.
        return _SOMETHING if actions or self._restraint is not None else None

    def due(self, key: Key, intended: Intended | None = None) -> None:
        """Queue a pod, with what the ledger knows to be intended for it; a pod that waits already keeps its place."""
        if self._mode is Mode.OBSERVE:
            return
        if intended is not None and intended.intent is not None:
            self._intended[key] = intended
        # All that are due at one moment count for the brake before anything is done to the first of them.
        if self._restraint is not None and (due := self._look(key)) is not None:
            self._restraint.see(due.verdict, due.pod)
        self._lines.add(key)

    @property
    def waiting(self) -> int:
        """How many pods something is due for, or being done."""
        return len(self._lines)

    @property
    def held_back(self) -> tuple[str, ...]:
        """What has held pods back within the last hour: `brake TIER`, `quarantines`."""
        return tuple(sorted(what for what, when in self._alerted.items() if self._tools.elapsed() - when < WINDOW_S))

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a pod that is gone."""
        uid = self._memory.forget(key)
        self._later.discard(key)
        if self._restraint is not None:
            self._restraint.forget(uid)

    async def run(self) -> None:
        """
        Work, for ever.

        Raises:
            LedgerError: an intent or an outcome could not be recorded.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(HANDS):
                group.create_task(self._work(second=False), name=f"label {number + 1}")
            for number in range(EVENTS_AT_ONCE):
                group.create_task(self._work(second=True), name=f"tell {number + 1}")
            if self._restraint is not None:
                group.create_task(self._tick(), name="limits")

    async def drained(self) -> None:
        """Wait until nothing is due and nothing is in flight."""
        await self._lines.drained()

    def planned(self, key: Key) -> tuple[Action, ...]:
        """Return what is due for a pod now."""
        due = self._look(key)
        if due is None:
            return ()
        pod = self._memory.as_laid(key, due.pod)
        told = self._memory.told_lately(key, pod.uid, self._tools.elapsed())
        if self._restraint is None:
            return plan(due.verdict, pod, told, self._mode, NO_POWERS, UNLIMITED)
        limits = self._restraint.limits(due.verdict, pod)
        return plan(due.verdict, pod, told, self._mode, self._restraint.powers, limits)

    def _to_do(self, key: Key) -> tuple[Action, ...]:
        """Return what is due for a pod now, without what was refused a moment ago."""
        now = self._tools.elapsed()
        return tuple(action for action in self.planned(key) if not self._memory.was_refused(key, action, now))

    async def _work(self, *, second: bool) -> None:
        while True:
            key = await self._lines.take(second=second)
            try:
                await (self._tell(key) if second else self._label(key))
            finally:
                self._lines.done(key)

    async def _tick(self) -> None:
        while True:
            await self._tools.pause(TICK_S)
            later, self._later = self._later, set()
            for key in later:
                self.due(key)

    async def _label(self, key: Key) -> None:
        """Patch a pod's labels, if that is due, and queue what comes after all labels."""
        actions = self._to_do(key)
        labels = tuple(action for action in actions if isinstance(action, LabelPod))
        intended = self._intended.pop(key, None)
        intents = None
        if intended is not None and intended.intent is not None:
            if labels == (intended.action,):
                intents = (intended.intent,)
            else:
                await self._tools.record((self._receipt_of(intended.intent, Step.SKIPPED, _NOT_DUE),))
        for action in labels:
            if action.quarantines and self._restraint is not None:
                self._restraint.quarantines(action.uid)
        if labels:
            await self._carry_out(key, labels, intents)
        if len(actions) > len(labels):
            self._lines.add(key, second=True)
        await self._watch(key)

    async def _tell(self, key: Key) -> None:
        """Send what comes after labels; what tells of a label that could not be laid waits for it."""
        is_laid = not any(isinstance(action, LabelPod) and action.quarantines for action in self.planned(key))
        due: list[Action] = []
        for action in self._to_do(key):
            match action:
                case EmitEvent() if is_laid or action.did == "Judged":
                    due.append(action)
                case DeletePod() if self._restraint is not None:
                    self._restraint.deletes(action.uid)
                    due.append(action)
        if due:
            await self._carry_out(key, tuple(due))

    async def _watch(self, key: Key) -> None:
        """Look again later at a pod that waits for a limit or a grace, and say once what holds it back."""
        due = self._look(key)
        if self._restraint is None or due is None:
            return
        pod = self._memory.as_laid(key, due.pod)
        if not self._restraint.waits(due.verdict, pod):
            return
        self._later.add(key)
        if pod.labels.quarantine != QUARANTINED and not self._restraint.limits(due.verdict, pod).may_quarantine:
            what, text = self._restraint.held_by(due.verdict.tier)
            if self._tools.elapsed() - self._alerted.get(what, -WINDOW_S) >= WINDOW_S:
                self._alerted[what] = self._tools.elapsed()
                self._tools.note(text)
                await self._tools.record((alert_of(text, self._context, self._tools.clock()),))

    async def _carry_out(self, key: Key, actions: tuple[Action, ...], intents: tuple[Entry, ...] | None = None) -> None:
        """Record what is intended, unless that is in the ledger already, do it, record what came of it."""
        if intents is None:
            intents = tuple(self._intent_of(action) for action in actions)
            await self._tools.record(intents)
        receipts = []
        again = False
        for action, intent in zip(actions, intents, strict=True):
            step, why, later = await self._perform(key, action)
            self._tools.measures.acted(intent.act, step)
            again = again or later
            receipts.append(self._receipt_of(intent, step, why))
        await self._tools.record(tuple(receipts))
        if again:
            async with self._few:  # so that others leave the cluster alone too
                await self._tools.pause(AGAIN_S)
            self._tools.measures.retried()
            self.due(key)
            return
        steps = ((one.text, receipt.step) for one, receipt in zip(intents, receipts, strict=True))
        self._memory.settle(key, steps, self._tools.elapsed())

    def _intent_of(self, action: Action) -> Entry:
        return intent_of(action, self._context, self._tools.clock(), self._tools.act_id())

    def _receipt_of(self, intent: Entry, step: Step, why: str) -> Entry:
        return structs.replace(intent, at=self._tools.clock(), step=step, text=why or intent.text)

    async def _perform(self, key: Key, action: Action) -> tuple[Step, str, bool]:
        """Return the outcome, why where that matters, and whether to try again soon."""
        try:
            step = await self._do(key, action)
        except NeighbourError as error:
            self.failed += 1
            self._tools.note(str(error))
            return Step.FAILED, str(error), isinstance(error, UnavailableError)
        self.done += step is Step.DONE
        self.already_so += step is Step.ALREADY_SO
        self.skipped += step is Step.SKIPPED
        return step, "", False

    async def _do(self, key: Key, action: Action) -> Step:
        writes = self._tools.writes
        match action:
            case LabelPod():
                due = self._look(key)
                async with self._few:
                    there = await writes.label(
                        namespace=action.namespace, pod=action.pod, uid=action.uid, labels=dict(action.changes)
                    )
                if there and due is not None:
                    self._memory.lay(key, action.uid, due.pod.labels, action.labels)
                return Step.DONE if there else Step.SKIPPED
            case EmitEvent():
                step, age = await tell(writes, action, self._tools.clock())
                self._memory.tell(key, action.uid, action.name, self._tools.elapsed() - age)
                return step
            case DeletePod():
                # It cannot be undone: what has turned since the intent was recorded counts.
                if not any(isinstance(one, DeletePod) and one.uid == action.uid for one in self.planned(key)):
                    return Step.SKIPPED
                gone = not await writes.delete_pod(namespace=action.namespace, pod=action.pod, uid=action.uid)
                return Step.SKIPPED if gone else Step.DONE
        assert_never(action)
