"""The real rooms of `run`, wired as `cli` wires them, with a ledger in memory and a clock that does not wait."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from runner_bridge.core.actions import Mode
from runner_bridge.core.intervals import fold
from runner_bridge.core.model.ledger import Entry, EntryKind, Interval, IntervalKey, Step
from runner_bridge.core.model.verdict import Grade
from runner_bridge.flow import act as acting
from runner_bridge.flow.controller import controller as controlling
from runner_bridge.flow.controller import given
from runner_bridge.flow.controller.entries import Context
from runner_bridge.flow.observe.blocks import Blocks
from runner_bridge.flow.observe.observer import Observer
from runner_bridge.flow.observe.watched import WatchedBlocks
from runner_bridge.ports.kube import Patience, discover_calico, open_cluster, plain_access
from tests import make
from tests.flow.world import NAMESPACE, SHORT_ID
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from runner_bridge.core.model import Finding, Outcome
    from runner_bridge.core.model.cluster import Gap
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.ports.kube import Access

CONTEXT = Context(cluster="prod-1", gitlab="https://gitlab.example.com", policy="0" * 64, actor="test")
FASTER = 20
"""How much shorter all pauses are."""


def policy(**changes: Any) -> Policy:
    """Tier `infra` in pool `infraestrutura`, whose runner's short id is known."""
    infra = make.tier(runners=(make.runner(short_ids=(SHORT_ID,)),))
    shared = make.tier(
        "default", make.WORKLOAD, pin=False, runners=(make.runner("shared", "default", short_ids=("2bGnS8cXe",)),)
    )
    return make.policy(infra, shared, **changes)


class Book:
    """A ledger in memory: what was acknowledged, and the intervals that follow from it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.together: list[tuple[Entry, ...]] = []
        """What became durable at once."""
        self.broken: Exception | None = None

    async def record(self, entries: tuple[Entry, ...]) -> None:
        await asyncio.sleep(0)
        if self.broken is not None:
            raise self.broken
        self.entries += entries
        self.together.append(entries)

    @property
    def intervals(self) -> dict[IntervalKey, Interval]:
        found: dict[IntervalKey, Interval] = {}
        for one in self.entries:
            if one.address:
                key = IntervalKey(one.cluster, one.pod_uid, one.address)
                found[key] = fold(found.get(key), one)
        return found

    @property
    def open(self) -> list[Interval]:
        return [one for one in self.intervals.values() if one.open]

    @property
    def intents(self) -> list[Entry]:
        """Actions without an outcome."""
        acts = [one for one in self.entries if one.kind is EntryKind.ACTED]
        over = {one.act_id for one in acts if one.step is not Step.INTENT}
        return [one for one in acts if one.act_id not in over]


class Clock:
    """A clock that only goes forward, by hand; `moment` is the same on the wall."""

    def __init__(self) -> None:
        self.gone = 0.0
        self._began = datetime.now(tz=UTC)

    def __call__(self) -> float:
        return self.gone

    def moment(self) -> datetime:
        return self._began + timedelta(seconds=self.gone)


class Said:
    """What a person was told."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.doubts: list[tuple[Gap, ...]] = []
        self.findings: list[Finding] = []
        self.notes: list[str] = []

    def verdict(self, verdict: Verdict, at: datetime) -> None:  # noqa: ARG002 - as the controller calls it
        self.verdicts.append(verdict)

    def doubt(self, gaps: tuple[Gap, ...], at: datetime) -> None:  # noqa: ARG002 - as the controller calls it
        self.doubts.append(gaps)

    def finding(self, finding: Finding, at: datetime) -> None:  # noqa: ARG002 - as the controller calls it
        self.findings.append(finding)

    def note(self, text: str) -> None:
        self.notes.append(text)


class Bridge:
    """A running bridge."""

    def __init__(self, observer: Observer, controller: controlling.Controller, act: acting.Act, said: Said) -> None:
        self.observer, self.controller, self.act, self.said = observer, controller, act, said
        self.writes: Callable[[], int] = lambda: 0
        self.block_reads: Callable[[], int] = lambda: 0

    def verdict(self, pod: str) -> Verdict | None:
        return next((one for one in self.controller.verdicts if one.pod == pod), None)

    def outcome(self, pod: str) -> Outcome | None:
        found = self.verdict(pod)
        return found.outcome if found else None

    def proven(self, *pods: str) -> bool:
        """Every pod is judged by its block."""
        return all((one := self.verdict(pod)) and one.grade is Grade.BLOCK for pod in pods)

    def codes(self, pod: str) -> list[str]:
        found = self.verdict(pod)
        return [one.code.name for one in found.findings] if found else []

    async def until(self, holds: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until something holds and nothing is due."""
        async with asyncio.timeout(allowed(seconds)):
            while not holds():  # noqa: ASYNC110 - it looks at the world, which tells nobody
                await asyncio.sleep(0.01)
            await self.act.drained()


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds / FASTER)


@asynccontextmanager
async def running(
    access: Access | str,
    book: Book,
    *,
    mode: Mode = Mode.LABEL,
    namespaces: tuple[str, ...] = (NAMESPACE,),
    accepted: Policy | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
    sleep: Callable[[float], Awaitable[None]] = pause,
    elapsed: Callable[[], float] = time.monotonic,
    watch_blocks: bool = False,
) -> AsyncIterator[Bridge]:
    """Run a bridge beside the test; what it dies of, the test dies of."""
    said = Said()
    numbers = count(1)
    accepted = accepted or policy()
    access = plain_access(access) if isinstance(access, str) else access
    async with open_cluster(access, patience=Patience(attempts=2, sleep=pause)) as cluster:
        api = await discover_calico(cluster.reader)
        observer = Observer(
            namespaces,
            api.pools,
            reads=cluster.reader,
            pause=sleep,
            jitter=lambda: 0.5,
            blocks_path=api.blocks if watch_blocks else "",
        )
        blocks = Blocks(cluster.reader, api.blocks) if api.blocks else None
        if watch_blocks:
            blocks = WatchedBlocks(cluster.reader, api.blocks, observer.picture)
        tools = given.Tools(record=book.record, clock=clock, pause=sleep, read_pod=observer.read_pod, says=said)
        before = given.Before(intervals=tuple(book.open), intents=tuple(book.intents))
        controller = controlling.Controller(accepted, CONTEXT, observer.picture, blocks, tools, before)
        observer.report_to(controller.touch)
        hands = acting.Tools(
            writes=cluster.writer,
            record=book.record,
            clock=clock,
            act_id=lambda: f"{id(numbers)}-{next(numbers)}",
            pause=pause,
            note=said.note,
            elapsed=elapsed,
        )
        done = [one for one in book.entries if one.act in acting.REMEMBERED]
        act = acting.Act(mode, CONTEXT, hands, controller.look, accepted, done)
        controller.hand_over_to(act)
        bridge = Bridge(observer, controller, act, said)
        bridge.writes = lambda: cluster.session.writes
        bridge.block_reads = lambda: blocks.done if blocks else 0
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run()) for one in (observer, controller, act)]
            try:
                yield bridge
            finally:
                for task in tasks:
                    task.cancel()
                await controller.close()
                if blocks is not None:
                    await blocks.close()
