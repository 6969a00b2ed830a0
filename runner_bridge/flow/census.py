"""
What Calico gave out of every pool: counted from all blocks, whoever holds them.

`Census` reads them now and then, page by page and slowly, for a number in `status` is not worth a burden. `Audit` looks
at those that are watched, and asks after the pods that it does not know: a few at a time, each again after a while.
Neither is on the way of a verdict; where they fail, the last answer stands with its age.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from runner_bridge.core.errors import DeniedError, NeighbourError, WireError
from runner_bridge.core.model.cluster import Kind, PackedBlock, Pod
from runner_bridge.core.occupancy import Fate, Occupancy, Tally, conclude, fate_of, look
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.observe.watching import NEEDED, PAGE_OF_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Address
    from runner_bridge.core.occupancy import HeldAddress, Looked
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.controller.given import Says
    from runner_bridge.flow.observe.picture import Picture
    from runner_bridge.ports.kube import Reader

CENSUS_S: Final = 300.0
SOON_S: Final = 10.0
"""When it begins: after the first lists, which everybody waits for."""
BETWEEN_PAGES_S: Final = 0.05
AUDIT_S: Final = 15.0
AUDIT_SOON_S: Final = 2.0
"""As above, until there is a first answer."""
MOST_READS: Final = 50
"""Pods that one audit asks after."""
AGAIN_S: Final = 300.0
"""How long the answer about a pod stands; that it is gone is looked at again when the grace is over."""
GRACE_S: Final = 1500.0
"""
How long a pod has to be gone before its address is called leaked: Calico gives it back by itself after leakGracePeriod
(15 minutes) and a scan, 23 minutes at most by default (kube-controllers, pkg/controllers/node/ipam.go).
"""


class Census:
    """
    See the module.

    Args of the constructor:
        policy: names the pools.
        reads: the cluster.
        path: of the collection of IPAMBlocks.
        clock: the present.
        pause: sleeps that many seconds.
    """

    def __init__(
        self,
        policy: Policy,
        reads: Reader,
        path: str,
        *,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self.occupancy: Occupancy | None = None
        """As it was counted last; None before that."""
        self.trouble = ""
        """Why it could not be counted the last time; a sentence without full stop, empty while all is well."""
        self._policy = policy
        self._reads = reads
        self._path = path
        self._clock = clock
        self._pause = pause
        self._stream = Stream(Kind.BLOCKS, packed=True)

    def adopt(self, policy: Policy) -> None:
        """Count by another policy from the next time on; what was counted by the old one is dropped."""
        self._policy, self.occupancy = policy, None

    async def run(self) -> None:
        """Count, for ever."""
        await self._pause(SOON_S)
        while True:
            try:
                await self.once()
            except DeniedError as error:
                self.occupancy, self.trouble = None, str(error).rstrip(".")
            except (NeighbourError, WireError) as error:
                self.trouble = str(error).rstrip(".")
            await self._pause(CENSUS_S)

    async def once(self) -> None:
        """
        Count once.

        Raises:
            NeighbourError, WireError: blocks could not be listed.
        """
        policy = self._policy
        tally = Tally(policy)
        async with aclosing(self._reads.pages(self._path, limit=PAGE_OF_BLOCKS)) as pages:
            async for page in pages:
                for seen in self._stream.page(page.body).seen:
                    if isinstance(seen.value, PackedBlock):
                        tally.add(seen.value)
                await self._pause(BETWEEN_PAGES_S)
        if policy is self._policy:
            self.occupancy, self.trouble = Occupancy(at=self._clock(), pools=tally.pools()), ""


class _Asked:
    """What is known of a suspect."""

    __slots__ = ("fate", "gone_s", "read_s")

    def __init__(self) -> None:
        self.fate = Fate.UNCLEAR
        self.read_s: float | None = None
        self.gone_s: float | None = None
        """Since when its pod is gone, as far as we have seen."""

    def is_due(self, now_s: float) -> bool:
        """Tell whether its pod has to be read (again)."""
        if self.read_s is None or now_s - self.read_s >= AGAIN_S:
            return True
        return self.fate is Fate.GONE and self.gone_s is not None and now_s - self.gone_s >= GRACE_S

    def learn(self, fate: Fate, now_s: float) -> None:
        """Take in what a read says."""
        self.read_s = now_s
        if fate is not Fate.GONE:
            self.fate, self.gone_s = fate, None
            return
        self.gone_s = now_s if self.gone_s is None else self.gone_s
        self.fate = Fate.LEAKED if now_s - self.gone_s >= GRACE_S else Fate.GONE


class Audit:
    """
    See the module.

    Args of the constructor:
        policy: what is meant.
        picture: holds all blocks.
        read_pod: reads any pod of the cluster afresh; None where it is gone.
        says: is told findings that are new.
        clock: the present.
        pause: sleeps that many seconds.
        elapsed: seconds on a clock that only goes forward.
    """

    def __init__(
        self,
        policy: Policy,
        picture: Picture,
        read_pod: Callable[[Key], Awaitable[Pod | None]],
        *,
        says: Says,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
        elapsed: Callable[[], float],
    ) -> None:
        self.occupancy: Occupancy | None = None
        """As it was seen last; None before that."""
        self.trouble = ""
        """Why a pod could not be read the last time; a sentence without full stop, empty while all is well."""
        self._policy = policy
        self._picture = picture
        self._read_pod = read_pod
        self._says = says
        self._clock = clock
        self._pause = pause
        self._elapsed = elapsed
        self._asked: dict[tuple[Address, str], _Asked] = {}
        self._told: frozenset[tuple[str, str]] = frozenset()

    def adopt(self, policy: Policy) -> None:
        """Look by another policy from the next time on; what was found by the old one is dropped."""
        self._policy, self.occupancy = policy, None
        self._asked.clear()

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self._pause(AUDIT_SOON_S if self.occupancy is None else AUDIT_S)
            await self.once()

    async def once(self) -> None:
        """Look once; not while the picture is in doubt: then the last answer stands, with its age."""
        if any(gap.kind in NEEDED or gap.kind is Kind.BLOCKS for gap in self._picture.doubts):
            return
        policy, at = self._policy, self._clock()
        # In a thread: of a full pool of CI hundreds of blocks are unpacked.
        looked = await asyncio.to_thread(look, policy, self._picture.blocks(), self._picture.pod)
        await self._ask_after(policy, looked)
        if policy is not self._policy:
            return
        fates = {key: one.fate for key, one in self._asked.items()}
        self.occupancy = conclude(policy, looked, fates, at)
        self._tell([finding for finding, _ in self.occupancy.findings])

    async def _ask_after(self, policy: Policy, looked: Looked) -> None:
        """Read the pods of suspects, those first that were asked after longest ago."""
        known = self._asked
        suspects = {(one.address, one.handle): one for one in looked.suspects}
        self._asked = {key: known.get(key) or _Asked() for key in suspects}
        now_s = self._elapsed()
        due = sorted(
            (key for key, one in self._asked.items() if one.is_due(now_s)),
            key=lambda key: -1.0 if self._asked[key].read_s is None else self._asked[key].read_s or 0.0,
        )
        trouble = ""
        for key in due[:MOST_READS]:
            trouble = await self._learn(policy, suspects[key], self._asked[key]) or trouble
        if due or not suspects:
            self.trouble = trouble

    async def _learn(self, policy: Policy, held: HeldAddress, asked: _Asked) -> str:
        """Read the pod of a suspect; return why that could not be."""
        try:
            pod = await self._read_pod((held.namespace, held.pod))
        except (NeighbourError, WireError) as error:
            asked.learn(Fate.UNCLEAR, self._elapsed())
            return str(error).rstrip(".")
        asked.learn(fate_of(policy, held, pod), self._elapsed())
        return ""

    def _tell(self, findings: list[Finding]) -> None:
        """Tell what was not found the time before; numbers and examples in it may change without being told again."""
        for one in findings:
            if (one.code.name, one.subject) not in self._told:
                self._says.finding(one, self._clock())
        self._told = frozenset((one.code.name, one.subject) for one in findings)
