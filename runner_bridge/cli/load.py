"""What verbs that need a policy share: the option, and reading it from a file or a folder of files."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from runner_bridge.cli import USAGE
from runner_bridge.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.errors import PolicyError
    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy import Source
    from runner_bridge.core.policy.model import Policy

DEFAULT = "policy.yaml"
SUFFIXES = (".yaml", ".yml")

policy_option = click.option(
    "--policy",
    "-p",
    "policy",
    metavar="PATH",
    default=DEFAULT,
    show_default=True,
    envvar="RUNNER_BRIDGE_POLICY",
    show_envvar=True,
    help="The policy: a file, or a folder of YAML files.",
)
"""`--policy`; give its value to `read_policy`."""


def read_policy(path: str, today: date | None = None) -> Policy:
    """
    Read a policy; print its warnings, or everything that keeps it from being one and end with 2.

    Args:
        path: a file, a folder, or `-` for standard input.
        today: the day against which waivers are held; by default that of now, in UTC.

    Raises:
        SettingsError: a file cannot be read, or a folder holds no policy.
        click.exceptions.Exit: with 2, after every problem was printed.
    """
    from runner_bridge.core.errors import PolicyError
    from runner_bridge.core.model import Severity
    from runner_bridge.core.policy import load

    try:
        policy = load(read_sources(path), today=today or datetime.now(tz=UTC).date())
    except PolicyError as error:
        refuse(error, "is not used")
    print_findings([one for one in policy.warnings if one.code.severity is not Severity.ADVICE])
    return policy


def read_sources(path: str) -> list[Source]:
    """
    Return the files of a policy: the one that is named, or those of a folder, sorted by name.

    Raises:
        SettingsError: a file cannot be read, or a folder holds none.
        WireError: a file is not text.
    """
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.policy import Source
    from runner_bridge.ports import files

    if path == DEFAULT and not os.path.lexists(path):
        message = f"{path}: no such file. Name your policy with --policy, or write one with: runner-bridge init"
        raise SettingsError(message)
    paths = sorted(files.walk(path, SUFFIXES)) if Path(path).is_dir() else [path]
    if not paths:
        message = f"{path}: no policy in this folder, expected files that end in .yaml or .yml. Name another folder."
        raise SettingsError(message)
    return [Source(name=files.display_name(one), text=files.read_text(one)) for one in paths]


def print_findings(findings: Sequence[Finding]) -> None:
    """Write findings to standard error, as a person reads them; nothing for none."""
    from runner_bridge.ask.views import findings_text

    if not findings:
        return
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    width = shutil.get_terminal_size((80, 24)).columns if sys.stderr.isatty() else 80
    note(findings_text.render(findings, colour=colour, width=width))


def refuse(error: PolicyError, consequence: str) -> NoReturn:
    """Print every problem, and end with 2; `consequence` says what became of the policy."""
    from runner_bridge.core.model import Severity

    print_findings(error.findings)
    errors = sum(one.code.severity is Severity.ERROR for one in error.findings)
    note(f"runner-bridge: the policy has {errors} error{'s' * (errors != 1)} and {consequence}.")
    raise click.exceptions.Exit(USAGE) from error
