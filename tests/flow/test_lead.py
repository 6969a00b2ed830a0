"""The election: one leads at a time, whatever clocks, networks and other people do."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import DeniedError, FencedError, StaleError, UnavailableError
from runner_bridge.flow.lead import Lead, Times, Tools
from runner_bridge.ports.kube import Patience, open_cluster, plain_access
from runner_bridge.simulate.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

TIMES = Times()


class Time:
    """A clock that stands still until everybody waits for it, and then goes on to whoever waits least."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = 0

    def clock(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._number += 1
        self._waiting.append((self.now + seconds, self._number, woken))
        await woken

    async def go_on(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            self._waiting = [one for one in self._waiting if not one[2].done()]
            due = min(self._waiting, default=None)
            if due is None or due[0] > until:
                break
            self._waiting.remove(due)
            self.now = max(self.now, due[0])
            due[2].set_result(None)
        self.now = until


class Leases:
    """One Lease, as the API server keeps it: a write counts only with the version that it has."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self.broken: Exception | None = None
        self.writes: list[str] = []

    async def lease(self, *_name: str) -> bytes | None:
        await self._answer()
        return None if self.stored is None else json.dumps(self.stored).encode()

    async def create_lease(self, _namespace: str, body: bytes) -> bytes:
        await self._answer()
        if self.stored is not None:
            message = "there is one"
            raise StaleError(message)
        return self.store(json.loads(body))

    async def update_lease(self, _namespace: str, _name: str, body: bytes) -> bytes:
        await self._answer()
        given = json.loads(body)
        if self.stored is None or given["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
            message = "another version"
            raise StaleError(message)
        return self.store(given)

    def store(self, lease: dict[str, Any]) -> bytes:
        version = int(self.stored["metadata"]["resourceVersion"]) + 1 if self.stored else 1
        self.stored = lease | {"metadata": lease["metadata"] | {"resourceVersion": str(version)}}
        self.writes.append(lease["spec"]["holderIdentity"])
        return json.dumps(self.stored).encode()

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.broken is not None:
            raise self.broken


class One:
    """A contender and its own way to the API server; `log` tells when it began and ceased to lead."""

    def __init__(self, name: str, time: Time, leases: Any) -> None:
        self.lead = Lead(
            "ci",
            "bridge",
            name,
            Tools(
                leases=leases,
                clock=time.clock,
                present=lambda: datetime(2000, 1, 1, tzinfo=UTC) - timedelta(seconds=time.now),  # a clock that is wrong
                pause=time.pause,
                jitter=lambda: 0.5,
            ),
            TIMES,
        )
        self.log: list[tuple[str, float]] = []
        self._time = time

    async def run(self) -> None:
        while True:
            await self.lead.won()
            self.log.append(("won", self._time.now))
            await self.lead.lost()
            self.log.append(("lost", self._time.now))


@pytest.fixture
def time() -> Time:
    return Time()


class Beside:
    """What runs beside the test, until it ends."""

    def __init__(self) -> None:
        self.started: list[asyncio.Task[None]] = []

    def create_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.started.append(asyncio.create_task(work))
        return self.started[-1]


@pytest.fixture
async def tasks() -> AsyncIterator[Beside]:
    beside = Beside()
    yield beside
    for one in beside.started:
        one.cancel()
    ended = await asyncio.gather(*beside.started, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)


async def test_one_leads_and_keeps_it(time: Time, tasks: Beside) -> None:
    leases = Leases()
    first, second = One("first", time, leases), One("second", time, leases)
    for one in (first, second):
        tasks.create_task(one.run())
    await time.go_on(120)
    assert (first.lead.held, second.lead.held) == (True, False)
    assert set(leases.writes) == {"first"}
    assert second.lead.holder == "first"


async def test_the_next_leads_after_the_whole_duration_and_the_first_has_ceased_before(
    time: Time, tasks: Beside
) -> None:
    leases, cut_off = Leases(), Leases()
    first, second = One("first", time, leases), One("second", time, leases)
    for one in (first, second):
        tasks.create_task(one.run())
    await time.go_on(30)
    cut_off.broken = UnavailableError("no way to the API server.")
    first.lead._tools = Tools(  # its network goes
        leases=cut_off, clock=time.clock, present=lambda: datetime.now(tz=UTC), pause=time.pause, jitter=lambda: 0.5
    )
    await time.go_on(60)
    (_, ceased), (_, began) = first.log[-1], second.log[-1]
    assert 30 + TIMES.renew_s - TIMES.retry_s <= ceased < began <= 30 + TIMES.lease_s + 2 * TIMES.look_s
    assert "no way to the API server" in first.lead.trouble


async def test_a_process_that_stood_still_is_fenced_before_it_looks_at_anything(time: Time, tasks: Beside) -> None:
    first = One("first", time, Leases())
    task = tasks.create_task(first.run())
    await time.go_on(5)
    first.lead.check()
    task.cancel()  # stopped, as by a machine that sleeps
    time.now += TIMES.renew_s
    with pytest.raises(FencedError, match="not held"):
        first.lead.check()


async def test_given_back_it_is_taken_at_the_next_look(time: Time, tasks: Beside) -> None:
    leases = Leases()
    first, second = One("first", time, leases), One("second", time, leases)
    task = tasks.create_task(first.run())
    await time.go_on(1)
    tasks.create_task(second.run())
    await time.go_on(10)
    task.cancel()
    await first.lead.give_back()
    began = time.now
    await time.go_on(5)
    assert second.log[-1][0] == "won"
    assert second.log[-1][1] - began <= TIMES.look_s * 1.2
    assert not first.lead.held


async def test_a_lease_that_is_taken_by_force_is_lost_at_the_next_renewal(time: Time, tasks: Beside) -> None:
    leases = Leases()
    first = One("first", time, leases)
    tasks.create_task(first.run())
    await time.go_on(10)
    assert leases.stored is not None
    leases.store(leases.stored | {"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 15}})
    stolen = time.now
    await time.go_on(TIMES.retry_s)
    assert not first.lead.held
    await time.go_on(60)
    assert first.log[1][0] == "lost"
    assert first.log[1][1] - stolen <= TIMES.retry_s
    assert first.log[2][0] == "won"  # the thief never renewed
    assert first.log[2][1] - stolen >= 15


async def test_a_lease_that_is_deleted_is_lost_and_made_anew(time: Time, tasks: Beside) -> None:
    leases = Leases()
    first = One("first", time, leases)
    tasks.create_task(first.run())
    await time.go_on(10)
    leases.stored = None
    await time.go_on(10)
    assert [what for what, _ in first.log] == ["won", "lost", "won"]


async def test_somebody_who_labels_the_lease_takes_nothing(time: Time, tasks: Beside) -> None:
    leases = Leases()
    first = One("first", time, leases)
    tasks.create_task(first.run())
    await time.go_on(10)
    assert leases.stored is not None
    leases.store(leases.stored | {"metadata": leases.stored["metadata"] | {"labels": {"a": "b"}}})
    await time.go_on(60)
    assert [what for what, _ in first.log] == ["won"]
    assert leases.stored["metadata"]["labels"] == {"a": "b"}


async def test_a_holder_that_asks_for_more_time_gets_it(time: Time, tasks: Beside) -> None:
    leases = Leases()
    leases.store({"metadata": {"name": "bridge"}, "spec": {"holderIdentity": "other", "leaseDurationSeconds": 40}})
    second = One("second", time, leases)
    tasks.create_task(second.run())
    await time.go_on(39)
    assert second.log == []
    await time.go_on(3)
    assert [what for what, _ in second.log] == ["won"]


async def test_a_right_that_is_missing_at_the_first_look_is_said(time: Time) -> None:
    leases = Leases()
    leases.broken = DeniedError("Grant the verb get on leases.", verb="get", resource="leases")
    with pytest.raises(DeniedError, match="Grant"):
        await One("first", time, leases).lead.won()


async def test_a_right_that_is_taken_away_later_is_waited_for(time: Time, tasks: Beside) -> None:
    leases = Leases()
    first = One("first", time, leases)
    tasks.create_task(first.run())
    await time.go_on(10)
    leases.broken = DeniedError("Grant the verb update on leases.", verb="update", resource="leases")
    await time.go_on(60)
    assert (first.lead.held, first.lead.trouble) == (False, "Grant the verb update on leases")
    leases.broken = None
    await time.go_on(20)
    assert first.lead.held


async def test_over_http_it_is_made_renewed_and_given_back() -> None:
    quick = Times(lease_s=6.0, renew_s=4.0, retry_s=0.1, look_s=0.05, ask_s=2.0)
    async with Cluster() as cluster, open_cluster(plain_access(cluster.url), patience=Patience(attempts=1)) as opened:
        tools = Tools(
            leases=opened.writer,
            clock=asyncio.get_running_loop().time,
            present=lambda: datetime.now(tz=UTC),
            pause=asyncio.sleep,
            jitter=lambda: 0.5,
        )
        first, second = (Lead("default", "bridge", name, tools, quick) for name in ("first", "second"))
        await first.won()
        keeping = asyncio.create_task(first.lost())
        waiting = asyncio.create_task(second.won())
        await asyncio.sleep(0.5)
        assert (first.held, waiting.done()) == (True, False)
        keeping.cancel()
        await first.give_back()
        async with asyncio.timeout(quick.renew_s):  # long before it would have lapsed
            await waiting
        assert (first.held, second.held, second.holder) == (False, True, "second")
