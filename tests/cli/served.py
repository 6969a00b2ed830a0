"""A pretend GitLab for verbs, and the policy that names it, in the current folder."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli.gitlab_access import VARIABLES
from runner_bridge.simulate.gitlab import GitLab, World, planted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.simulate.gitlab.world import Project

BLOG = Path(__file__).parents[2] / "config" / "blog.yaml"


class Served:
    """A pretend GitLab on a loop of its own, since the verb has its own too."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or planted(World(), projects=300)
        self.token = self.world.token(self.world.user("root", is_admin=True), "read_api")
        self.server = GitLab(self.world)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.do(self.server.start)

    def do(self, what: object) -> None:
        asyncio.run_coroutine_threadsafe(what(), self._loop).result(10)  # type: ignore[operator]

    def close(self) -> None:
        self.do(self.server.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def some(self, start: str) -> Project:
        return next(one for one in self.world.projects.values() if one.path.startswith(start))


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    served = Served()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    policy = BLOG.read_text(encoding="utf-8").replace("https://gitlab.example.com", served.server.url)
    Path("policy.yaml").write_text(policy.replace("[platform, products]", "[]"), encoding="utf-8")
    Path("token").write_text(served.token, encoding="utf-8")
    yield served
    served.close()
