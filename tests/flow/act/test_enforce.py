"""Mode `enforce` against a pretend cluster: who is taken off the network, who comes back, who is deleted, how many."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.core.actions import Mode
from runner_bridge.core.model.ledger import EntryKind, Step
from runner_bridge.core.policy import model as p
from runner_bridge.flow.act.events import COUNT_EVERY_S
from runner_bridge.flow.act.limits import WINDOW_S
from runner_bridge.flow.controller.bench import NOTHING_KNOWN
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.faults import Fault
from runner_bridge.simulate.switches import Faults
from tests import make
from tests.flow.bridge import CONTEXT, Book, Clock, running
from tests.flow.bridge import policy as usual
from tests.flow.world import NAMESPACE, SHORT_ID, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

QUARANTINE = p.TierEnforcement(quarantine=True)
DELETE = p.TierEnforcement(quarantine=True, delete=True)


class Heard(Faults[Fault]):
    """No faults, but what was asked: verb and path."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []

    def hit(self, verb: str, path: str) -> Fault | None:
        self.asked.append((verb, path))
        return None

    def count(self, verb: str, kind: str) -> int:
        return sum(one == verb and f"/{kind}" in path for one, path in self.asked)


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


def policy(enforce: p.TierEnforcement = QUARANTINE, waivers: tuple[p.Waiver, ...] = (), **limits: int) -> p.Policy:
    """The policy of the other tests, with tier `infra` opted in; without limits the brake is off."""
    chosen = p.Enforcement(**({"brake_percent": 100} | limits))
    infra = make.tier(runners=(make.runner(short_ids=(SHORT_ID,)),), enforce=enforce)
    shared = usual().tiers[p.TierName("default")]
    return make.policy(infra, shared, waivers=waivers, enforce=chosen)


async def bad(world: World, *names: str) -> None:
    for name in names:
        await world.job_pod(name, asked='["workload"]')
        await world.give(name, f"10.10.0.{1 + int(name, 36) % 200}", "workload")


async def isolated(world: World, *names: str) -> list[str]:
    return [name for name in names if (await world.labels(name)).get("quarantine") == "true"]


async def comes(look: Callable[[], Awaitable[list[str]]], names: tuple[str, ...]) -> None:
    async with asyncio.timeout(10):
        while await look() != list(names):  # noqa: ASYNC110 - it looks at the world, which tells nobody
            await asyncio.sleep(0.05)


def acts(book: Book, act: str) -> list[Step | None]:
    return [one.step for one in book.entries if one.act == act]


async def test_a_breach_is_quarantined_by_the_one_patch_told_and_recorded(cluster: Cluster, world: World) -> None:
    book = Book()
    cluster.faults = heard = Heard()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy()) as bridge:
        await bad(world, "a")
        await world.job_pod("g")
        await world.give("g", "172.16.0.1", "infraestrutura")
        heard.asked.clear()
        await bridge.until(lambda: bridge.proven("a", "g") and acts(book, "quarantine-pod"))
    assert await world.labels("a") == {"tier": "infra", "pool": "workload", "verdict": "breach", "quarantine": "true"}
    assert await isolated(world, "a", "g") == ["a"]
    assert {reason for _, reason in await world.told()} == {"AddressRoutable", "AnnotationOverwritten", "Quarantined"}
    assert acts(book, "quarantine-pod") == [Step.INTENT, Step.DONE]
    intent = next(one for one in book.entries if one.act == "quarantine-pod")
    assert intent.findings[0] == "annotation-overwritten"
    events = await world.ask("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")
    (quarantined,) = [one for one in events["items"] if one["reason"] == "Quarantined"]
    assert quarantined["related"] == {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "name": "workload"}
    assert quarantined["action"] == "Quarantine"


@pytest.mark.parametrize(
    ("mode", "enforce"), [(Mode.LABEL, QUARANTINE), (Mode.ENFORCE, p.TierEnforcement())], ids=["label", "not opted in"]
)
async def test_without_consent_a_breach_is_labelled_and_told_alone(
    cluster: Cluster, world: World, mode: Mode, enforce: p.TierEnforcement
) -> None:
    async with running(cluster.url, Book(), mode=mode, accepted=policy(enforce)) as bridge:
        await bad(world, "a")
        await bridge.until(lambda: bridge.proven("a") and bridge.act.done >= 3)
        assert await world.labels("a") == {"tier": "infra", "pool": "workload", "verdict": "breach"}


