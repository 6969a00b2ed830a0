"""
The working day, played: the pretend cluster on loopback, the real bridge on it, and what the two say of each other.

The bridge is the one of `run`, on the clock of the story. It reads the pretend cluster as any other, through its
kubeconfig; only the comparison at the end looks at what was meant to happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner_bridge import __version__
from runner_bridge.ask.metrics import Metrics
from runner_bridge.cli import INTERRUPTED
from runner_bridge.cli.bridge.opening import open_bridge
from runner_bridge.cli.bridge.wanted import Wanted
from runner_bridge.cli.bridge.web import Place, Web, listening
from runner_bridge.cli.demo.played import Played, ended, frame_of, head
from runner_bridge.cli.demo.report import report
from runner_bridge.cli.demo.screen import yesterday_line
from runner_bridge.cli.demo.told import Labels, Told
from runner_bridge.cli.output import emit
from runner_bridge.core.actions import Mode
from runner_bridge.core.holding import Holding, holding
from runner_bridge.core.policy import Source, load
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.kubelet import Kubelet, StoryTime

if TYPE_CHECKING:
    from runner_bridge.cli.demo.screen import Screen
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.simulate.story import WorkingDay

FRAME_S: Final = 0.2
SETTLES_S: Final = 5.0
"""How long may pass after the last happening until everything is as it stays."""


async def play(day: WorkingDay, *, speed: float, folder: str, screen: Screen, stays: bool) -> int:
    """
    Play a day and say how it ended.

    Args:
        day: what happens, and what has to be said of it.
        speed: seconds of the story in a real one.
        folder: an empty one, for the ledger and the files that a bridge is started with.
        screen: who shows it.
        stays: whether everything is still there afterwards, until Ctrl-C.

    Returns:
        0: every job got the verdict and the label that stand in the story, and the ledger is whole. 1: one did not.
        4: the ledger is damaged. 130: interrupted before the end.
    """
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    story = day.story
    time = StoryTime(story.begins_at, story.skips)
    async with Cluster(now=time) as cluster:
        kubelet = Kubelet(cluster, story, time=time)
        kubelet.prepare()
        _write(folder, "kubeconfig", cluster.kubeconfig())
        _write(folder, "policy.yaml", story.policy)
        policy = load([Source(name="policy.yaml", text=story.policy)], today=story.begins_at.date())
        await kubelet.play(until_s=day.yesterday_s)
        before = await _count(_wanted(policy, folder, "yesterday", Mode.OBSERVE, Told(time), time, speed))
        await kubelet.play(until_s=day.morning_s - 1)
        time.elapsed_s = day.morning_s
        told = Told(time)
        metrics = Metrics(__version__, policy)
        wanted = replace(_wanted(policy, folder, "ledger", Mode.LABEL, told, time, speed), measures=metrics)
        async with (
            open_bridge(wanted) as bridge,
            listening(bridge, Web(place=Place("127.0.0.1", 0), metrics=metrics), tell=told.note) as url,
        ):
            labels = Labels(cluster.store, asyncio.get_running_loop().time)
            played = Played(
                day=day,
                speed=speed,
                cluster=cluster,
                time=time,
                policy=policy,
                before=before,
                told=told,
                labels=labels,
                bridge=bridge,
                ledger=wanted.ledger,
                url=url,
            )
            return await _with_bridge(played, kubelet, screen, told_to_end, stays=stays)


async def _with_bridge(
    played: Played, kubelet: Kubelet, screen: Screen, told_to_end: asyncio.Event, *, stays: bool
) -> int:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(played.bridge.run(stop), name="bridge")
        beside = [group.create_task(played.labels.run(), name="labels")]
        try:
            screen.begin(head(played), f"It answers at {played.url}/api/v1/status", yesterday_line(played.before))
            with screen:
                showing = group.create_task(_show(played, screen), name="screen")
                beside.append(showing)
                is_over = await _until_over(_story(played, kubelet), told_to_end)
                screen.show(frame_of(played))
                showing.cancel()
            if not is_over:
                return INTERRUPTED
            code = report(played)
            if stays:
                emit(f"\nIt goes on watching; Ctrl-C ends it. In another terminal:\n{_status(played)}\n")
                await told_to_end.wait()
            return code
        finally:
            stop.set()
            for task in beside:
                task.cancel()


def _status(played: Played) -> str:
    """Return the command that asks the bridge, by the path that this program was started with."""
    program = sys.argv[0] if Path(sys.argv[0]).name == "runner-bridge" else "runner-bridge"
    return f"  {program} status --url {played.url}"


async def _until_over(story: asyncio.Task[None], told_to_end: asyncio.Event) -> bool:
    """Wait for the story; False where it was broken off."""
    ending = asyncio.ensure_future(told_to_end.wait())
    try:
        await asyncio.wait({story, ending}, return_when=asyncio.FIRST_COMPLETED)
        if story.done():
            story.result()
        return story.done()
    finally:
        story.cancel()
        ending.cancel()


def _story(played: Played, kubelet: Kubelet) -> asyncio.Task[None]:
    async def tell() -> None:
        await kubelet.play(speed=played.speed, until_s=played.day.end_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLES_S):
                while ended(played):  # noqa: ASYNC110 - it looks at the world, which tells nobody
                    await asyncio.sleep(0.1)

    return asyncio.create_task(tell(), name="story")


async def _count(wanted: Wanted) -> Holding:
    """Look once, as `run --once --mode observe`, and count."""
    async with open_bridge(wanted) as bridge:
        await bridge.once()
        assert bridge.picture is not None  # noqa: S101 - the pretend cluster has pools
        return holding(wanted.policy, (pod for _, pod in bridge.picture.pods()))


def _wanted(policy: Policy, folder: str, ledger: str, mode: Mode, told: Told, time: StoryTime, speed: float) -> Wanted:
    async def pause(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return Wanted(
        policy=policy,
        policy_file=f"{folder}/policy.yaml",
        ledger=f"sqlite:///{folder}/{ledger}.db",
        mode=mode,
        says=told,
        kubeconfig=f"{folder}/kubeconfig",
        simulated=True,
        clock=time,
        pause=pause,
        tolerance=timedelta(days=1),
        elect=False,
    )


def _write(folder: str, name: str, text: str) -> None:
    (Path(folder) / name).write_text(text, encoding="utf-8")


async def _show(played: Played, screen: Screen) -> None:
    while True:
        screen.show(frame_of(played))
        await asyncio.sleep(FRAME_S)
