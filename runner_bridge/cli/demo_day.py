"""
The working day, played: the pretend cluster on loopback, the real bridge on it, and what the two say of each other.

The bridge is the one of `run`, on the clock of the story. It reads the pretend cluster as any other, through its
kubeconfig; only the comparison at the end looks at what was meant to happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner_bridge import __version__
from runner_bridge.ask.metrics import Metrics
from runner_bridge.cli import INTERRUPTED
from runner_bridge.cli.bridge import Bridge, Wanted, open_bridge
from runner_bridge.cli.bridge_web import Place, Web, listening
from runner_bridge.cli.demo_screen import Frame, TierRow, yesterday_line
from runner_bridge.cli.demo_told import Labels, Note, Shown, Told, Trouble
from runner_bridge.cli.output import emit
from runner_bridge.core.actions import Mode
from runner_bridge.core.holding import Holding, holding
from runner_bridge.core.policy import Source, load
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.kubelet import GIVES_UP_AFTER_S, Kubelet, StoryTime
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story.ending import differences, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from runner_bridge.cli.demo_screen import Screen
    from runner_bridge.core.policy.model import Policy, TierName
    from runner_bridge.simulate.story import WorkingDay
    from runner_bridge.simulate.story.ending import Difference

FRAME_S: Final = 0.2
SETTLES_S: Final = 5.0
"""How long may pass after the last happening until everything is as it stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What is there while a day is played."""

    day: WorkingDay
    speed: float
    cluster: Cluster
    time: StoryTime
    policy: Policy
    before: Holding
    told: Told
    labels: Labels
    bridge: Bridge
    ledger: str
    url: str
    """Where the bridge answers over HTTP."""


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
            screen.begin(_head(played), f"It answers at {played.url}/api/v1/status", yesterday_line(played.before))
            with screen:
                showing = group.create_task(_show(played, screen), name="screen")
                beside.append(showing)
                is_over = await _until_over(_story(played, kubelet), told_to_end)
                screen.show(frame_of(played))
                showing.cancel()
            if not is_over:
                return INTERRUPTED
            from runner_bridge.cli.demo_report import report

            code = report(played)
            if stays:
                emit(f"\nIt goes on watching. Ask it: runner-bridge status --url {played.url}\nCtrl-C ends it.\n")
                await told_to_end.wait()
            return code
        finally:
            stop.set()
            for task in beside:
                task.cancel()
    raise AssertionError  # the group returns or raises


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


def ended(played: Played) -> tuple[Difference, ...]:
    """Return the jobs that have not got what stands in the story."""
    return differences(played.day.judged, played.told.said, labels_of(played.cluster.store))


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


def frame_of(played: Played) -> Frame:
    """Return how it stands now."""
    told, day = played.told, played.day
    now = played.time.elapsed_s
    return Frame(
        at=played.time(),
        head=_head(played),
        where=f"mode label  {played.url}",
        scene=[text for at_s, text in day.scenes if at_s <= now][-1],
        tiers=tuple(_row(played, name) for name in played.policy.tiers),
        before=played.before,
        held=held_now(played) if played.bridge.is_whole or told.verdicts else None,
        log=tuple(sorted([*told.notes, *_troubles(played)], key=_when)),
    )


def _troubles(played: Played) -> Iterator[Shown]:
    made_at = {pod_name(job): played.time.at(job.starts_at_s) for job in played.day.judged if job.is_stuck}
    for one in played.told.troubles.values():
        more = ""
        if one.pod in made_at:
            waited_s = (one.at - made_at[one.pod]).total_seconds()
            more = f"Said {waited_s:.0f} s after the pod was made; its runner gives up after {GIVES_UP_AFTER_S:.0f} s."
        yield Shown(trouble=one, label=_label(played, one), more=more)


def _when(one: Shown | Note) -> datetime:
    return one.at if isinstance(one, Note) else one.trouble.at


def _head(played: Played) -> str:
    return f"runner-bridge demo: SIMULATED cluster, real bridge; a day in a minute ({played.speed:g}x)"


def held_now(played: Played) -> Holding:
    """Return the addresses that CI holds now, as the bridge sees it."""
    picture = played.bridge.picture
    return holding(played.policy, (pod for _, pod in picture.pods()) if picture else ())


def _row(played: Played, tier: TierName) -> TierRow:
    counts = played.told.counts(tier)
    return TierRow(
        name=tier,
        pools=", ".join(pool.name for pool in played.policy.tiers[tier].pools),
        now=sum(one.tier == tier for one in played.bridge.verdicts),
        passed=counts["pass"],
        breach=counts["breach"],
        unknown=counts["unknown"] + counts["pending"],
    )


def _label(played: Played, trouble: Trouble) -> str:
    """Return what the pod itself says; empty until it says what the bridge says."""
    if played.labels.on.get(trouble.pod) != trouble.word:
        return ""
    return f"label {max(1, round(played.labels.took_s[trouble.pod] * 1000))} ms"
