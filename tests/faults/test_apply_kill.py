"""
`apply` as a process of its own, killed at every request that it sends, before it is carried out and after.

Run again it ends where one run would have: the declared runners and no other, each token kept, none printed.
"""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import run
from runner_bridge.ports.ledger import Ledger
from tests.cli.installed import FILE, FOLDER, SECRET, TOKENS, Installed
from tests.cli.installed import installed as installed  # noqa: PLC0414 - a fixture
from tests.cli.pretend_manager import PretendManager, of_file
from tests.cluster.secrets import secret
from tests.faults.gate import Gate, Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER = "sqlite:///ledger.db"
CREATE, SERVICE = "POST /api/v4/user/runners", r"PUT /api/v4/runners/\d+"
KEEP, WRITE = "(POST|PATCH) .*/secrets(/runner-tokens)?$", "PATCH .*/runner-config"
METRICS = "GET /metrics"
# The manager is asked three times: whether it can be heard, right before the writing, and after it.
OF_SECRETS = [
    Stop(one, number, is_carried_out=done)
    for one, number in ((CREATE, 1), (KEEP, 1), (METRICS, 2), (WRITE, 1), (METRICS, 3), (SERVICE, 1))
    for done in (False, True)
]
OF_FILES = [Stop(one, number, is_carried_out=True) for one, number in ((CREATE, 1), (METRICS, 2), (METRICS, 3))]


class Gated:
    """Everything that `apply` talks to, each behind a gate."""

    def __init__(self, installed: Installed, stop: Stop, *, of_secrets: bool) -> None:
        self.installed = installed
        self._of_secrets = of_secrets
        gitlab, cluster = Gate(installed.gitlab.url, stop), Gate(installed.cluster.url, stop)
        signed_in = installed.sign_in_shared(gitlab.url)
        Path("etc/config.toml").write_text(signed_in, encoding="utf-8")
        if of_secrets:
            installed.cluster.create(secret("runner-config", {"config.toml": signed_in}))
        read = self._secret if of_secrets else of_file(Path("etc/config.toml"))
        self.manager = PretendManager(read, installed.world, Path("manager.log"))
        metrics = Gate(self.manager.url.rpartition("/")[0], stop)
        self.gates = (gitlab, cluster, metrics)
        installed.declare(*((SECRET, TOKENS) if of_secrets else (FILE, FOLDER)))
        policy = Path("policy.yaml")
        text = policy.read_text(encoding="utf-8").replace(installed.gitlab.url, gitlab.url)
        text = text.replace("logs: [manager.log]", f'metrics: ["{metrics.url}/metrics"]')
        policy.write_text(text, encoding="utf-8")
        kubeconfig = Path(installed.kubeconfig).read_text(encoding="utf-8")
        Path("gated.yaml").write_text(kubeconfig.replace(installed.cluster.url, cluster.url), encoding="utf-8")

    def arguments(self, verb: str) -> list[str]:
        flags = ["--rate", "100", "--kubeconfig", "gated.yaml"]
        return [verb, *flags, *(["--yes", "--ledger", LEDGER, "--wait", "20"] if verb == "apply" else [])]

    def killed(self) -> str:
        """Run it as a process, kill it where it stands still, and return what it printed."""
        process = subprocess.Popen(
            [sys.executable, "-m", "runner_bridge", *self.arguments("apply")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            while not any(gate.reached.wait(0.02) for gate in self.gates):
                assert process.poll() is None, process.communicate()[0]
        finally:
            process.kill()
        return process.communicate()[0]

    def kept(self) -> str:
        """Return the token that is kept for the new runner."""
        folder = Path("etc/tokens/infra-platform")
        return (
            folder.read_text(encoding="utf-8").strip()
            if folder.exists()
            else self._value("runner-tokens", "infra-platform")
        )

    def configuration(self) -> bytes:
        return self._secret()[0] if self._of_secrets else Path("etc/config.toml").read_bytes()

    def beside(self) -> list[str]:
        """Return what lies beside a configuration."""
        files = [one.name for one in Path("etc").iterdir() if one.name not in {"config.toml", "tokens"}]
        found = self.installed.cluster.admin("GET", "/api/v1/namespaces/ci-team-a/secrets/runner-config")
        return files + [key for key in found.get("data", {}) if key != "config.toml"]

    def close(self) -> None:
        self.manager.close()
        for one in self.gates:
            one.close()

    def _value(self, name: str, key: str) -> str:
        found = self.installed.cluster.admin("GET", f"/api/v1/namespaces/ci-team-a/secrets/{name}")
        return b64decode(found["data"][key]).decode()

    def _secret(self) -> tuple[bytes, object]:
        data = self._value("runner-config", "config.toml").encode()
        return data, data


@contextmanager
def gated(installed: Installed, stop: Stop, *, of_secrets: bool) -> Iterator[Gated]:
    one = Gated(installed, stop, of_secrets=of_secrets)
    try:
        yield one
    finally:
        one.close()


def ends_as_declared(here: Gated, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(here.arguments("apply")) == 0, capsys.readouterr()
    assert run(here.arguments("plan")) == 0
    out, err = capsys.readouterr()

    world: Any = here.installed.world
    (runner,) = (one for one in world.runners.values() if one is not here.installed.shared)
    assert (runner.paused, runner.note) == (False, "runner-bridge.dev/runner: prod-1/infra-platform")
    assert here.kept() == runner.token
    assert here.manager.tokens == {runner.token, here.installed.shared.token}
    assert here.beside() == []
    assert "glrt-" not in printed + out + err
    with closing(Ledger.open(LEDGER, read_only=True)) as ledger:
        assert ledger.verify() == []
        assert ledger.unsettled("prod-1") == []
        assert "glrt-" not in str([one.entry for one in ledger.entries()])


@pytest.mark.parametrize("stop", OF_SECRETS, ids=str)
def test_killed_at_any_request_it_is_finished_by_running_it_again(
    installed: Installed, capsys: pytest.CaptureFixture[str], stop: Stop
) -> None:
    with gated(installed, stop, of_secrets=True) as here:
        ends_as_declared(here, here.killed(), capsys)


@pytest.mark.parametrize("stop", OF_FILES, ids=str)
def test_so_it_is_with_files(installed: Installed, capsys: pytest.CaptureFixture[str], stop: Stop) -> None:
    with gated(installed, stop, of_secrets=False) as here:
        ends_as_declared(here, here.killed(), capsys)


@pytest.mark.parametrize("of_secrets", [True, False], ids=["secret", "file"])
def test_killed_while_it_waits_for_a_manager_that_refuses_it_puts_back_what_was_there(
    installed: Installed, capsys: pytest.CaptureFixture[str], of_secrets: bool
) -> None:
    with gated(installed, Stop(METRICS, 3), of_secrets=of_secrets) as here:
        before = here.configuration()
        here.manager.is_picky = True
        printed = here.killed()
        assert here.configuration() != before
        assert len(here.beside()) == 1

        assert run(here.arguments("plan")) == 1
        assert "An apply was cut off before its managers had loaded it" in " ".join(capsys.readouterr().out.split())
        assert run(here.arguments("apply")) == 1
        assert (here.configuration(), here.beside()) == (before, [])

        here.manager.is_picky = False
        ends_as_declared(here, printed, capsys)
