"""
One configuration: written, confirmed by every manager, or put back to the very bytes that were there before.

The runner writes its file too (it renews tokens in it), so what is written is merged from what was read a moment ago,
and nothing is written over anything else. Between the last look and the renaming lie microseconds; a Secret has no such
gap. A manager is never restarted.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.errors import RunnerBridgeError, StaleError, WireError
from runner_bridge.core.model.ledger import Step
from runner_bridge.core.policy.model import StoreKind
from runner_bridge.flow.apply.live import known_of, merged, served_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Installation, Policy
    from runner_bridge.flow.apply.book import Book
    from runner_bridge.flow.apply.stores import Raw, Stores
    from runner_bridge.ports.manager import Managers, Mark, Outcome

WRITE, CONFIRM, PUT_BACK = "write-configuration", "confirm-configuration", "put-back-configuration"
_ATTEMPTS = 5
ROOM_BYTES = 4096
"""For the section of a runner that has no token yet."""
BOM = b"\xef\xbb\xbf"


class State(StrEnum):
    """What stands where."""

    LOADED = "loaded"
    """Every manager has said so."""
    UNCONFIRMED = "written, not confirmed"
    PUT_BACK = "put back"


class Standing(Struct, frozen=True, kw_only=True):
    """How a configuration stands."""

    state: State
    text: str
    """One sentence."""


class Configuring:
    """
    Writes the configuration of one installation.

    Args of the constructor:
        policy: what is declared.
        installation: whose configuration it is.
        stores: where it is.
        managers: who read it.
        book: the ledger.
        within_s: how long managers have.
    """

    def __init__(
        self,
        policy: Policy,
        installation: Installation,
        stores: Stores,
        managers: Managers,
        book: Book,
        within_s: float,
    ) -> None:
        self._policy = policy
        self._installation = installation
        self._store = installation.configuration
        self._stores = stores
        self._managers = managers
        self._book = book
        self._within_s = within_s

    @property
    def is_heard(self) -> bool:
        """Somebody says that it was loaded."""
        return self._managers.are_heard and self._store.kind is not StoreKind.VALUES

    async def check(self) -> None:
        """
        Find out whether it can be written, and whether its managers can be heard.

        Raises:
            SettingsError, NeighbourError, WireError: it cannot, or they cannot.
        """
        before = await self._stores.raw(self._store)
        grown = len(await self._wanted(before)) - len(before.data or b"")
        await self._stores.check(self._store, more_bytes=grown + ROOM_BYTES * len(self._installation.runners))
        if self.is_heard:
            await self._managers.mark()

    async def write(self) -> Standing:
        """
        Make it so, and wait until every manager has loaded it; else put back what was there.

        Raises:
            LedgerError: an intent could not be recorded; nothing was written then.
            RunnerBridgeError: it could not be written; then it is as it was.
        """
        if self.is_heard and (stands := await self._go_on()):
            return stands
        for attempt in range(_ATTEMPTS):
            before = await self._stores.raw(self._store)
            after = await self._wanted(before)
            if after == (before.data or b""):
                return await self.confirm()
            marks = await self._managers.mark() if self.is_heard else {}
            try:
                async with self._book.step(WRITE, f"{self._installation.name}: {self._store}"):
                    await self._stores.replace(self._store, before, after, sets_aside=self.is_heard)
            except StaleError:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            standing = await self._loaded(before, after, marks)
            if self.is_heard:
                await self._forget()
            return standing
        raise AssertionError

    async def _go_on(self) -> Standing | None:
        """Put back what an apply that was cut off has replaced and not seen loaded, if nobody has written since."""
        aside = await self._stores.set_aside(self._store)
        if aside is None:
            return None
        now = await self._stores.raw(self._store)
        if aside.is_of(now.data):
            marks = await self._managers.mark()
            text = f"{self._installation.name}: an apply was cut off before this was known to be loaded"
            async with self._book.step(PUT_BACK, text):
                await self._stores.replace(self._store, now, aside.data)
            outcome = await self._managers.outcome(marks, within_s=self._within_s)
            await self._forget()
            if not outcome.is_loaded:  # its next word could be about this change and not about the next one
                return Standing(state=State.PUT_BACK, text=f"{_why_not(outcome)}. Run apply again.")
        await self._forget()
        return None

    async def _forget(self) -> None:
        """Remove what was put aside; what cannot be removed is looked at by the next apply."""
        with suppress(RunnerBridgeError):
            await self._stores.forget(self._store)

    async def confirm(self) -> Standing:
        """
        Let managers say that they have loaded what is there: a file gets a fresh time, so that they read it again.

        Raises:
            LedgerError: an intent could not be recorded.
            RunnerBridgeError: a manager cannot be heard, or the file cannot be written.
        """
        if not self.is_heard or self._store.kind is not StoreKind.FILE:
            return Standing(state=State.UNCONFIRMED, text="It says what the policy says; no manager was asked.")
        if owner := (await self._stores.configuration(self._store)).owner:
            return Standing(state=State.UNCONFIRMED, text=f"It is written by {owner}, and was left alone.")
        before = await self._stores.raw(self._store)
        if before.data is None:
            return Standing(state=State.UNCONFIRMED, text="There is nothing to be read yet.")
        marks = await self._managers.mark()
        async with self._book.step(CONFIRM, f"{self._installation.name}: {self._store}"):
            await self._stores.replace(self._store, before, before.data)
        outcome = await self._managers.outcome(marks, within_s=self._within_s)
        if outcome.is_loaded:
            return Standing(state=State.LOADED, text=_all_loaded(outcome))
        return Standing(
            state=State.UNCONFIRMED, text=f"{_why_not(outcome)}; what was there before is not known any more."
        )

    async def _wanted(self, before: Raw) -> bytes:
        """Return what is to be there; a section whose runner has no token yet is left for the next time."""
        data = before.data or b""
        mark = BOM if data.startswith(BOM) else b""
        try:
            text = data.removeprefix(mark).decode()
        except UnicodeDecodeError:
            message = f"{self._store}: is not UTF-8 text, expected a configuration. Check that the right one is named."
            raise WireError(message) from None
        kept = await self._stores.tokens(self._installation.tokens, self._installation.runners)
        served = served_by(self._policy, self._installation)
        found = merged(served, self._installation, text, kept.tokens)
        known = known_of(served, self._installation, found, kept)
        ready = [name for name, one in known.items() if one.is_signed_in or one.is_kept]
        if len(ready) < len(known) and self._store.kind is not StoreKind.VALUES:
            served = served_by(self._policy, self._installation, ready)
            found = merged(served, self._installation, text, kept.tokens) if ready else text
        return mark + found.encode()

    async def _loaded(self, before: Raw, after: bytes, marks: Mapping[str, Mark]) -> Standing:
        if not self.is_heard:
            text = "Nobody says when it is loaded; a later plan shows whether its runners were heard of."
            return Standing(state=State.UNCONFIRMED, text=text)
        outcome = await self._managers.outcome(marks, within_s=self._within_s)
        if outcome.is_loaded:
            return Standing(state=State.LOADED, text=_all_loaded(outcome))
        why = _why_not(outcome)
        marks = await self._marks_if_heard()
        async with self._book.step(PUT_BACK, f"{self._installation.name}: {why}") as told:
            now = await self._stores.raw(self._store)
            if now.data != after:
                told.step, told.text = Step.SKIPPED, f"{why}; somebody else has written meanwhile"
                return Standing(state=State.UNCONFIRMED, text=f"{why}. Somebody else has written since: left as it is.")
            await self._stores.replace(self._store, now, before.data)
        if before.data is None or not marks:
            return Standing(state=State.PUT_BACK, text=f"{why}. What was there before is there again.")
        again = await self._managers.outcome(marks, within_s=self._within_s)
        said = "and was loaded" if again.is_loaded else f"but {_why_not(again)}"
        return Standing(state=State.PUT_BACK, text=f"{why}. What was there before is there again, {said}.")

    async def _marks_if_heard(self) -> Mapping[str, Mark]:
        try:
            return await self._managers.mark()
        except RunnerBridgeError:
            return {}


def _all_loaded(outcome: Outcome) -> str:
    count = len(outcome.loaded)
    return f"Loaded by {'its manager' if count == 1 else f'all {count} managers'}."


def _why_not(outcome: Outcome) -> str:
    if outcome.refused:
        return f"refused by {'; '.join(outcome.refused)}".rstrip(".")
    return f"not loaded in time by {', '.join(outcome.silent)}"
