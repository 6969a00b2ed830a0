"""
The bridge as a whole: the one place where the rooms of a live bridge are chosen and wired, for `run` and for `demo`.

Three lives, one within the other. *Open*: the session with the cluster and the ledger (`open_bridge`). *Wired*: the
rooms, as long as Calico's objects and the namespaces that are watched stay where they are. *A term*: as long as this
process may write; without one it stands by, watches and judges, and neither records nor acts.

The order of an end, always the same: stop watching, stop judging, finish what is in hand for `LAST_ACTS_S`, close the
term of the ledger, give the Lease back, give up reads, close the ledger, close the session. Where the Lease or the
ledger is lost nothing more is sent; what became of the rest the next term finds out by looking at the world.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from msgspec import structs

from runner_bridge.cli.bridge import memory
from runner_bridge.cli.bridge.counting import counting
from runner_bridge.cli.bridge.election import election
from runner_bridge.cli.bridge.facts import confirm, facts_of
from runner_bridge.cli.bridge.rooms import Rooms, context_of, wire
from runner_bridge.cli.bridge.state import state_of
from runner_bridge.cli.bridge.terms import Terms
from runner_bridge.cli.ledger_access import witnessing
from runner_bridge.core.errors import LedgerError, NeighbourError, SettingsError
from runner_bridge.core.model.state import PolicyState, Role
from runner_bridge.core.redact import redact
from runner_bridge.ports.kube import Writer, discover_calico, open_cluster
from runner_bridge.ports.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from datetime import datetime
    from typing import Any

    from runner_bridge.cli.bridge.wanted import Wanted
    from runner_bridge.core.model.state import BridgeState, DriftState
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.occupancy import Occupancy
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.controller.bench import Known
    from runner_bridge.flow.lead import Lead
    from runner_bridge.flow.observe.picture import Picture
    from runner_bridge.ports.kube import CalicoApi, Cluster

LAST_ACTS_S: Final = 2.0
"""How long what is in hand may take once it is told to end; five seconds are allowed in all."""
LOST_ACTS_S: Final = 1.0
"""How long the answer to what was sent before the Lease was lost is waited for."""
BEAT_S: Final = 5.0
"""How often the ledger notes that the cluster is watched."""
LEDGER_AGAIN_S: Final = 5.0
"""How long a ledger that could not be written is left alone; twice as long each time, up to a minute."""
LONGEST_AGAIN_S: Final = 60.0
CALICO_AGAIN_S: Final = 300.0
"""How often it is found out again where Calico's objects are."""
CALICO_SOON_S: Final = 5.0
"""How soon at the earliest, where somebody did not find them."""


