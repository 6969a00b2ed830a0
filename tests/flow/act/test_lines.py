"""Two lines of pods: the second waits for the first, nobody is in two hands, nobody is forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.flow.act.lines import Lines

if TYPE_CHECKING:
    from runner_bridge.core.wire.stream import Key


def key(number: int) -> Key:
    return "ci", f"pod-{number}"


async def test_in_a_burst_the_second_line_waits_until_the_first_is_empty() -> None:
    lines = Lines()
    served: list[tuple[str, Key]] = []

    async def work(*, second: bool) -> None:
        while True:
            one = await lines.take(second=second)
            served.append(("event" if second else "label", one))
            await asyncio.sleep(0)
            if not second:
                lines.add(one, second=True)
            lines.done(one)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(second=second)) for second in (False, False, True)]
        for number in range(20):
            lines.add(key(number))
        await asyncio.wait_for(lines.drained(), 5)
        for task in tasks:
            task.cancel()
    assert [what for what, _ in served[:20]] == ["label"] * 20
    assert sorted(served[20:]) == sorted(("event", key(number)) for number in range(20))
    assert len(lines) == 0


async def test_a_pod_waits_once_and_keeps_its_place() -> None:
    lines = Lines()
    for number in (1, 2, 1):
        lines.add(key(number))
    assert len(lines) == 2
    assert await lines.take() == key(1)


async def test_a_pod_that_is_in_hand_is_given_out_only_when_it_is_done() -> None:
    lines = Lines()
    lines.add(key(1))
    one = await lines.take()
    lines.add(key(1))
    lines.add(key(1), second=True)
    waiting = asyncio.create_task(lines.take())
    later = asyncio.create_task(lines.take(second=True))
    await asyncio.sleep(0)
    assert not waiting.done()
    lines.done(one)
    assert await asyncio.wait_for(waiting, 1) == key(1)
    assert not later.done()
    lines.done(key(1))
    assert await asyncio.wait_for(later, 1) == key(1)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30))
async def test_whoever_is_queued_is_served_and_the_end_is_told(queued: list[tuple[int, bool]]) -> None:
    lines = Lines()
    served: set[tuple[int, bool]] = set()

    async def work(*, second: bool) -> None:
        while True:
            one = await lines.take(second=second)
            await asyncio.sleep(0)
            served.add((int(one[1].removeprefix("pod-")), second))
            lines.done(one)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(second=second)) for second in (False, True, False, True)]
        for number, second in queued:
            lines.add(key(number), second=second)
            if number == 2:
                await asyncio.sleep(0)
        await asyncio.wait_for(lines.drained(), 5)
        for task in tasks:
            task.cancel()
    assert served == set(queued)
