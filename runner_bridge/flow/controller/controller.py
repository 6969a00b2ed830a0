"""
Observe, judge, plan, record, act, record: one loop, in which each step looks at the world of now.

What changed only says where to look. A round judges the pods that were touched, tells the ledger what its open
intervals lack, says what is new, and hands to `act` whom something may be due for. While pods, pools or namespaces
are in doubt nothing is judged, and that is said; afterwards everything is judged again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Final

from runner_bridge.core.errors import NeighbourError, WireError
from runner_bridge.flow.act import Due, settled
from runner_bridge.flow.controller.bench import NOTHING_KNOWN, Bench, Known, worse
from runner_bridge.flow.controller.entries import Held, closed, gap, kept, told
from runner_bridge.flow.controller.intervals import OpenIntervals
from runner_bridge.flow.controller.proof import allocations
from runner_bridge.flow.controller.proving import Prover
from runner_bridge.flow.observe.picture import NOT_LISTED
from runner_bridge.flow.observe.watching import NEEDED

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Gap, Pod
    from runner_bridge.core.model.ledger import Entry, IntervalKey
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.act import Act, Intended
    from runner_bridge.flow.controller.bench import Judged
    from runner_bridge.flow.controller.entries import Context
    from runner_bridge.flow.controller.given import Before, Tools
    from runner_bridge.flow.observe.blocks import Blocks
    from runner_bridge.flow.observe.picture import Picture, Touched

TICK_S: Final = 1.0
"""How often pods without an address are looked at again: their clock runs without any change."""
LOOK_AGAIN_TICKS: Final = 30
"""How often it is looked for blocks in a cluster that has none."""
SWEEP_S: Final = 600.0
MOST_AT_ONCE: Final = 50
"""Pods that are judged before others have their turn."""
LOOKED_AT_ONCE: Final = 1_000
"""Pods that are looked for before others have their turn."""


class Controller:
    """
    See the module.

    Args of the constructor:
        policy: what is meant.
        context: of the entries.
        picture: what is seen.
        blocks: who holds addresses; None where blocks cannot be read.
        tools: what it is driven with.
        before: what the ledger knows; None: it only watches and judges, until `begin`.
        known: what GitLab's and the runners' own files tell.
    """

    def __init__(
        self,
        policy: Policy,
        context: Context,
        picture: Picture,
        blocks: Blocks | None,
        tools: Tools,
        before: Before | None,
        known: Known = NOTHING_KNOWN,
    ) -> None:
        self._context = context
        self._picture = picture
        self._tools = tools
        self._bench = Bench(policy, picture, known)
        self._prover = Prover(self._bench, picture, blocks, tools.read_pod, tools.clock, tools.pause)
        self._prover.report_to(self._know_more)
        self._act: Act | None = None
        self._leads = False
        self._open = OpenIntervals(())
        self._intents: tuple[Entry, ...] = ()
        self._whole_at: datetime | None = None
        self._in_doubt = True
        self._was_in_doubt = True
        self._has_looked = False
        self._blocks = blocks
        self._absent: Finding | None = None
        self._blind_from: datetime | None = None
        """Since when nothing could be seen in a term that began so."""
        self._why = ""
        self._noted = ""
        self._keys: set[Key] = set()
        self._everything = True
        self._wake = asyncio.Event()
        self._said: dict[Key, Verdict] = {}
        self._waiting: set[Key] = set()
        self._touched_s: float | None = None
        """Since when something that was touched waits to be judged, on a clock that only goes forward."""
        if before is not None:
            self.begin(before)

    def begin(self, before: Before) -> None:
        """
        Begin to record and to hand over: a term of the ledger has been opened.

        What is judged stays as it is; the next round compares all of it with what the ledger holds open.
        """
        self._leads = True
        self._open = OpenIntervals(before.intervals)
        self._intents = before.intents
        self._whole_at = before.seen_to_at
        self._blind_from = before.begun_at
        self._was_in_doubt = self._everything = True
        self._wake.set()

    def rest(self) -> None:
        """Go on watching and judging without recording or handing over: the term is over, whoever ended it."""
        self._leads = False
        self._open = OpenIntervals(())
        self._intents = ()
        self._everything = True
        self._wake.set()

    def adopt(self, policy: Policy, context: Context, known: Known) -> None:
        """Judge by another policy, or by more that is known, from now on; everything that is there again."""
        self._context = context
        self._bench.adopt(policy, known)
        self._absent = None
        self._everything = True
        self._wake.set()

    def hand_over_to(self, act: Act) -> None:
        """Name who acts."""
        self._act = act

    def touch(self, touched: Touched | None) -> None:
        """Take note of what the picture changed for; None: only how far it can be relied on."""
        if touched is not None:
            self._touched_s = time.monotonic() if self._touched_s is None else self._touched_s
            self._keys |= touched.pods | touched.proofs
            self._prover.look(touched.proofs)
            self._everything = self._everything or touched.everything
            if touched.namespaces:
                self._keys |= {key for key, _ in self._picture.pods() if key[0] in touched.namespaces}
        self._wake.set()

    def look(self, key: Key) -> Due | None:
        """Return what is said of a pod and the pod, for `act`; None while it is in doubt, or gone."""
        pod, verdict = self._picture.pod(key), self._said.get(key)
        if pod is None or verdict is None or self._in_doubt or not self._leads or pod.uid != verdict.uid:
            return None
        return Due(verdict, pod)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What is said now, of every job pod that is there."""
        return tuple(self._said[key] for key in sorted(self._said))

    @property
    def said(self) -> tuple[Verdict, ...]:
        """As `verdicts`, in no order: cheap enough to be asked for while tens of thousands are watched."""
        return tuple(self._said.values())

    @property
    def doubts(self) -> tuple[Gap, ...]:
        """Why nothing is judged now; empty where everything is."""
        return tuple(gap for gap in self._picture.doubts if gap.kind in NEEDED or gap.reason.endswith(NOT_LISTED))

    @property
    def absent(self) -> Finding | None:
        """Why addresses say nothing in this cluster; None where they do."""
        return self._absent

    @property
    def block_trouble(self) -> str:
        """Why a block could not be read, the last time that happened; empty: never."""
        return self._prover.trouble

    @property
    def is_whole(self) -> bool:
        """The picture can be relied on."""
        return not self._in_doubt and not self._was_in_doubt

    async def run(self) -> None:
        """
        Work, for ever.

        Raises:
            LedgerError: an entry could not be recorded.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick(), name="pending clock")
            group.create_task(self._sweeps(), name="sweep")
            while True:
                await self._wake.wait()
                await self._measured_round()

    async def _measured_round(self) -> None:
        began, failed = time.monotonic(), True
        try:
            await self.round()
            failed = False
        except asyncio.CancelledError:
            failed = False  # it is told to end
            raise
        finally:
            self._tools.measures.round(time.monotonic() - began, failed=failed)

    async def settle(self) -> None:
        """Judge until nothing is left to read: for a run that looks once."""
        while True:
            await self.round()
            if self._prover.running:
                await asyncio.wait(self._prover.running, return_when=asyncio.FIRST_COMPLETED)
            elif not self._wake.is_set():
                return

    async def close(self) -> None:
        """Give up reads that are under way."""
        await self._prover.close()

    def sweep(self) -> None:
        """Judge everything again, with fresh reads of the blocks."""
        self._everything = True
        self._prover.again(self._picture.keys())
        self._wake.set()

    async def round(self) -> None:
        """Judge what was touched, record, say, hand over."""
        self._wake.clear()
        await self._look_for_blocks()
        now = self._tools.clock()
        if self._doubted(now):
            return
        if self._was_in_doubt:
            await self._recovered(now)
        since_s, self._touched_s = self._touched_s, None
        keys = await self._due()
        for at in range(0, len(keys), MOST_AT_ONCE):
            # Its own now for each batch: the ledger refuses what is older than what `act` has recorded meanwhile.
            await self._judge(keys[at : at + MOST_AT_ONCE], self._tools.clock(), since_s)
            await asyncio.sleep(0)
            await self._prover.room()
        self._was_in_doubt = False
        self._blind_from = None
        self._whole_at = now

    async def _look_for_blocks(self) -> None:
        """See at the start whether there is any block; where there was none, again before that is said of a pod."""
        blocks = self._blocks
        if blocks is None or self._picture.doubts:
            return
        if not self._has_looked or (
            blocks.exist is False and self._absent is None and self._bench.absent(blocks.exist) is not None
        ):
            self._has_looked = True
            with contextlib.suppress(NeighbourError, WireError):
                await blocks.look()

    async def _recovered(self, now: datetime) -> None:
        """Look at everything again, with new reads where one failed; the ledger learns what happened meanwhile."""
        self._everything = True
        self._prover.retry()
        entries = settled(self._intents, self._picture.pod, self._context, now)
        self._intents = ()
        # A term that began blind tells from when on; the time before it the ledger knows by itself.
        blind_from = self._blind_from or self._whole_at
        if self._why and blind_from is not None:
            entries.append(gap(self._context, blind_from, now, self._why))
        self._why = ""
        await self._record(entries)

    async def _record(self, entries: list[Entry]) -> None:
        """Record, and know what is open afterwards; nothing while nothing is recorded."""
        if entries and self._leads:
            await self._tools.record(tuple(entries))
            self._open.take(entries)

    def _doubted(self, now: datetime) -> bool:
        """Find out whether anything can be judged now, and say when that changes."""
        doubts = self._picture.doubts
        said = tuple(gap for gap in doubts if gap.kind in NEEDED and not gap.reason.endswith(NOT_LISTED))
        # At the start everything is waited for: a pod must not be called pending before its events were read.
        gaps = (*said, *(gap for gap in doubts if gap.reason.endswith(NOT_LISTED)))
        absent = None if gaps else self._bench.absent(self._blocks.exist if self._blocks is not None else None)
        if said and not self._why:
            self._why = said[0].reason
            self._tools.says.doubt(said, now)
        elif absent is not None and self._absent is None:
            self._tools.says.finding(absent, now)
        elif not gaps and self._why:
            self._tools.says.doubt((), now)
        self._absent = absent
        self._in_doubt = bool(gaps) or absent is not None
        self._was_in_doubt = self._was_in_doubt or self._in_doubt
        return self._in_doubt

    async def _due(self) -> list[Key]:
        # Very many come in the order in which they are kept: to sort 50,000 takes longer than anybody may have to wait.
        keys, self._keys = self._keys, set()
        if not self._everything:
            return sorted(keys) if len(keys) <= LOOKED_AT_ONCE else list(keys)
        self._everything = False
        gone = sorted(await self._gone(keys))
        await asyncio.sleep(0)
        there = self._picture.keys()
        await asyncio.sleep(0)
        return [*there, *gone]

    async def _gone(self, keys: set[Key]) -> set[Key]:
        """Return which pods that were touched, are spoken of or have open intervals are not there."""
        gone = set()
        for count, key in enumerate(itertools.chain(keys, tuple(self._said), self._open)):
            if self._picture.seen(key) is None:
                gone.add(key)
            if count % LOOKED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return gone

    async def _judge(self, keys: list[Key], now: datetime, since_s: float | None) -> None:
        pods = {key: pod for key in keys if (pod := self._picture.pod(key)) is not None}
        judged = self._bench.judge(pods, self._prover.proofs, now)
        entries: list[Entry] = []
        news: list[tuple[Verdict, Verdict | None]] = []
        for key in keys:
            pod, one = pods.get(key), judged.get(key)
            if pod is None or one is None or pod.has_left:
                entries += self._let_go(key, pod, now)
                continue
            self._prover.need(key, pod)
            entries += self._settled(key, pod, one, now, news)
        # What is going to be done is recorded along with why: one wait for the disk before it, not two.
        act = self._act if self._leads else None
        due: dict[Key, Intended] = {}
        for key in keys:
            if act is not None and key in self._said and (intended := act.intend(key)) is not None:
                due[key] = intended
        await self._record([*entries, *(one.intent for one in due.values() if one.intent is not None)])
        self._say(news, now, since_s)
        for key, intended in due.items():
            if act is not None and self._leads:
                act.due(key, intended)

    def _settled(
        self, key: Key, pod: Pod, judged: Judged, now: datetime, news: list[tuple[Verdict, Verdict | None]]
    ) -> list[Entry]:
        """Take note of what is to be said of a pod; return what the ledger has to be told."""
        verdict, before = judged.verdict, self._said.get(key)
        if before is not None and before.uid != pod.uid:
            before = None
        reading = self._prover.is_reading(key)
        if reading and (judged.held_back or self._turns_what_stands(key, before, pod, verdict)):
            if before is None:
                self._said.pop(key, None)
            return []
        self._said[key] = verdict
        if not pod.deleting and (before is None or _gist(before) != _gist(verdict)):
            news.append((verdict, before))
        self._touch_runners(self._bench.learn(key, verdict))
        if verdict.assigned or pod.host_network:
            self._waiting.discard(key)
        else:
            self._waiting.add(key)
        proof = self._prover.proofs.get(key)
        node = self._picture.node(pod.node)
        held = Held(pod=pod, verdict=verdict, node=node, allocations=allocations(pod, proof))
        missing = told(self._context, held, self._open.of(key), now, unproven=reading)
        return [*self._closing(key, kept(self._context, held), now), *missing]

    def _turns_what_stands(self, key: Key, before: Verdict | None, pod: Pod, verdict: Verdict) -> bool:
        """
        Compare a verdict with what was said of this pod, by its label or in the ledger, whoever said it.

        What was said for the worse is taken back only by the block that is being read, and so is all that was said
        where nothing could be said without it: an address that only the annotation shows is held by its block.
        """
        stands = [str(one.outcome) for one in self._open.of(key).values() if one.pod_uid == pod.uid]
        if before is not None and not before.pending:
            stands.append(before.outcome)
        if pod.labels.verdict:
            stands.append(pod.labels.verdict)
        return bool(stands) and (verdict.pending or any(outcome in stands for outcome in worse(verdict)))

    def _closing(self, key: Key, keep: frozenset[IntervalKey], now: datetime) -> list[Entry]:
        over = [one for name, one in self._open.of(key).items() if name not in keep]
        return closed(self._context, over, now, seen_to_at=self._whole_at if self._was_in_doubt else None)

    def _let_go(self, key: Key, pod: Pod | None, now: datetime) -> list[Entry]:
        """Forget a pod that is gone, holds nothing any more, or is no job pod; return the ends of its intervals."""
        self._said.pop(key, None)
        self._waiting.discard(key)
        self._touch_runners(self._bench.learn(key, None))
        if pod is None:
            self._prover.forget(key)
            if self._act is not None:
                self._act.forget(key)
        return self._closing(key, frozenset(), now)

    def _touch_runners(self, runners: frozenset[str]) -> None:
        """Look again at the pods whose cause is told in other words now."""
        keys = {key for key, one in self._said.items() if one.runner in runners and one.findings} if runners else set()
        if keys:
            self._keys |= keys
            self._wake.set()

    def _know_more(self, key: Key, touched: Touched | None) -> None:
        self._keys.add(key)
        self.touch(touched)

    def _say(self, news: list[tuple[Verdict, Verdict | None]], now: datetime, since_s: float | None) -> None:
        measures = self._tools.measures
        for verdict, before in news:
            self._tools.says.verdict(verdict, now)
            measures.judged(verdict, before)
            if since_s is not None:
                measures.took(time.monotonic() - since_s)
        if self._prover.trouble != self._noted:  # one line, not one per pod
            self._noted = self._prover.trouble
            self._tools.says.note(f"Blocks cannot be read, so addresses are as the pods' status says: {self._noted}")

    async def _tick(self) -> None:
        for ticks in itertools.count(1):
            await self._tools.pause(TICK_S)
            if self._absent is not None and self._blocks is not None and ticks % LOOK_AGAIN_TICKS == 0:
                with contextlib.suppress(NeighbourError, WireError):
                    await self._blocks.look()
                self._wake.set()
            if self.is_whole and not self._picture.doubts:
                self._whole_at = self._tools.clock()
            if self._waiting:
                self._keys |= self._waiting
                self._wake.set()

    async def _sweeps(self) -> None:
        while True:
            await self._tools.pause(SWEEP_S)
            self.sweep()


def _gist(verdict: Verdict) -> tuple[object, ...]:
    """Return what of a verdict is worth another line."""
    return (
        verdict.uid,
        verdict.outcome,
        verdict.grade,
        verdict.pending,
        verdict.tier,
        verdict.assigned,
        frozenset(finding.code.name for finding in verdict.findings),
    )
