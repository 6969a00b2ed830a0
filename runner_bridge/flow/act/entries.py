"""What the ledger is told of an action: its intent, its receipt, and the receipt that a process that died left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from msgspec import structs

from runner_bridge.core.actions import LABELS, DeletePod, EmitEvent, LabelPod
from runner_bridge.core.model.ledger import Entry, EntryKind, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from runner_bridge.core.actions import Action
    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.controller.entries import Context

LABEL: Final = "label-pod"
QUARANTINE: Final = "quarantine-pod"
RELEASE: Final = "release-pod"
EVENT: Final = "emit-event"
DELETE: Final = "delete-pod"
ENFORCING: Final = (QUARANTINE, DELETE)
"""The acts that are limited."""
REMEMBERED: Final = (*ENFORCING, EVENT)
"""The acts of which a new term has to know what came of them."""


def kind_of(action: Action) -> str:
    """Return the ledger's word for an action; a patch is called after the most that it does."""
    match action:
        case LabelPod():
            return QUARANTINE if action.quarantines else RELEASE if action.releases else LABEL
        case EmitEvent():
            return EVENT
        case DeletePod():
            return DELETE
    assert_never(action)


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
        case DeletePod():
            return "its quarantine has stood for as long as the policy says"
    assert_never(action)


def intent_of(action: Action, context: Context, at: datetime, act_id: str) -> Entry:
    """Return the entry that comes before an action."""
    return Entry(
        kind=EntryKind.ACTED,
        at=at,
        cluster=context.cluster,
        gitlab=context.gitlab,
        policy=context.policy,
        actor=context.actor,
        pod_uid=action.uid,
        namespace=action.namespace,
        pod=action.pod,
        findings=() if isinstance(action, EmitEvent) else action.because,
        act=kind_of(action),
        act_id=act_id,
        step=Step.INTENT,
        text=described(action),
    )


def alert_of(text: str, context: Context, at: datetime) -> Entry:
    """Return the entry about something that a person is told."""
    return Entry(
        kind=EntryKind.ALERT,
        at=at,
        cluster=context.cluster,
        gitlab=context.gitlab,
        policy=context.policy,
        actor=context.actor,
        text=text,
    )


def settled(intents: Iterable[Entry], pods: Callable[[Key], Pod | None], context: Context, at: datetime) -> list[Entry]:
    """
    Return the receipts of intents whose process died before it could write them, by looking at the world.

    Labels, the one about quarantine too, tell by themselves whether they were laid, and a pod that was to be deleted
    whether it is there. An Event does not matter here: its name is the same again, so what is planned next either makes
    it or finds it. What was not done is planned again.
    """
    found = []
    for intent in intents:
        pod = pods((intent.namespace, intent.pod))
        if pod is not None and pod.uid != intent.pod_uid:
            pod = None
        step, text = _outcome(intent, pod)
        found.append(structs.replace(intent, at=at, step=step, text=text, actor=context.actor, policy=context.policy))
    return found


def _outcome(intent: Entry, pod: Pod | None) -> tuple[Step, str]:
    if intent.act == DELETE and (pod is None or pod.deleting):
        return Step.ALREADY_SO, "the pod was gone or leaving when the next process looked; who deleted it is not known"
    if pod is None:
        return Step.SKIPPED, "the pod was gone when the next process looked"
    if intent.act in {LABEL, QUARANTINE, RELEASE} and _stands(intent.text, pod):
        return Step.DONE, intent.text
    return Step.FAILED, f"{intent.text}: its process ended before the outcome was known; planned again"


def _stands(text: str, pod: Pod) -> bool:
    standing = {key: getattr(pod.labels, field) for field, key in LABELS.items()}
    wanted = (part.removesuffix("-").partition("=") for part in text.split())
    return all(standing.get(name) == value for name, _, value in wanted)
