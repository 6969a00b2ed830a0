"""Every way in which the program can end has its exit code and one readable line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click
import pytest

from runner_bridge import cli
from runner_bridge.core.errors import SettingsError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = (
    "aiohttp",
    "gitlab",
    "kubernetes",
    "msgspec",
    "pydantic",
    "rich",
    "ruamel",
    "sqlalchemy",
    "tomlkit",
    "tree_sitter",
)


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int | None]], None]:
    """Make a verb `probe` that ends in the way a test wants."""

    def install(body: Callable[[], int | None]) -> None:
        module = ModuleType("runner_bridge.cli.probe")
        module.command = click.command("probe")(body)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(cli.VERBS, "probe", "A verb of this test.")

    return install


def fail_with(error: BaseException) -> Callable[[], int | None]:
    def body() -> int | None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        pytest.param(SettingsError("a: no. Do b."), 2, "runner-bridge: a: no. Do b.\n", id="settings"),
        pytest.param(WireError("a: no."), 2, "runner-bridge: a: no.\n", id="wire"),
        pytest.param(KeyboardInterrupt(), 130, "runner-bridge: interrupted.\n", id="ctrl-c"),
        pytest.param(BrokenPipeError(), 0, "", id="closed-pipe"),
        pytest.param(click.UsageError("no such flag"), 2, "Error: no such flag\n", id="usage"),
        pytest.param(click.exceptions.Exit(3), 3, "", id="exit"),
    ],
)
def test_each_end_has_its_code(
    verb: Callable[[Callable[[], int | None]], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    says: str,
) -> None:
    verb(fail_with(error))

    assert cli.run(["probe"]) == code
    assert capsys.readouterr().err.endswith(says)


@pytest.mark.parametrize(("result", "code"), [(None, 0), (1, 1), (3, 3)])
def test_a_verb_returns_its_code(
    verb: Callable[[Callable[[], int | None]], None], result: int | None, code: int
) -> None:
    verb(lambda: result)

    assert cli.run(["probe"]) == code


def test_a_defect_is_one_line_without_secrets(
    verb: Callable[[Callable[[], int | None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    verb(fail_with(ZeroDivisionError("token = 'plain-word'")))

    assert cli.run(["probe"]) == 5
    shown = capsys.readouterr().err
    assert "internal error: ZeroDivisionError" in shown
    assert "Traceback" not in shown
    assert "plain-word" not in shown


def test_a_defect_shows_its_traceback_on_request(
    verb: Callable[[Callable[[], int | None]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUNNER_BRIDGE_TRACEBACK", "1")
    verb(fail_with(ZeroDivisionError("x")))

    assert cli.run(["probe"]) == 5
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "says"), [("chek", "Did you mean 'check'?"), ("zzz", "The verbs are init, lint, render")]
)
def test_a_misspelt_verb_is_answered(capsys: pytest.CaptureFixture[str], asked: str, says: str) -> None:
    assert cli.run([asked]) == 2
    assert says in capsys.readouterr().err


def test_every_verb_has_a_module_and_its_help() -> None:
    for name in cli.VERBS:
        command = cli.root.get_command(click.Context(cli.root), name)
        assert command is not None, name
        assert command.help, name


@pytest.mark.parametrize("args", [["--help"], ["--version"], *([name, "--help"] for name in cli.VERBS)])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    script = (
        "import sys, io, contextlib\n"
        "from runner_bridge import cli\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        f"    code = cli.run({args!r})\n"
        f"print(code, bool(out.getvalue()), [m for m in {HEAVY!r} if m in sys.modules])\n"
    )

    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert shown == "0 True []\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the kernel has no device that is always full")
def test_a_full_disk_is_told_in_one_line_and_is_no_defect() -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "runner_bridge", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert process.returncode == 2
    assert process.stderr.startswith("runner-bridge: standard output: cannot be written: No space left on device.")
    assert process.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_changes_nothing() -> None:
    script = (
        "from runner_bridge.cli.output import emit\n"
        "from runner_bridge import cli\n"
        "for _ in range(2000): emit('x' * 100 + '\\n')\n"
        "cli._flush_and_exit(1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()

    assert process.wait(30) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("first", ["emit", "write"])
def test_a_witness_on_standard_output_says_that_its_reader_left_and_says_it_of_every_line(first: str) -> None:
    script = (
        "import sys\n"
        "from runner_bridge.cli.ledger_access import witnessing\n"
        "from runner_bridge.cli.output import emit\n"
        "from runner_bridge.core.errors import SettingsError\n"
        "with witnessing('-') as write:\n"
        "    write('begun')\n"
        "    sys.stdin.readline()\n"
        f"    for put in ({first}, write, write):\n"
        "        try: put('a line')\n"
        "        except SettingsError as error: print(error, file=sys.stderr)\n"
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.stdout.close()
    process.stdout = None

    _, said = process.communicate("\n", timeout=30)
    assert process.returncode == 0
    assert said.count("standard output: nobody reads it any more") == (2 if first == "emit" else 3)
    assert said.count("\n") == said.count("nobody reads it")
