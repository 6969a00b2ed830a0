"""The working day: what it promises to those who look at it, read off the pretend cluster."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import PODS
from runner_bridge.simulate.kubelet import GIVES_UP_AFTER_S, Kubelet, StoryTime
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story import Twist, working_day

ROUTABLE = ip_network("10.10.0.0/16")


def routable(cluster: Cluster) -> Counter[bool]:
    """Return how many routable addresses pods of managers (True) and of jobs hold."""
    found: Counter[bool] = Counter()
    for _, pod in cluster.store.items(PODS.storage, ""):
        text = pod["status"].get("podIP", "")
        if text and ip_address(text) in ROUTABLE:
            found["ownerReferences" in pod["metadata"]] += 1
    return found


def started(day: Any) -> tuple[Cluster, Kubelet, StoryTime]:
    time = StoryTime(day.story.begins_at, day.story.skips)
    cluster = Cluster(now=time)
    kubelet = Kubelet(cluster, day.story, time=time)
    kubelet.prepare()
    return cluster, kubelet, time


async def test_all_of_yesterday_holds_routable_addresses_and_at_the_end_only_the_managers() -> None:
    day = working_day()
    cluster, kubelet, _ = started(day)
    await kubelet.play(until_s=day.yesterday_s)
    assert routable(cluster) == {True: 3, False: 211}
    await kubelet.play(until_s=day.morning_s)
    assert routable(cluster) == {True: 3}
    await kubelet.play(until_s=day.end_s)
    assert routable(cluster) == {True: 3}
    assert len(cluster.store.items(PODS.storage, "")) == 211 + 3


async def test_three_jobs_have_one_address_within_a_minute() -> None:
    day = working_day(jobs=2)
    cluster, kubelet, _ = started(day)
    await kubelet.play(until_s=day.end_s)
    names = {pod_name(job) for job in day.shared}
    had = {
        (each.key[1], each.shown["status"]["podIP"], each.shown["status"]["startTime"])
        for each in cluster.store.since(PODS.storage, 0, at_most=100_000)
        if each.key[1] in names and "podIP" in each.shown["status"]
    }
    assert len(had) == 3
    assert len({address for _, address, _ in had}) == 1
    assert len({start[:-3] for _, _, start in had}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_each_trouble_is_there_once_and_every_tier_has_jobs_that_pass(seed: int) -> None:
    day = working_day(seed, jobs=20)
    twists = Counter(job.twist for job in day.judged)
    assert {twist: count for twist, count in twists.items() if twist is not Twist.NONE} == dict.fromkeys(
        set(Twist) - {Twist.NONE}, 1
    )
    fine = {job.tier.name for job in day.judged if job.twist is Twist.NONE}
    assert fine == {"infra", "tools", "default"}
    assert all((job.expected.outcome == "pass") == (job.twist is Twist.NONE) for job in day.judged)


def test_no_pod_is_stuck_while_hours_are_skipped() -> None:
    day = working_day()
    for job in day.judged:
        if job.is_stuck:
            end_s = job.starts_at_s + GIVES_UP_AFTER_S
            assert not [at_s for at_s, _ in day.story.skips if job.starts_at_s < at_s <= end_s]


def test_a_clock_leaps_over_the_quiet_hours() -> None:
    day = working_day(jobs=1)
    time = StoryTime(day.story.begins_at, day.story.skips)
    time.elapsed_s = day.morning_s - 1
    evening = time()
    time.elapsed_s = day.morning_s
    assert time() - evening == timedelta(hours=15, minutes=23, seconds=21)
    assert time().hour == 8


def test_time_flows_as_it_is_counted_and_stands_still_again() -> None:
    counted = [0.0]
    time = StoryTime()
    start = time()
    time.flow(lambda: counted[0])
    counted[0] = 5.0
    assert time() - start == timedelta(seconds=5)
    time.flow(None)
    counted[0] = 9.0
    assert time() - start == timedelta(seconds=5)
