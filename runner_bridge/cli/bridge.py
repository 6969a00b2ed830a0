"""
The bridge as a whole: the one place where the rooms of a live bridge are chosen and wired, for `run` and for `demo`.

`open_bridge` opens everything in the order in which the one stands on the other, and closes it in the opposite order,
whatever happens. The order of an end is written in `Bridge.run`: stop watching and judging, finish what is in hand,
give up reads, end the term of the ledger, close the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from runner_bridge.cli.bridge_state import state_of
from runner_bridge.cli.ledger_access import witnessing
from runner_bridge.core.model.ledger import Purpose
from runner_bridge.flow.act import ENFORCING, WINDOW_S, Act
from runner_bridge.flow.act import Tools as Hands
from runner_bridge.flow.controller.controller import Before, Controller, Tools
from runner_bridge.flow.controller.entries import Context
from runner_bridge.flow.observe.blocks import Blocks
from runner_bridge.flow.observe.observer import Observer
from runner_bridge.ports.kube import discover_calico, open_cluster
from runner_bridge.ports.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from runner_bridge.core.actions import Mode
    from runner_bridge.core.model.state import BridgeState
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.controller.controller import Says
    from runner_bridge.flow.observe.picture import Picture
    from runner_bridge.ports.kube import Access, CalicoApi, Cluster
    from runner_bridge.ports.ledger import Writer as LedgerWriter

LAST_ACTS_S: Final = 3.0
"""How long what is in hand may take once it is told to end; five seconds are allowed in all."""
BEAT_S: Final = 5.0
"""How often the ledger notes that the cluster is watched."""


def present() -> datetime:
    """Return the moment of now."""
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a bridge is opened with."""

    policy: Policy
    policy_file: str
    """Its path as it was given."""
    ledger: str
    """Its address, as of `Ledger.open`."""
    mode: Mode
    says: Says
    witness: str = ""
    """Where every entry of the ledger is written too: a file, `-`, `syslog:`, or nowhere."""
    access: Access | None = None
    """Where the cluster is; None: as `kubeconfig` and `context` say."""
    kubeconfig: str = ""
    context: str = ""
    simulated: bool = False
    """The cluster is pretended; every surface says so."""
    clock: Callable[[], datetime] = present
    """What time it is; that of the story where the cluster is pretended."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Sleeps that many seconds of the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The rooms of a bridge, wired."""

    api: CalicoApi
    observer: Observer
    controller: Controller
    blocks: Blocks | None
    act: Act
    writer: LedgerWriter


class Bridge:
    """
    A bridge that is open; `run` or `once` makes it work.

    Args of the constructor:
        wanted: what it was opened with.
        cluster: what it watches.
        ledger: what it records in.
        rooms: those that do the work; None where nothing can be judged.
        api: where Calico's objects are.
        started_at: when it was opened.
    """

    def __init__(
        self,
        wanted: Wanted,
        cluster: Cluster,
        ledger: Ledger,
        api: CalicoApi,
        rooms: Rooms | None,
        started_at: datetime,
    ) -> None:
        self.wanted = wanted
        self.cluster = cluster
        self.ledger = ledger
        self.api = api
        self.started_at = started_at
        self._rooms = rooms

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is said now, of every job pod that is there."""
        return self._rooms.controller.verdicts if self._rooms else ()

    @property
    def picture(self) -> Picture | None:
        """What is seen of the cluster now: pods, pools, nodes; None where nothing is watched."""
        return self._rooms.observer.picture if self._rooms else None

    @property
    def is_whole(self) -> bool:
        """The picture can be relied on."""
        return self._rooms is not None and self._rooms.controller.is_whole

    def state(self, at: datetime | None = None) -> BridgeState:
        """Return all there is to say of it without naming a pod, at a moment; None: now."""
        return state_of(self, self._rooms, at or self.wanted.clock())

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until told to end; then stop watching and judging, and finish what is in hand.

        Raises:
            BaseExceptionGroup: a room ended with an error: LedgerError, DeniedError at the first list, a defect.
        """
        assert self._rooms is not None, "there is nothing to judge by"  # noqa: S101 - a defect of the caller
        rooms = self._rooms
        async with asyncio.TaskGroup() as group:
            observing = group.create_task(rooms.observer.run(), name="observe")
            judging = group.create_task(rooms.controller.run(), name="judge")
            acting = group.create_task(rooms.act.run(), name="act")
            beating = group.create_task(_beat(rooms, self.wanted), name="beat")
            await stop.wait()
            observing.cancel()
            judging.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rooms.act.drained(), LAST_ACTS_S)
            acting.cancel()
            beating.cancel()

    async def once(self) -> None:
        """
        Look once, judge, record, act.

        Raises:
            NeighbourError, WireError: pods, pools or namespaces could not be listed.
            LedgerError: an entry could not be recorded.
        """
        assert self._rooms is not None, "there is nothing to judge by"  # noqa: S101 - a defect of the caller
        rooms = self._rooms
        for missing in await rooms.observer.list_once():
            self.wanted.says.note(missing)
        async with asyncio.TaskGroup() as group:
            acting = group.create_task(rooms.act.run(), name="act")
            await rooms.controller.settle()
            await rooms.act.drained()
            acting.cancel()


