"""What the ledger is told of an apply: the intent of each step before it, and its outcome after it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from runner_bridge.core.errors import RunnerBridgeError
from runner_bridge.core.model.ledger import Entry, EntryKind, Step
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from datetime import datetime

    from runner_bridge.core.policy.model import Policy


class Book:
    """
    Records steps.

    Args of the constructor:
        policy: that is applied.
        actor: who applies.
        record: returns once entries are durable; raises LedgerError where they are not.
        clock: now, in UTC.
        act_id: another text each time.
    """

    def __init__(
        self,
        policy: Policy,
        actor: str,
        record: Callable[[tuple[Entry, ...]], Awaitable[None]],
        *,
        clock: Callable[[], datetime],
        act_id: Callable[[], str],
    ) -> None:
        self._policy = policy
        self._actor = actor
        self._record = record
        self._clock = clock
        self._act_id = act_id

    @asynccontextmanager
    async def step(self, act: str, text: str, *, runner: str = "", tier: str = "") -> AsyncIterator[Told]:
        """
        Record an intent, let the step be done inside of the block, and record its outcome: `failed` where it raises.

        Raises:
            LedgerError: the intent or the outcome could not be recorded; without the intent nothing is done.
        """
        intent = Entry(
            kind=EntryKind.ACTED,
            at=self._clock(),
            cluster=self._policy.cluster.name,
            gitlab=self._policy.gitlab.url,
            policy=self._policy.digest,
            actor=self._actor,
            runner=runner,
            tier=tier,
            act=act,
            act_id=self._act_id(),
            step=Step.INTENT,
            text=redact(text),
        )
        await self._record((intent,))
        told = Told(text=text, step=Step.DONE)
        try:
            yield told
        except RunnerBridgeError as error:
            await self._settle(intent, Step.FAILED, str(error))
            raise
        await self._settle(intent, told.step, told.text)

    async def settle(self, intents: Iterable[Entry]) -> None:
        """
        Record of steps whose process died that nobody knows their outcome; what was not done is planned again.

        Raises:
            LedgerError: it could not be recorded.
        """
        for one in intents:
            text = f"{one.text}: its process ended before the outcome was known; what is missing is planned again"
            await self._settle(one, Step.FAILED, text)

    async def _settle(self, intent: Entry, step: Step, text: str) -> None:
        entry = structs.replace(intent, at=self._clock(), actor=self._actor, step=step, text=redact(text))
        await self._record((entry,))


class Told(Struct):
    """How a step ended; may be said more exactly inside of the block."""

    text: str
    step: Step
