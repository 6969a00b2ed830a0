"""A pretend GitLab, a pretend cluster and a folder of a runner manager, with a policy that names them all."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli.gitlab_access import VARIABLES
from runner_bridge.simulate.gitlab import GitLab, World
from tests.cluster.pretend import Pretend, pretending
from tests.cluster.worlds import settle

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = """\
version: 1
gitlab: {{ url: "{url}" }}
cluster:
  name: prod-1
  namespaces: [ci-team-a]
  pod_cidrs: [10.244.0.0/16, 172.16.0.0/16]
pools:
  default: {{ cidr: 10.244.0.0/16, class: routable }}
  infraestrutura: {{ cidr: 172.16.0.0/16, class: nat }}
tiers:
  infra:
    pools: [infraestrutura]
    projects: ["platform/**"]
    job: {{ namespace: ci-team-a }}
    runners: [{{ name: infra-platform, scope: "group:platform", tags: [infra] }}]
  default:
    pools: [default]
    pin: false
    projects: ["**"]
    job: {{ namespace: ci-team-a }}
    runners: [{{ name: shared, scope: instance, run_untagged: true }}]
installations:
  ci-main:
    {runners}
    configuration: {{ {configuration} }}
    tokens: {{ {tokens} }}
    loaded: {{ logs: [manager.log] }}
"""
FILE, FOLDER = "file: etc/config.toml", "directory: etc/tokens"
SECRET, TOKENS = "secret: ci-team-a/runner-config", "secret: ci-team-a/runner-tokens"


class Installed:
    """Everything that `plan` asks, each on a loop of its own."""

    def __init__(self, cluster: Pretend) -> None:
        self.cluster = cluster
        self.world = World()
        self.group = self.world.group("platform")
        self.shared = self.world.runner("instance")
        self.gitlab = GitLab(self.world)
        self.kubeconfig = str(cluster.kubeconfig())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.do(self.gitlab.start)

    def do(self, what: object) -> None:
        asyncio.run_coroutine_threadsafe(what(), self._loop).result(10)  # type: ignore[operator]

    def close(self) -> None:
        self.do(self.gitlab.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def declare(self, configuration: str = FILE, tokens: str = FOLDER, runners: str = "") -> None:
        text = POLICY.format(url=self.gitlab.url, configuration=configuration, tokens=tokens, runners=runners)
        Path("policy.yaml").write_text(text, encoding="utf-8")

    def sign_in_shared(self, url: str = "") -> str:
        """Return a configuration in which the instance runner is signed in, as people have written it."""
        return (
            "# by hand\nconcurrent = 4\n\n[[runners]]\n"
            f'  name = "shared"\n  id = {self.shared.id}\n  url = "{url or self.gitlab.url}"\n'
            f'  token = "{self.shared.token}"\n  executor = "kubernetes"\n'
        )


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    Path("etc").mkdir()
    with pretending(tmp_path) as cluster:
        settle(cluster)
        one = Installed(cluster)
        root = one.world.user("root", is_admin=True)
        for scope, name in VARIABLES.items():
            monkeypatch.setenv(name, one.world.token(root, scope))
        one.declare()
        Path("etc/config.toml").write_text(one.sign_in_shared(), encoding="utf-8")
        yield one
        one.close()
