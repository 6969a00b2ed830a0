"""`--help`, of the program and of each verb, against an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from compare import compare

from runner_bridge import cli

PEER = "python -c pass"


def start(*args: str) -> None:
    subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    helps = {"--help": ["--help"], **{f"{name} --help": [name, "--help"] for name in cli.VERBS}}
    compare(
        "Start of the program, CPU of a whole process",
        {
            PEER: partial(start, "-c", "pass"),
            "import argparse": partial(start, "-c", "import argparse"),
            "import click": partial(start, "-c", "import click"),
            **{name: partial(start, "-m", "runner_bridge", *args) for name, args in helps.items()},
        },
        peer=PEER,
        rounds=11,
        at_most=dict.fromkeys(helps, 6.5),
    )


if __name__ == "__main__":
    main()
