"""The budget: a burst, then a steady rate, for everybody together, on a clock that is handed in."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ports.gitlab import Budget, Requests
from tests.ports.gitlab.world import Clock


async def test_a_burst_is_free_and_then_one_a_second() -> None:
    clock = Clock()
    budget = Budget(clock=clock, sleep=clock.sleep)

    for _ in range(5):
        await budget.take()
    assert clock.seconds == 0
    for _ in range(10):
        await budget.take()

    assert clock.seconds == 10
    assert budget.waited_s == 10


async def test_a_rest_fills_the_bucket_and_no_more() -> None:
    clock = Clock()
    budget = Budget(clock=clock, sleep=clock.sleep)
    for _ in range(5):
        await budget.take()

    clock.seconds += 3600
    for _ in range(5):
        await budget.take()
    assert clock.seconds == 3600
    await budget.take()

    assert clock.seconds == 3601


async def test_a_pause_holds_for_everybody() -> None:
    clock = Clock()
    budget = Budget(clock=clock, sleep=clock.sleep)

    budget.pause(30)
    await budget.take()

    assert clock.seconds == 30


async def test_whoever_comes_first_goes_first() -> None:
    gone: list[int] = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)

    budget = Budget(burst=1, clock=lambda: 0.0, sleep=sleep)

    async def ask(number: int) -> None:
        await budget.take()
        gone.append(number)

    await asyncio.gather(*(ask(number) for number in range(20)))

    assert gone == list(range(20))


@given(per_s=st.floats(0.1, 50), burst=st.integers(1, 20), rests=st.lists(st.floats(0, 100), max_size=60))
async def test_never_more_than_was_agreed(per_s: float, burst: int, rests: list[float]) -> None:
    """In any stretch of time there are at most `burst` requests and what the rate gives for it."""
    clock = Clock()
    budget = Budget(per_s=per_s, burst=burst, clock=clock, sleep=clock.sleep)
    moments = []
    for rest in rests:
        await budget.take()
        moments.append(clock.seconds)
        clock.seconds += rest

    for first in range(len(moments)):
        for last in range(first, len(moments)):
            assert last - first + 1 <= burst + (moments[last] - moments[first]) * per_s + 1e-6


def test_requests_are_counted_by_endpoint_and_ending() -> None:
    requests = Requests()

    requests.count("project", "200")
    requests.count("project", "200")
    requests.count("runner", "time-out")

    assert requests.counts == {("project", "200"): 2, ("runner", "time-out"): 1}
    assert requests.total == 3
