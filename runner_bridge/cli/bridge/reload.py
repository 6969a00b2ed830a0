"""
The files of a running bridge, looked at again: the policy, GitLab's projects, the runners' own files.

They are told apart by what stands behind their names (a ConfigMap is mounted as a link that is swapped), every few
seconds and on SIGHUP. Files that cannot be used change nothing: the last ones that were accepted stay in force.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner_bridge.cli.check.known import read_projects_files, read_runners
from runner_bridge.cli.load import SUFFIXES, read_sources
from runner_bridge.core.errors import PolicyError, RunnerBridgeError
from runner_bridge.core.policy import load
from runner_bridge.flow.controller.bench import Known
from runner_bridge.ports.files import walk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.core.policy.model import Policy

LOOK_S: Final = 3.0
"""How often it is looked whether a file has changed."""
MOST_TOLD: Final = 5
"""Problems of a policy that are told in one line; `lint` tells all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The files, by the paths that were given."""

    policy: str
    projects: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them."""
        return (self.policy, *self.projects, *self.configs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of a process, and what stood behind their names before they were read."""

    inputs: Inputs
    seen: tuple[object, ...]


def read_known(inputs: Inputs, policy: Policy) -> Known:
    """
    Read what files tell besides the policy.

    Raises:
        SettingsError, WireError: one cannot be read.
    """
    runners = read_runners(inputs.configs, policy)
    listed = read_projects_files(inputs.projects) if inputs.projects else None
    projects = None if listed is None else {str(one.id): one for one in listed}
    return Known(projects=projects, short_ids=runners.short_ids, stamps=runners.stamps)


def read_all(inputs: Inputs) -> tuple[Policy, Known]:
    """
    Read everything again.

    Raises:
        PolicyError, SettingsError, WireError: something cannot be used.
    """
    policy = load(read_sources(inputs.policy), today=datetime.now(tz=UTC).date())
    return policy, read_known(inputs, policy)


def stamp(inputs: Inputs) -> tuple[object, ...]:
    """Return what stands behind the names now; the same as long as nothing was written. Never raises."""
    return tuple(_behind(path) for named in inputs.paths for path in _files(named))


async def reloading(
    bridge: Bridge,
    inputs: Inputs,
    told: asyncio.Event,
    *,
    seen: tuple[object, ...],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Have a bridge go on by its files as they are, for ever; whatever goes wrong is said, and ends nothing.

    Args:
        bridge: a running one.
        inputs: its files.
        told: set by SIGHUP: read them now, whether anything seems to have changed or not.
        seen: `stamp` from before they were read.
        pause: sleeps that many seconds.
    """
    while True:
        await _either(pause(LOOK_S), told)
        try:
            now = await asyncio.to_thread(stamp, inputs)
            if now == seen and not told.is_set():
                continue
            told.clear()
            seen = now
            bridge.accept(*await asyncio.to_thread(read_all, inputs))
        except PolicyError as error:
            more = len(error.findings) - MOST_TOLD
            said = [one.headline for one in error.findings[:MOST_TOLD]]
            bridge.refuse(" ".join([*said, f"(and {more} more)"] if more > 0 else said))
        except RunnerBridgeError as error:
            bridge.refuse(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the last files stay in force
            bridge.refuse(f"{type(error).__name__}: {error}")


async def _either(pausing: Awaitable[None], told: asyncio.Event) -> None:
    tasks = [asyncio.ensure_future(pausing), asyncio.ensure_future(told.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _files(named: str) -> list[str]:
    # OSError: `is_dir` raises where a folder above may not be entered, or a network's file system is gone.
    with contextlib.suppress(RunnerBridgeError, OSError):
        if Path(named).is_dir():
            return sorted(walk(named, SUFFIXES))
    return [named]


def _behind(path: str) -> tuple[object, ...]:
    try:
        real = os.path.realpath(path)
        found = os.stat(real)  # noqa: PTH116 - the path was resolved already
    except OSError:
        return (path,)
    return path, real, found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
