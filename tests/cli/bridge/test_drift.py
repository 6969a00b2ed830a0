"""Drift while a bridge runs: in its state, in its log, and gone once it is mended."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli.bridge.drift import drifting as look_for_drift
from runner_bridge.cli.bridge.opening import open_bridge
from runner_bridge.cli.bridge.wanted import Wanted, present
from runner_bridge.cli.gitlab_access import VARIABLES
from runner_bridge.cli.load import read_policy
from runner_bridge.cli.log import open_log
from runner_bridge.core.actions import Mode
from runner_bridge.core.errors import RenderError
from runner_bridge.flow.drift import read_drift
from runner_bridge.ports.gitlab import Budget
from tests.cli.bridge.test_reload import until
from tests.cli.test_plan import as_declared
from tests.flow.bridge import Said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.core.drift import Drift
    from runner_bridge.core.model.state import DriftState
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.apply import Neighbours
    from tests.cli.installed import Installed


class Drifting:
    """A bridge that looks for drift whenever it is told to."""

    def __init__(self, bridge: Bridge, installed: Installed, lines: list[str]) -> None:
        self.bridge, self.installed, self._lines = bridge, installed, lines
        self.again = asyncio.Event()
        self.looks = 0
        self.budget = Budget(per_s=1000, burst=1)
        self.trouble: Exception | None = None

    async def read(self, policy: Policy, neighbours: Neighbours) -> Drift:
        if self.trouble is not None:
            raise self.trouble
        return await read_drift(policy, neighbours)

    async def pause(self, _seconds: float) -> None:
        self.looks += 1
        await self.again.wait()
        self.again.clear()

    async def look(self) -> DriftState | None:
        """Wait for the next look, and return what it found."""
        before = self.looks
        self.again.set()
        await until(lambda: self.looks > before)
        return self.bridge.state().drift

    def said(self) -> list[tuple[str, str]]:
        """Return what was logged since the last call: the event, and what it is about."""
        found = [json.loads(line) for line in self._lines]
        self._lines.clear()
        return [(one["event"], one.get("code", "")) for one in found if one["event"].startswith("drift")]


def prepared(installed: Installed) -> Policy:
    """Make everything as a policy says that generates no pools."""
    text = Path("policy.yaml").read_text(encoding="utf-8")
    pools = text.replace("class: nat", "class: nat, generate: false").replace(
        "class: routable", "class: routable, generate: false"
    )
    Path("policy.yaml").write_text(pools, encoding="utf-8")
    as_declared(installed)
    return read_policy("policy.yaml")


def break_configuration() -> None:
    Path("etc/config.toml").write_text("[[runners]\n", encoding="utf-8")


@pytest.fixture
async def drifting(installed: Installed, tmp_path: Path) -> AsyncIterator[Drifting]:
    policy = prepared(installed)
    lines: list[str] = []
    wanted = Wanted(
        policy=policy,
        policy_file="policy.yaml",
        ledger=f"sqlite:///{tmp_path / 'ledger.db'}",
        mode=Mode.OBSERVE,
        says=Said(),
        kubeconfig=installed.kubeconfig,
        log=open_log(write=lines.append, clock=present, level="info", json_lines=True),
    )
    async with open_bridge(wanted) as bridge:
        made = Drifting(bridge, installed, lines)
        task = asyncio.create_task(
            look_for_drift(bridge, every_s=60, budget=made.budget, pause=made.pause, read=made.read)
        )
        await until(lambda: made.looks)
        yield made
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_is_changed_by_hand_is_told_once_and_again_when_it_is_mended(drifting: Drifting) -> None:
    first = drifting.bridge.state().drift
    assert first is not None
    assert (first.found, first.unseen, first.trouble) == ((), 0, "")
    assert first.looked_at is not None
    assert dict(first.by_tier) == {"infra": 0, "default": 0}

    runner = list(drifting.installed.world.runners.values())[-1]
    runner.tags = ["infra", "more"]
    second = await drifting.look()
    assert second is not None
    assert second.found == ("runner infra-platform: runner-drifted",)
    assert dict(second.by_tier) == {"infra": 1, "default": 0}
    assert drifting.said() == [("drift", "runner-drifted")]

    await drifting.look()
    assert drifting.said() == []
    runner.tags = ["infra"]
    third = await drifting.look()
    assert third is not None
    assert third.found == ()
    assert drifting.said() == [("drift-mended", "runner-drifted")]


async def test_gitlab_is_asked_within_the_budget_that_is_shared(drifting: Drifting) -> None:
    before = drifting.budget.waited_s
    drifting.budget.pause(0.2)  # as where the questions about jobs were told to wait
    await drifting.look()
    assert drifting.budget.waited_s >= before + 0.1


async def test_what_cannot_be_seen_now_is_not_taken_for_mended(
    drifting: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(drifting.installed.world.runners.values())[-1].tags = ["other"]
    await drifting.look()
    assert drifting.said() == [("drift", "runner-drifted")]

    for name in VARIABLES.values():
        monkeypatch.delenv(name)
    away = await drifting.look()
    assert away is not None
    assert (away.found, away.unseen) == ((), 1)
    assert drifting.said() == []


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        pytest.param(
            RenderError("etc/config.toml: it is not so."), "etc/config.toml: it is not so", id="an error of ours"
        ),
        pytest.param(OSError(5, "Input/output error"), "OSError: [Errno 5] Input/output error", id="of the system"),
        pytest.param(KeyError("infra"), "KeyError: 'infra'", id="a defect"),
    ],
)
async def test_what_goes_wrong_ends_nothing_and_the_last_look_stays(
    drifting: Drifting, trouble: Exception, said: str
) -> None:
    before = drifting.bridge.state().drift
    break_configuration()
    broken = await drifting.look()
    assert broken is not None
    assert broken.unseen == 1

    drifting.trouble = trouble
    after = await drifting.look()
    assert before is not None
    assert after is not None
    assert after.trouble == said
    assert after.looked_at == broken.looked_at
    assert ("drift-not-looked-for", "") in drifting.said()

    drifting.trouble = None
    again = await drifting.look()
    assert again is not None
    assert again.trouble == ""
