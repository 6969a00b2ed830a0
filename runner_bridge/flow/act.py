"""
The only module that writes to the cluster while `run` runs.

A pod that is due is queued once, however often it becomes due; what is due for it is planned when its turn comes, from
the verdict and the pod of that moment. The intent is in the ledger before the act, its outcome after. If the ledger
cannot be written the error passes through and ends the process: nothing is done that is not recorded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct, json, structs

from runner_bridge.core.actions import LABELS, EmitEvent, LabelPod, Mode, plan
from runner_bridge.core.errors import NeighbourError, UnavailableError
from runner_bridge.core.model.ledger import Entry, EntryKind, Step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from runner_bridge.core.actions import Action
    from runner_bridge.core.model.cluster import Labels, Pod
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.controller.entries import Context
    from runner_bridge.ports.kube import Writer

AT_ONCE: Final = 16
AGAIN_S: Final = 5.0
"""How long a cluster that cannot be written to is left alone, besides what the port has waited already."""
REFUSED_S: Final = 60.0
"""How long an action that the API server refuses, by right or by rule, is not tried again."""
CONTROLLER: Final = "runner-bridge.dev/runner-bridge"
"""Who reports, in Events."""


class Due(Struct, frozen=True):
    """What is said of a pod, and the pod, at one moment."""

    verdict: Verdict
    pod: Pod


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


class Act:
    """
    See the module.

    Args of the constructor:
        mode: what is allowed.
        context: of the entries.
        tools: what it is done with.
        look: returns what is said of a pod now; None when there is nothing to do for it any more.
    """

    def __init__(self, mode: Mode, context: Context, tools: Tools, look: Callable[[Key], Due | None]) -> None:
        self._mode = mode
        self._context = context
        self._tools = tools
        self._look = look
        self._due: dict[Key, None] = {}
        self._busy: set[Key] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._laid: dict[Key, tuple[str, Labels, Labels]] = {}
        """uid, labels before, labels after: until the watch shows what a patch has done."""
        self._told: dict[Key, tuple[str, set[str]]] = {}
        self._refused: dict[Key, tuple[tuple[str, ...], float]] = {}
        """What was refused, and when, on the loop's clock."""
        self.done = 0
        """Actions that changed something."""
        self.already_so = 0
        self.skipped = 0
        """Actions whose pod was gone when their turn came."""
        self.failed = 0

    def due(self, key: Key) -> None:
        """Queue a pod; a pod that waits already keeps its place."""
        if self._mode is Mode.OBSERVE:
            return
        self._due[key] = None
        self._idle.clear()
        self._wake.set()

    @property
    def waiting(self) -> int:
        """How many pods something is due for, or being done."""
        return len(self._due.keys() | self._busy)

    def forget(self, key: Key) -> None:
        """Drop what is remembered of a pod that is gone."""
        self._laid.pop(key, None)
        self._told.pop(key, None)
        self._refused.pop(key, None)

    async def run(self) -> None:
        """
        Work, for ever.

        Raises:
            LedgerError: an intent or an outcome could not be recorded.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(AT_ONCE):
                group.create_task(self._work(), name=f"act {number + 1}")

    async def drained(self) -> None:
        """Wait until nothing is due and nothing is in flight."""
        await self._idle.wait()

    def planned(self, key: Key) -> tuple[Action, ...]:
        """Return what is due for a pod now."""
        due = self._look(key)
        if due is None:
            return ()
        uid, told = self._told.get(key, ("", set()))
        return plan(due.verdict, self._as_laid(key, due.pod), told if uid == due.pod.uid else (), self._mode)

    async def _work(self) -> None:
        while True:
            key = self._next()
            if key is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._busy.add(key)
            try:
                await self._serve(key)
            finally:
                self._busy.discard(key)
                if self._due:
                    self._wake.set()
                elif not self._busy:
                    self._idle.set()

    def _next(self) -> Key | None:
        """Take the pod that has waited longest and is not in hand: actions of one pod keep their order."""
        key = next((key for key in self._due if key not in self._busy), None)
        if key is not None:
            del self._due[key]
        return key

    async def _serve(self, key: Key) -> None:
        actions = self.planned(key)
        if not actions or self._was_refused(key, actions):
            return
        intents = tuple(self._entry(action, Step.INTENT, self._tools.act_id()) for action in actions)
        await self._tools.record(intents)
        receipts = []
        again = False
        for action, intent in zip(actions, intents, strict=True):
            step, why, later = await self._perform(key, action)
            again = again or later
            receipts.append(structs.replace(intent, at=self._tools.clock(), step=step, text=why or intent.text))
        await self._tools.record(tuple(receipts))
        self._refused.pop(key, None)
        if again:
            await self._tools.pause(AGAIN_S)
            self.due(key)
        elif any(receipt.step is Step.FAILED for receipt in receipts):
            self._refused[key] = (_gist(actions), asyncio.get_running_loop().time())

    def _was_refused(self, key: Key, actions: tuple[Action, ...]) -> bool:
        """Tell whether just this was refused a moment ago: pods that wait are looked at every second."""
        gist, at = self._refused.get(key, ((), 0.0))
        return gist == _gist(actions) and asyncio.get_running_loop().time() < at + REFUSED_S

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
        match action:
            case LabelPod():
                due = self._look(key)
                there = await self._tools.writes.label(
                    namespace=action.namespace, pod=action.pod, uid=action.uid, labels=dict(action.changes)
                )
                if there and due is not None:
                    self._laid[key] = (action.uid, due.pod.labels, action.labels)
                return Step.DONE if there else Step.SKIPPED
            case EmitEvent():
                made = await self._tools.writes.create_event(action.namespace, event_body(action, self._tools.clock()))
                uid, told = self._told.get(key, ("", set()))
                self._told[key] = (action.uid, {action.name, *(told if uid == action.uid else ())})
                return Step.DONE if made else Step.ALREADY_SO
        assert_never(action)

    def _as_laid(self, key: Key, pod: Pod) -> Pod:
        """Return the pod with the labels that were laid on it, as long as it shows those from before."""
        laid = self._laid.get(key)
        if laid is None:
            return pod
        uid, before, after = laid
        if pod.uid == uid and pod.labels == before:
            return structs.replace(pod, labels=after)
        del self._laid[key]
        return pod

    def _entry(self, action: Action, step: Step, act_id: str) -> Entry:
        return Entry(
            kind=EntryKind.ACTED,
            at=self._tools.clock(),
            cluster=self._context.cluster,
            gitlab=self._context.gitlab,
            policy=self._context.policy,
            actor=self._context.actor,
            pod_uid=action.uid,
            namespace=action.namespace,
            pod=action.pod,
            act=kind_of(action),
            act_id=act_id,
            step=step,
            text=described(action),
        )


def _gist(actions: tuple[Action, ...]) -> tuple[str, ...]:
    return tuple(described(action) for action in actions)


def kind_of(action: Action) -> str:
    """Return the ledger's word for an action."""
    return "label-pod" if isinstance(action, LabelPod) else "emit-event"


