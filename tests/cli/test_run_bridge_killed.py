"""The real process, killed again and again while a day is played: at the end everything is as if it never had been."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate.kubelet import Kubelet
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story import Twist, day
from tests.cluster.pretend import pretending

if TYPE_CHECKING:
    from pathlib import Path

SPEED = 8.0
LIVES = 6


def stays(pod: dict[str, Any]) -> bool:
    """It has an address and is not on its way out."""
    return pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]


@pytest.mark.timeout(120)
def test_a_bridge_that_is_killed_at_random_leaves_what_one_that_lives_leaves(tmp_path: Path) -> None:
    dice = Random(7)  # noqa: S311 - the same story every time
    story = day(7, jobs=60, over_s=150)
    until_s = 120.0
    (tmp_path / "policy.yaml").write_text(story.policy)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with pretending(tmp_path) as pretend:
        flags = ["--kubeconfig", str(pretend.kubeconfig()), "--policy", str(tmp_path / "policy.yaml"), "--ledger", url]
        args = [sys.executable, "-m", "runner_bridge", "run", *flags, "--mode", "label"]
        kubelet = Kubelet(pretend.cluster, story)
        kubelet.prepare()
        playing = asyncio.run_coroutine_threadsafe(kubelet.play(speed=SPEED, until_s=until_s), pretend.loop)
        for _ in range(LIVES):
            process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(dice.uniform(1.2, 3.5))
            process.kill()
            process.wait()
        playing.result(60)
        last = subprocess.run([*args, "--once"], capture_output=True, text=True, timeout=50, check=False)
        again = subprocess.run([*args, "--once"], capture_output=True, text=True, timeout=50, check=False)
        pods = pretend.admin("GET", f"/api/v1/namespaces/{story.namespace}/pods")["items"]
        live = {pod["metadata"]["name"]: pod for pod in pods}
        events = pretend.admin("GET", f"/apis/events.k8s.io/v1/namespaces/{story.namespace}/events")["items"]

    assert last.returncode == 1, last.stderr  # the story has breaches
    summary = json.loads(again.stdout.splitlines()[-1])
    assert (summary["event"], summary["failed"]) == ("summary", 0)
    told = [(one["regarding"]["uid"], one["reason"]) for one in events if one["reason"] != "FailedCreatePodSandBox"]
    assert len(told) == len(set(told))
    expected = {pod_name(job): job.expected.outcome for job in story.jobs}
    judged = {
        name: pod["metadata"]["labels"].get("runner-bridge.dev/verdict") for name, pod in live.items() if stays(pod)
    }
    assert judged == {name: expected[name] for name in judged}
    assert set(judged.values()) == {"pass", "breach"}
    ledger = Ledger.open(url, read_only=True)
    try:
        assert ledger.verify() == []
        assert ledger.unsettled("pretend") == []
        held = {one.pod: str(one.outcome) for one in ledger.open_intervals("pretend")}
    finally:
        ledger.close()
    assert held.keys() <= live.keys()
    networked = {pod_name(job) for job in story.jobs if job.twist in {Twist.NONE, Twist.OVERWRITTEN, Twist.MISSING}}
    assert {name: one for name, one in held.items() if name in judged} == {
        name: expected[name] for name in judged if name in networked
    }
