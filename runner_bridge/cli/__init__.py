"""
The command line: one file per verb, imported only when it is called.

The only place where real files and terminals are wired to the rooms below. `main` turns every way in which the
program can end into the exit codes of `docs/reference/cli.md`; no traceback reaches a user.
"""

from __future__ import annotations

import contextlib
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from runner_bridge import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

# verb → its one line in the root's help. Kept here so that `--help` imports no verb (docs/explanation/performance.md).
VERBS: Mapping[str, str] = {
    "init": "Write a starter policy, or one that describes the files you have.",
    "lint": "Find problems in a policy, config.toml, Helm values or IPPool file.",
    "render": "Write every artefact that the policy calls for.",
    "explain": "Say why a project gets its tier, pool and source address.",
    "map": "Say which projects of GitLab fall into which tier.",
    "plan": "Say what differs between the policy and what is live.",
    "apply": "Make a plan real, and wait until managers have loaded it.",
    "drift": "Say what was changed behind the policy, and the command that mends it.",
    "runners": "List the runners of the policy and of GitLab.",
    "check": "Judge job pods: did each get an address of its tier, and why not.",
    "doctor": "Look whether a cluster is ready: rights, Calico, pools.",
    "probe": "Make one pod as a runner would, and see where it comes out.",
    "run": "Watch a cluster: judge, record, and label every job pod.",
    "status": "Say how a running bridge stands, in one screen.",
    "jobs": "Say which jobs ran where: pod, address, node, pool, verdict.",
    "job": "Say where one job ran, and whether GitLab confirms it.",
    "who-had": "Say which job pod had an address, or ran on a node, and when.",
    "ledger": "Verify, export or prune the record of who had which address.",
    "hooks": "Plan, apply and verify the webhooks that tell a running bridge of jobs.",
    "schema": "Print the JSON Schema of the policy file, for editors.",
    "demo": "See it work: a day in a minute on a pretend cluster.",
}

MODULES: Mapping[str, str] = {"map": "map_projects", "run": "run_bridge"}
"""Verbs whose module is not called as they are: an imported `cli.run` would take the place of the function below."""

CLEAN, FINDINGS, USAGE, UNPROVEN, LEDGER, INTERNAL = 0, 1, 2, 3, 4, 5
INTERRUPTED = 130

EPILOG = (
    "Exit codes: 0 clean, 1 findings, 2 wrong usage, settings or policy, or input that cannot be read, 3 nothing is "
    "proven, 4 the ledger could not be written or is damaged, 5 internal error, 130 interrupted."
)


class Verbs(click.Group):
    """Looks a verb up in `runner_bridge.cli.<verb>`, where it is called `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of `VERBS`, which is the order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module = MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        command = import_module(f"runner_bridge.cli.{module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a defect of ours, not of the user
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a misspelt one is answered with the nearest."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in VERBS:
            from difflib import get_close_matches

            close = get_close_matches(name, VERBS, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"The verbs are {', '.join(VERBS)}."
            message = f"{name!r} is not a verb. {hint}"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="runner-bridge", message="%(prog)s %(version)s")
def root() -> None:
    """Declare which CI jobs leave through which Calico pool, generate what is needed, prove it for every job pod."""


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    code = run(args)
    _flush_and_exit(code)


def run(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises but `SystemExit` from `--help` inside click."""
    try:
        outcome: Any = root.main(args, prog_name="runner-bridge", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted.", INTERRUPTED)
    except BrokenPipeError as error:
        # A reader that has seen enough (`| head`) changes nothing about the result.
        return int(getattr(error, "exit_code", CLEAN))
    except Exception as error:  # noqa: BLE001 - the last line of defence
        return _failed(error)
    return outcome if isinstance(outcome, int) else CLEAN


def _failed(error: Exception) -> int:
    from runner_bridge.core.errors import RunnerBridgeError
    from runner_bridge.core.redact import redact

    if isinstance(error, RunnerBridgeError):
        return _say(redact(str(error)), error.exit_code)
    if os.environ.get("RUNNER_BRIDGE_TRACEBACK"):
        import traceback

        traceback.print_exc()
    kind = type(error).__name__
    return _say(
        f"internal error: {kind}: {redact(str(error))[:300]}. This is a defect. "
        "Set RUNNER_BRIDGE_TRACEBACK=1, run it again and report what it prints.",
        INTERNAL,
    )


def _say(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        click.echo(f"runner-bridge: {message}", err=True)
    return code


def _flush_and_exit(code: int) -> NoReturn:
    """Flush while a broken pipe can still be caught; the interpreter's own flush at exit would print a traceback."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
