"""`who-had` on a real ledger, from the command line to what is printed."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge import cli
from runner_bridge.core.model.ledger import EntryKind
from runner_bridge.ports.ledger import Ledger
from tests.make import entry
from tests.ports.ledger.writing import later, life, record, term

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

UID = "0b6f6ac1"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """
    One address that three jobs had within a minute of 12:01, then a bridge that was down for an hour.

    The end of the third was not seen. A fourth runs since, on another node with the first one's address.
    """
    address = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger.open(address)
    with term(ledger) as writer:
        record(writer, *life("a", 60, 75, job="101", project_path="platform/net"))
        record(writer, *life("b", 80, 95, job="102", handle="k8s-pod-network.b"))
        record(writer, *life("c", 100, job="103"))
    with term(ledger, at=3700) as writer:
        closed = entry(EntryKind.CLOSED, pod_uid="c", at=later(3700), seen_to_at=later(100))
        record(writer, closed, *life("d", 3800, node="node-2", address="172.16.12.9", job="\x1b[31m=1+1"))
    ledger.close()
    return address


def run(url: str, *args: str) -> int:
    return cli.run(["who-had", "--ledger", url, *args])


def test_an_address_at_a_moment_is_one_pod(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.2", "--at", "2026-11-20T12:01:25Z") == 0

    out = capsys.readouterr().out
    assert out.startswith("address 172.16.12.2 at 2026-11-20 12:01:25 UTC: 1 pod.\n")
    assert "job (as it claims) 102" in out
    assert "possible" not in out


def test_three_jobs_of_one_minute_are_three_candidates(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.2", "--between", "2026-11-20T12:01:00Z", "2026-11-20T12:01:59Z") == 0

    out = capsys.readouterr().out
    assert [number for number in ("101", "102", "103") if f"claims) {number}" in out] == ["101", "102", "103"]


def test_clocks_that_differ_bring_more_candidates_and_the_reason(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.2", "--at", "2026-11-20T12:01:17Z") == 0
    assert ": no pod." in capsys.readouterr().out
    assert run(url, "172.16.12.2", "--at", "2026-11-20T12:01:17Z", "--skew", "5s") == 0
    assert ": 2 pods." in " ".join(capsys.readouterr().out.split())


def test_a_time_nobody_watched_is_said_and_what_may_be_is_possible(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.2", "--at", "2026-11-20T12:30:00Z") == 0

    out = capsys.readouterr().out
    assert "- possible" in out
    assert "(seen until 12:01:40)" in out
    assert "Not known from 2026-11-20 12:01:40 UTC until 2026-11-20 13:01:40 UTC" in " ".join(out.split())


def test_nobody_in_a_time_that_was_not_watched_proves_nothing(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.77", "--at", "2026-11-20T12:30:00Z") == 3
    assert "not all of that time was watched" in " ".join(capsys.readouterr().out.split())
    assert run(url, "172.16.12.77", "--at", "2026-11-20T12:01:00Z") == 0


def test_a_node_lists_everybody_and_says_that_nat_hides_which(url: str, capsys: Capture) -> None:
    assert run(url, "--node", "10.0.3.7", "--between", "2026-11-20T12:01:00Z", "2026-11-20T13:05:00Z") == 0

    out = capsys.readouterr().out
    assert out.startswith("node 10.0.3.7 between ")
    assert ": 4 pods." in " ".join(out.split())
    assert "NAT hides which of these it was" in " ".join(out.split())
    assert run(url, "--node", "node-2") == 0
    assert "1 pod" in capsys.readouterr().out


def test_a_project_is_asked_for_by_its_number(url: str, capsys: Capture) -> None:
    assert run(url, "--project", "7") == 0
    assert "project 7 in all that is recorded: 4 pods." in capsys.readouterr().out


def test_times_without_a_zone_take_the_one_that_is_named_and_are_shown_in_it(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.2", "--at", "2026-11-20T13:01:25", "--tz", "Europe/Paris") == 0
    assert "2026-11-20 13:01:25 CET" in capsys.readouterr().out
    assert run(url, "172.16.12.2", "--at", "2026-11-20T13:01:25") == 2
    assert "--tz" in capsys.readouterr().err


def test_nothing_of_a_job_steers_the_terminal_and_lines_fit(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.9") == 0

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_json_and_csv_hold_the_whole_interval(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.2", "--at", "2026-11-20T12:01:25Z", "-o", "json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [one["pod_uid"] for one in document["candidates"]] == ["b"]
    assert document["candidates"][0]["handle"] == "k8s-pod-network.b"
    assert (document["version"], document["gaps"], document["notes"]) == (1, [], [])

    assert run(url, "172.16.12.9", "-o", "csv") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["certainty"], row["node"], row["to_at"]) == ("certain", "node-2", "")


LOG = """time,srcip,action
2026-11-20 13:01:25,172.16.12.2:44321,allow
2026-11-20 13:01:25,10.0.3.7,allow
2026-11-20 13:30:00,172.16.12.77,allow
2026-11-20 13:01:25,172.16.12.77,allow
yesterday,172.16.12.2,allow
2026-11-20 13:01:25,-,allow
"""


def test_each_line_of_a_log_is_answered_in_its_order(url: str, tmp_path: Path, capsys: Capture) -> None:
    log = tmp_path / "firewall.csv"
    log.write_text(LOG)

    assert run(url, "--batch", str(log), "--tz", "Europe/Paris", "--skew", "10s", "-o", "csv") == 3

    captured = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(captured.out)))
    assert [(row["line"], row["answer"], row["by"], row["candidates"]) for row in rows] == [
        ("2", "several", "address", "2"),
        ("3", "several", "node", "2"),
        ("4", "unknown", "address", "0"),
        ("5", "nobody", "address", "0"),
        ("6", "unreadable", "address", "0"),
        ("7", "unreadable", "address", "0"),
    ]
    assert rows[0]["jobs"] == "101 102"
    assert "NAT hides" in rows[1]["note"]
    assert "2 several, 1 nobody, 1 unknown, 2 unreadable" in captured.err
    assert "the time is read from 'time', the address from 'srcip'" in captured.err


def test_a_log_is_answered_for_people_and_programs_too(url: str, tmp_path: Path, capsys: Capture) -> None:
    log = tmp_path / "firewall.csv"
    log.write_text("at;who\n20/11/2026 12:01:25;172.16.12.2\n20/11/2026 12:01:17;172.16.12.2\n")
    args = ("--batch", str(log), "--tz", "UTC", "--address-column", "who", "--time-format", "%d/%m/%Y %H:%M:%S")

    assert run(url, *args, "--skew", "5s") == 0
    out = capsys.readouterr().out
    assert "2: 2026-11-20 12:01:25 UTC 172.16.12.2: one\n    gitlab-runners/" in out
    assert "3: 2026-11-20 12:01:17 UTC 172.16.12.2: several\n  gitlab-runners/" in out
    assert run(url, *args, "-o", "json") == 0
    answers = [json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines()]
    assert answers == ["one", "nobody"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Name one thing"),
        (["172.16.12.2", "--project", "7"], "Name one thing"),
        (["node-1"], "no address"),
        (["172.16.12.2", "--at", "2026-11-20T12:00Z", "--between", "a", "b"], "exclude"),
        (["172.16.12.2", "--between", "2026-11-20T12:00Z", "2026-11-20T11:00Z"], "earlier moment first"),
        (["172.16.12.2", "--tz", "Mars/Olympus"], "no zone"),
        (["172.16.12.2", "--tz", "../../etc/passwd"], "no zone"),
        (["172.16.12.2", "--skew", "soon"], "no span"),
        (["--batch", "none.csv"], "no such file"),
        (["--batch", "none.csv", "--at", "2026-11-20T12:00Z"], "from the log"),
    ],
)
def test_wrong_usage_is_told_in_one_line(url: str, args: list[str], says: str, capsys: Capture) -> None:
    assert run(url, *args) == 2
    assert says in capsys.readouterr().err


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path, capsys: Capture) -> None:
    assert run(f"sqlite:///{tmp_path}/none.db", "172.16.12.2") == 2
    assert "there is no ledger" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_ledger_is_damaged(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database at all" * 100)

    assert run(f"sqlite:///{tmp_path}/ledger.db", "172.16.12.2") == 4
    assert "damaged or no ledger" in capsys.readouterr().err


def test_what_is_open_is_only_possible_after_its_bridge_fell_silent(url: str, capsys: Capture) -> None:
    assert run(url, "172.16.12.9", "--at", "2026-11-20T13:03:20Z") == 0
    assert "possible" not in capsys.readouterr().out
    assert run(url, "172.16.12.9", "--at", "2026-11-22T00:00:00Z") == 0
    assert "to now - possible" in capsys.readouterr().out
