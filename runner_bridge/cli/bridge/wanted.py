"""What a bridge is opened with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner_bridge.cli.log import no_log
from runner_bridge.flow.controller.bench import NOTHING_KNOWN, Known
from runner_bridge.flow.measures import UNMEASURED, Measures
from runner_bridge.ports.ledger import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from structlog.typing import FilteringBoundLogger

    from runner_bridge.core.actions import Mode
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.controller.given import Says
    from runner_bridge.flow.facts import Asks
    from runner_bridge.flow.lead import Times
    from runner_bridge.ports.kube import Access


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
    tolerance: timedelta = CLOCK_TOLERANCE
    """How much older than the newest entry of the ledger one may be; more where the clock is made to leap."""
    elect: bool | None = None
    """Whether to lead only with a Lease; None: in a pod of the cluster, and where `lease` is given."""
    lease: str = ""
    """`namespace/name`; empty: `runner-bridge` in the namespace of this pod, or of the context."""
    lease_times: Times | None = None
    watch_blocks: bool = False
    """Whether all of Calico's blocks are watched, so that every address is audited."""
    log: FilteringBoundLogger = field(default_factory=no_log)
    known: Known = NOTHING_KNOWN
    """What GitLab's and the runners' own files tell besides the policy."""
    asks: Asks | None = None
    """What may be asked of GitLab about jobs; None: nothing, and every job stays a claim."""
    measures: Measures = UNMEASURED
