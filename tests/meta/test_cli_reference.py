"""The reference of the command line is what `--help` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner_bridge import cli

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"

HEAD = """# Command line

`runner-bridge VERB`. Results go to standard output, everything else to standard error. This page is written from
`--help` by a test.

## Exit codes

| code | means |
|---|---|
| 0 | clean |
| 1 | findings: a breach, a lint problem, files out of date |
| 2 | wrong usage, settings or policy; input that cannot be read, output that cannot be written |
| 3 | nothing is proven: evidence is missing, or a program that was to be asked is not there |
| 4 | the ledger cannot be written, or is damaged |
| 5 | internal error, a defect |
| 130 | interrupted by Ctrl-C |

A reader that closes the pipe early (`| head`) does not change the code.
"""


def help_of(command: click.Command, name: str) -> str:
    flags = ["-h", "--help"]
    context = click.Context(command, info_name=name, terminal_width=80, max_content_width=80, help_option_names=flags)
    return command.get_help(context).rstrip()


def test_the_page_is_what_help_prints(golden: Callable[[Path, str], None]) -> None:
    parts = [HEAD, "## runner-bridge\n", f"```text\n{help_of(cli.root, 'runner-bridge')}\n```\n"]
    for name in cli.VERBS:
        command = cli.root.get_command(click.Context(cli.root), name)
        assert command is not None
        parts += [f"## {name}\n", f"```text\n{help_of(command, f'runner-bridge {name}')}\n```\n"]
        for part, below in command.commands.items() if isinstance(command, click.Group) else ():
            parts += [f"### {name} {part}\n", f"```text\n{help_of(below, f'runner-bridge {name} {part}')}\n```\n"]

    golden(PAGE, "\n".join(parts))
