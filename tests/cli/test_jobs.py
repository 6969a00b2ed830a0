"""`jobs` and `job` on a real ledger, from the command line to what is printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner_bridge import cli
from runner_bridge.cli.jobs import ask
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import Standing
from runner_bridge.ports.ledger import Ledger
from tests.ports.ledger.writing import fact, later, life, record, term

if TYPE_CHECKING:
    from pathlib import Path

    Capture = pytest.CaptureFixture[str]

GITLAB = "https://gitlab.example.com"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A job and its second try, one whose claim is false, and one that nobody was asked about."""
    address = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger.open(address)
    named = {"pipeline": "90", "job_name": "deploy", "project_path": "platform/net", "standing": Standing.CONFIRMED}
    with term(ledger) as writer:
        record(writer, *life("a", 0, 9, job="101", gitlab=GITLAB, outcome=Outcome.BREACH))
        record(writer, *life("b", 20, 29, job="102", gitlab=GITLAB))
        record(writer, *life("c", 30, job="103", gitlab=GITLAB))
        record(writer, *life("d", 40, job="104", gitlab=GITLAB, project="8", tier="web"))
        record(writer, fact("a", 50, job="101", **{**named, "status": "failed"}), fact("b", 50, job="102", **named))
        record(writer, fact("c", 51, job="103", text="Runner 7 has it."))
    ledger.close()
    return address


def run(*args: str) -> int:
    return cli.run(list(args))


def numbers(capsys: Capture) -> list[str]:
    return [one["job"] for one in json.loads(capsys.readouterr().out)["jobs"]]


def test_all_jobs_are_listed_and_a_false_claim_is_a_finding(url: str, capsys: Capture) -> None:
    assert run("jobs", "--ledger", url, "--since", "all") == 1

    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines()[1:5]] == [
        ["104", "claimed"],
        ["103", "contradicted"],
        ["102", "confirmed"],
        ["101", "confirmed"],
    ]
    assert "4 jobs, 2 confirmed by GitLab." in out
    assert "Runner 7 has it." in out


@pytest.mark.parametrize(
    ("args", "found"),
    [
        (["--tier", "web"], ["104"]),
        (["--project", "8"], ["104"]),
        (["--project", "Platform/Net"], ["102", "101"]),
        (["--outcome", "breach"], ["101"]),
        (["--limit", "1"], ["104"]),
        (["--cluster", "prod-2"], []),
        (["--since", "2026-11-20T12:00:15Z", "--until", "2026-11-20T12:00:25Z"], ["102"]),
    ],
)
def test_jobs_are_cut(url: str, capsys: Capture, args: list[str], found: list[str]) -> None:
    run("jobs", "--ledger", url, "--since", "all", *args, "-o", "json")

    assert numbers(capsys) == found


def test_one_job_is_told_by_number_and_by_page(url: str, capsys: Capture) -> None:
    assert run("job", "102", "--ledger", url) == 0
    by_number = capsys.readouterr().out
    assert run("job", f"{GITLAB}/platform/net/-/jobs/102", "--ledger", url) == 0

    assert capsys.readouterr().out == by_number
    assert by_number.startswith("job 102 (confirmed): over, pass\n  project platform/net (7)\n")
    assert "tries of deploy: 101 failed → 102 success" in by_number


def test_a_job_nobody_saw_proves_nothing(url: str, capsys: Capture) -> None:
    assert run("job", "999", "--ledger", url, "-o", "json") == 3
    assert numbers(capsys) == []
    assert run("job", "https://git.example.org/a/b/-/jobs/102", "--ledger", url) == 3


def test_csv_has_a_line_per_pod(url: str, capsys: Capture) -> None:
    assert run("job", "103", "--ledger", url, "-o", "csv") == 1
    assert run("jobs", "--ledger", url, "--since", "36500d", "-o", "csv") == 1

    assert len(capsys.readouterr().out.splitlines()) == 2 + 5


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["job", "deploy"], "no job"),
        (["jobs", "--since", "yesterday"], "--since"),
        (["jobs", "--since", "999999999d"], "too long ago"),
        (["jobs", "--since", "1h", "--until", "2h"], "is after --until"),
    ],
)
def test_what_cannot_be_asked_is_refused(url: str, capsys: Capture, args: list[str], says: str) -> None:
    assert run(*args, "--ledger", url) == 2
    assert says in capsys.readouterr().err


def test_more_than_is_looked_at_is_said(url: str) -> None:
    ledger = Ledger.open(url, read_only=True)
    every = list(ledger.intervals())

    assert ledger.newest(2) == every[:1:-1]
    assert ledger.newest(9, tier="web", project="8") == [one for one in every if one.tier == "web"]
    ledger.close()


def test_a_running_bridge_answers_from_the_same_ledger(url: str) -> None:
    ledger = Ledger.open(url, read_only=True)
    asked = ask(ledger, now=later(60), since=None, until=None, project="7", most=2)

    assert [one.key.number for one in asked.jobs] == ["103", "102"]
    assert asked.left_out == 1
    ledger.close()