class Bridge:
    """
    A bridge that is open; `run` or `once` makes it work.

    Args of the constructor:
        wanted: what it was opened with.
        cluster: what it watches.
        ledger: what it records in.
        api: where Calico's objects are.
        terms: of the ledger.
        lead: the election; None: nobody else is expected.
    """

    def __init__(
        self, wanted: Wanted, cluster: Cluster, ledger: Ledger, api: CalicoApi, terms: Terms, lead: Lead | None
    ) -> None:
        self.wanted = wanted
        self.cluster = cluster
        self.ledger = ledger
        self.api = api
        self.terms = terms
        self.lead = lead
        self.started_at = wanted.clock()
        self.policy = wanted.policy
        """The one in force."""
        self.known = wanted.known
        self.policy_state = PolicyState(digest=wanted.policy.digest, file=wanted.policy_file, loaded_at=self.started_at)
        self.drift: DriftState | None = None
        """What was changed behind the policy; None: it is not looked for."""
        self._log = wanted.log
        self._changed = asyncio.Event()
        self.facts = facts_of(self)
        """What confirms claims of jobs; None: nothing does."""
        self._writes = Writer(cluster.session, fence=lead.check) if lead is not None else cluster.writer
        self._rooms = self._wired()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is said now, of every job pod that is there."""
        return self._rooms.controller.verdicts if self._rooms else ()

    @property
    def said(self) -> tuple[Verdict, ...]:
        """As `verdicts`, in no order and at once."""
        return self._rooms.controller.said if self._rooms else ()

    @property
    def picture(self) -> Picture | None:
        """What is seen of the cluster now: pods, pools, nodes; None where nothing is watched."""
        return self._rooms.observer.picture if self._rooms else None

    @property
    def occupancy(self) -> Occupancy | None:
        """What Calico gave out of every pool, as it was counted last; None where nobody has counted yet."""
        return self._rooms.census.occupancy if self._rooms and self._rooms.census else None

    @property
    def is_whole(self) -> bool:
        """The picture can be relied on."""
        return self._rooms is not None and self._rooms.controller.is_whole

    @property
    def role(self) -> Role:
        """Whether this process may write."""
        if self.lead is None:
            return Role.ALONE
        return Role.LEADER if self.lead.held else Role.STANDBY

    def state(self, at: datetime | None = None) -> BridgeState:
        """Return all there is to say of it without naming a pod, at a moment; None: now."""
        return state_of(self, self._rooms, at or self.wanted.clock())

    def accept(self, policy: Policy, known: Known) -> None:
        """
        Go on by another policy, or by more that is known: everything is judged again, by it alone.

        Raises:
            SettingsError: it is about another cluster or GitLab, which takes another start; the last one stays.
        """
        before, now = self.policy, self.wanted.clock()
        for key, old, new in (
            ("cluster.name", before.cluster.name, policy.cluster.name),
            ("gitlab.url", before.gitlab.url, policy.gitlab.url),
        ):
            if old != new:
                message = f"{key} is now {new!r}, this process began with {old!r}. Start it again to change that."
                raise SettingsError(message)
        same = policy.digest == before.digest and known == self.known
        self.policy_state = structs.replace(
            self.policy_state,
            digest=policy.digest,
            loaded_at=self.policy_state.loaded_at if same else now,
            trouble="",
            tried_at=now,
            reloads=self.policy_state.reloads + (not same),
        )
        if same:
            return
        self.policy, self.known = policy, known
        self.wanted.measures.declare(policy)
        self._log.info("policy-accepted", digest=policy.digest)
        if policy.cluster.namespaces != before.cluster.namespaces:
            self._changed.set()  # others are watched from now on
        elif self._rooms is not None:
            context = context_of(policy)
            self._rooms.act.adopt(policy, context)
            self._rooms.controller.adopt(policy, context, known)
            if self._rooms.census is not None:
                self._rooms.census.adopt(policy)

    def refuse(self, why: str) -> None:
        """Take note that a file, as it is now, is not used; what was accepted last stays in force."""
        state = self.policy_state
        self.policy_state = structs.replace(
            state, trouble=redact(why).rstrip("."), tried_at=self.wanted.clock(), refused=state.refused + 1
        )
        self._log.error("policy-refused", why=why, in_force=state.digest)

    async def run(self, stop: asyncio.Event) -> None:
        """
        Work until told to end.

        A ledger that cannot be written any more ends the term: nothing is recorded or done until it can be again.

        Raises:
            BaseExceptionGroup: a room ended with an error: LedgerError before anything was recorded, DeniedError at
                the first list, a defect.
        """
        while not stop.is_set():
            await self._wired_life(stop)
            if not stop.is_set():
                self._changed.clear()
                self._rooms = self._wired()

    async def once(self) -> None:
        """
        Look once, judge, record, act; without an election.

        Raises:
            NeighbourError, WireError: pods, pools or namespaces could not be listed.
            LedgerError: an entry could not be recorded.
        """
        assert self._rooms is not None, "there is nothing to judge by"  # noqa: S101 - a defect of the caller
        rooms = self._rooms
        async with self.terms.term(self.policy, self.wanted.clock()) as (before, acts):
            rooms.act.begin(acts)
            rooms.controller.begin(before)
            for missing in await rooms.observer.list_once():
                self.wanted.says.note(missing)
            async with asyncio.TaskGroup() as group:
                acting = group.create_task(rooms.act.run(), name="act")
                await rooms.controller.settle()
                await rooms.act.drained()
                acting.cancel()

    async def close(self) -> None:
        """Give up reads, and the Lease if it is still ours."""
        if self.lead is not None:
            await self.lead.give_back()
        if self._rooms is not None:
            await self._rooms.close()

    def _wired(self) -> Rooms | None:
        """Wire the rooms for where Calico's objects are now; None where there is nothing to judge by."""
        if not self.api.is_judgeable:
            return None
        return wire(
            self.wanted, self.policy, self.known, self.cluster, self.api, writes=self._writes, record=self.terms.record
        )

    async def _wired_life(self, stop: asyncio.Event) -> None:
        """Work with the rooms there are, until told to end or until they have to be wired anew."""
        rooms, end = self._rooms, asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._look_for_calico(rooms), name="look for Calico")]
                if rooms is not None:
                    beside.append(group.create_task(rooms.observer.run(), name="observe"))
                    if rooms.census is not None:
                        beside.append(group.create_task(counting(self, rooms.census), name="count addresses"))
                    beside.append(group.create_task(memory.tend(rooms.observer.listed()), name="tend memory"))
                    group.create_task(self._live_in_terms(rooms, end), name="terms")
                await _first(stop.wait(), self._changed.wait())
                for one in beside:
                    one.cancel()
                end.set()
        finally:
            if rooms is not None:
                await rooms.close()

    async def _live_in_terms(self, rooms: Rooms, end: asyncio.Event) -> None:
        """Lead and stand by in turns, as the Lease and the ledger let it."""
        failures = 0
        while not end.is_set():
            if self.lead is not None and not await self._stand_by(rooms, end, self.lead.won()):
                break
            begun, error = self.terms.begun, None
            try:
                await self._term(rooms, end)
            except* LedgerError as errors:
                error = _leaf(errors)
                if not self.terms.begun and self.lead is None:
                    raise  # it never could: whoever started this has to know
            if self.lead is not None:
                await self.lead.give_back()
            if error is not None:
                self.terms.break_off(error)
                failures = 0 if self.terms.begun > begun and not failures else failures + 1
                wait_s = min(LONGEST_AGAIN_S, LEDGER_AGAIN_S * 2.0 ** min(failures, 10))
                self._log.error("ledger-not-writable", why=str(error), acting="stopped", again_in_s=wait_s)
                await self._stand_by(rooms, end, self.wanted.pause(wait_s))
            else:
                failures = 0
        if self.lead is not None:
            await self.lead.give_back()

    async def _stand_by(self, rooms: Rooms, end: asyncio.Event, waiting: Awaitable[None]) -> bool:
        """Judge without recording until what is waited for has come; False: it is to end before that."""
        async with asyncio.TaskGroup() as group:
            judging = group.create_task(rooms.controller.run(), name="judge, standing by")
            first = await _first(waiting, end.wait())
            judging.cancel()
        return first == 0

    async def _term(self, rooms: Rooms, end: asyncio.Event) -> None:
        """Judge, record and act until told to end, or until it is no longer ours to do."""
        async with self.terms.term(self.policy, self.wanted.clock()) as (before, acts):
            rooms.act.begin(acts)
            rooms.controller.begin(before)
            self._log.info("term-begun", role=self.role, open_intervals=len(before.intervals))
            try:
                async with asyncio.TaskGroup() as group:
                    judging = group.create_task(rooms.controller.run(), name="judge")
                    acting = group.create_task(rooms.act.run(), name="act")
                    beating = group.create_task(self._beat(rooms), name="beat")
                    confirming = group.create_task(confirm(self, before), name="confirm jobs")
                    told_to_end = await _first(self._lost(), end.wait()) == 1
                    judging.cancel()
                    confirming.cancel()
                    with suppress(TimeoutError):
                        if told_to_end:
                            async with asyncio.timeout(LAST_ACTS_S):
                                await _first(self._lost(), rooms.act.drained())
                        else:
                            # Nothing more is begun or sent; what was sent already is told to the ledger if it ends now.
                            rooms.controller.rest()
                            async with asyncio.timeout(LOST_ACTS_S):
                                await rooms.act.drained()
                    for one in (judging, acting, beating):
                        one.cancel()
            finally:
                rooms.controller.rest()

    async def _lost(self) -> None:
        """Wait until somebody else may lead; for ever where there is no election."""
        if self.lead is None:
            await asyncio.Event().wait()
        else:
            self._log.warning("lease-lost", lease=self.lead.name, why=await self.lead.lost())

    async def _beat(self, rooms: Rooms) -> None:
        """Note in the ledger that the cluster is watched, as long as it is."""
        while True:
            await self.wanted.pause(BEAT_S)
            if rooms.controller.is_whole:
                await self.terms.beat(self.wanted.clock())

    async def _look_for_calico(self, rooms: Rooms | None) -> None:
        """Find out now and then where Calico's objects are, and have the rooms wired anew when that has changed."""
        while True:
            if rooms is None:
                await self.wanted.pause(CALICO_SOON_S * 6)
            else:
                await _first(self.wanted.pause(CALICO_AGAIN_S), rooms.observer.pools_gone.wait())
                rooms.observer.pools_gone.clear()
            try:
                found = await discover_calico(self.cluster.reader)
            except NeighbourError as error:
                self._log.debug("calico-not-asked", why=str(error))
            else:
                if found != self.api:
                    self._log.warning("calico-moved", was=self.api.explanation, now=found.explanation)
                    self.api = found
                    self._changed.set()
                    return
            await self.wanted.pause(CALICO_SOON_S)


