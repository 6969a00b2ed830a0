"""Acting: recorded before and after, coalesced, in order, and never again what is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.core.actions import LabelPod
from runner_bridge.core.errors import LedgerError
from runner_bridge.core.model.cluster import Labels
from runner_bridge.core.model.ledger import Entry, EntryKind, Step
from runner_bridge.flow.act import Intended, settled
from runner_bridge.flow.act.entries import intent_of
from runner_bridge.simulate.cluster import Cluster, Denial, Fault, StatusError
from tests import make
from tests.flow.bridge import CONTEXT, FASTER, Book, running
from tests.flow.world import NAMESPACE, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.core.model.cluster import Pod


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as started:
        yield started


@pytest.fixture
async def world(cluster: Cluster) -> AsyncIterator[World]:
    async with aiohttp.ClientSession(cluster.url) as session:
        made = World(session)
        await made.furnish()
        yield made


def acts(book: Book) -> list[tuple[str, Step | None]]:
    return [(one.act, one.step) for one in book.entries if one.kind is EntryKind.ACTED]


async def test_the_intent_is_recorded_before_and_the_outcome_after(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.act.done == 2
    kinds = ("label-pod", "emit-event")
    assert acts(book) == [(kind, step) for kind in kinds for step in (Step.INTENT, Step.DONE)]
    label = next(one for one in book.entries if one.act == "label-pod")
    assert label.text == (
        "runner-bridge.dev/tier=infra runner-bridge.dev/pool=workload runner-bridge.dev/verdict=breach"
    )


async def test_between_an_event_and_its_label_the_disk_is_waited_for_once(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
    opening = next(some for some in book.together if any(one.kind is EntryKind.OPENED for one in some))
    assert [(one.kind, one.step) for one in opening] == [(EntryKind.OPENED, None), (EntryKind.ACTED, Step.INTENT)]


async def test_what_is_not_due_any_more_when_its_turn_comes_is_not_done(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        laid = next(one for one in book.entries if one.act == "label-pod")
        old = LabelPod(
            namespace=NAMESPACE,
            pod="a",
            uid=laid.pod_uid,
            labels=Labels(verdict="breach"),
            changes=(("runner-bridge.dev/verdict", "breach"),),
        )
        intent = intent_of(old, CONTEXT, laid.at, "old")
        await book.record((intent,))
        bridge.act.due((NAMESPACE, "a"), Intended(old, intent))
        await bridge.until(lambda: not book.intents)
        assert (await world.labels("a"))["verdict"] == "pass"
    assert next(one.step for one in reversed(book.entries) if one.act_id == "old") is Step.SKIPPED


async def test_a_label_that_somebody_changed_is_put_right_again(cluster: Cluster, world: World) -> None:
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        await world.merge(
            world.path("a"), {"metadata": {"labels": {"runner-bridge.dev/verdict": "breach", "mine": "x"}}}
        )
        await bridge.until(lambda: bridge.act.done == 2)
        assert (await world.labels("a"))["verdict"] == "pass"


async def test_a_pod_that_finished_is_left_alone(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        await world.finish("a")
        await bridge.until(lambda: not book.open)
        await world.merge(world.path("a"), {"metadata": {"labels": {"runner-bridge.dev/verdict": None}}})
        await world.job_pod("b")
        await bridge.until(lambda: bridge.verdict("b"))
        assert "verdict" not in await world.labels("a")


async def test_a_refusal_is_recorded_and_said_once(cluster: Cluster, world: World) -> None:
    cluster.access.denials.append(Denial(verb="patch", plural="pods"))
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura", status=False)
        await bridge.until(lambda: bridge.act.failed)
        assert "Grant the verb patch on pods" in bridge.said.notes[0]
    receipt = next(one for one in book.entries if one.step is Step.FAILED)
    assert "Grant the verb patch on pods" in receipt.text


async def test_what_is_refused_is_not_tried_at_each_look(cluster: Cluster, world: World) -> None:
    """A pod without an address is looked at every second; each try would be two entries."""
    cluster.access.denials.append(Denial(verb="patch", plural="pods"))
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a", waited_s=900)
        await bridge.until(lambda: bridge.act.failed)
        await asyncio.sleep(0.3)  # six looks
        assert acts(book) == [("label-pod", Step.INTENT), ("label-pod", Step.FAILED)]
        cluster.access.denials.clear()
        await world.give("a", "172.16.0.1", "infraestrutura")  # something else is due now
        await bridge.until(lambda: bridge.proven("a"))
        assert (await world.labels("a"))["verdict"] == "pass"


async def test_what_is_refused_stays_so_though_something_else_is_done(cluster: Cluster, world: World) -> None:
    """A breach without an address: its Event is made, and its label is not tried again each second because of that."""
    cluster.access.denials.append(Denial(verb="patch", plural="pods"))
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a", asked='["infraestrutra"]')
        await bridge.until(lambda: ("emit-event", Step.DONE) in acts(book))
        await asyncio.sleep(0.3)  # six looks
    assert acts(book).count(("label-pod", Step.FAILED)) == 1


@pytest.mark.parametrize(
    ("code", "reason", "step"),
    [
        pytest.param(404, "NotFound", Step.SKIPPED, id="gone"),
        pytest.param(409, "Conflict", Step.SKIPPED, id="another took its name"),
        pytest.param(422, "Invalid", Step.FAILED, id="refused by a rule"),
    ],
)
async def test_an_answer_that_will_not_change_is_recorded_and_not_asked_again(
    cluster: Cluster, world: World, code: int, reason: str, step: Step
) -> None:
    fault = Fault(verbs=frozenset({"patch"}), path="/pods/a$", refusal=StatusError(code, reason, "no"), times=None)
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        cluster.faults.add(fault)
        await world.give("a", "172.16.0.1", "infraestrutura", status=False)
        await bridge.until(lambda: bridge.proven("a") and len(acts(book)) >= 2)
        await asyncio.sleep(0.2)
    assert set(acts(book)) == {("label-pod", Step.INTENT), ("label-pod", step)}
    assert len(acts(book)) <= 4, "once by the address, once by the block"


async def test_a_server_that_asks_for_time_is_given_it(cluster: Cluster, world: World) -> None:
    refusal = StatusError(429, "TooManyRequests", "slowly", details={"retryAfterSeconds": 10})
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        cluster.faults.add(Fault(verbs=frozenset({"patch"}), path=f"/{NAMESPACE}/pods/a$", refusal=refusal))
        await world.give("a", "172.16.0.1", "infraestrutura", status=False)
        began = asyncio.get_running_loop().time()
        await bridge.until(lambda: bridge.act.done)
        assert asyncio.get_running_loop().time() - began >= 10 / FASTER * 0.9
    assert acts(book)[:2] == [("label-pod", Step.INTENT), ("label-pod", Step.DONE)]


async def test_a_job_pod_takes_one_patch_for_its_whole_life(cluster: Cluster, world: World) -> None:
    """Made by a rendered runner, which puts the label of the tier on it."""
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a", labels={"runner-bridge.dev/tier": "infra"})
        await bridge.until(lambda: bridge.codes("a") == ["address-pending"])
        assert bridge.writes() == 0
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a") and bridge.act.done)
        bridge.controller.sweep()
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.writes() == 1
        await world.finish("a")
        await asyncio.sleep(0.2)
        assert bridge.writes() == 1


async def test_a_server_that_cannot_just_now_is_tried_again(cluster: Cluster, world: World) -> None:
    refusal = StatusError(503, "ServiceUnavailable", "later")
    cluster.faults.add(Fault(verbs=frozenset({"patch"}), path=f"/{NAMESPACE}/pods/a$", refusal=refusal, times=4))
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.act.done)
        assert (await world.labels("a"))["verdict"] == "pass"
    assert acts(book)[-1] == ("label-pod", Step.DONE)
    assert ("label-pod", Step.FAILED) in acts(book)


async def _breach_on_a_full_disk(world: World, book: Book) -> None:
    await world.job_pod("a")
    book.broken = LedgerError("the disk is full. Make room; what was acknowledged is safe.")
    await world.give("a", "10.10.0.1", "workload")
    await asyncio.sleep(10)


async def test_without_a_record_nothing_is_done(cluster: Cluster, world: World) -> None:
    book = Book()
    with pytest.raises(ExceptionGroup) as caught:
        async with running(cluster.url, book):
            await _breach_on_a_full_disk(world, book)
    assert caught.group_contains(LedgerError, match="the disk is full")
    assert await world.labels("a") == {}
    assert await world.told() == []


def intent(act: str, text: str, uid: str = "u") -> Entry:
    return Entry(
        kind=EntryKind.ACTED,
        at=make.NOW,
        cluster="prod-1",
        namespace="ci",
        pod="a",
        pod_uid=uid,
        act_id=text,
        act=act,
        step=Step.INTENT,
        text=text,
    )


@pytest.mark.parametrize(
    ("act", "text", "pod", "step"),
    [
        pytest.param("label-pod", "runner-bridge.dev/tier=infra", None, Step.SKIPPED, id="gone"),
        pytest.param("label-pod", "runner-bridge.dev/tier=infra", make.job_pod(uid="new"), Step.SKIPPED, id="another"),
        pytest.param("label-pod", "runner-bridge.dev/tier=infra", make.job_pod(uid="u"), Step.FAILED, id="not laid"),
        pytest.param(
            "label-pod",
            "runner-bridge.dev/tier=infra runner-bridge.dev/pool-",
            make.job_pod(uid="u", labels=Labels(tier="infra")),
            Step.DONE,
            id="laid",
        ),
        pytest.param("emit-event", "AddressRoutable a.1", make.job_pod(uid="u"), Step.FAILED, id="event"),
        pytest.param(
            "quarantine-pod",
            "runner-bridge.dev/quarantine=true",
            make.job_pod(uid="u", labels=Labels(quarantine="true")),
            Step.DONE,
            id="in quarantine",
        ),
        pytest.param("release-pod", "runner-bridge.dev/quarantine-", make.job_pod(uid="u"), Step.DONE, id="released"),
        pytest.param("delete-pod", "why", None, Step.ALREADY_SO, id="deleted"),
        pytest.param("delete-pod", "why", make.job_pod(uid="u", deleting=True), Step.ALREADY_SO, id="leaving"),
        pytest.param("delete-pod", "why", make.job_pod(uid="new"), Step.ALREADY_SO, id="another took its name"),
        pytest.param("delete-pod", "why", make.job_pod(uid="u"), Step.FAILED, id="not deleted"),
    ],
)
def test_what_a_crash_left_open_is_found_out_from_the_world(act: str, text: str, pod: Pod | None, step: Step) -> None:
    (receipt,) = settled([intent(act, text)], lambda _: pod, CONTEXT, make.NOW)
    assert (receipt.step, receipt.act_id, receipt.actor) == (step, text, "test")


async def test_after_a_crash_between_intent_and_outcome_nothing_is_done_twice(cluster: Cluster, world: World) -> None:
    """The process dies after it has acted and before it could say so."""
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("a")
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a"))
    book.entries = [one for one in book.entries if one.step in (None, Step.INTENT)]
    assert len(book.intents) == 2
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: bridge.proven("a") and not book.intents)
        await bridge.until(lambda: acts(book)[-1] == ("emit-event", Step.ALREADY_SO))
    assert await world.told() == [("a", "AddressRoutable")]
    assert [step for _, step in acts(book)[2:4]] == [Step.DONE, Step.FAILED]
    assert await world.counts() == {"AddressRoutable": 1}
