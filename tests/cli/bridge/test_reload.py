"""Files that change while a bridge runs: what is in force afterwards, and what is said of what is not."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest

from runner_bridge.cli.bridge.opening import open_bridge
from runner_bridge.cli.bridge.reload import Inputs, read_all, reloading, stamp
from runner_bridge.cli.bridge.wanted import Wanted
from runner_bridge.core.actions import Mode
from runner_bridge.core.model.verdict import Grade
from runner_bridge.flow.measures import Unmeasured
from runner_bridge.ports.kube import plain_access
from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate.cluster import Cluster
from tests.cli.test_run_bridge import POLICY
from tests.flow.bridge import Said
from tests.flow.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.core.policy.model import Policy

OTHER = POLICY.replace("    pools: [infraestrutura]", "    pools: [workload]").replace("egress: node", "egress: pod")
"""Now the routable pool is what tier infra is meant to have."""


async def until(holds: Callable[[], object], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - it looks at the world, which tells nobody
            await asyncio.sleep(0.02)


async def soon(seconds: float) -> None:
    await asyncio.sleep(seconds / 60)


class Broken(Unmeasured):
    """Measures nothing, and cannot even be told a policy."""

    def declare(self, policy: Policy) -> None:  # noqa: ARG002 - of no use here
        raise OSError(errno.EIO, "Input/output error")


class Running:
    """A bridge, its files, and the event that SIGHUP sets."""

    def __init__(self, bridge: Bridge, file: Path, told: asyncio.Event) -> None:
        self.bridge, self.file, self.told = bridge, file, told

    def words(self) -> set[str]:
        return {str(one.outcome) for one in self.bridge.verdicts if one.grade is Grade.BLOCK}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    inputs = Inputs(policy=str(file))
    async with Cluster() as cluster, aiohttp.ClientSession(cluster.url) as session:
        world = World(session)
        await world.furnish()
        await world.job_pod("a")
        await world.give("a", "172.16.0.1", "infraestrutura")
        seen = stamp(inputs)
        policy, known = read_all(inputs)
        wanted = Wanted(
            policy=policy,
            policy_file=str(file),
            known=known,
            ledger=f"sqlite:///{tmp_path / 'ledger.db'}",
            mode=Mode.LABEL,
            says=Said(),
            access=plain_access(cluster.url),
        )
        stop, told = asyncio.Event(), asyncio.Event()
        async with open_bridge(wanted) as bridge, asyncio.TaskGroup() as group:
            looking = group.create_task(reloading(bridge, inputs, told, seen=seen, pause=soon))
            group.create_task(bridge.run(stop))
            made = Running(bridge, file, told)
            await until(lambda: made.words() == {"pass"})
            yield made
            looking.cancel()
            stop.set()


def put(file: Path, text: str) -> None:
    """As editors do: a reader never sees half of it."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


async def test_a_good_policy_is_taken_up_and_everything_is_judged_by_it(running: Running, tmp_path: Path) -> None:
    before = running.bridge.policy_state.digest
    put(running.file, OTHER)
    await until(lambda: running.words() == {"breach"})
    state = running.bridge.policy_state
    assert (state.reloads, state.refused, state.trouble) == (1, 0, "")
    assert state.digest != before
    await until(lambda: running.bridge.state().acts.waiting == 0)
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", read_only=True)
    last = [one.entry for one in ledger.entries() if one.entry.address][-1]
    ledger.close()
    assert (last.policy, last.outcome) == (state.digest, "breach")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("version: 1\ntiers: [", "policy.yaml", id="no YAML"),
        pytest.param(POLICY.replace("pools: [workload]", "pools: [wrkload]"), "wrkload", id="names no pool"),
        pytest.param(POLICY.replace("prod-1", "prod-2"), "Start it again", id="another cluster"),
        pytest.param(None, "policy.yaml", id="gone"),
    ],
)
async def test_a_bad_one_is_said_and_the_last_good_one_stays(running: Running, text: str | None, why: str) -> None:
    before = running.bridge.policy_state.digest
    if text is None:
        running.file.unlink()
    else:
        put(running.file, text)
    await until(lambda: running.bridge.policy_state.refused)
    state = running.bridge.policy_state
    assert (state.digest, state.reloads) == (before, 0)
    assert why in state.trouble
    assert running.words() == {"pass"}
    put(running.file, POLICY)  # put right again
    await until(lambda: not running.bridge.policy_state.trouble)
    assert running.bridge.policy_state.reloads == 0


async def test_sighup_has_a_file_read_that_does_not_seem_changed(running: Running) -> None:
    running.told.set()
    await until(lambda: running.bridge.policy_state.tried_at)
    assert (running.bridge.policy_state.reloads, running.told.is_set()) == (0, False)


async def test_a_defect_on_the_way_is_said_and_ends_nothing(running: Running) -> None:
    measures = running.bridge.wanted.measures
    running.bridge.wanted = replace(running.bridge.wanted, measures=Broken())
    put(running.file, OTHER)
    await until(lambda: running.bridge.policy_state.refused)
    assert running.bridge.policy_state.trouble == "OSError: [Errno 5] Input/output error"
    running.bridge.wanted = replace(running.bridge.wanted, measures=measures)
    put(running.file, POLICY)
    await until(lambda: not running.bridge.policy_state.trouble)
    assert running.words() == {"pass"}


def test_a_name_that_the_system_does_not_take_has_a_stamp_all_the_same() -> None:
    assert stamp(Inputs(policy="x" * 300)) == (("x" * 300,),)


async def test_other_namespaces_are_watched_without_a_restart(running: Running) -> None:
    put(running.file, POLICY.replace("[gitlab-runners]", "[elsewhere]"))
    await until(lambda: running.bridge.is_whole and running.bridge.verdicts == ())
    assert {one.namespace for one in running.bridge.state().watches if one.namespace} == {"elsewhere"}


def test_a_mounted_config_map_is_seen_to_change_when_its_link_is_swapped(tmp_path: Path) -> None:
    for number, text in enumerate((POLICY, OTHER)):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "policy.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("..0")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    folder, file = Inputs(policy=str(tmp_path)), Inputs(policy=str(tmp_path / "policy.yaml"))
    before = stamp(folder), stamp(file)
    assert (stamp(folder), stamp(file)) == before
    (tmp_path / "..new").symlink_to("..1")
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert stamp(folder) != before[0]
    assert stamp(file) != before[1]
    assert read_all(folder)[0].digest == read_all(file)[0].digest
