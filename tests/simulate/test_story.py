"""A story ends as it is written: each pod gets the verdict that stands in the story, from what a client can read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.cli.check.live import check_live
from runner_bridge.cli.check.scope import Scope
from runner_bridge.core.judge import judge
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.policy import Source, load
from runner_bridge.core.policy.model import Project, ProjectPath
from runner_bridge.core.wire.reader import Reader
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import BLOCKS_V1, CORE_EVENTS, HANDLES_V1, PODS
from runner_bridge.simulate.kubelet import Kubelet, StoryTime
from runner_bridge.simulate.runner import job_pod, pod_name
from runner_bridge.simulate.story import Accident, Job, Story, Twist, day

if TYPE_CHECKING:
    from pathlib import Path

    from runner_bridge.core.model.verdict import Judgement
    from runner_bridge.core.policy.model import Policy

READS = {
    Kind.PODS: "/api/v1/pods",
    Kind.NAMESPACES: "/api/v1/namespaces",
    Kind.EVENTS: "/api/v1/events?fieldSelector=reason%3DFailedCreatePodSandBox",
    Kind.POOLS: "/apis/crd.projectcalico.org/v1/ippools",
    Kind.BLOCKS: "/apis/crd.projectcalico.org/v1/ipamblocks",
}


def policy_of(story: Story) -> Policy:
    return load([Source(name="policy.yaml", text=story.policy)], today=date(2026, 11, 25))


def projects_of(story: Story) -> list[Project]:
    return [Project(id=number, path=ProjectPath(path)) for job in story.jobs for number, path in job.tier.projects]


async def judged(session: aiohttp.ClientSession, story: Story, time: StoryTime) -> Judgement:
    """Return what the judge makes of the cluster as it is now."""
    reader = Reader()
    for kind, path in READS.items():
        async with session.get(path) as answer:
            reader.read(await answer.read(), name=path, want=kind)
    return judge(policy_of(story), reader.snapshot(), now=time(), projects=projects_of(story))


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_pod_gets_the_verdict_of_the_story(seed: int) -> None:
    story, time = day(seed, jobs=12), StoryTime()
    seen: dict[int, tuple[str, set[str], Any]] = {}
    async with Cluster(now=time) as cluster, aiohttp.ClientSession(cluster.url) as session:
        kubelet = Kubelet(cluster, story, time=time)
        kubelet.prepare()

        async def settled(job: Job) -> None:
            judgement = await judged(session, story, time)
            verdict = next(each for each in judgement.verdicts if each.pod == pod_name(job))
            codes = {each.code.name for each in verdict.findings}
            seen[job.number] = (verdict.outcome.value, codes, verdict)

        await kubelet.play(settled=settled)
    assert set(seen) == {job.number for job in story.jobs}
    for job in story.jobs:
        outcome, codes, verdict = seen[job.number]
        assert outcome == job.expected.outcome, (job, verdict)
        assert not job.expected.code or job.expected.code in codes, (job, verdict)


async def test_check_says_of_a_live_cluster_what_the_story_says(tmp_path: Path) -> None:
    until_s = 160
    story, time = day(12, jobs=20, over_s=150), StoryTime(datetime.now(UTC) - timedelta(seconds=until_s))
    settled: set[int] = set()

    async def note(job: Job) -> None:
        settled.add(job.number)

    policy = policy_of(story)
    async with Cluster(now=time) as cluster:
        kubelet = Kubelet(cluster, story, time=time)
        kubelet.prepare()
        await kubelet.play(until_s=until_s, settled=note)
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(cluster.kubeconfig())
        live = await asyncio.to_thread(
            check_live,
            lambda snapshot, at: judge(policy, snapshot, now=at, projects=projects_of(story)),
            scope=Scope(namespace=story.namespace),
            kubeconfig=str(kubeconfig),
        )
    verdicts = {each.pod: each for each in live.judgement.verdicts}
    running = [job for job in story.jobs if job.number in settled and pod_name(job) in verdicts]
    assert {job.twist for job in running} > {Twist.NONE, Twist.EXHAUSTED}
    for job in running:
        verdict = verdicts[pod_name(job)]
        if "pod-leaving" not in {each.code.name for each in verdict.findings}:
            assert verdict.outcome.value == job.expected.outcome, (job, verdict)


@pytest.mark.parametrize("accident", Accident)
async def test_an_accident_ends_the_watches_that_it_should(accident: Accident) -> None:
    story = replace(day(13, jobs=0), accidents=((5.0, accident),))
    async with Cluster() as cluster, aiohttp.ClientSession(cluster.url) as session:
        kubelet = Kubelet(cluster, story)
        kubelet.prepare()
        before = cluster.store.version
        query = {"watch": "1", "resourceVersion": str(before), "timeoutSeconds": "5"}
        async with session.get(READS[Kind.PODS], params=query) as answer:
            await kubelet.play(until_s=6)
            if accident is Accident.COMPACTION:
                assert cluster.store.oldest > before
            else:
                with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
                    await answer.content.read()
        async with session.get(READS[Kind.PODS]) as answer:
            assert answer.status == 200


async def played(story: Story) -> Cluster:
    """Return the cluster after a day without accidents, its whole history with it."""
    story, time = replace(story, accidents=()), StoryTime()
    cluster = Cluster(now=time)
    kubelet = Kubelet(cluster, story, time=time)
    kubelet.prepare()
    await kubelet.play()
    return cluster


async def test_at_the_end_nothing_is_left_of_a_day() -> None:
    cluster = await played(day(3, jobs=40))
    assert cluster.store.items(PODS.storage, "") == []
    assert cluster.store.items(HANDLES_V1.storage, "") == []
    held = [obj["spec"]["attributes"] for _, obj in cluster.store.items(BLOCKS_V1.storage, "")]
    assert held
    assert not any(held)


async def test_a_story_is_the_same_every_time() -> None:
    def outline(cluster: Cluster) -> list[Any]:
        changes = cluster.store.since(PODS.storage, 0, at_most=10_000)
        return [(each.version, each.key, each.shown["status"].get("podIP")) for each in changes]

    first, second, other = [await played(day(seed, jobs=10)) for seed in (4, 4, 5)]
    assert outline(first) == outline(second)
    assert outline(first) != outline(other)


async def test_lone_jobs_of_one_node_have_one_address() -> None:
    cluster = await played(day(6, jobs=0))
    changes = cluster.store.since(PODS.storage, 0, at_most=10_000)
    first_round = [
        each.shown["status"]["podIP"]
        for each in changes
        if each.shown["status"].get("phase") == "Running"
        and each.shown["metadata"]["labels"]["manager.runner.gitlab.com/id-short"] == "5wEtY1jMu"
        and each.old is not None
        and each.old["status"]["phase"] == "Pending"
    ][:3]
    assert len(set(first_round)) == 1


async def test_a_pod_goes_through_the_recorded_life() -> None:
    story = day(7, jobs=0)
    job = next(each for each in story.jobs if each.twist is Twist.NONE)
    cluster = await played(story)
    changes = [each for each in cluster.store.since(PODS.storage, 0, at_most=10_000) if each.key[1] == pod_name(job)]
    phases = [
        (each.shown["status"]["phase"], "deletionTimestamp" in each.shown["metadata"], each.new is None)
        for each in changes
    ]
    assert phases[0] == ("Pending", False, False)
    assert ("Running", False, False) in phases
    assert phases[-1] == ("Failed", True, True)
    podip = "cni.projectcalico.org/podIP"
    texts = list(dict.fromkeys(each.shown["metadata"]["annotations"].get(podip) for each in changes))
    assert texts[0] is None
    assert texts[-1] == ""
    assert len(texts) == 3


async def test_a_stuck_pod_is_reported_with_the_words_of_calico() -> None:
    story = day(8, jobs=0)
    cluster = await played(story)
    messages = [obj["message"] for _, obj in cluster.store.items(CORE_EVENTS.storage, "")]
    assert any(
        'error parsing pool "infraestructura": invalid CIDR address: infraestructura' in each for each in messages
    )
    assert any("No IPs available in pools: [172.20.0.0/28]" in each for each in messages)


async def test_it_can_be_played_at_a_speed_and_in_parts() -> None:
    story = day(9, jobs=5, over_s=30)
    kubelet = Kubelet(cluster := Cluster(), story)
    kubelet.prepare()
    await kubelet.play(speed=1000, until_s=20)
    some = len(cluster.store.items(PODS.storage, ""))
    assert some < len(story.jobs)
    await kubelet.play(until_s=25)
    assert len(cluster.store.since(PODS.storage, 0)) > some


def test_a_job_pod_has_its_recorded_size() -> None:
    job = day(10).jobs[0]
    assert 20_000 < len(json.dumps(job_pod(job, "ci-jobs"), separators=(",", ":"))) < 30_000
    assert len(json.dumps(job_pod(job, "ci-jobs", managed_fields=False), separators=(",", ":"))) < 16_000


def test_every_twist_is_in_every_day() -> None:
    for seed in range(5):
        assert {job.twist for job in day(seed, jobs=3).jobs} == set(Twist)


def test_pods_of_a_day_have_different_names() -> None:
    jobs = day(11, jobs=1000).jobs
    assert len({pod_name(job) for job in jobs}) == len(jobs)