def described(action: Action) -> str:
    """
    Return what an action does, as the ledger says it and `settled` reads it again.

    >>> from runner_bridge.core.model.cluster import NOT_LABELLED
    >>> described(LabelPod(namespace="a", pod="b", uid="u", labels=NOT_LABELLED, changes=(("x", "a"), ("y", None))))
    'x=a y-'
    """
    match action:
        case LabelPod(changes=changes):
            return " ".join(f"{name}-" if value is None else f"{name}={value}" for name, value in changes)
        case EmitEvent(reason=reason, name=name):
            return f"{reason} {name}"
    assert_never(action)


def event_body(action: EmitEvent, at: datetime) -> bytes:
    """Return the Event of `events.k8s.io/v1` about a pod."""
    regarding = {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": action.namespace,
        "name": action.pod,
        "uid": action.uid,
    }
    return json.encode(
        {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": action.namespace, "name": action.name},
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Warning",
            "reason": action.reason,
            "action": "Judged",
            "note": action.note,
            "regarding": regarding,
            "reportingController": CONTROLLER,
            "reportingInstance": "runner-bridge",
        }
    )


def settled(intents: Iterable[Entry], pods: Callable[[Key], Pod | None], context: Context, at: datetime) -> list[Entry]:
    """
    Return the receipts of intents whose process died before it could write them, by looking at the world.

    Labels tell by themselves whether they were laid. An Event does not matter here: its name is the same again, so what
    is planned next either makes it or finds it. What was not done is planned again.
    """
    found = []
    for intent in intents:
        pod = pods((intent.namespace, intent.pod))
        if pod is None or pod.uid != intent.pod_uid:
            step, text = Step.SKIPPED, "the pod was gone when the next process looked"
        elif intent.act == "label-pod" and _stands(intent.text, pod):
            step, text = Step.DONE, intent.text
        else:
            step, text = Step.FAILED, f"{intent.text}: its process ended before the outcome was known; planned again"
        found.append(structs.replace(intent, at=at, step=step, text=text, actor=context.actor, policy=context.policy))
    return found


def _stands(text: str, pod: Pod) -> bool:
    standing = {key: getattr(pod.labels, field) for field, key in LABELS.items()}
    wanted = (part.removesuffix("-").partition("=") for part in text.split())
    return all(standing.get(name) == value for name, _, value in wanted)
