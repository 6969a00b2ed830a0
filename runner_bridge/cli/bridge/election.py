"""Whether a bridge leads by a Lease, and by which: the default is told by where it runs."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
import uuid
from typing import TYPE_CHECKING, Final

from runner_bridge.cli.bridge.lease_name import read_lease_name
from runner_bridge.flow.lead import Lead
from runner_bridge.flow.lead import Tools as LeadTools

if TYPE_CHECKING:
    from runner_bridge.cli.bridge.wanted import Wanted
    from runner_bridge.ports.kube import Cluster

LEASE: Final = "runner-bridge"
"""The name of the Lease, where none is given."""


def election(wanted: Wanted, cluster: Cluster) -> Lead | None:
    """Choose whether there is an election, and by which Lease."""
    in_cluster = wanted.access is None and not cluster.access.context
    if not (in_cluster or wanted.lease if wanted.elect is None else wanted.elect):
        return None
    namespace, name = read_lease_name(wanted.lease) if wanted.lease else (cluster.access.namespace, LEASE)
    tools = LeadTools(
        leases=cluster.writer, clock=_awake_or_not, present=wanted.clock, pause=asyncio.sleep, jitter=random.random
    )
    host = os.environ.get("HOSTNAME") or socket.gethostname()
    return Lead(namespace, name, f"{host}_{uuid.uuid4().hex[:8]}", tools, wanted.lease_times)


def _awake_or_not() -> float:
    """Return seconds that go on while the machine sleeps too, where the system counts them (Linux)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
