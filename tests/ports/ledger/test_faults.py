"""Real faults: nothing that was acknowledged is lost, nothing is acknowledged that is not there, and it is said."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import LedgerError
from runner_bridge.core.model.ledger import Opening, Purpose
from runner_bridge.ports.ledger import Ledger
from runner_bridge.ports.ledger.writer import Writer
from tests.make import NOON
from tests.ports.ledger.writing import a_day, codes, later, life, record, tamper, term

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]

WRITER = """
import asyncio, itertools, resource, sys
from datetime import timedelta
from runner_bridge.core.errors import LedgerError
from runner_bridge.core.model.ledger import Purpose
from runner_bridge.ports.ledger import Ledger
from tests.make import NOON, entry

url, limit, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ledger = Ledger.open(url)
at = NOON + timedelta(seconds=first)
writer = ledger.write(purpose=Purpose.RUN, cluster="prod-1", at=at)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

async def one(number):
    await writer.append([entry(pod_uid=f"u{number}", at=at, text="x" * 500)])
    sys.stdout.write(f"u{number}\\n")  # the outside list: only what was acknowledged
    sys.stdout.flush()

async def many():
    for start in itertools.count(first, 20):
        await asyncio.gather(*(one(number) for number in range(start, start + 20)))

try:
    asyncio.run(many())
except LedgerError as error:
    sys.stderr.write(f"{error}\\n{writer.problem}\\n")
    sys.exit(error.exit_code)
"""


def start(url: str, *, limit: int = 0, first: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, url, str(limit), str(first)]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def recorded(url: str) -> list[str]:
    with closing(Ledger.open(url)) as ledger:
        assert codes(ledger) == []
        return [one.entry.pod_uid for one in ledger.entries()]


def test_what_was_acknowledged_outlives_a_kill_at_any_moment(url: str) -> None:
    """Three times, each on top of the one before; the seed names the moments."""
    seed = random.Random(4)  # noqa: S311 - moments, not secrets
    acknowledged: list[str] = []
    for round_ in range(3):
        with start(url, first=round_ * 100_000) as process:
            assert process.stdout is not None
            acknowledged.append(process.stdout.readline().strip())
            time.sleep(seed.uniform(0.05, 0.5))
            process.kill()
            said = process.stdout.read().split("\n")
        acknowledged += [one for one in said if one.startswith("u")][:-1]  # the last may be cut in its middle

    assert process.returncode == -signal.SIGKILL
    stored = recorded(url)
    assert len(acknowledged) > 5
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    with closing(Ledger.open(url)) as ledger:
        assert {one.pod_uid for one in ledger.open_intervals("prod-1")} == set(stored)


def test_a_disk_that_takes_no_more_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """A limit on the size of files is what a full disk is to the process."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with start(url, limit=1_500_000) as process:
        out, err = process.communicate(timeout=50)

    assert process.returncode == 4, err
    problem = err.splitlines()
    assert "disk" in problem[0]
    assert problem[0] == problem[1], "readiness says the same"
    acknowledged = out.split()
    assert len(acknowledged) > 100
    assert set(acknowledged) <= set(recorded(url))


def hold(path: Path) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_another_process_that_holds_the_lock_is_waited_for_then_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(Ledger.open(f"sqlite:///{path}", patience_s=0.2)) as ledger, term(ledger) as writer:
        record(writer, *life("before", 0))
        with closing(hold(path)):
            with pytest.raises(LedgerError, match="holds the lock"):
                record(writer, *life("refused", 1))
            assert "lock" in writer.problem
        record(writer, *life("after", 2))

        assert writer.problem == ""
        assert [one.entry.pod_uid for one in ledger.entries()] == ["before", "after"]
        assert codes(ledger) == []


def test_a_ledger_that_does_not_answer_is_a_problem_until_it_does(tmp_path: Path) -> None:
    """A disk or a server that hangs refuses nothing: only the time tells."""
    path, now = tmp_path / "ledger.db", 0.0
    opening = Opening(segment=0, at=NOON, purpose=Purpose.RUN, cluster="prod-1")
    with closing(Ledger.open(f"sqlite:///{path}", patience_s=50)) as ledger, ThreadPoolExecutor() as threads:
        writer = Writer(ledger._database, opening, clock=lambda: now)
        with closing(hold(path)):
            call = threads.submit(record, writer, *life("held", 0))
            while not writer.waiting:
                time.sleep(0.01)
            time.sleep(0.2)
            assert writer.waiting == 1, "also while the database has it in hand"
            now = 10.0
            assert writer.problem == ""
            now = 12.5
            assert "the ledger has not answered for 12 s" in writer.problem
        call.result()

        assert (writer.problem, writer.waiting) == ("", 0)
        now = 99.0
        assert writer.problem == "", "nobody waits for an idle one"
        writer.close()
        assert [one.entry.pod_uid for one in ledger.entries()] == ["held"]


