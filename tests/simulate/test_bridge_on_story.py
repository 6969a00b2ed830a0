"""The real `run`, as a process of its own, on a day of the pretend cluster: its labels are those of the story."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner_bridge.cli import CLEAN, run
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import PODS
from runner_bridge.simulate.kubelet import GIVES_UP_AFTER_S, Kubelet
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story import Accident, Job, Story, Twist, day

if TYPE_CHECKING:
    from pathlib import Path

VERDICT = "runner-bridge.dev/verdict"
SPEED = 10
"""Story seconds in one real second: a job of eight seconds is there for less than one."""
UNTIL_S = 160.0
TIME_ENOUGH_S = 3.0 * SPEED
"""A pod that is there for less, counted from the last accident, may go before the bridge watches again."""


def last_seen(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """Return the metadata of each pod before its deletion was asked, or now."""
    found: dict[str, dict[str, Any]] = {}
    for change in cluster.store.since(PODS.storage, 0, at_most=100_000):
        meta: dict[str, Any] = change.shown["metadata"]
        if "deletionTimestamp" not in meta:
            found[change.key[1]] = meta
    return found


def expected(job: Job, seen: dict[str, Any]) -> str:
    """Return what the story says; where kubelet tried until an address was free again, the pod is as it should be."""
    had_one = bool(seen.get("annotations", {}).get("cni.projectcalico.org/podIPs"))
    return "pass" if job.twist is Twist.EXHAUSTED and had_one else job.expected.outcome


def had_time(story: Story, job: Job) -> bool:
    end_s = min(UNTIL_S, job.starts_at_s + (GIVES_UP_AFTER_S if job.is_stuck else job.runs_s))
    last = max((at_s for at_s, _ in story.accidents if at_s < end_s), default=0.0)
    return end_s - max(job.starts_at_s, last) >= TIME_ENOUGH_S


async def test_every_pod_is_labelled_as_the_story_says(tmp_path: Path) -> None:
    story = day(30, jobs=20, over_s=90)
    # History stays, so that the labels can be read off it at the end; another test compacts it under a watch.
    accidents = tuple(each for each in story.accidents if each[1] is not Accident.COMPACTION)
    story = replace(story, accidents=accidents)
    settled: list[Job] = []

    async def note(job: Job) -> None:
        settled.append(job)

    async with Cluster() as cluster:
        kubelet = Kubelet(cluster, story)
        kubelet.prepare()
        (tmp_path / "kubeconfig").write_text(cluster.kubeconfig())
        (tmp_path / "policy.yaml").write_text(story.policy)
        ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
        files = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--policy", str(tmp_path / "policy.yaml")]
        bridge = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "runner_bridge", "run", *files, "--ledger", ledger, "--mode", "label"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            assert bridge.stdout is not None
            await asyncio.wait_for(bridge.stdout.readline(), 20)  # it has opened its ledger and found the cluster
            drained = asyncio.create_task(bridge.stdout.read())
            await kubelet.play(speed=SPEED, until_s=UNTIL_S, settled=note)
            await asyncio.sleep(0.5)
        finally:
            bridge.send_signal(signal.SIGTERM)
        said = (await asyncio.wait_for(drained, 10)).decode()
        assert await bridge.wait() == CLEAN, said
        seen = last_seen(cluster)
    steady = [job for job in settled if had_time(story, job)]
    assert {job.twist for job in steady} == set(Twist)
    wrong = [
        (job, label)
        for job in settled
        if (label := seen[pod_name(job)]["labels"].get(VERDICT)) != expected(job, seen[pod_name(job)])
        and (label is not None or job in steady)
    ]
    assert not wrong, said
    assert await asyncio.to_thread(run, ["ledger", "verify", "--ledger", ledger]) == CLEAN
