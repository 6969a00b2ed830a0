"""
The ledger of the running process fails under it: acting stops, that is said, and nothing acknowledged is lost.

One that could record before stays, ends its term and does nothing until it can record again; one that never could ends
with exit code 4. When the fault is over it finds what is missing, and the chain is whole.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import LEDGER
from runner_bridge.core.chain import witnesses
from runner_bridge.core.model.ledger import EntryKind, Purpose, Step
from runner_bridge.ports.ledger import Ledger
from tests.cli.test_run_bridge import POLICY, add, cluster, labels  # noqa: F401 - a fixture among them
from tests.faults.process import Running, bridge, files, recorded
from tests.flow.world import NAMESPACE
from tests.ports.ledger.conftest import (  # noqa: F401 - fixtures
    emptied,
    postgresql_database,
    postgresql_server,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.pretend import Pretend

pytestmark = pytest.mark.timeout(90)


def full(running: Running, path: Path) -> Callable[[], object]:
    """The disk takes no more: a limit on the size of files is that to a process."""
    before = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    size = Path(f"{path}-wal").stat().st_size + 4096
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    return lambda: resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, before)


def locked(running: Running, path: Path) -> Callable[[], object]:
    """Another process writes to it and does not end."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def replaced(running: Running, path: Path) -> Callable[[], object]:
    """Somebody puts a copy in its place; what was written to the old file afterwards would be lost."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else the file itself may not have its tables yet
    database.close()
    kept = path.with_suffix(".kept")
    kept.hardlink_to(path)
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    return lambda: kept.replace(path)


FAULTS = {"disk": full, "lock": locked, "replaced": replaced}
LATE = [f"late-{number}" for number in range(1, 7)]


def acts(entries: list[Any]) -> set[tuple[str, str]]:
    return {(one.pod, str(one.step)) for one in entries if one.kind is EntryKind.ACTED and one.act == "label-pod"}


def labelled(cluster: Pretend) -> set[str]:  # noqa: F811 - the fixture's value
    items = cluster.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
    return {one["metadata"]["name"] for one in items if "runner-bridge.dev/verdict" in one["metadata"]["labels"]}


@pytest.mark.parametrize("word", FAULTS)
async def test_without_a_ledger_nothing_is_done_and_afterwards_everything(
    cluster: Pretend,  # noqa: F811 - the fixture
    tmp_path: Path,
    word: str,
) -> None:
    url, flags = files(tmp_path, cluster.kubeconfig(), POLICY)
    flags += ["--mode", "label", "--witness", str(tmp_path / "witness.log")]
    async with bridge(*flags) as running:
        await asyncio.to_thread(add, cluster, "before", "172.16.0.1")
        await running.until(lambda: labelled(cluster))
        heal = FAULTS[word](running, tmp_path / "ledger.db")
        for number, name in enumerate(LATE, 1):
            await asyncio.to_thread(add, cluster, name, f"172.16.{number}.1")
        await running.until(lambda: "ledger-not-writable" in running.text, 30)
        stopped = labelled(cluster)
        await asyncio.to_thread(add, cluster, "later", "172.16.9.1")
        await asyncio.sleep(1)
        assert labelled(cluster) == stopped, "acting has stopped"
        assert stopped < {"before", *LATE}
        assert word in running.text
        heal()
        await running.until(lambda: labelled(cluster) == {"before", *LATE, "later"}, 40)
        await running.end()
    assert "Traceback" not in running.text

    kept = recorded(url)
    assert (kept.findings, kept.unsettled) == ([], [])
    everybody = {"before", *LATE, "later"}
    assert {one.pod for one in kept.open} == everybody
    assert acts(kept.entries) >= {(pod, str(step)) for pod in everybody for step in (Step.INTENT, Step.DONE)}
    what_was_acknowledged_is_there(url, tmp_path / "witness.log")


def what_was_acknowledged_is_there(url: str, witness: Path) -> None:
    outside = list(witnesses(witness.read_text().splitlines()))
    assert outside
    with closing(Ledger.open(url, read_only=True)) as ledger:
        assert ledger.verify(outside) == []


async def test_a_clock_that_stands_before_the_last_entry_is_refused_at_the_start(
    cluster: Pretend,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    url, flags = files(tmp_path, cluster.kubeconfig(), POLICY)
    ahead = datetime.now(tz=UTC) + timedelta(hours=1)
    with closing(Ledger.open(url)) as ledger:
        ledger.write(purpose=Purpose.RUN, cluster="prod-1", at=ahead).close()
    add(cluster, "a", "172.16.0.1")
    async with bridge(*flags, "--mode", "label") as running:
        assert await running.ended(20) == LEDGER
    assert "the clock was set back" in running.text
    assert labels(cluster, "a") == {}


@pytest.fixture
def database(postgresql_database: str) -> str:  # noqa: F811 - the fixture
    return emptied(postgresql_database)


@pytest.mark.real
async def test_a_database_server_that_goes_away_and_comes_back(
    cluster: Pretend,  # noqa: F811 - the fixture
    tmp_path: Path,
    database: str,
) -> None:
    import psycopg

    _, flags = files(tmp_path, cluster.kubeconfig(), POLICY)
    flags += ["--ledger", database, "--mode", "label", "--witness", str(tmp_path / "witness.log")]
    name = database.partition("?")[0].rpartition("/")[2]

    def admin(*statements: str) -> None:
        with psycopg.connect(database.replace(name, "postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    async with bridge(*flags) as running:
        await asyncio.to_thread(add, cluster, "before", "172.16.0.1")
        await running.until(lambda: labelled(cluster))
        gone = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false", gone)
        await asyncio.to_thread(add, cluster, "late", "172.16.1.1")
        await running.until(lambda: "ledger-not-writable" in running.text, 30)
        assert labelled(cluster) == {"before"}
        admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await running.until(lambda: labelled(cluster) == {"before", "late"}, 40)
        await running.end()
    assert "Traceback" not in running.text
    kept = recorded(database)
    assert (kept.findings, kept.unsettled) == ([], [])
    assert {one.pod for one in kept.open} == {"before", "late"}
    what_was_acknowledged_is_there(database, tmp_path / "witness.log")