@pytest.mark.parametrize("how", ["opted out", "waived", "mode label"])
async def test_a_quarantine_is_lifted_when_it_is_not_called_for_any_more(
    cluster: Cluster, world: World, how: str
) -> None:
    book = Book()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy()) as bridge:
        await bad(world, "a")
        await bridge.until(lambda: bridge.proven("a") and acts(book, "quarantine-pod"))
    codes = ("annotation-overwritten", "address-routable")
    waivers = tuple(
        p.Waiver(code=code, until=date(2999, 1, 1), reason="approved", tier="infra", place=make.HERE) for code in codes
    )
    changed = {
        "opted out": policy(p.TierEnforcement()),
        "waived": policy(waivers=waivers),
        "mode label": policy(),
    }[how]
    mode = Mode.LABEL if how == "mode label" else Mode.ENFORCE
    async with running(cluster.url, book, mode=mode, accepted=changed) as bridge:
        await bridge.until(lambda: bridge.proven("a") and acts(book, "release-pod"))
        assert "quarantine" not in await world.labels("a")
    assert acts(book, "release-pod") == [Step.INTENT, Step.DONE]


async def test_a_changed_policy_lays_and_lifts_quarantine_while_it_runs(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy(p.TierEnforcement())) as bridge:
        await bad(world, "a")
        await bridge.until(lambda: bridge.proven("a"))
        assert await isolated(world, "a") == []
        for enforce, names in ((QUARANTINE, ["a"]), (p.TierEnforcement(), [])):
            changed = policy(enforce)
            bridge.act.adopt(changed, CONTEXT)
            bridge.controller.adopt(changed, CONTEXT, NOTHING_KNOWN)
            await comes(lambda: isolated(world, "a"), tuple(names))
    assert acts(book, "quarantine-pod") == acts(book, "release-pod") == [Step.INTENT, Step.DONE]


async def test_not_more_than_the_limit_and_a_person_is_told_once(cluster: Cluster, world: World) -> None:
    book, clock = Book(), Clock()
    accepted = policy(quarantines_per_hour=2)
    names = ("a", "b", "c", "d")
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=accepted, elapsed=clock) as bridge:
        await bad(world, *names)
        await bridge.until(lambda: bridge.proven(*names) and bridge.act.held_back)
        assert len(await isolated(world, *names)) == 2
        assert {(await world.labels(name))["verdict"] for name in names} == {"breach"}
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=accepted, elapsed=clock) as bridge:
        await bridge.until(lambda: bridge.proven(*names) and bridge.act.held_back)
        assert len(await isolated(world, *names)) == 2, "a restart begins no new hour"
        clock.gone += WINDOW_S
        await comes(lambda: isolated(world, *names), names)
    alerts = [one.text for one in book.entries if one.kind is EntryKind.ALERT]
    assert [text[:44] for text in alerts] == ["2 pods were put in quarantine within an hour"] * 2, (
        "once for each process"
    )


async def test_when_a_whole_tier_is_bad_the_brake_holds(cluster: Cluster, world: World) -> None:
    book = Book()
    names = tuple("abcdefgh")
    await bad(world, *names)
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy(brake_percent=25)) as bridge:
        await bridge.until(lambda: bridge.proven(*names) and bridge.act.held_back)
        assert await isolated(world, *names) == []
        assert bridge.act.held_back == ("brake infra",)
        bridge.controller.sweep()
        await bridge.until(lambda: bridge.proven(*names))
    (alert,) = [one.text for one in book.entries if one.kind is EntryKind.ALERT]
    assert "8 of 8 job pods of the last hour call for quarantine" in alert
    assert alert in bridge.said.notes


