"""What is live beside the policy, read once: all that a plan compares, and the annotations of all namespaces."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from runner_bridge.core.drift import Drift, Namespaces, drift
from runner_bridge.core.edits.plan import plan
from runner_bridge.core.errors import RunnerBridgeError
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.redact import redact
from runner_bridge.core.wire.reader import Reader as Wire
from runner_bridge.flow.apply import read_live

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.apply import Neighbours

_NAMESPACES = "/api/v1/namespaces"


async def read_drift(policy: Policy, neighbours: Neighbours) -> Drift:
    """
    Compare everything with the policy; what could not be read is part of the result.

    Raises:
        RenderError: a defect of ours.
    """
    live, namespaces = await asyncio.gather(read_live(policy, neighbours), _namespaces(neighbours))
    return drift(policy, plan(policy, live, with_pools=True), namespaces)


async def _namespaces(neighbours: Neighbours) -> Namespaces:
    if neighbours.cluster is None:
        return Namespaces(trouble=neighbours.no_cluster)
    reader, wire = neighbours.cluster.reader, Wire()
    try:
        async with aclosing(reader.pages(_NAMESPACES)) as pages:
            async for page in pages:
                wire.read(page.body, name=f"GET {_NAMESPACES}", want=Kind.NAMESPACES)
    except RunnerBridgeError as error:
        return Namespaces(trouble=redact(str(error)))
    return Namespaces(items=wire.snapshot().namespaces or ())
