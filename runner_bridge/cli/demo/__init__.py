"""`demo`: a working day on a pretend cluster, watched by the real bridge; or the other verbs on recorded job pods."""

from __future__ import annotations

import asyncio
import sys

import click

FOLDER = "runner-bridge-demo"
LOWEST, HIGHEST = 1.0, 200.0


@click.command("demo", short_help="See it work: a day in a minute on a pretend cluster.")
@click.option("--once", is_flag=True, help="End when the day is over, also on a terminal.")
@click.option(
    "--speed",
    type=click.FloatRange(LOWEST, HIGHEST),
    default=12.0,
    show_default=True,
    help="Seconds of the day in a real one.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other ordinary jobs.")
@click.option("--recorded", is_flag=True, help="Instead: lint, check, explain and render on recorded files.")
@click.option("-o", "--output", "folder", default=FOLDER, show_default=True, help="--recorded: folder for its files.")
def command(*, once: bool, speed: float, seed: int, recorded: bool, folder: str) -> int:
    """
    See it work: a day in a minute on a pretend cluster; no cluster and no token needed.

    The cluster is simulated, and what happens on it is written in a story. The bridge is the one of `run`: it watches
    the API server over HTTP, judges every job pod, labels it and keeps the ledger. On a terminal it stays there
    afterwards, until Ctrl-C.

    With --recorded the verbs that need no cluster are run on the pods that a real GitLab Runner made, and the files
    stay in a folder, so that each command can be run again by hand.

    Exit codes: 0 every job got the verdict and label that stand in the story, 1 one did not, 4 the ledger is damaged.
    """
    if recorded:
        from runner_bridge.cli.demo.recorded import show_recorded

        return show_recorded(folder)
    from tempfile import TemporaryDirectory

    from runner_bridge.cli.demo.day import play
    from runner_bridge.cli.demo.screen import Lines, Table, has_room
    from runner_bridge.cli.run_bridge import first_error
    from runner_bridge.simulate.story import working_day

    screen = Table() if has_room() else Lines()
    stays = sys.stdout.isatty() and not once
    with TemporaryDirectory(prefix="runner-bridge-demo-") as scratch:
        try:
            return asyncio.run(play(working_day(seed), speed=speed, folder=scratch, screen=screen, stays=stays))
        except BaseExceptionGroup as errors:
            raise first_error(errors) from errors
