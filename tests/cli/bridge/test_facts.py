"""A day with a GitLab that confirms, one that denies everything, one that is gone, and none: the same verdicts."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli.bridge.facts import Asked, asking
from runner_bridge.cli.bridge.opening import Bridge, open_bridge
from runner_bridge.cli.bridge.wanted import Wanted
from runner_bridge.core.actions import Mode
from runner_bridge.core.model.ledger import EntryKind, Standing
from runner_bridge.core.policy import Source, load
from runner_bridge.ports.gitlab import Budget
from runner_bridge.ports.kube import plain_access
from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate import gitlab as simulate
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import PODS
from runner_bridge.simulate.kubelet import Kubelet, StoryTime
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story import day
from tests.flow.bridge import Said
from tests.ports.gitlab.world import as_admin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from runner_bridge.flow.facts import Asks
    from runner_bridge.simulate.gitlab.world import Runner
    from runner_bridge.simulate.story import Story

FASTER = 20


def gitlab_of(story: Story, *, denies: bool) -> simulate.World:
    """The projects and jobs of a story; where it denies, other runners have them, so that every claim is false."""
    world = simulate.World(now=lambda: story.begins_at)
    group = world.group("platform")
    runners: dict[str, Runner] = {}
    for job in story.jobs:
        number, path = job.project
        project = world.projects.get(number) or world.project(path.rpartition("/")[2], group, id=number)
        runner = runners.get(job.tier.name) or world.runner("instance")
        if not denies:
            runner.token = f"glrt-t1_{job.tier.short_id}FAKETOKEN00"
        runners[job.tier.name] = runner
        world.job(project, id=job.number, status="running", runner=runner, started_at=story.begins_at)
    return world


class Defective:
    """What nobody foresaw."""

    async def get(self, project_id: int, job_id: int) -> None:
        raise RuntimeError(f"{project_id} {job_id}")

    async def newest(self, project_id: int) -> None:
        raise RuntimeError(str(project_id))

    async def shas(self, path: str) -> dict[int, str]:
        raise RuntimeError(path)


@asynccontextmanager
async def asked_of(story: Story, kind: str) -> AsyncIterator[Asks | None]:
    async with AsyncExitStack() as stack:
        if kind == "none":
            yield None
        elif kind == "defective":
            yield Defective()
        else:
            both = await stack.enter_async_context(as_admin(gitlab_of(story, denies=kind == "denies")))
            if kind == "gone":
                await both.server.stop()
            yield Asked(both.port)


async def played(story: Story, folder: Path, kind: str) -> tuple[set[tuple[str, str, str]], dict[str, Any], Bridge]:
    """Play a day; return pod, outcome and findings of all that was recorded, and how each pod's claim stands."""
    time = StoryTime()
    accepted = load([Source(name="policy.yaml", text=story.policy)], today=date(2026, 11, 25))
    url = f"sqlite:///{folder / kind}.db"
    async with Cluster(now=time) as cluster, asked_of(story, kind) as asks:
        kubelet = Kubelet(cluster, story, time=time)
        kubelet.prepare()
        options = Wanted(
            policy=accepted,
            policy_file="policy.yaml",
            ledger=url,
            mode=Mode.LABEL,
            says=Said(),
            access=plain_access(cluster.url),
            simulated=True,
            clock=time,
            pause=lambda seconds: asyncio.sleep(seconds / FASTER),
            tolerance=timedelta(days=1),
            elect=False,
            asks=asks,
        )
        stop, told = asyncio.Event(), set[str]()
        async with open_bridge(options) as bridge, asyncio.TaskGroup() as group:
            group.create_task(bridge.run(stop))

            async def settled(job: Any) -> None:
                async with asyncio.timeout(20):
                    while True:
                        seen = cluster.objects.get(PODS, story.namespace, pod_name(job))["metadata"]["labels"]
                        is_asked = kind not in {"answers", "denies"} or pod_name(job) in told
                        if seen.get("runner-bridge.dev/verdict", "") == job.expected.outcome and is_asked:
                            return
                        told.update(
                            one.entry.pod for one in bridge.ledger.entries() if one.entry.kind is EntryKind.FACT
                        )
                        await asyncio.sleep(0.02)

            await kubelet.play(settled=settled)
            async with asyncio.timeout(20):
                while bridge.ledger.open_intervals("prod-1"):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.05)
            stop.set()
    ledger = Ledger.open(url, read_only=True)
    held = list(ledger.intervals())
    facts = {one.entry.pod: one.entry.standing for one in ledger.entries() if one.entry.kind is EntryKind.FACT}
    assert ledger.verify() == []
    ledger.close()
    return {(one.pod, str(one.outcome), " ".join(one.findings)) for one in held}, facts, bridge


@pytest.mark.parametrize("seed", [3])
async def test_the_verdicts_of_a_day_are_the_same_whatever_becomes_of_gitlab(seed: int, tmp_path: Path) -> None:
    story = day(seed, jobs=12)
    pods = {pod_name(job) for job in story.jobs}
    without, no_facts, _ = await played(story, tmp_path, "none")
    assert {pod for pod, _, _ in without} <= pods
    assert no_facts == {}

    confirmed, facts, _ = await played(story, tmp_path, "answers")
    assert confirmed == without
    assert facts.keys() == pods
    assert set(facts.values()) == {Standing.CONFIRMED}

    denied, facts, _ = await played(story, tmp_path, "denies")
    assert denied == without
    assert set(facts.values()) == {Standing.CONTRADICTED}

    for kind in ("gone", "defective"):
        alone, facts, bridge = await played(story, tmp_path, kind)
        assert alone == without
        assert facts == {}
        assert bridge.facts is not None
        assert bool(bridge.facts.trouble) is (kind == "gone")


async def test_without_a_token_nothing_is_asked() -> None:
    async with asking("https://gitlab.example.com", None) as asks:
        assert asks is None


async def test_the_budget_is_the_one_that_is_shared() -> None:
    shared = Budget()
    async with asking("https://gitlab.example.com", {}, shared) as asks:
        assert isinstance(asks, Asked)
        assert asks._gitlab.budget is shared


async def test_runners_that_may_not_be_listed_are_none() -> None:
    story = day(3, jobs=2)
    async with as_admin(gitlab_of(story, denies=False)) as both:
        assert await Asked(both.port).shas("no/such") == {}
        assert set(await Asked(both.port).shas(next(iter(both.server.world.projects.values())).path))
