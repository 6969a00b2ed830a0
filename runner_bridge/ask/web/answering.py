"""
Answers for many who ask at once: each is put together in a thread, once for all who ask in the same second.

On a cluster with tens of thousands of pods an answer costs as much as judging some of them; no client, however often it
asks, may hold up the loop that judges.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from runner_bridge.ask.answers import addresses, check, status
from runner_bridge.ask.metrics import words_of
from runner_bridge.ask.views import jobs_data, status_data, verdict_data, who_had_data
from runner_bridge.ask.web.problem import BusyError
from runner_bridge.core.holding import Holding, holding
from runner_bridge.core.judge import summed
from runner_bridge.core.model.cluster import Snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from runner_bridge.ask.web.sources import Sources, WhichJobs, WhoHad
    from runner_bridge.core.model.cluster import Address, IPPool, Pod
    from runner_bridge.core.model.state import BridgeState
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.occupancy import Occupancy
    from runner_bridge.core.policy.model import Policy, Project

T = TypeVar("T")

REUSE_S: Final = 1.0
"""How old an answer may be that is given again."""
HELD_REUSE_S: Final = 10.0
"""As above, for what CI holds: a scrape need not count again what the one before counted."""
LEDGER_AT_ONCE: Final = 4
"""Questions to the ledger at a time; more are told to come again."""
MOST_CANDIDATES: Final = 1000


class Shared(Generic[T]):
    """
    One value for all who ask at the same time and for a while after.

    Args of the constructor:
        make: makes it anew.
        reuse_s: for how long it is given again.
    """

    def __init__(self, make: Callable[[], Awaitable[T]], reuse_s: float) -> None:
        self._make = make
        self._reuse_s = reuse_s
        self._task: asyncio.Task[T] | None = None
        self._made_at = 0.0

    async def get(self) -> T:
        """Return it; whoever gives up waiting does not stop it for the others."""
        loop = asyncio.get_running_loop()
        old = self._task is not None and self._task.done() and loop.time() - self._made_at > self._reuse_s
        if self._task is None or old or _has_failed(self._task):
            self._task = loop.create_task(self._run(), name="answer")
            self._task.add_done_callback(_has_failed)  # all who wanted it may have given up
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        """Give up what is being made."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> T:
        try:
            return await self._make()
        finally:
            self._made_at = asyncio.get_running_loop().time()


