"""A day on the pretend cluster, its accidents included: of each job the bridge says what stands in the story."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.policy import Source, load
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import PODS
from runner_bridge.simulate.kubelet import Kubelet, StoryTime
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story import Job, Twist, day
from tests.flow.bridge import Book, running

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.simulate.story import Story


def policy_of(story: Story) -> Policy:
    return load([Source(name="policy.yaml", text=story.policy)], today=date(2026, 11, 25))


@pytest.mark.parametrize("seed", [3, 4])
async def test_every_job_is_judged_labelled_and_recorded_as_the_story_says(seed: int) -> None:
    story, time = day(seed, jobs=25), StoryTime()
    book = Book()
    labels: dict[str, str] = {}
    async with Cluster(now=time) as cluster:
        kubelet = Kubelet(cluster, story, time=time)
        kubelet.prepare()
        accepted = policy_of(story)
        async with running(
            cluster.url, book, namespaces=accepted.cluster.namespaces, accepted=accepted, clock=time
        ) as bridge:

            async def settled(job: Job) -> None:
                name = pod_name(job)

                def is_as_written() -> bool:
                    seen = cluster.objects.get(PODS, story.namespace, name)["metadata"]["labels"]
                    labels[name] = seen.get("runner-bridge.dev/verdict", "")
                    said = {str(bridge.outcome(name)), labels[name]} == {job.expected.outcome}
                    return said and (not job.expected.code or job.expected.code in bridge.codes(name))

                await bridge.until(is_as_written)

            await kubelet.play(settled=settled)
            await bridge.until(lambda: not book.open)
    assert labels == {pod_name(job): job.expected.outcome for job in story.jobs}
    held = {(one.pod, str(one.outcome)) for one in book.intervals.values()}
    networked = {Twist.NONE, Twist.OVERWRITTEN, Twist.MISSING}
    assert held >= {(pod_name(job), job.expected.outcome) for job in story.jobs if job.twist in networked}
    assert book.intents == []
