"""What is there while the demo plays, and how it looks at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.cli.demo.screen import Frame, TierRow
from runner_bridge.cli.demo.told import Note, Shown
from runner_bridge.core.holding import Holding, holding
from runner_bridge.simulate.kubelet import GIVES_UP_AFTER_S
from runner_bridge.simulate.runner import pod_name
from runner_bridge.simulate.story.ending import differences, labels_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.cli.demo.told import Labels, Told, Trouble
    from runner_bridge.core.policy.model import Policy, TierName
    from runner_bridge.simulate.cluster import Cluster
    from runner_bridge.simulate.kubelet import StoryTime
    from runner_bridge.simulate.story import WorkingDay
    from runner_bridge.simulate.story.ending import Difference


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


def ended(played: Played) -> tuple[Difference, ...]:
    """Return the jobs that have not got what stands in the story."""
    return differences(played.day.judged, played.told.said, labels_of(played.cluster.store))


def frame_of(played: Played) -> Frame:
    """Return how it stands now."""
    told, day = played.told, played.day
    now = played.time.elapsed_s
    return Frame(
        at=played.time(),
        head=head(played),
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


def head(played: Played) -> str:
    """Return what stands above all."""
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
