"""A witness in the system's log: real datagrams, on a socket of this machine and over UDP on the loopback."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli.ledger_access import witnessing
from runner_bridge.core.chain import witnesses
from runner_bridge.core.errors import SettingsError
from runner_bridge.core.model.ledger import Purpose
from runner_bridge.ports.ledger import Ledger
from runner_bridge.ports.syslog import Syslog
from tests.make import NOON, entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        yield server


def heard(server: socket.socket, count: int) -> list[str]:
    return [server.recv(65536).decode() for _ in range(count)]


def test_a_line_is_one_datagram_with_priority_and_name(udp: socket.socket) -> None:
    with closing(Syslog(f"syslog://127.0.0.1:{udp.getsockname()[1]}")) as log:
        log.send('{"ledger":"3:17","hash":"c0ffee"} Zürich')
    assert heard(udp, 1) == ['<14>runner-bridge: {"ledger":"3:17","hash":"c0ffee"} Zürich\0']


def test_the_socket_of_this_machine_is_written_to(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        server.settimeout(5)
        with closing(Syslog(f"syslog:{tmp_path}/log")) as log:
            log.send("one")
        assert heard(server, 1) == ["<14>runner-bridge: one\0"]


def test_a_log_that_comes_back_is_written_to_again_and_until_then_it_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        log = Syslog(f"syslog:{path}")
    path.unlink()
    with closing(log):
        with pytest.raises(OSError, match="No such file"):
            log.send("lost")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
            server.bind(str(path))
            server.settimeout(5)
            log.send("back")
            assert heard(server, 1) == ["<14>runner-bridge: back\0"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("syslog:/nowhere/log", "there is no such socket"),
        ("syslog://", "no address of a system's log"),
        ("syslog://127.0.0.1:x", "no address of a system's log"),
        ("syslog://127.0.0.1:99999", "no address of a system's log"),
        ("syslog://no.such.host.invalid", "cannot be found"),
    ],
)
def test_what_is_no_log_is_a_wrong_setting(address: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Syslog(address)


def test_what_the_log_has_seen_verifies_the_ledger_and_misses_a_cut_tail(udp: socket.socket, tmp_path: Path) -> None:
    """Every entry, and the head of the chain at the hour, with cursors."""
    with (
        closing(Ledger.open(f"sqlite:///{tmp_path}/ledger.db")) as ledger,
        witnessing(f"syslog://127.0.0.1:{udp.getsockname()[1]}") as witness,
    ):
        writer = ledger.write(purpose=Purpose.RUN, cluster="prod-1", at=NOON, witness=witness)
        for minute in (0, 30, 61):
            asyncio.run(writer.append([entry(pod_uid=f"u{minute}", at=NOON + timedelta(minutes=minute))]))
        writer.close()
        seen = list(witnesses(heard(udp, 5)))
        assert [(one.segment, one.number) for one in seen] == [(1, 0), (1, 1), (1, 2), (1, 3), (1, 3)]
        assert ledger.verify(seen) == []

        with ledger._database.engine.begin() as connection:  # as somebody does who owns the database
            cut = "(SELECT hash FROM entry WHERE number = 2)"
            connection.exec_driver_sql(f"UPDATE segment SET last = 2, head = {cut}")  # noqa: S608
            connection.exec_driver_sql("DELETE FROM entry WHERE number = 3")
            connection.exec_driver_sql("DELETE FROM interval WHERE pod_uid = 'u61'")
        assert ledger.verify() == []
        assert [one.code.name for one in ledger.verify(seen)] == ["ledger-row-removed"]
