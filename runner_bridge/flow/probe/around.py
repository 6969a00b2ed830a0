"""What a probe is driven with, and what it reads besides its pod."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from runner_bridge.core.errors import DeniedError
from runner_bridge.core.model.cluster import IPPool, Kind, Namespace, Pod, SandboxFailure, Snapshot
from runner_bridge.core.wire.calico import merged_pools
from runner_bridge.core.wire.events import REASON
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.observe.blocks import Blocks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from runner_bridge.ports.kube import CalicoApi, Reader, Writer


class Tools(Struct, frozen=True, kw_only=True):
    """What a probe is driven with; chosen by `cli`."""

    reads: Reader
    writes: Writer
    calico: CalicoApi
    clock: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]]
    says: Callable[[str], None]
    """Told what happens, one sentence each."""


class Around:
    """
    What stands around the pod: pools, its namespace, the events about it, and the block that holds its address.

    What may not be read is said once and left open; the judge knows the difference between none and not asked.

    Args of the constructor:
        namespace: of the pod.
        tools: of the probe.
    """

    def __init__(self, namespace: str, tools: Tools) -> None:
        self.snapshot = Snapshot()
        self._namespace = namespace
        self._reads = tools.reads
        self._says = tools.says
        self._calico = tools.calico
        self._blocks = Blocks(tools.reads, tools.calico.blocks) if tools.calico.blocks else None

    async def look(self) -> None:
        """
        Read pools and namespace.

        Raises:
            NeighbourError, WireError: they could not be read for another reason than a missing right.
        """
        pools = await self._listed(self._calico.pools, Kind.POOLS)
        namespace = await self._one(f"/api/v1/namespaces/{self._namespace}", Kind.NAMESPACES)
        self.snapshot = Snapshot(
            pools=None if pools is None else merged_pools([one for one in pools if isinstance(one, IPPool)]),
            namespaces=(namespace,) if isinstance(namespace, Namespace) else None,
        )

    async def look_at_events(self, pod: str) -> None:
        """
        Read why the pod has no address.

        Raises:
            NeighbourError, WireError: as `look`.
        """
        path = f"/api/v1/namespaces/{self._namespace}/events"
        found = await self._listed(path, Kind.EVENTS, f"reason={REASON},involvedObject.name={pod}")
        failures = None if found is None else tuple(one for one in found if isinstance(one, SandboxFailure))
        self.snapshot = structs.replace(self.snapshot, failures=failures)

    async def look_at_blocks(self, pod: Pod) -> None:
        """
        Read the block that holds the pod's addresses.

        Raises:
            NeighbourError, WireError: as `look`.
        """
        if self._blocks is None or self.snapshot.pools is None:
            return
        shown = (*pod.addresses, *(pod.annotated or ()))
        try:
            held = await self._blocks.holding(shown, self.snapshot.pools, thorough=True)
            if self._blocks.exist is None:
                await self._blocks.look()
        except DeniedError as error:
            self._says(f"the address is as the pod's status says: {error}")
            self._blocks = None
            return
        self.snapshot = structs.replace(self.snapshot, blocks=held, blocks_exist=self._blocks.exist)

    async def _one(self, path: str, kind: Kind) -> object:
        try:
            body = await self._reads.get(path)
        except DeniedError as error:
            self._says(str(error))
            return None
        return None if body is None else Stream(kind).item(body).value

    async def _listed(self, path: str, kind: Kind, fields: str = "") -> list[object] | None:
        stream = Stream(kind)
        try:
            async with aclosing(self._reads.pages(path, field_selector=fields)) as pages:
                return [seen.value async for page in pages for seen in stream.page(page.body).seen]
        except DeniedError as error:
            self._says(str(error))
            return None