async def test_a_pod_is_deleted_after_its_quarantine_has_stood_and_its_successor_is_not(
    cluster: Cluster, world: World
) -> None:
    book, clock = Book(), Clock()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy(DELETE), elapsed=clock) as bridge:
        await bad(world, "a")
        await bridge.until(lambda: bridge.proven("a") and acts(book, "quarantine-pod"))
        await asyncio.sleep(0.6)  # two ticks
        assert acts(book, "delete-pod") == []
        clock.gone += 300
        await bridge.until(lambda: acts(book, "delete-pod") == [Step.INTENT, Step.DONE])
        await world.remove("a")
        uid = await world.job_pod("a")
        await world.give("a", "172.16.0.9", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        assert (await world.ask("GET", world.path("a")))["metadata"]["uid"] == uid
    assert "Deleting" in {reason for _, reason in await world.told()}


async def test_a_breach_that_lasts_is_counted_on_in_its_event_at_most_every_half_hour(
    cluster: Cluster, world: World
) -> None:
    book, clock = Book(), Clock()

    async def sweep(count: int) -> None:
        bridge.controller.sweep()
        await bridge.until(lambda: bridge.proven("a"))
        await asyncio.sleep(0.1)
        await bridge.act.drained()
        assert await world.counts() == {"AddressRoutable": count}

    async with running(cluster.url, book, elapsed=clock, clock=clock.moment) as bridge:
        await world.job_pod("a")
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a") and bridge.act.done == 2)
        clock.gone += COUNT_EVERY_S - 1
        await sweep(1)
        clock.gone += 1
        await sweep(2)
        await sweep(2)
    async with running(cluster.url, book, elapsed=clock, clock=clock.moment) as bridge:
        await sweep(2)
        assert bridge.writes() == 0
        clock.gone += COUNT_EVERY_S
        await sweep(3)


async def test_two_bridges_at_once_make_one_event_and_count_it_once(cluster: Cluster, world: World) -> None:
    async with running(cluster.url, Book()) as one, running(cluster.url, Book()) as other:
        await world.job_pod("a")
        await world.give("a", "10.10.0.1", "workload")
        await one.until(lambda: one.proven("a"))
        await other.until(lambda: other.proven("a"))
        assert await world.counts() == {"AddressRoutable": 1}
        assert await world.told() == [("a", "AddressRoutable")]


async def test_in_a_burst_every_pod_has_its_label_before_the_first_event(cluster: Cluster, world: World) -> None:
    names = [f"{number:03}" for number in range(60)]
    for name in names:
        await world.job_pod(name)
        await world.give(name, f"10.10.{int(name) // 50}.{int(name) % 50 + 1}", "workload")
    cluster.faults = heard = Heard()
    async with running(cluster.url, Book()) as bridge:
        await bridge.until(lambda: bridge.proven(*names) and heard.count("create", "events") == 60)
    writes = [verb for verb, _ in heard.asked if verb in {"patch", "create"}]
    # Batches of the judge come one after the other; within what has been judged, labels are first.
    assert writes.index("create") >= 30
    assert writes.count("patch") == 60


async def test_a_restart_with_all_labels_right_writes_nothing(cluster: Cluster, world: World) -> None:
    book = Book()
    names = [f"{number:03}" for number in range(30)]
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy()) as bridge:
        for name in names:
            await world.job_pod(name)
            await world.give(name, f"172.16.0.{int(name) + 1}", "infraestrutura")
        await bad(world, "a")
        await bridge.until(lambda: bridge.proven(*names, "a") and acts(book, "quarantine-pod"))
    cluster.faults = heard = Heard()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy()) as bridge:
        await bridge.until(lambda: bridge.proven(*names, "a"))
        await asyncio.sleep(0.2)
        assert bridge.writes() == 0
    assert {verb for verb, _ in heard.asked} <= {"get", "list", "watch"}


async def test_after_a_crash_in_the_middle_a_quarantine_is_found_and_not_laid_again(
    cluster: Cluster, world: World
) -> None:
    book = Book()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy()) as bridge:
        await bad(world, "a")
        await bridge.until(lambda: bridge.proven("a") and acts(book, "quarantine-pod"))
    book.entries = [one for one in book.entries if one.act != "quarantine-pod" or one.step is Step.INTENT]
    cluster.faults = heard = Heard()
    async with running(cluster.url, book, mode=Mode.ENFORCE, accepted=policy()) as bridge:
        await bridge.until(lambda: bridge.proven("a") and not book.intents)
    assert acts(book, "quarantine-pod") == [Step.INTENT, Step.DONE]
    assert heard.count("patch", "pods") == 0
