"""What acting remembers is of one pod, ends by itself, and goes when the pod goes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from runner_bridge.core.actions import DeletePod
from runner_bridge.core.model.cluster import Labels
from runner_bridge.core.model.ledger import EntryKind, Step
from runner_bridge.flow.act.entries import described
from runner_bridge.flow.act.events import COUNT_EVERY_S
from runner_bridge.flow.act.memory import REFUSED_S, Memory
from tests import make

if TYPE_CHECKING:
    from runner_bridge.core.model.ledger import Entry

KEY = ("ci", "a")
BEFORE, AFTER, BY_HAND = Labels(), Labels(tier="infra"), Labels(tier="other")
ACTION = DeletePod(namespace="ci", pod="a", uid="u", because=("address-routable",))


def test_labels_that_were_laid_count_until_the_pod_shows_others_than_before() -> None:
    memory = Memory()
    memory.lay(KEY, "u", BEFORE, AFTER)
    assert memory.as_laid(KEY, make.job_pod(uid="u", labels=BEFORE)).labels == AFTER
    assert memory.as_laid(KEY, make.job_pod(uid="u", labels=BY_HAND)).labels == BY_HAND
    assert memory.as_laid(KEY, make.job_pod(uid="u", labels=BEFORE)).labels == BEFORE


def test_a_successor_has_none_of_the_labels_of_the_pod_before() -> None:
    memory = Memory()
    memory.lay(KEY, "u", BEFORE, AFTER)
    assert memory.as_laid(KEY, make.job_pod(uid="new", labels=BEFORE)).labels == BEFORE


def test_what_was_told_of_a_pod_is_told_again_after_a_while_and_of_its_successor_at_once() -> None:
    memory = Memory()
    memory.tell(KEY, "u", "a.1", 0)
    memory.tell(KEY, "u", "a.2", 10)
    assert memory.told_lately(KEY, "u", COUNT_EVERY_S) == {"a.2"}
    assert memory.told_lately(KEY, "new", 10) == frozenset()
    memory.tell(KEY, "new", "a.3", 10)
    assert memory.told_lately(KEY, "new", 10) == {"a.3"}


def test_what_the_ledger_says_was_acknowledged_lately_is_known_to_a_new_process() -> None:
    def told(name: str, step: Step, ago_s: float, act: str = "emit-event") -> Entry:
        at = make.NOW - timedelta(seconds=ago_s)
        text = f"AddressRoutable {name}"
        return make.entry(EntryKind.ACTED, at=at, namespace="ci", pod="a", pod_uid="u", act=act, step=step, text=text)

    memory = Memory()
    entries = (
        told("a.done", Step.DONE, 60),
        told("a.there", Step.ALREADY_SO, 60),
        told("a.old", Step.DONE, COUNT_EVERY_S),
        told("a.ahead", Step.DONE, -60),
        told("a.failed", Step.FAILED, 60),
        told("a.intent", Step.INTENT, 60),
        told("a.label", Step.DONE, 60, "label-pod"),
    )
    memory.recall(entries, make.NOW, 5)
    assert memory.told_lately(KEY, "u", 5) == {"a.done", "a.there", "a.ahead"}
    assert memory.told_lately(KEY, "u", 5 + COUNT_EVERY_S - 60) == {"a.ahead"}
    assert memory.told_lately(KEY, "new", 5) == frozenset()


def test_what_is_refused_is_left_alone_for_a_while_whatever_else_is_done() -> None:
    memory = Memory()
    assert not memory.was_refused(KEY, ACTION, 0)
    memory.settle(KEY, [(described(ACTION), Step.FAILED)], 0)
    memory.settle(KEY, [("x=y", Step.DONE)], 1)
    assert memory.was_refused(KEY, ACTION, REFUSED_S - 1)
    assert not memory.was_refused(KEY, ACTION, REFUSED_S)
    memory.settle(KEY, [(described(ACTION), Step.DONE)], 1)
    assert not memory.was_refused(KEY, ACTION, 1)


def test_a_pod_that_is_gone_and_a_term_that_is_over_leave_nothing() -> None:
    memory = Memory()
    memory.lay(KEY, "u", BEFORE, AFTER)
    memory.tell(KEY, "u", "a.1", 0)
    memory.settle(KEY, [(described(ACTION), Step.FAILED)], 0)
    memory.forget_refusals()
    assert not memory.was_refused(KEY, ACTION, 0)
    assert memory.forget(KEY) == "u"
    assert memory.told_lately(KEY, "u", 0) == frozenset()
    assert memory.as_laid(KEY, make.job_pod(uid="u", labels=BEFORE)).labels == BEFORE
