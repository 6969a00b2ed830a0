"""Mode `enforce` on a real API server, RBAC on, with what rbac-run.yaml and rbac-enforce.yaml in `deploy/` grant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.actions import Mode
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import Step
from runner_bridge.core.policy import model as p
from runner_bridge.flow.act.events import COUNT_EVERY_S
from runner_bridge.ports.kube import open_cluster
from runner_bridge.ports.kube.kubeconfig import find_access
from tests import make
from tests.cluster.server import BRIDGE
from tests.cluster.worlds import DEPLOY, binding
from tests.flow.bridge import Book, Clock, running
from tests.flow.world import NAMESPACE, SHORT_ID, World, furnished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from runner_bridge.ports.kube import Access
    from tests.cluster.server import ApiServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
ROLES = ("observe", "label", "enforce", "delete")


@pytest.fixture
def allowed(api_server: ApiServer) -> Iterator[ApiServer]:
    """The documented roles, for the account of the tests."""
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    api_server.apply(DEPLOY / "rbac-run.yaml", DEPLOY / "rbac-enforce.yaml")
    bindings = [binding(f"enforcing-{role}", f"runner-bridge-{role}", BRIDGE) for role in ROLES]
    for one in bindings:
        api_server.create(one)
    yield api_server
    for one in bindings:
        api_server.delete(one)


@pytest.fixture
async def world(allowed: ApiServer) -> AsyncIterator[World]:
    async with furnished(allowed) as made:
        yield made


@pytest.fixture
async def access(allowed: ApiServer) -> Access:
    return await find_access(kubeconfig=str(allowed.kubeconfig(BRIDGE)))


def policy() -> p.Policy:
    opted = p.TierEnforcement(quarantine=True, delete=True)
    infra = make.tier(runners=(make.runner(short_ids=(SHORT_ID,)),), enforce=opted)
    return make.policy(infra, make.policy().tiers[p.TierName("default")])


async def told(world: World, counts: dict[str, int]) -> None:
    async with asyncio.timeout(30):
        while await world.counts() != counts:  # noqa: ASYNC110 - the API server tells nobody
            await asyncio.sleep(0.05)


async def test_a_breach_is_quarantined_counted_and_deleted_and_its_successor_lives(
    world: World, access: Access
) -> None:
    book, clock = Book(), Clock()

    def acts(act: str) -> list[Step | None]:
        return [one.step for one in book.entries if one.act == act]

    async with running(access, book, mode=Mode.ENFORCE, accepted=policy(), elapsed=clock, clock=clock.moment) as bridge:
        await world.job_pod("good")
        await world.give("good", "172.16.0.1", "infraestrutura")
        old = await world.job_pod("bad", asked='["workload"]')
        await world.give("bad", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("good", "bad") and acts("quarantine-pod"), 30)
        assert (await world.labels("bad"))["quarantine"] == "true"
        assert "quarantine" not in await world.labels("good")
        # Labels go ahead of Events, so these may come a moment later.
        await told(world, {"AnnotationOverwritten": 1, "AddressRoutable": 1, "Quarantined": 1})

        clock.gone = COUNT_EVERY_S
        await bridge.until(lambda: acts("delete-pod") == [Step.INTENT, Step.DONE], 30)
        assert (await world.ask("GET", world.path("bad")))["metadata"]["deletionTimestamp"]
        counts = {"AnnotationOverwritten": 2, "AddressRoutable": 2, "Quarantined": 2, "Deleting": 1}
        await told(world, counts)

        await world.remove("bad")
        new = await world.job_pod("bad")
        await world.give("bad", "172.16.0.2", "infraestrutura")
        await bridge.until(lambda: bridge.outcome("bad") is Outcome.PASS and bridge.proven("bad"), 30)
    async with open_cluster(access) as cluster:
        assert not await cluster.writer.delete_pod(namespace=NAMESPACE, pod="bad", uid=old)
        assert not await cluster.writer.label(namespace=NAMESPACE, pod="bad", uid=old, labels={"x": "y"})
    left = (await world.ask("GET", world.path("bad")))["metadata"]
    assert (left["uid"], left.get("deletionTimestamp")) == (new, None)
    assert bridge.said.notes == []
    assert await world.counts() == counts
