"""
Terms of the ledger: one for as long as this process may write without a break, each a segment of its own.

What a term stands on is read when it begins (open intervals, intents whose outcome is not known, when anybody was last
at work), because another process may have written since: docs/decisions/0008.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from runner_bridge.cli.bridge.rooms import actor
from runner_bridge.core.errors import LedgerError
from runner_bridge.core.model.ledger import EntryKind, Purpose, Step
from runner_bridge.core.model.state import LedgerState
from runner_bridge.core.redact import redact
from runner_bridge.flow.act import REMEMBERED, WINDOW_S
from runner_bridge.flow.controller.given import Before
from runner_bridge.ports.ledger import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.ports.ledger import Ledger, Writer


class Terms:
    """
    See the module; at most one term is open at a time.

    Args of the constructor:
        ledger: an open one.
        witness: is given every line of the chain; None for nobody.
        tolerance: how much older than the newest entry one may be.
        is_ours: tells whether it is still ours to record.
    """

    def __init__(
        self,
        ledger: Ledger,
        witness: Callable[[str], None] | None,
        *,
        tolerance: timedelta = CLOCK_TOLERANCE,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self.trouble = ""
        """Why the last term ended, where the ledger was the reason; empty since one is at work again."""
        self.begun = 0
        """Terms so far."""
        self.failed = 0
        """Terms that ended, or could not begin, because the ledger could not be written."""
        self._ledger = ledger
        self._witness = witness
        self._tolerance = tolerance
        self._is_ours = is_ours
        self._writer: Writer | None = None
        self._entries = 0

    @asynccontextmanager
    async def term(self, policy: Policy, at: datetime) -> AsyncIterator[tuple[Before, list[Entry]]]:
        """
        Open a term, read what it stands on, and end it with everything recorded that was handed in.

        Yields what the controller stands on, and what `Act.begin` takes.

        Raises:
            LedgerError: the segment could not be opened.
        """
        name = policy.cluster.name
        writer = await asyncio.to_thread(
            self._ledger.write,
            purpose=Purpose.RUN,
            cluster=name,
            at=at,
            gitlab=policy.gitlab.url,
            actor=actor(),
            witness=self._witness,
            tolerance=self._tolerance,
        )
        try:
            before = await asyncio.to_thread(self._before, name, at)
            acts = await asyncio.to_thread(self._ledger.acts_since, at - timedelta(seconds=WINDOW_S), name, REMEMBERED)
            self._writer, self.trouble = writer, ""
            self.begun += 1
            yield before, list(acts)
        finally:
            self._writer = None
            await asyncio.to_thread(writer.close)
            self._entries += writer.recorded

    async def record(self, entries: tuple[Entry, ...]) -> None:
        """
        Record entries in the term that is open; return when they are durable.

        Where it is not ours any more, as after a process stood still, it does not return: its term is about to be
        ended, and whoever leads now finds out by itself what is missing. But what came of an act that was begun before
        only this process knows, and whoever leads may have begun before its intent was there to be found: that is told.

        Raises:
            LedgerError: they are not recorded.
        """
        if self._writer is None:
            message = f"{self._ledger.name}: no term is open, so nothing is recorded. Another process may be writing."
            raise LedgerError(message)
        if not self._is_ours() and not all(map(_is_outcome, entries)):
            await asyncio.Event().wait()
        await self._writer.append(entries)

    async def beat(self, at: datetime) -> None:
        """
        Note that the cluster is watched at this moment.

        Raises:
            LedgerError: it could not be noted.
        """
        if self._writer is not None:
            await self._writer.beat(at)

    def break_off(self, error: BaseException) -> None:
        """Take note that the ledger ended a term, or let none begin."""
        self.trouble = redact(str(error))
        self.failed += 1

    def state(self) -> LedgerState | None:
        """Return how the record stands; None while another process keeps it."""
        writer = self._writer
        if writer is None:
            if not self.trouble:
                return None
            return LedgerState(
                name=self._ledger.name, is_writable=False, trouble=self.trouble.rstrip("."), entries=self._entries
            )
        problem = writer.problem  # asked once: it changes with time
        return LedgerState(
            name=self._ledger.name,
            is_writable=not problem,
            trouble=redact(problem).rstrip("."),
            witness_trouble=redact(writer.witness_trouble).rstrip("."),
            entries=self._entries + writer.recorded,
            waiting=writer.waiting,
            segment=writer.end.segment,
            head=writer.end.hash,
        )

    def _before(self, cluster: str, opened_at: datetime) -> Before:
        ledger = self._ledger
        gaps = ledger.gaps(now=opened_at, cluster=cluster)
        return Before(
            intervals=tuple(ledger.open_intervals(cluster)),
            intents=tuple(one for one in ledger.unsettled(cluster) if one.pod_uid),  # apply sees to its own
            seen_to_at=max((gap.from_at for gap in gaps if gap.from_at and gap.to_at == opened_at), default=None),
            begun_at=opened_at,
        )


def _is_outcome(entry: Entry) -> bool:
    return entry.kind is EntryKind.ACTED and entry.step is not Step.INTENT
