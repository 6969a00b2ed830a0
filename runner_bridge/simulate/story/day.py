"""
A day from a seed: jobs of three tiers, most of them as they should be, and one of each kind of trouble.

Every twist has its job by hand, so that a day of any seed has all of them; the seed draws the ordinary jobs around.
"""

from __future__ import annotations

import random
from importlib.resources import files

from runner_bridge.simulate.story.model import Accident, Expected, Job, Pool, Story, Tier, Twist

NAMESPACE = "ci-jobs"
NODES = {f"worker-{number}": f"10.20.0.{10 + number}" for number in range(1, 5)}

INFRA = Tier(
    name="infra",
    runner="infra",
    short_id="4xYqA7pLw",
    annotation='["infraestrutura"]',
    projects=((4217, "platform/payments/api"), (4218, "platform/network/firewall")),
)
TOOLS = Tier(
    name="tools",
    runner="tools",
    short_id="5wEtY1jMu",
    annotation='["ferramentas"]',
    projects=((5011, "tools/scanner"),),
)
DEFAULT = Tier(
    name="default",
    runner="shared",
    short_id="7rTuI9kNb",
    annotation="",
    projects=((311, "shop/front"), (312, "shop/back")),
)

POOLS = (
    Pool(
        name="ferramentas",
        spec={"cidr": "172.20.0.0/28", "blockSize": 30, "natOutgoing": True, "nodeSelector": "!all()"},
    ),
    Pool(
        name="infraestrutura",
        spec={"cidr": "172.16.0.0/16", "blockSize": 25, "natOutgoing": True, "nodeSelector": "!all()"},
    ),
    Pool(name="workload", spec={"cidr": "10.10.0.0/16", "blockSize": 26, "nodeSelector": "all()"}),
)
TOOLS_ADDRESSES = 16

_PASS = Expected(outcome="pass")
_TWISTS = {
    Twist.OVERWRITTEN: Expected(outcome="breach", code="annotation-overwritten"),
    Twist.MISSING: Expected(outcome="breach", code="annotation-missing"),
    Twist.HOST_NETWORK: Expected(outcome="breach", code="host-network"),
    Twist.MISTYPED: Expected(outcome="breach", code="annotation-overwritten"),
    Twist.EXHAUSTED: Expected(outcome="unknown", code="pool-exhausted"),
}
"""
What the product promises: an annotation that is not the tier's is a breach even before there is an address; the
network of the node is one; a pool without a free address proves nothing about the job.
"""


def day(seed: int, *, jobs: int = 60, over_s: float = 300.0) -> Story:
    """
    Return a day with so many ordinary jobs, spread over so many seconds, and one job for each twist beside them.

    Lone jobs of one node follow each other, so that one address is used again within seconds, and the small pool of the
    tools is filled to its last address before the job that finds it exhausted. The API server has its accidents.
    """
    draw = random.Random(seed)  # noqa: S311 - a story has to be the same every time
    made: list[Job] = []

    def add(tier: Tier, starts_at_s: float, runs_s: float, *, twist: Twist = Twist.NONE, node: str = "") -> None:
        made.append(
            Job(
                number=7311000 + len(made),
                tier=tier,
                project=draw.choice(tier.projects),
                node=node or draw.choice(list(NODES)),
                starts_at_s=starts_at_s,
                runs_s=runs_s,
                twist=twist,
                expected=_TWISTS.get(twist, _PASS),
            )
        )

    for _ in range(jobs):
        add(draw.choice((INFRA, DEFAULT)), draw.uniform(0, over_s), draw.uniform(20, over_s / 2))
    for twist in (Twist.OVERWRITTEN, Twist.MISSING, Twist.HOST_NETWORK, Twist.MISTYPED):
        add(INFRA, draw.uniform(0, over_s), draw.uniform(60, over_s / 2), twist=twist)
    for round_ in range(3):
        add(TOOLS, 15.0 * round_, 8, node="worker-1")
    for index in range(TOOLS_ADDRESSES):
        add(TOOLS, 60 + index / 4, over_s)
    add(TOOLS, 75, over_s, twist=Twist.EXHAUSTED)
    return Story(
        seed=seed,
        namespace=NAMESPACE,
        nodes=NODES,
        pools=POOLS,
        jobs=tuple(sorted(made, key=lambda job: job.starts_at_s)),
        accidents=(
            (over_s * 0.25, Accident.BROKEN_WATCHES),
            (over_s * 0.5, Accident.RESTART),
            (over_s * 0.75, Accident.COMPACTION),
        ),
        policy=files(__package__).joinpath("policy.yaml").read_text(encoding="utf-8"),
    )
