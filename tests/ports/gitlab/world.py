"""A pretend GitLab and the port that asks it, on a clock that only moves when somebody waits."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.ports.gitlab import AskedToken, Budget, Settings, open_gitlab
from runner_bridge.ports.patience import Patience
from runner_bridge.simulate import gitlab as simulate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner_bridge.ports.gitlab import GitLab, TokenSource
    from runner_bridge.simulate.gitlab.world import User

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both ends, and the clock between them."""

    server: simulate.GitLab
    port: GitLab
    clock: Clock


def given(origin: str, text: str) -> AskedToken:
    async def ask() -> str:
        return text

    return AskedToken(origin, ask)


def world_of(projects: int = 0, *, seed: int = 1, root: str = "") -> simulate.World:
    world = simulate.World(seed=seed, now=lambda: NOON)
    return simulate.planted(world, projects=projects, root=root) if projects else world


def tokens_of(world: simulate.World, user: User, purposes: tuple[Purpose, ...] = tuple(Purpose)) -> dict[Purpose, str]:
    return {one: world.token(user, str(one)) for one in purposes}


@asynccontextmanager
async def pair(
    world: simulate.World,
    tokens: Mapping[Purpose, str | TokenSource],
    *,
    settings: Settings | None = None,
    budget: Budget | None = None,
    is_shared: bool | None = None,
    version: str = "19.5.0-ee",
) -> AsyncIterator[Pair]:
    """Start a server, and open it; waits cost nothing."""
    clock = Clock()
    patience = Patience(attempts=4, first_s=0.5, longest_s=90.0, sleep=clock.sleep)
    settings = replace(settings or Settings(connect_s=5, answer_s=5), patience=patience, now=lambda: NOON)
    budget = budget or Budget(per_s=1000.0, burst=1000, clock=clock, sleep=clock.sleep)
    sources = {
        purpose: given(f"a test's {purpose}", text) if isinstance(text, str) else text
        for purpose, text in tokens.items()
    }
    async with (
        simulate.GitLab(world, version=version) as server,
        open_gitlab(server.url, tokens=sources, settings=settings, budget=budget, is_shared=is_shared) as port,
    ):
        yield Pair(server=server, port=port, clock=clock)


@asynccontextmanager
async def as_admin(world: simulate.World, **more: object) -> AsyncIterator[Pair]:
    """Open it with an administrator's three tokens."""
    tokens = tokens_of(world, world.user("root", is_admin=True))
    async with pair(world, tokens, **more) as both:  # type: ignore[arg-type] # handed on as they are
        yield both