class Answers:
    """
    What the routes ask for, ready to be sent.

    Args of the constructor:
        sources: where it comes from.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._holding = Shared(self._count, HELD_REUSE_S)
        self._status = Shared(self._make_status, REUSE_S)
        self._check = Shared(self._make_check, REUSE_S)
        self._asking: set[asyncio.Task[bytes]] = set()

    async def status(self) -> bytes:
        """Return the status as JSON."""
        return await self._status.get()

    async def check(self) -> bytes:
        """Return every verdict as JSON."""
        return await self._check.get()

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return what Prometheus reads, and its content type."""
        sources = self._sources
        held = await self._holding.get()
        verdicts = sources.verdicts()
        words = await asyncio.to_thread(words_of, verdicts)
        policy = sources.policy()
        sources.metrics.declare(policy)
        fills = status.fills(policy, held, occupancy=sources.occupancy())
        return sources.metrics.render(accept, sources.state(), held, fills, words)

    async def who_had(self, ask: WhoHad, address: Address, since: datetime | None, until: datetime | None) -> bytes:
        """
        Return who had an address, as JSON.

        Raises:
            BusyError: too many ask at the same time.
            LedgerError: it cannot be read.
        """
        return await self._ask_ledger(lambda: _who_had(ask, address, since, until))

    async def job(self, ask: WhichJobs, job: str) -> bytes:
        """
        Return all about a job, as JSON.

        Raises:
            BusyError: too many ask at the same time.
            SettingsError: it is no job.
            LedgerError: it cannot be read.
        """
        return await self._ask_ledger(lambda: jobs_data.render_json(ask.one(job)).encode())

    async def jobs(
        self, ask: WhichJobs, *, since: datetime | None, until: datetime | None, tier: str, project: str
    ) -> bytes:
        """
        Return the jobs of a stretch of time, as JSON.

        Raises:
            BusyError, LedgerError: as `job`.
        """
        return await self._ask_ledger(
            lambda: jobs_data.render_json(ask.some(since=since, until=until, tier=tier, project=project)).encode()
        )

    async def _ask_ledger(self, ask: Callable[[], bytes]) -> bytes:
        """Ask in a thread, unless too many do already; whoever gives up waiting does not stop it."""
        if len(self._asking) >= LEDGER_AT_ONCE:
            message = "The ledger is being asked by others; too many at a time would hold up its writer. Ask again."
            raise BusyError(message)
        task = asyncio.create_task(asyncio.to_thread(ask), name="ask the ledger")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        task.add_done_callback(_has_failed)  # as above
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way; a thread that asks the ledger is waited for, because it cannot be stopped."""
        for one in (self._holding, self._status, self._check):
            await one.close()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _count(self) -> Holding:
        return await asyncio.to_thread(_held, self._taken())

    async def _make_status(self) -> bytes:
        return await asyncio.to_thread(_status, self._taken())

    async def _make_check(self) -> bytes:
        return await asyncio.to_thread(_check, self._taken())

    def _taken(self) -> _Taken:
        """Take everything at one moment, before a thread begins to look at it."""
        sources = self._sources
        return _Taken(
            state=sources.state(),
            policy=sources.policy(),
            verdicts=sources.verdicts(),
            pods=sources.pods(),
            pools=sources.pools(),
            occupancy=sources.occupancy(),
            short_ids=sources.short_ids(),
            projects=sources.projects(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What an answer is made of; fields as of `Sources`."""

    state: BridgeState
    policy: Policy
    verdicts: Sequence[Verdict]
    pods: Sequence[Pod]
    pools: Sequence[IPPool] | None
    occupancy: Occupancy | None
    short_ids: Sequence[tuple[str, str]]
    projects: Iterable[Project] | None


def _has_failed(task: asyncio.Task[T]) -> bool:
    """Tell, and take note of the error, so that asyncio does not call it lost."""
    return task.done() and (task.cancelled() or task.exception() is not None)


def _held(taken: _Taken) -> Holding:
    return holding(taken.policy, taken.pods, short_ids=taken.short_ids)


def _checked(taken: _Taken, held: Holding) -> check.CheckAnswer:
    state = taken.state
    judgement = summed(
        taken.policy,
        Snapshot(pools=None if taken.pools is None else tuple(taken.pools), gaps=state.gaps),
        taken.verdicts,
        now=state.at,
        projects=taken.projects,
        beside=held.beside,
        also=taken.occupancy.findings if taken.occupancy else (),
    )
    return check.answer(judgement, source=f"watched {state.server}", judged_at=state.at)


def _status(taken: _Taken) -> bytes:
    held = _held(taken)
    fills = status.fills(taken.policy, held, pools=taken.pools, occupancy=taken.occupancy)
    return status_data.render(status.answer(taken.state, _checked(taken, held), held, fills)).encode()


def _check(taken: _Taken) -> bytes:
    return verdict_data.render_compact(_checked(taken, _held(taken)))


def _who_had(ask: WhoHad, address: Address, since: datetime | None, until: datetime | None) -> bytes:
    found, gaps = ask(address, since=since, until=until)
    newest = found[-MOST_CANDIDATES:]
    one = addresses.answer(addresses.Kind.ADDRESS, str(address), newest, gaps, since=since, until=until)
    if len(newest) < len(found):
        note = f"Only the newest {MOST_CANDIDATES:,} of {len(found):,} candidates are listed. Name a moment with at=."
        one = replace(one, notes=(*one.notes, note))
    return who_had_data.render_json(one).encode()
