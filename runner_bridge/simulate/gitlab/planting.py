"""A GitLab of some size, the same for each seed: groups within groups, topics, attributes, runners, odd names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.simulate.gitlab.world import Group, World

_TOP = ("platform", "product", "research", "infra", "übung", "データ")
_BELOW = ("api", "web", "tools", "données", "mobile", "legacy", "naïve-bayes", "сборка")
_TOPICS = ("python", "golang", "terraform", "critical", "docs")


def planted(world: World, *, projects: int = 2000, runners: int = 40, root: str = "") -> World:
    """
    Fill a world, and return it.

    Args:
        world: an empty one.
        projects: how many.
        runners: how many, of all three types.
        root: one group that everything lies in; empty for several.
    """
    groups = _groups(world, root)
    start = world.now() - timedelta(days=400)
    chance = world.random
    for number in range(projects):
        group = chance.choice(groups)
        moment = start + timedelta(minutes=chance.randrange(400 * 24 * 60))
        world.project(
            f"{chance.choice(('service', 'lib', 'job', 'größe'))}-{number}",
            group,
            topics=sorted(chance.sample(_TOPICS, chance.randrange(3))),
            attributes={"tier": chance.choice(("gold", "silver"))} if chance.random() < 0.05 else {},
            archived=chance.random() < 0.1,
            instance_runners=chance.random() < 0.8,
            active_at=moment,
            updated_at=moment,
        )
    everything = tuple(world.projects.values())
    for number in range(runners):
        kind = ("instance", "group", "project")[number % 3]
        runner = world.runner(
            kind,
            group=chance.choice(groups) if kind == "group" else None,
            projects=tuple(chance.sample(everything, 2)) if kind == "project" else (),
        )
        runner.description = f"runner {number}"
        runner.tags = sorted(chance.sample(("gold", "silver", "docker", "arm64"), 2))
        runner.run_untagged = chance.random() < 0.2
        if chance.random() < 0.8:
            world.sign_in(runner, f"r_{world.scrap(12)}")
    return world


def _groups(world: World, root: str) -> list[Group]:
    top = world.group(root) if root else None
    found: list[Group] = []
    for name in _TOP:
        first = world.group(name, top)
        found.append(first)
        for below in _BELOW:
            second = world.group(below, first)
            found += [second, world.group(f"{below}-team", second)]
    return found