@asynccontextmanager
async def open_bridge(wanted: Wanted) -> AsyncIterator[Bridge]:
    """
    Open the cluster and the ledger; close them in the opposite order. Nothing is watched or recorded yet.

    Raises:
        SettingsError: there is no way into a cluster, or the ledger's address is none.
        NeighbourError: the cluster could not be asked.
        LedgerError: the ledger could not be opened.
    """
    async with open_cluster(wanted.access, kubeconfig=wanted.kubeconfig, context=wanted.context) as cluster:
        api = await discover_calico(cluster.reader)
        lead = election(wanted, cluster)
        ledger = await asyncio.to_thread(Ledger.open, wanted.ledger)
        try:
            with witnessing(wanted.witness) as witness:
                terms = Terms(
                    ledger,
                    witness,
                    tolerance=wanted.tolerance,
                    is_ours=lambda: lead is None or lead.held,
                )
                bridge = Bridge(wanted, cluster, ledger, api, terms, lead)
                try:
                    yield bridge
                finally:
                    await bridge.close()
        finally:
            await asyncio.to_thread(ledger.close)


async def _first(*works: Awaitable[Any]) -> int:
    """Wait for the one that ends first, give up the others, and return which it was; an error of any passes through."""
    tasks = [asyncio.ensure_future(one) for one in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return next(number for number, task in enumerate(tasks) if task in done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _leaf(errors: BaseExceptionGroup[LedgerError]) -> LedgerError:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, LedgerError)  # noqa: S101 - the group holds nothing else
    return found
