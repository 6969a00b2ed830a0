"""The demo: it ends as its story says or says where not, fits 80 columns, and is what the README opens with."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.cli import CLEAN, FINDINGS, INTERRUPTED, LEDGER
from runner_bridge.cli.demo.day import play
from runner_bridge.cli.demo.screen import Lines
from runner_bridge.simulate.story import Expected, Twist, working_day
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("demo")]  # one day for all of them

README = Path(__file__).parents[3] / "README.md"
TRANSCRIPT = re.compile(r"(?<=<!-- demo -->\n```text\n).*?(?=```\n<!-- /demo -->)", re.DOTALL)
DEMO = [sys.executable, "-m", "runner_bridge", "demo"]
FAST = "15"
"""A job of sixteen seconds is there for more than one: time enough for a machine that is busy with other tests."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest) -> str:
    """A whole day in a real process, slower where the README shall show it."""
    speed = [] if request.config.getoption("--update-golden") else ["--speed", FAST]
    done = subprocess.run([*DEMO, "--once", *speed], capture_output=True, text=True, timeout=110, check=False)
    assert (done.returncode, done.stderr) == (CLEAN, ""), done.stdout + done.stderr
    return done.stdout


def test_every_job_gets_what_stands_in_the_story(shown: str) -> None:
    judged = len(working_day().judged)
    assert f"All {judged} jobs got the verdict and the label that stand in the story." in shown
    assert "The ledger is whole" in shown
    assert "simulated" in shown.casefold()


def test_it_counts_what_ci_held_and_holds(shown: str) -> None:
    assert "Yesterday, undeclared: 214 routable addresses held by CI (jobs 211, managers 3)." in shown
    assert "routable addresses held by CI: 214 → 3 (managers 3)" in shown


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("breach", "annotation-overwritten"),
        ("breach", "annotation-missing"),
        ("breach", "host-network"),
        ("breach", "pool-unknown"),
        ("unknown", "pool-exhausted"),
    ],
)
def test_trouble_is_one_line_with_its_verdict_and_label(shown: str, word: str, code: str) -> None:
    assert re.search(rf"^\d\d:\d\d:\d\d {word} 71\d+ .*{code} +label \d+ ms$", shown, re.MULTILINE)


def test_a_stuck_job_is_explained_long_before_its_runner_gives_up(shown: str) -> None:
    said = re.findall(r"Said (\d+) s after the pod was made; its runner gives up after 180 s", shown)
    assert len(said) == 2
    assert all(int(seconds) < 60 for seconds in said)


def test_three_jobs_had_one_address_and_a_node_hides_which_job_it_was(shown: str) -> None:
    by_address, by_node = shown.split("$ runner-bridge who-had")[1:]
    assert by_address.count("pod ci-jobs/") == 3
    assert by_node.count("pod ci-jobs/") > 1
    assert "NAT hides" in by_node


def test_it_fits_eighty_columns(shown: str) -> None:
    hash_of_head = [line for line in shown.splitlines() if line.startswith("It ends with ")]
    assert [line for line in shown.splitlines() if len(line) > 80] == hash_of_head


def test_the_readme_opens_with_what_it_prints(shown: str, golden: Callable[[Path, str], None]) -> None:
    """Times and addresses of candidates differ from day to day; where nothing else does, the README is right."""
    readme = README.read_text(encoding="utf-8")
    (stands,) = TRANSCRIPT.findall(readme)
    new = f"$ make demo ONCE=1\n{shortened(shown)}"
    if masked(new) != masked(stands):
        golden(README, TRANSCRIPT.sub(lambda _: new, readme))


def shortened(shown: str) -> str:
    """Return what was printed without the paragraphs of `who-had`, but for their first lines."""
    lines = [""]
    is_candidate = False
    for line in shown.splitlines():
        starts = re.match(r"\d{4}-", line)
        ends = line.startswith(("- ", "$ "))
        is_candidate = bool(starts) or (is_candidate and not ends)
        if line.startswith("$ ") and lines[-1]:
            lines.append("")
        if starts or not is_candidate:
            lines.append(f"{line[:23]} to …" if starts else line)
        elif line.startswith("  pod "):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines[1:])


def masked(text: str) -> str:
    """Return a transcript without what another run, or another speed, would print in another way."""
    for pattern in (
        r"\d\d:\d\d:\d\dZ?",
        r"\d+ ms",
        r"\(\d+x\)",
        r"Said \d+ s",
        r"\d+ entries",
        r"1:\d+ [0-9a-f]{64}",
        r"127\.0\.0\.1:\d+",
        " +",
    ):
        text = re.sub(pattern, "~", text)
    return text


def test_what_is_written_wrongly_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = working_day(jobs=3)
    wrong = next(job for job in day.judged if job.twist is Twist.OVERWRITTEN)
    jobs = tuple(replace(job, expected=Expected(outcome="pass")) if job is wrong else job for job in day.story.jobs)
    day = replace(day, story=replace(day.story, jobs=jobs))
    assert asyncio.run(play(day, speed=100, folder=str(tmp_path), screen=Lines(), stays=False)) == FINDINGS
    said = capsys.readouterr().out
    assert f" of {len(day.judged)} jobs did not get what stands in the story" in said
    row = re.search(rf"^{wrong.number} +pass +breach: (.*) +breach$", said, re.MULTILINE)
    assert row
    assert "annotation-overwritten" in row[1]


class Tampering(Lines):
    """Changes a row of the ledger when the day is over."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._ledger = folder / "ledger.db"

    def __exit__(self, *_: object) -> None:
        with closing(sqlite3.connect(self._ledger, timeout=10)) as connection, connection:
            connection.execute("UPDATE entry SET text = replace(text, 'pass', 'nope') WHERE number = 7")


def test_a_ledger_that_does_not_verify_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day, screen = working_day(jobs=1), Tampering(tmp_path)
    assert asyncio.run(play(day, speed=100, folder=str(tmp_path), screen=screen, stays=False)) == LEDGER
    assert "The ledger is damaged" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_broken_off(number: signal.Signals) -> None:
    process = subprocess.Popen([*DEMO, "--once"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "Yesterday" not in process.stdout.readline():
        pass
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (INTERRUPTED, "")


def test_on_a_terminal_it_stays_until_told_and_never_leaves_its_screen() -> None:
    terminal, its_end = pty.openpty()
    env = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen([*DEMO, "--speed", "20"], stdin=its_end, stdout=its_end, stderr=its_end, env=env)
    os.close(its_end)
    seen = b""
    while b"Ctrl-C ends it" not in seen:
        seen += os.read(terminal, 65536)
    process.send_signal(signal.SIGINT)
    # At this speed a busy machine may miss a job that is there for a moment; that is not what is tested here.
    assert process.wait(allowed(20)) in {CLEAN, FINDINGS}
    os.close(terminal)
    frames = seen.decode().split("\x1b[?25h")[0].split("\x1b[1A\x1b[2K\x1b[1A")
    drawn = [CONTROL.sub("", one).strip("\n").split("\n") for one in frames if "SIMULATED" in one]
    assert len(drawn) > 5
    assert max(len(lines) for lines in drawn) < 24
    assert max(len(line) for lines in drawn for line in lines) <= 80
