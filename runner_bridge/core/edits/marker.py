"""Lines in a runner's maintenance note: the one by which it is known as ours, and the one while it is unfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import RunnerName

_PREFIX = "runner-bridge.dev/runner: "
UNFINISHED = "runner-bridge.dev: created, not in service yet"
"""Stands in the note from the creation until the runner takes jobs: a paused runner without it was paused by people."""


class Owned(NamedTuple):
    """What a marker says."""

    cluster: str
    runner: str
    generation: int
    """1, and one more for each rotation."""


def marker(cluster: str, runner: RunnerName | str, generation: int = 1) -> str:
    """
    Return the marker of a runner.

    >>> marker("prod-1", "infra")
    'runner-bridge.dev/runner: prod-1/infra'
    >>> marker("prod-1", "infra", 2)
    'runner-bridge.dev/runner: prod-1/infra 2'
    """
    return f"{_PREFIX}{cluster}/{runner}{f' {generation}' if generation > 1 else ''}"


def owned(note: str | None) -> Owned | None:
    r"""
    Return whose runner it is by its maintenance note; None: it is none of ours, or the note is not to be seen.

    >>> owned("made by hand\nrunner-bridge.dev/runner: prod-1/infra 2")
    Owned(cluster='prod-1', runner='infra', generation=2)
    """
    for line in (note or "").splitlines():
        if line.startswith(_PREFIX):
            # The names of runners hold neither a slash nor a blank; the name of a cluster may.
            cluster, _, rest = line.removeprefix(_PREFIX).rpartition("/")
            runner, _, generation = rest.partition(" ")
            if cluster and runner and (not generation or (generation.isdecimal() and generation.isascii())):
                return Owned(cluster, runner, int(generation or 1))
    return None


def is_unfinished(note: str | None) -> bool:
    """Tell whether an apply was cut off before the runner took jobs."""
    return UNFINISHED in (note or "").splitlines()


def finished(note: str) -> str:
    """Return the note of a runner that is in service."""
    return "\n".join(line for line in note.splitlines() if line != UNFINISHED)
