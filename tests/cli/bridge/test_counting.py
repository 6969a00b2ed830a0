"""The count of addresses beside a bridge: a defect of it is said, and ends nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from runner_bridge.cli.bridge.counting import AGAIN_S, counting
from runner_bridge.cli.bridge.wanted import present
from runner_bridge.cli.log import open_log

if TYPE_CHECKING:
    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.flow.census import Census


class EndError(BaseException):
    """Ends a life without end, as a cancellation does."""


class Counting:
    """Fails once with a defect, then is ended; it is the bridge as well, of which only log and pause are used."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.log = open_log(write=self.lines.append, clock=present, level="info", json_lines=True)
        self.wanted = self
        self.trouble = ""
        self.runs = 0
        self.slept: list[float] = []

    async def run(self) -> None:
        self.runs += 1
        if self.runs > 1:
            raise EndError
        raise KeyError("workload")

    async def pause(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_a_defect_is_logged_and_it_is_counted_again() -> None:
    both = Counting()
    with pytest.raises(EndError):
        await counting(cast("Bridge", both), cast("Census", both))
    assert (both.runs, both.slept, both.trouble) == (2, [AGAIN_S], "KeyError: 'workload'")
    said = json.loads(both.lines[0])
    assert (said["event"], said["why"]) == ("addresses-not-counted", "KeyError: 'workload'")
