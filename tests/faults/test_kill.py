"""
The real `run` is killed at random moments of a day with a thousand pods, and started again each time.

At the end the cluster and the ledger are what the story says, as if nothing had happened: the labels of all pods that
are there, the intervals that are open. The chain is whole, and holds every entry that was acknowledged: the witness
outside of it, told of an entry once it is durable, has seen them all. More kills: RUNNER_BRIDGE_TEST_KILLS=50.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import CLEAN, UNPROVEN
from runner_bridge.core.chain import witnesses
from runner_bridge.core.model.ledger import EntryKind, Step
from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate.kubelet import Kubelet
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story import Job, Twist, day
from tests.cluster.pretend import pretending
from tests.faults.process import Recorded, bridge, files, recorded

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("RUNNER_BRIDGE_TEST_KILLS", "5"))
LIFE_S = 3.5
"""Of a process, at the most."""
DAY_S = 300.0
JOBS = 976
"""And two dozen that are bad or share an address."""
VERDICT = "runner-bridge.dev/verdict"
NETWORKED = {Twist.NONE, Twist.OVERWRITTEN, Twist.MISSING}

pytestmark = pytest.mark.timeout(120 + 10 * KILLS)


def stays(pod: dict[str, Any]) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] in {"Running", "Pending"}


def given(pod: dict[str, Any]) -> str:
    """The address that Calico gave it and has not taken back; also of one whose deletion was asked."""
    over = pod["status"]["phase"] in {"Succeeded", "Failed"}
    address: str = pod["metadata"]["annotations"].get("cni.projectcalico.org/podIPs", "")
    return "" if over else address.partition("/")[0]


def open_in(url: str) -> set[str]:
    with closing(Ledger.open(url, read_only=True)) as ledger:
        return {one.pod_uid for one in ledger.open_intervals("pretend")}


async def test_a_thousand_pods_are_judged_and_recorded_though_the_bridge_is_killed(tmp_path: Path) -> None:
    dice = Random(11)  # noqa: S311 - moments, not secrets
    story = day(7, jobs=JOBS, over_s=DAY_S)
    expected = {pod_name(job): job.expected.outcome for job in story.jobs}
    networked = {pod_name(job) for job in story.jobs if job.twist in NETWORKED}
    assert len(expected) == 1000
    lives = [dice.uniform(0.3, LIFE_S) for _ in range(KILLS)]
    with pretending(tmp_path) as pretend:
        url, flags = files(tmp_path, pretend.kubeconfig(), story.policy)
        flags += ["--mode", "label", "--witness", str(tmp_path / "witness.log")]
        kubelet = Kubelet(pretend.cluster, story)
        kubelet.prepare()
        speed = DAY_S / (sum(lives) + LIFE_S)
        settled: set[str] = set()

        async def note(job: Job) -> None:
            settled.add(pod_name(job))

        playing = asyncio.run_coroutine_threadsafe(kubelet.play(speed=speed, until_s=DAY_S, settled=note), pretend.loop)

        def pods() -> list[dict[str, Any]]:
            return list(pretend.admin("GET", f"/api/v1/namespaces/{story.namespace}/pods")["items"])

        def seen() -> dict[str, dict[str, Any]]:
            return {name: one for one in pods() if stays(one) and (name := one["metadata"]["name"]) in settled}

        def wrong() -> dict[str, tuple[str | None, str]]:
            labels = {name: pod["metadata"]["labels"].get(VERDICT) for name, pod in seen().items()}
            return {name: (one, expected[name]) for name, one in labels.items() if one != expected[name]}

        for life_s in lives:
            async with bridge(*flags) as doomed:
                await asyncio.sleep(life_s)
                # Who starts while the API server restarts finds nobody, ends, and is started again.
                assert await doomed.end(signal.SIGKILL) in {-signal.SIGKILL, UNPROVEN}, doomed.text
        async with bridge(*flags) as last:
            await asyncio.wrap_future(playing)
            for _ in range(100):
                if not await asyncio.to_thread(wrong):
                    break
                await asyncio.sleep(0.2)
            assert not wrong(), last.text
            live, held = seen(), {one["metadata"]["name"]: one for one in pods() if given(one)}
            # Whatever was happening to a pod when the day ended, it holds what its block says: also one that is not
            # Running yet and shows its address by its annotation alone, and one that is about to leave.
            uids = {one["metadata"]["uid"] for name, one in held.items() if name in networked}
            await last.until(lambda: open_in(url) == uids, 20)
            await last.until(lambda: set(live) & networked <= last.proven, 20)
            assert await last.end() == CLEAN, last.text
        events = pretend.admin("GET", f"/apis/events.k8s.io/v1/namespaces/{story.namespace}/events")["items"]

    # The cluster: the labels of the story, one Event for each breach of a pod.
    assert {name: pod["metadata"]["labels"].get(VERDICT) for name, pod in live.items()} == {
        name: expected[name] for name in live
    }
    assert {expected[name] for name in live} == {"pass", "breach"}
    told = [(one["regarding"]["uid"], one["reason"]) for one in events if one["reason"] != "FailedCreatePodSandBox"]
    assert len(told) == len(set(told))

    # The ledger: whole, and open is what is held.
    kept = recorded(url, "pretend")
    assert kept.findings == []
    assert kept.unsettled == []
    assert [one for one in kept.open if str(one.outcome) != expected[one.pod]] == []
    assert {(one.pod_uid, one.address) for one in kept.open} == {
        (pod["metadata"]["uid"], given(pod)) for name, pod in held.items() if name in networked
    }
    nothing_is_lost_or_there_twice(url, kept, (tmp_path / "witness.log").read_text())


def nothing_is_lost_or_there_twice(url: str, kept: Recorded, witness: str) -> None:
    outside = list(witnesses(witness.splitlines()))
    assert sum(one.number > 0 for one in outside) > 1000
    with closing(Ledger.open(url, read_only=True)) as ledger:
        assert ledger.verify(outside) == []
    acted = [one for one in kept.entries if one.kind is EntryKind.ACTED]
    assert {one.act_id for one in acted if one.step is not Step.INTENT} == {one.act_id for one in acted}
    held: set[tuple[str, str]] = set()
    for one in kept.entries:
        key = one.pod_uid, one.address
        if one.kind is EntryKind.OPENED:
            assert key not in held
            held.add(key)
        elif one.kind is EntryKind.CLOSED:
            held.remove(key)
