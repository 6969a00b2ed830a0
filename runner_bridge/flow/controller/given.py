"""What the controller is given: who is told, what it is driven with, and what the ledger knows when a term begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from runner_bridge.flow.measures import UNMEASURED, Measures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Gap
    from runner_bridge.core.model.ledger import Entry, Interval
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.wire.stream import Key, Seen
    from runner_bridge.flow.observe.picture import Source


class Says(Protocol):
    """Who is told, by `cli`."""

    def verdict(self, verdict: Verdict, at: datetime) -> None:
        """Tell a verdict that is new or has changed."""

    def doubt(self, gaps: tuple[Gap, ...], at: datetime) -> None:
        """Tell why nothing is judged now; no gaps: it is over."""

    def finding(self, finding: Finding, at: datetime) -> None:
        """Tell a finding about the cluster, because of which nothing is judged."""

    def note(self, text: str) -> None:
        """Tell what could not be done, in one sentence."""


class Tools(Struct, frozen=True, kw_only=True):
    """What the loop is driven with; chosen by `cli`."""

    record: Callable[[tuple[Entry, ...]], Awaitable[None]]
    """Returns once the entries are durable."""
    clock: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]]
    read_pod: Callable[[Key], Awaitable[tuple[Source, Seen] | None]]
    """Reads one pod afresh; None where it is gone."""
    says: Says
    measures: Measures = UNMEASURED


class Before(Struct, frozen=True, kw_only=True):
    """What the ledger knows of the time before this process."""

    intervals: tuple[Interval, ...] = ()
    """Those that are open."""
    intents: tuple[Entry, ...] = ()
    """Of actions of which the outcome is not known."""
    seen_to_at: datetime | None = None
    """When the process before was last at work; None: there was none, or it has only just ended."""
    begun_at: datetime | None = None
    """When this term began: what could not be seen from then on is a gap. None: not told."""