def test_a_file_that_may_only_be_read_is_not_written_and_still_answers(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(Ledger.open(f"sqlite:///{path}")) as ledger:
        a_day(ledger)
    script = (
        "import os, sys\n"
        "from ipaddress import ip_address\n"
        "from runner_bridge.core.errors import LedgerError\n"
        "from runner_bridge.core.model.ledger import Purpose\n"
        "from runner_bridge.ports.ledger import Ledger\n"
        "from tests.make import NOON\n"
        "if os.geteuid() == 0: os.setgid(65534), os.setuid(65534)\n"
        "print(len(Ledger.open(sys.argv[1], read_only=True).who_had(ip_address('172.16.12.2'))))\n"
        "try:\n"
        "    Ledger.open(sys.argv[1]).write(purpose=Purpose.RUN, cluster='prod-1', at=NOON.replace(year=2027))\n"
        "except LedgerError as error: print(error)\n"
    )
    for folder in (tmp_path, *tmp_path.parents[:3]):  # up to the folder of pytest, with or without workers
        with suppress(PermissionError):
            folder.chmod(0o555 if folder == tmp_path else 0o755)
    path.chmod(0o444)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, f"sqlite:///{path}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    finally:
        tmp_path.chmod(0o755)

    if "PermissionError" in done.stderr or "ModuleNotFoundError" in done.stderr:
        pytest.skip("another user of this machine may not read the interpreter's folder")
    assert done.stdout.splitlines()[0] == "5", done.stderr
    assert "may only be read" in done.stdout


def test_a_file_replaced_by_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()

    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger.open(f"sqlite:///{tmp_path}/none/ledger.db")


def flips(size: int) -> Iterator[int]:
    """Places all over a file, the same each time."""
    seed = random.Random(7)  # noqa: S311 - places, not secrets
    yield from (seed.randrange(size) for _ in range(60))


def test_a_flipped_byte_is_found_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    url = f"sqlite:///{path}"
    with closing(Ledger.open(url)) as ledger:
        with term(ledger) as writer:
            record(writer, *(one for number in range(60) for one in life(f"u{number}", number, number + 0.5)))
        whole = [(one.segment, one.row) for one in ledger.entries()], list(ledger.intervals()), ledger.segments()
    found = 0
    for place in flips(path.stat().st_size):
        copy = tmp_path / "copy.db"
        shutil.copy(path, copy)
        with copy.open("r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 0x01]))
        try:
            with closing(Ledger.open(f"sqlite:///{copy}", read_only=True)) as ledger:
                damaged = bool(codes(ledger))
                now = (
                    None
                    if damaged
                    else (
                        [(one.segment, one.row) for one in ledger.entries()],
                        list(ledger.intervals()),
                        ledger.segments(),
                    )
                )
        except LedgerError:
            damaged = True
        found += damaged
        assert damaged or now == whole, f"byte {place}"
    assert found > 20


def test_a_connection_cut_by_the_server_is_made_again(postgresql_database: str, request: pytest.FixtureRequest) -> None:
    from tests.ports.ledger.conftest import emptied

    with closing(Ledger.open(emptied(postgresql_database))) as ledger, term(ledger) as writer:
        record(writer, *life("before", 0))
        tamper(
            ledger,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )
        with pytest.raises(LedgerError, match="cannot be used"):
            record(writer, *life("refused", 1))
        record(writer, *life("after", 2))

    with closing(Ledger.open(postgresql_database)) as ledger:
        assert [one.entry.pod_uid for one in ledger.entries()] == ["before", "after"]
        assert codes(ledger) == []


def test_a_ledger_is_read_while_it_is_written(url: str) -> None:
    with closing(Ledger.open(url)) as ledger, closing(Ledger.open(url, read_only=True)) as other:
        with term(ledger) as writer:
            record(writer, *life("a", 0))
            assert len(other.who_had(ip_address("172.16.12.2"))) == 1
            assert codes(other) == []
            record(writer, *life("b", 1))
        assert len(other.who_had(ip_address("172.16.12.2"))) == 2


def test_a_term_of_another_process_goes_on_after_prune(url: str) -> None:
    with closing(Ledger.open(url)) as ledger, closing(Ledger.open(url)) as other:
        with term(ledger) as writer:
            record(writer, *life("a", 0, 5))
            record(writer, *life("b", 86400))
            assert other.prune(before=later(50_000), at=later(86401), actor="admin").segments == 1
            record(writer, *life("c", 86402))
        assert codes(ledger) == []
        assert [one.pod_uid for one in ledger.intervals()] == ["b", "c"]


def test_a_clock_far_ahead_is_told_with_both_times(tmp_path: Path) -> None:
    with closing(Ledger.open(f"sqlite:///{tmp_path}/ledger.db")) as ledger:
        with term(ledger, at=10**8):
            pass
        with pytest.raises(LedgerError, match=r"2026-11-20 12:00:00Z.*2030-01-"):
            ledger.write(purpose=Purpose.RUN, cluster="prod-1", at=NOON)


def test_the_write_ahead_log_is_synced_before_it_is_told(tmp_path: Path) -> None:
    """`synchronous` is a setting of the connection, so it is asked of the one that writes."""
    with closing(Ledger.open(f"sqlite:///{tmp_path}/ledger.db")) as ledger, ledger._database.reading() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar()

    assert (mode, level) == ("wal", 2)
