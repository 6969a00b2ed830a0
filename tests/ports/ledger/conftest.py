"""The suite of the ledger runs on both databases: a file, and a real PostgreSQL server that is started once."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import uuid4

import pytest

from runner_bridge.ports.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "RUNNER_BRIDGE_TEST_POSTGRESQL"
"""`postgresql://USER@HOST/DATABASE` of a server where databases may be created, for those who cannot start one."""


def programs() -> Path | None:
    """The folder of the server's programs; distributions keep them off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


def missing(reason: str) -> NoReturn:
    message = f"PostgreSQL: {reason}. Install it (Debian: postgresql), or name a server in {URL}."
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def lesser_user() -> dict[str, Any]:
    """The server refuses to run as root: another user of the machine does."""
    if os.geteuid():
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {}


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a server, up to the name of the database."""
    if named := os.environ.get(URL):
        yield f"{named.rpartition('/')[0]}/{{database}}"
        return
    folder = programs()
    if folder is None:
        missing("no server is installed")
    user = lesser_user()
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as home:  # a socket's path must be short
        if user:
            os.chown(home, user["user"], user["group"])
        data = f"{home}/data"

        def run(program: str, *args: str) -> None:
            subprocess.run([folder / program, *args], check=True, capture_output=True, cwd=home, timeout=50, **user)

        try:
            run("initdb", "-D", data, "-U", "bridge", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
            run(
                "pg_ctl",
                "-D",
                data,
                "-l",
                f"{home}/log",
                "-w",
                "-o",
                f"-c listen_addresses= -c fsync=off -k {home}",
                "start",
            )
        except subprocess.CalledProcessError as error:
            missing(f"the server does not start: {error.stderr!r}")
        try:
            yield f"postgresql://bridge@/{{database}}?host={home}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: str) -> Iterator[str]:
    """One database for the suite of this process."""
    import psycopg

    name = f"ledger_{uuid4().hex}"
    with psycopg.connect(postgresql_server.format(database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield postgresql_server.format(database=name)
    with psycopg.connect(postgresql_server.format(database="postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def emptied(address: str) -> str:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(b"DROP SCHEMA public CASCADE")
        connection.execute(b"CREATE SCHEMA public")
    return address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on each of the two."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    yield emptied(request.getfixturevalue("postgresql_database"))


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger.open(url)
    yield opened
    opened.close()
