"""`ledger verify|export|prune` on a real ledger."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge import cli
from runner_bridge.ports.ledger import Ledger
from tests.ports.ledger.writing import a_day, life, record, tamper, term

if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = pytest.CaptureFixture[str]


@pytest.fixture
def witnessed() -> list[str]:
    return []


@pytest.fixture
def url(tmp_path: Path, witnessed: list[str]) -> str:
    address = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger.open(address)
    a_day(ledger)
    with term(ledger, at=2 * 86400, witness=witnessed.append) as writer:
        record(writer, *life("later", 2 * 86400, 2 * 86400 + 9, tier="other", project="8"))
    ledger.close()
    return address


@pytest.fixture
def change(url: str) -> Callable[[str], None]:
    def apply(statement: str) -> None:
        ledger = Ledger.open(url)
        tamper(ledger, statement)
        ledger.close()

    return apply


def test_a_whole_ledger_is_told_with_its_end(url: str, capsys: Capture) -> None:
    assert cli.run(["ledger", "verify", "--ledger", url]) == 0

    out = capsys.readouterr().out
    assert out.startswith("The ledger is whole: 2 segments, 11 entries.\nIt ends with 2:2 ")


def test_a_damaged_ledger_is_told_row_by_row(url: str, change: Callable[[str], None], capsys: Capture) -> None:
    change("DELETE FROM entry WHERE segment = 1 AND number = 4")

    assert cli.run(["ledger", "verify", "--ledger", url]) == 4
    out = capsys.readouterr().out
    assert "segment 1, row 4: a row of the ledger is gone [ledger-row-removed]" in " ".join(out.split())
    assert "The ledger is damaged: 2 findings" in out
    assert cli.run(["ledger", "verify", "--ledger", url, "-o", "json"]) == 4
    document = json.loads(capsys.readouterr().out)
    assert (document["whole"], document["findings"][0]["code"]) == (False, "ledger-row-removed")


def test_a_tail_that_was_cut_off_takes_the_log_of_the_bridge(
    url: str, change: Callable[[str], None], witnessed: list[str], tmp_path: Path, capsys: Capture
) -> None:
    log = tmp_path / "bridge.log"
    log.write_text("started\n" + "".join(f"{line}\n" for line in witnessed))
    assert cli.run(["ledger", "verify", "--ledger", url, "--witness", str(log)]) == 0
    assert "3 lines of the witness agree" in capsys.readouterr().out

    change("DELETE FROM interval WHERE pod_uid = 'later'")
    change("DELETE FROM entry WHERE segment = 2")
    change("UPDATE segment SET last = 0, head = hash WHERE number = 2")
    assert cli.run(["ledger", "verify", "--ledger", url]) == 0
    assert cli.run(["ledger", "verify", "--ledger", url, "--witness", str(log)]) == 4
    assert "segment 2, rows 1 to 2" in capsys.readouterr().out


def test_what_is_derived_can_be_derived_again(url: str, change: Callable[[str], None]) -> None:
    change("DELETE FROM interval")

    assert cli.run(["ledger", "verify", "--ledger", url]) == 4
    assert cli.run(["ledger", "verify", "--ledger", url, "--repair"]) == 0


def test_an_export_is_verified_without_the_database(url: str, tmp_path: Path, capsys: Capture) -> None:
    assert cli.run(["ledger", "export", "--ledger", url]) == 0
    text = capsys.readouterr().out
    (tmp_path / "whole.jsonl").write_text(text)
    (tmp_path / "edited.jsonl").write_text(text.replace('"u3"', '"u4"', 1))

    assert cli.run(["ledger", "verify", "--export", str(tmp_path / "whole.jsonl")]) == 0
    assert "2 segments, 11 entries" in capsys.readouterr().out
    assert cli.run(["ledger", "verify", "--export", str(tmp_path / "edited.jsonl")]) == 4
    assert "[ledger-row-edited]" in capsys.readouterr().out


def test_a_choice_of_entries_says_that_it_is_one(url: str, tmp_path: Path, capsys: Capture) -> None:
    assert cli.run(["ledger", "export", "--ledger", url, "--tier", "other"]) == 0
    lines = capsys.readouterr().out.splitlines(keepends=True)
    assert len(lines) == 3

    (tmp_path / "part.jsonl").write_text("".join(lines))
    assert cli.run(["ledger", "verify", "--export", str(tmp_path / "part.jsonl")]) == 2
    assert "leaves entries out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "uids"),
    [
        ([], ["u0", "u1", "u2", "u3", "u4", "later"]),
        (["--tier", "infra", "--until", "2026-11-20T12:00:15Z"], ["u0", "u1"]),
        (["--since", "2026-11-21"], None),
        (["--since", "2026-11-21", "--tz", "UTC"], ["u4", "later"]),
        (["--project", "8"], ["later"]),
    ],
)
def test_intervals_are_exported_by_choice(url: str, args: list[str], uids: list[str] | None, capsys: Capture) -> None:
    common = ["ledger", "export", "--ledger", url, "--intervals"]
    if uids is None:
        assert cli.run([*common, *args]) == 2
        return
    assert cli.run([*common, "--format", "csv", *args]) == 0
    assert [row["pod_uid"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == uids
    assert cli.run([*common, *args]) == 0
    assert [json.loads(line)["pod_uid"] for line in capsys.readouterr().out.splitlines()] == uids


def test_entries_are_exported_for_a_spreadsheet(url: str, capsys: Capture) -> None:
    assert cli.run(["ledger", "export", "--ledger", url, "--format", "csv"]) == 0

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["segment"], row["number"], row["kind"]) for row in rows[-2:]] == [
        ("2", "1", "opened"),
        ("2", "2", "closed"),
    ]


def test_prune_removes_by_age_and_by_moment(url: str, capsys: Capture) -> None:
    assert cli.run(["ledger", "prune", "--ledger", url, "--before", "99999d"]) == 0
    assert "Removed 0 segments" in capsys.readouterr().out
    assert cli.run(["ledger", "prune", "--ledger", url, "--before", "2026-11-21T00:00:00Z"]) in {0, 2}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["prune", "--before", "tomorrow"], "no time"),
        (["prune", "--before", "2999-01-01T00:00:00Z"], "not in the past"),
        (["verify", "--witness", "nothing.log"], "no such file"),
        (["verify", "--export", "x", "--repair"], "exclude each other"),
        (["export", "--since", "x"], "--since"),
    ],
)
def test_wrong_usage_is_told_in_one_line(url: str, args: list[str], says: str, capsys: Capture) -> None:
    assert cli.run(["ledger", args[0], "--ledger", url, *args[1:]]) == 2
    assert says in capsys.readouterr().err


def test_a_log_that_saw_nothing_is_no_witness(url: str, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other.log").write_text("hello\n")

    assert cli.run(["ledger", "verify", "--ledger", url, "--witness", str(tmp_path / "other.log")]) == 2
    assert "no line of a ledger" in capsys.readouterr().err


def test_nothing_is_made_where_there_is_no_ledger(tmp_path: Path) -> None:
    for verb in (["verify"], ["export"], ["prune", "--before", "1d"], ["verify", "--repair"]):
        assert cli.run(["ledger", *verb, "--ledger", f"sqlite:///{tmp_path}/none.db"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_program_of_the_reference_checks_an_export(
    url: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    assert cli.run(["ledger", "export", "--ledger", url]) == 0
    text = capsys.readouterr().out
    monkeypatch.chdir(tmp_path)

    for export, whole in ((text, True), (text.replace("u3", "u4", 1), False)):
        (tmp_path / "ledger.jsonl").write_text(export)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is whole, done.stderr
