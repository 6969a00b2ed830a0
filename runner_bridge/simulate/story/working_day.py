"""
A working day for people to look at: yesterday as it was, then a day with the policy in force, from a seed.

Played at `SPEED` it takes about a minute. Its scenes are written by hand; the seed draws the ordinary jobs. Every
tier has a pool of its own, so that whatever CI still holds in the routable pool at the end is no job's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Final

from runner_bridge.simulate.story.day import INFRA, NAMESPACE, NODES, POOLS, TOOLS, TOOLS_ADDRESSES
from runner_bridge.simulate.story.model import Accident, Expected, Job, Manager, Pool, Story, Tier, Twist

SPEED: Final = 12.0
"""Seconds of the story in one real second."""

OTHERS = Tier(
    name="default",
    runner="shared",
    short_id="7rTuI9kNb",
    annotation='["geral"]',
    projects=((311, "shop/front"), (312, "shop/back")),
)
GERAL = Pool(
    name="geral", spec={"cidr": "172.24.0.0/16", "blockSize": 25, "natOutgoing": True, "nodeSelector": "!all()"}
)

_MORNING, _NOON, _AFTERNOON, _PEAK, _END = 400.0, 540.0, 735.0, 940.0, 1040.0
_LONG: Final = 40_000.0
"""Longer than the story: still there at its end."""

_PASS = Expected(outcome="pass")
_TWISTS = {
    Twist.OVERWRITTEN: Expected(outcome="breach", code="annotation-overwritten"),
    Twist.MISSING: Expected(outcome="breach", code="annotation-missing"),
    Twist.HOST_NETWORK: Expected(outcome="breach", code="host-network"),
    Twist.MISTYPED: Expected(outcome="breach", code="pool-unknown"),
    Twist.EXHAUSTED: Expected(outcome="unknown", code="pool-exhausted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDay:
    """The story, and where its parts begin, in its own seconds."""

    story: Story
    yesterday_s: float
    """All of yesterday's jobs run; nobody has declared anything yet."""
    morning_s: float
    """They are gone; the runners have been given their annotations. What begins from here on is judged."""
    end_s: float
    """As many jobs run as yesterday."""
    shared: tuple[Job, ...]
    """Three jobs that have one address, within a minute."""
    scenes: tuple[tuple[float, str], ...]
    """When what begins, for those who look on; a sentence each, in order."""

    @property
    def judged(self) -> tuple[Job, ...]:
        """The jobs a bridge sees that watches from the morning on."""
        return tuple(job for job in self.story.jobs if job.starts_at_s >= self.morning_s)


class _Writer:
    """Collects jobs."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - a story has to be the same every time
        self.jobs: list[Job] = []

    def add(self, tier: Tier, starts_at_s: float, runs_s: float, twist: Twist = Twist.NONE, node: str = "") -> Job:
        job = Job(
            number=71000 + len(self.jobs),
            tier=tier,
            project=self.draw.choice(tier.projects),
            node=node or self.draw.choice(list(NODES)),
            starts_at_s=starts_at_s,
            runs_s=runs_s,
            twist=twist,
            expected=_TWISTS.get(twist, _PASS),
        )
        self.jobs.append(job)
        return job

    def ordinary(self, count: int, since_s: float, until_s: float, *, longest_s: float = 120.0) -> None:
        """Add jobs of the two large tiers."""
        for _ in range(count):
            self.add(
                self.draw.choice((INFRA, OTHERS)), self.draw.uniform(since_s, until_s), self.draw.uniform(60, longest_s)
            )


def working_day(seed: int = 1, *, jobs: int = 211) -> WorkingDay:
    """
    Return a day on which so many jobs run at once, yesterday and today.

    Args:
        seed: another seed, other ordinary jobs; the trouble is the same.
        jobs: at the peak; what else happens is about fifty more.
    """
    write = _Writer(seed)
    for _ in range(jobs):  # yesterday: whatever the tier, nobody asked for a pool
        tier = write.draw.choice((INFRA, OTHERS))
        write.add(tier, write.draw.uniform(0, 100), 200, Twist.MISSING)
    write.ordinary(16, _MORNING + 4, _MORNING + 110)
    write.add(INFRA, _MORNING + 50, 160, Twist.OVERWRITTEN, "worker-2")
    shared = tuple(write.add(TOOLS, _NOON + 12 + 20 * round_, 16, node="worker-1") for round_ in range(3))
    write.ordinary(8, _NOON + 2, _NOON + 90)
    write.add(INFRA, _NOON + 10, 0, Twist.MISTYPED, "worker-3")
    write.add(INFRA, _NOON + 75, 110, Twist.HOST_NETWORK, "worker-4")
    for index in range(TOOLS_ADDRESSES):
        write.add(TOOLS, _AFTERNOON + 4 + index / 2, 215)
    write.add(TOOLS, _AFTERNOON + 20, 0, Twist.EXHAUSTED)
    write.add(OTHERS, _AFTERNOON + 50, 80, Twist.MISSING, "worker-3")
    for _ in range(jobs):
        write.add(write.draw.choice((INFRA, OTHERS)), write.draw.uniform(_PEAK, _PEAK + 60), _LONG)
    story = Story(
        seed=seed,
        namespace=NAMESPACE,
        nodes=NODES,
        pools=(*POOLS, GERAL),
        managers=tuple(
            Manager(runner=tier.runner, node=node) for tier, node in zip((INFRA, TOOLS, OTHERS), NODES, strict=False)
        ),
        jobs=tuple(sorted(write.jobs, key=lambda job: job.starts_at_s)),
        accidents=((_NOON + 120, Accident.RESTART),),
        begins_at=datetime(2026, 11, 24, 16, 30, tzinfo=UTC),
        skips=(
            (_MORNING, timedelta(hours=15, minutes=23, seconds=20)),
            (_NOON, timedelta(hours=2, minutes=27, seconds=40)),
            (_AFTERNOON, timedelta(hours=3, minutes=56, seconds=45)),
            (_PEAK, timedelta(hours=1, minutes=26, seconds=35)),
        ),
        down_s=12.0,
        policy=files(__package__).joinpath("working_day.yaml").read_text(encoding="utf-8"),
    )
    return WorkingDay(
        story=story,
        yesterday_s=150,
        morning_s=_MORNING,
        end_s=_END,
        shared=shared,
        scenes=(*_SCENES, (_PEAK, _peak(jobs))),
    )


_SCENES = (
    (_MORNING, "The runners write the annotation now. Ordinary jobs; one overwrites it."),
    (_NOON, "Three jobs in turn have one address; another names a pool that is not."),
    (_NOON + 75, "A job on the network of its node."),
    (_NOON + 120, "The API server restarts."),
    (_AFTERNOON, "Sixteen jobs take the 16 addresses of ferramentas; a seventeenth comes."),
    (_AFTERNOON + 50, "A job of a runner section that carries no annotation."),
)


def _peak(jobs: int) -> str:
    return f"{jobs} jobs at once, as many as yesterday."
