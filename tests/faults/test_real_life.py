"""
The real `run` against a real API server with RBAC on, as the ServiceAccount of `deploy/rbac-run.yaml`.

Two hundred pods go through their life, twenty of them bad in ten ways, and the server is killed and started again in
the middle. What has to be said of each is written here by hand. Beside it a second bridge observes, as an account that
may only read: the server's own audit log holds no write of it, not even one that was refused.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import CLEAN
from runner_bridge.core.model.ledger import EntryKind
from tests.cli.test_run_bridge import POLICY
from tests.cluster.server import BRIDGE, READER
from tests.faults.process import bridge, files, recorded
from tests.flow.world import NAMESPACE, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.cluster.server import ApiServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]

GOOD = [f"good-{number:03}" for number in range(180)]
FINISHED, REMOVED, STAY = GOOD[:40], GOOD[40:80], GOOD[80:]
EXHAUSTED = 'plugin type="calico" failed (add): No IPs available in pools: [172.16.0.0/16]'

BAD: dict[str, tuple[str, set[str]]] = {
    "overwritten": ("breach", {"annotation-overwritten", "address-routable"}),
    "late-annotation": ("breach", {"address-routable"}),
    "silent": ("breach", {"annotation-missing", "address-routable"}),
    "host": ("breach", {"host-network"}),
    "typo": ("breach", {"annotation-overwritten", "pool-unknown"}),
    "malformed": ("breach", {"annotation-malformed", "address-pending"}),
    "stuck": ("unknown", {"pool-exhausted"}),
    "not-its-own": ("unknown", {"block-disagrees"}),
    "too-long": ("unknown", {"pending-too-long"}),
    "stranger": ("unknown", {"identity-unconfirmed"}),
}
"""What goes wrong with a pod, and what has to be said of it; two pods each."""
EXPECTED = {f"{what}-{number}": said for what, said in BAD.items() for number in (1, 2)}
EVENTS = {
    "overwritten": ["AddressRoutable", "AnnotationOverwritten"],
    "late-annotation": ["AddressRoutable"],
    "silent": ["AddressRoutable", "AnnotationMissing"],
    "host": ["HostNetwork"],
    "typo": ["AnnotationOverwritten"],
    "malformed": ["AnnotationMalformed"],
}
HOLDERS = {"overwritten", "late-annotation", "silent", "not-its-own", "stranger"}
"""Those that have an address, whosever it is."""


async def few_at_once(made: list[Awaitable[Any]]) -> None:
    gate = asyncio.Semaphore(8)

    async def one(what: Awaitable[Any]) -> None:
        async with gate:
            await what

    await asyncio.gather(*(one(what) for what in made))


async def good(world: World, name: str) -> None:
    number = GOOD.index(name)
    await world.job_pod(name, node=f"node-{1 + number % 2}")
    await world.give(name, f"172.16.{number % 2}.{number // 2}", "infraestrutura")


async def bad(world: World, number: int) -> None:
    """One pod for each way."""

    async def routable(name: str, last: int, asked: str | None) -> None:
        await world.job_pod(f"{name}-{number}", asked=asked)
        await world.give(f"{name}-{number}", f"10.10.0.{last + number}", "workload")

    await routable("overwritten", 10, '["workload"]')
    await routable("late-annotation", 20, '["infraestrutura"]')
    await routable("silent", 30, None)
    await world.job_pod(f"host-{number}", hostNetwork=True)
    await world.job_pod(f"typo-{number}", asked='["infraestrutra"]')
    await world.job_pod(f"malformed-{number}", asked="infraestrutura")
    uid = await world.job_pod(f"stuck-{number}")
    await world.refuse(f"stuck-{number}", uid, EXHAUSTED)
    await world.allocate(f"somebody-else-{number}", f"172.16.9.{number}", "infraestrutura", "node-1")
    await world.job_pod(f"not-its-own-{number}")
    await world.give(f"not-its-own-{number}", f"172.16.9.{number}", "infraestrutura", block=False)
    await world.job_pod(f"too-long-{number}", waited_s=900)
    await world.job_pod(f"stranger-{number}", short_id="8kLmN2pQr")
    await world.give(f"stranger-{number}", f"172.16.9.{100 + number}", "infraestrutura")


async def pods(world: World) -> dict[str, dict[str, Any]]:
    listed = await world.ask("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")
    return {one["metadata"]["name"]: one["metadata"] for one in listed["items"]}


def verdict_label(meta: dict[str, Any]) -> str:
    return str(meta["labels"].get("runner-bridge.dev/verdict", ""))


def touched(meta: dict[str, Any]) -> set[str]:
    """The fields of a pod that the bridge owns, as the API server keeps book of it."""
    found: set[str] = set()

    def walk(fields: dict[str, Any], path: str) -> None:
        for key, inner in fields.items():
            if key != "." and inner:
                walk(inner, f"{path}/{key}")
            elif key != ".":
                found.add(f"{path}/{key}")

    for one in meta.get("managedFields", ()):
        if one["manager"].startswith("runner-bridge"):
            walk(one["fieldsV1"], "")
    return found


async def test_two_hundred_pods_get_their_verdicts_though_the_server_dies(
    allowed: ApiServer, world: World, tmp_path: Path
) -> None:
    url, flags = files(tmp_path, allowed.kubeconfig(BRIDGE), POLICY)
    observed_url, observer_flags = files(tmp_path, allowed.kubeconfig(READER), POLICY, name="observed")
    before = len(allowed.audited(READER))
    async with (
        bridge(*flags, "--mode", "label") as labelling,
        bridge(*observer_flags, "--mode", "observe") as observing,
    ):
        both = (labelling, observing)

        async def until(holds: Callable[[Any], bool]) -> None:
            for one in both:
                await one.until(lambda one=one: holds(one))  # type: ignore[misc]

        await few_at_once([good(world, name) for name in GOOD[:90]])
        await until(lambda one: set(GOOD[:90]) <= one.proven)
        allowed.kill_api()
        await until(lambda one: bool(one.events("snapshot-incomplete")))
        allowed.start_api()  # in this thread: the server ends with the thread that started it
        await few_at_once([*(good(world, name) for name in GOOD[90:]), bad(world, 1), bad(world, 2)])
        await few_at_once([*(world.finish(name) for name in FINISHED), *(world.remove(name) for name in REMOVED)])
        await until(lambda one: bool(one.events("snapshot-whole")))
        await until(lambda one: set(STAY) <= one.proven)
        await until(lambda one: all(one.said.get(name) == said for name, said in EXPECTED.items()))
        for one in both:
            assert await one.end() == CLEAN, one.text

    # What was said.
    for one in both:
        assert {name: one.said[name] for name in EXPECTED} == EXPECTED
        assert {outcome for name in GOOD for outcome in [one.said[name][0]]} == {"pass"}

    # What stands in the cluster: labels, Events, and nothing else of any pod.
    there = await pods(world)
    assert set(there) == {*GOOD, *EXPECTED} - set(REMOVED)
    assert {name: verdict_label(there[name]) for name in STAY} == dict.fromkeys(STAY, "pass")
    assert {name: verdict_label(there[name]) for name in EXPECTED} == {
        name: said for name, (said, _) in EXPECTED.items()
    }
    told = sorted(
        (f"{what}-{number}", reason) for what, reasons in EVENTS.items() for reason in reasons for number in (1, 2)
    )
    assert await world.told() == told
    ours = {f"/f:metadata/f:labels/f:runner-bridge.dev/{key}" for key in ("tier", "pool", "verdict")}
    assert set().union(*map(touched, there.values())) <= ours
    assert touched(there[STAY[0]]) == ours

    # What is recorded, by the one that labels and by the one that observes.
    open_now = {*STAY, *(f"{what}-{number}" for what in HOLDERS for number in (1, 2))}
    for address in (url, observed_url):
        kept = recorded(address)
        assert kept.findings == []
        assert kept.unsettled == []
        assert sorted(one.pod for one in kept.open) == sorted(open_now)
        outcomes = {one.pod: str(one.outcome) for one in kept.open}
        assert outcomes == {pod: EXPECTED[pod][0] if pod in EXPECTED else "pass" for pod in open_now}
        assert sorted(one.pod for one in kept.intervals if not one.open) == sorted({*FINISHED, *REMOVED})
        assert [one.kind for one in kept.entries if one.kind is EntryKind.GAP] == [EntryKind.GAP]

    # The one that observes wrote nothing, and did not even try.
    assert {verb for verb, _ in allowed.audited(READER)[before:]} == {"get", "list", "watch"}
    assert not [one for one in recorded(observed_url).entries if one.kind is EntryKind.ACTED]

    await a_new_process_finds_everything_as_it_should_be(world, url, flags)


async def a_new_process_finds_everything_as_it_should_be(world: World, url: str, flags: list[str]) -> None:
    """It patches nothing, tells nothing again, and has nothing to record of a pod."""
    before = await pods(world), await world.told(), len(recorded(url).entries)
    async with bridge(*flags, "--mode", "label") as again:
        await again.until(lambda: set(STAY) <= again.proven)
        await again.until(lambda: all(again.said.get(name) == said for name, said in EXPECTED.items()))
        await again.end()
    assert again.events("summary")[-1]["written"] == 0
    assert (await pods(world), await world.told()) == before[:2]
    assert [one for one in recorded(url).entries[before[2] :] if one.pod] == []
