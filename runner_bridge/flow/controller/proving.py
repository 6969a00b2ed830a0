"""
Proof of addresses: the block that can hold them is read, and where it does not agree, pod and block are read once more.

One read at a time for each pod. A block that a neighbour had read before proves an address at no cost, because the
handle in it ends in the pod's own sandbox; to disprove one takes fresh reads.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from runner_bridge.core.blocks import block_ranges
from runner_bridge.core.errors import NeighbourError, WireError
from runner_bridge.core.judge.doubt import SETTLE_S
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.wire.stream import Change, ChangeType
from runner_bridge.flow.controller.bench import ENOUGH_READS, provable
from runner_bridge.flow.controller.proof import Proof, excerpt, fingerprint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.wire.stream import Key, Seen
    from runner_bridge.flow.controller.bench import Bench
    from runner_bridge.flow.observe.blocks import Blocks
    from runner_bridge.flow.observe.picture import Picture, Source, Touched

MOST_RUNNING: Final = 400
"""Pods that are being proven; while there are more, no others are judged, for a moment."""
ROOM_S: Final = 0.25
"""That moment: where blocks cannot be read, verdicts by address must not wait for them."""


class Prover:
    """
    See the module.

    Args of the constructor:
        bench: judges with what was read.
        picture: takes in a pod that was read afresh.
        blocks: who holds addresses; None where blocks cannot be read, so that nothing is proven.
        read_pod: reads one pod afresh; None where it is gone.
        clock: the present.
        pause: sleeps that many seconds.
    """

    def __init__(
        self,
        bench: Bench,
        picture: Picture,
        blocks: Blocks | None,
        read_pod: Callable[[Key], Awaitable[tuple[Source, Seen] | None]],
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self.trouble = ""
        """Why a block could not be read, the last time that happened."""
        self._bench = bench
        self._picture = picture
        self._blocks = blocks
        self._read_pod = read_pod
        self._clock = clock
        self._pause = pause
        self._tell: Callable[[Key, Touched | None], None] | None = None
        self._proofs: dict[Key, Proof] = {}
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._look: set[Key] = set()
        """Pods of which a watched block says something else since it was looked at."""
        self._failure: BaseException | None = None
        self._room = asyncio.Event()
        self._room.set()

    def report_to(self, tell: Callable[[Key, Touched | None], None]) -> None:
        """Name who is told that more is known of a pod, and what else a read has touched."""
        self._tell = tell

    @property
    def proofs(self) -> Mapping[Key, Proof]:
        """What was read; of a pod that has changed since, it proves nothing."""
        return self._proofs

    @property
    def running(self) -> tuple[asyncio.Task[None], ...]:
        """Reads under way."""
        return tuple(self._running.values())

    async def room(self) -> None:
        """Wait for a moment where very many pods are being proven: each of them holds memory."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROOM_S):
                await self._room.wait()

    def is_reading(self, key: Key) -> bool:
        """Tell whether more will be known of a pod soon."""
        return key in self._running

    def need(self, key: Key, pod: Pod) -> None:
        """See to it that a pod is proven, if that can be and is not so yet."""
        if self._failure is not None:
            raise self._failure
        if self._blocks is None or not provable(pod) or key in self._running:
            return
        proof = self._proofs.get(key)
        due = key in self._again or key in self._look
        if proof is not None and proof.of == fingerprint(pod) and not due:
            return
        work = self._prove(key, pod, self._blocks)
        task = asyncio.get_running_loop().create_task(work, name=f"prove {'/'.join(key)}")
        self._running[key] = task
        task.add_done_callback(self._ended)
        if len(self._running) >= MOST_RUNNING:
            self._room.clear()

    def again(self, keys: Iterable[Key]) -> None:
        """Have pods proven afresh when they are needed next; until then the old proof holds."""
        if self._blocks is not None and self._blocks.are_watched:
            self.look(keys)
        else:
            self._again = set(keys)

    def look(self, keys: Iterable[Key]) -> None:
        """Have pods proven by the blocks that are watched, as they are now."""
        self._look.update(keys)

    def retry(self) -> None:
        """Forget the reads that failed."""
        for key in [key for key, proof in self._proofs.items() if proof.words is None]:
            del self._proofs[key]

    def forget(self, key: Key) -> None:
        """Drop what is known of a pod that is gone."""
        self._proofs.pop(key, None)
        self._again.discard(key)
        self._look.discard(key)

    async def close(self) -> None:
        """Give up reads that are under way."""
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()  # a defect: it comes out where the next pod is asked for

    async def _prove(self, key: Key, pod: Pod, blocks: Blocks) -> None:
        touched = None
        try:
            touched = await self._read(key, pod, blocks)
        except (NeighbourError, WireError) as error:
            self.trouble = str(error)
            self._proofs[key] = Proof(fingerprint(pod), None, ENOUGH_READS)
        finally:
            del self._running[key]
            if len(self._running) < MOST_RUNNING:
                self._room.set()
            self._report(key, touched)

    async def _read(self, key: Key, pod: Pod, blocks: Blocks) -> Touched | None:
        afresh = key in self._again
        self._again.discard(key)
        self._look.discard(key)
        print_ = fingerprint(pod)
        shown, pools = (*pod.addresses, *(pod.annotated or ())), self._picture.pools() or ()
        if not all(block_ranges((address,), pools) for address in shown):
            # An address in no pool is in no block that could be computed; the verdict says so already.
            self._proofs[key] = Proof(print_, None, ENOUGH_READS)
            return None
        # The sandbox's name stays on a pod whose address was given back, so a block from before proves nothing of it.
        kept = () if afresh or pod.annotated == () else blocks.kept(shown, pools)
        if kept and not self._bench.is_disputed(pod, before := Proof(print_, excerpt(kept, pod), 0), self._clock()):
            self._proofs[key] = before
            return None
        first = Proof(print_, excerpt(await blocks.holding(shown, pools, thorough=False), pod), 1)
        self._proofs[key] = first
        if not self._bench.is_disputed(pod, first, self._clock()):
            return None
        self._report(key, None)
        await self._pause(SETTLE_S)
        found = await self._read_pod(key)
        if found is None:
            return None  # the watch is about to say so
        source, seen = found
        touched = self._picture.apply(source, (Change(ChangeType.MODIFIED, seen),))
        present = self._picture.pod(key)
        if present is not None and fingerprint(present) == print_:
            # Listing all blocks is a burden, so only who is still without one is looked for there.
            held = await blocks.holding(shown, pools, thorough=True)
            self._proofs[key] = Proof(print_, excerpt(held, pod), ENOUGH_READS)
            self.trouble = f"{Kind.BLOCKS} {blocks.refused}." if blocks.refused else self.trouble
        return touched

    def _report(self, key: Key, touched: Touched | None) -> None:
        if self._tell is not None:
            self._tell(key, touched)
