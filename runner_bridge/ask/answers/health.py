"""
Is a bridge alive, and is it ready: two questions that Kubernetes asks often, answered from its state alone.

Alive: the process is not stuck. A neighbour that is down is no reason to start the process anew, for it would only
lose its picture. Ready: what it says can be relied on, and what it sees is recorded. A standby is ready once it holds
the picture, so that a rollout waits for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.model.state import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from runner_bridge.core.model.state import BridgeState

STUCK_AFTER: Final = timedelta(minutes=5)
"""A watch asks anew at least every two minutes, and pauses for half a minute at most when it is refused."""


class Check(Struct, frozen=True, gc=False):
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str = ""
    """What was seen; a sentence without full stop, empty where all is well."""


class Health(Struct, frozen=True):
    """The answer to one of the two questions."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Every check is."""
        return all(one.ok for one in self.checks)

    @property
    def troubles(self) -> tuple[Check, ...]:
        """What is not well."""
        return tuple(one for one in self.checks if not one.ok)


def alive(state: BridgeState) -> Health:
    """Say whether the process is at work: each watch was heard or has asked within five minutes. Never raises."""
    return Health(tuple(_watch_works(state)))


def ready(state: BridgeState) -> Health:
    """Say whether the bridge can be relied on now. Never raises."""
    return Health((_picture(state), _calico(state), _policy(state), _ledger(state)))


def _watch_works(state: BridgeState) -> Iterator[Check]:
    for watch in state.watches:
        name = f"watch {watch.kind}{f' of {watch.namespace}' if watch.namespace else ''}"
        last = _latest(watch.tried_at, watch.heard_at) or state.started_at
        silent = state.at - last
        if silent > STUCK_AFTER:
            yield Check(name, ok=False, text=f"neither heard nor asked for {silent.total_seconds():.0f} s")
        else:
            yield Check(name, ok=True)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)


def _picture(state: BridgeState) -> Check:
    said = [gap.reason for gap in state.gaps]
    if not said:
        said = [
            one.trouble or f"{one.kind} not listed yet" for one in state.watches if one.is_needed and not one.is_fresh
        ]
    more = f"; and {len(said) - 1} more" if len(said) > 1 else ""
    return Check("picture", ok=not said, text=f"{said[0]}{more}" if said else "")


def _calico(state: BridgeState) -> Check:
    if not state.calico.is_judgeable:
        return Check("calico", ok=False, text=state.calico.explanation)
    return Check("calico", ok=not state.calico.finding, text=state.calico.finding.rstrip("."))


def _policy(state: BridgeState) -> Check:
    # A file that was refused does not unload the one before it: that is for status and metrics.
    return Check("policy", ok=bool(state.policy.digest), text="" if state.policy.digest else "none is loaded")


def _ledger(state: BridgeState) -> Check:
    if state.ledger is None:
        standby = state.role is Role.STANDBY
        return Check("ledger", ok=standby, text="" if standby else "nothing is recorded")
    said = state.ledger.trouble or "it cannot be written"
    return Check("ledger", ok=state.ledger.is_writable, text="" if state.ledger.is_writable else said.rstrip("."))