@asynccontextmanager
async def open_bridge(wanted: Wanted) -> AsyncIterator[Bridge]:
    """
    Open the cluster, the ledger and the rooms; close them in the opposite order.

    Raises:
        SettingsError: there is no way into a cluster, or the ledger's address is none.
        NeighbourError: the cluster could not be asked.
        LedgerError: the ledger could not be written.
    """
    async with open_cluster(wanted.access, kubeconfig=wanted.kubeconfig, context=wanted.context) as cluster:
        api = await discover_calico(cluster.reader)
        at = wanted.clock()
        async with _ledger(wanted, at) as (ledger, writer):
            rooms = await _wired(wanted, cluster, api, ledger, writer, at) if api.is_judgeable else None
            try:
                yield Bridge(wanted, cluster, ledger, api, rooms, at)
            finally:
                if rooms is not None:
                    await rooms.controller.close()
                    if rooms.blocks is not None:
                        await rooms.blocks.close()


@asynccontextmanager
async def _ledger(wanted: Wanted, now: datetime) -> AsyncIterator[tuple[Ledger, LedgerWriter]]:
    """Open the ledger and begin a term; it is flushed and closed last but the session."""
    ledger = await asyncio.to_thread(Ledger.open, wanted.ledger)
    try:
        with witnessing(wanted.witness) as witness:
            writer = await asyncio.to_thread(
                ledger.write,
                purpose=Purpose.RUN,
                cluster=wanted.policy.cluster.name,
                at=now,
                gitlab=wanted.policy.gitlab.url,
                actor=_actor(),
                witness=witness,
            )
            try:
                yield ledger, writer
            finally:
                await asyncio.to_thread(writer.close)
    finally:
        await asyncio.to_thread(ledger.close)


async def _wired(
    wanted: Wanted, cluster: Cluster, api: CalicoApi, ledger: Ledger, writer: LedgerWriter, opened_at: datetime
) -> Rooms:
    """Choose the collaborators of every room."""
    policy = wanted.policy
    name = policy.cluster.name
    context = Context(cluster=name, gitlab=policy.gitlab.url, policy=policy.digest, actor=_actor())
    observer = Observer(
        policy.cluster.namespaces, api.pools, reads=cluster.reader, pause=wanted.pause, jitter=random.random
    )
    blocks = Blocks(cluster.reader, api.blocks) if api.blocks else None
    gaps = await asyncio.to_thread(ledger.gaps, now=wanted.clock(), cluster=name)
    before = Before(
        intervals=tuple(await asyncio.to_thread(ledger.open_intervals, name)),
        intents=tuple(await asyncio.to_thread(ledger.unsettled, name)),
        seen_to_at=max((gap.from_at for gap in gaps if gap.from_at and gap.to_at == opened_at), default=None),
    )
    tools = Tools(
        record=writer.append, clock=wanted.clock, pause=wanted.pause, read_pod=observer.read_pod, says=wanted.says
    )
    controller = Controller(policy, context, observer.picture, blocks, tools, before)
    observer.report_to(controller.touch)
    hands = Hands(
        writes=cluster.writer,
        record=writer.append,
        clock=wanted.clock,
        act_id=lambda: uuid.uuid4().hex,
        pause=wanted.pause,
        note=wanted.says.note,
    )
    hour_ago = wanted.clock() - timedelta(seconds=WINDOW_S)
    done = await asyncio.to_thread(ledger.acts_since, hour_ago, name, ENFORCING)
    act = Act(wanted.mode, context, hands, controller.look, policy, done)
    controller.hand_over_to(act)
    return Rooms(api=api, observer=observer, controller=controller, blocks=blocks, act=act, writer=writer)


async def _beat(rooms: Rooms, wanted: Wanted) -> None:
    """Note in the ledger that the cluster is watched, as long as it is."""
    while True:
        await wanted.pause(BEAT_S)
        if rooms.controller.is_whole:
            await rooms.writer.beat(wanted.clock())


def _actor() -> str:
    """Return who records: the pod's name, which is its host name."""
    return f"runner-bridge/{os.environ.get('HOSTNAME') or socket.gethostname()}"
