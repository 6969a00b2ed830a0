"""
`check` on a live cluster: reads what the judge needs, and nothing more than once.

Pools, namespaces, events and pods are listed; of the blocks only those are read that can hold an address of a job pod.
Where a pod and its block disagree, both are read again after two seconds: the lists are read one after the other, and a
pod may come or go in between.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner_bridge.core.errors import DeniedError, WireError
from runner_bridge.core.judge.doubt import SETTLE_S, is_doubtful
from runner_bridge.core.model.cluster import Gap, Kind, Snapshot
from runner_bridge.core.wire.reader import Reader
from runner_bridge.core.wire.selectors import parse_selector
from runner_bridge.flow.observe.blocks import Blocks
from runner_bridge.ports.kube import CalicoApi, Cluster, Patience, discover_calico, open_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner_bridge.cli.check.scope import Scope
    from runner_bridge.core.model.cluster import Address, Pod
    from runner_bridge.core.model.verdict import Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a live cluster came to."""

    judgement: Judgement
    source: str
    """What was asked, for the footer."""
    server: str
    """Address of the API server."""
    calico: str
    """Where Calico's objects are; one sentence without full stop."""
    at: datetime


def check_live(
    judge: Callable[[Snapshot, datetime], Judgement], *, scope: Scope, kubeconfig: str = "", context: str = ""
) -> Live:
    """
    Judge the job pods of a cluster.

    Args:
        judge: a snapshot, and when it was taken, to a judgement.
        scope: which pods.
        kubeconfig: as of `open_cluster`.
        context: as of `open_cluster`.

    Raises:
        SettingsError: there is no way into a cluster, or the selector is none.
        UnavailableError, DeniedError, InvalidError, StaleError: the pods cannot be read.
    """
    parse_selector(scope.selector)  # a typing error is said before anything is asked
    return asyncio.run(_check(judge, scope, kubeconfig, context))


async def _check(judge: Callable[[Snapshot, datetime], Judgement], scope: Scope, kubeconfig: str, context: str) -> Live:
    async with open_cluster(kubeconfig=kubeconfig, context=context, patience=Patience(attempts=3)) as cluster:
        api = await discover_calico(cluster.reader)
        look = _Look(cluster, api, scope)
        at = datetime.now(tz=UTC)
        judgement = judge(await look.take(), at)
        if any(map(is_doubtful, judgement.verdicts)):
            await asyncio.sleep(SETTLE_S)
            at = datetime.now(tz=UTC)
            judgement = judge(await look.take(), at)
        return Live(
            judgement=judgement,
            source=_source(cluster, api),
            server=cluster.reader.server,
            calico=api.explanation,
            at=at,
        )


def _source(cluster: Cluster, api: CalicoApi) -> str:
    session = cluster.session
    context = f" (context {cluster.access.context})" if cluster.access.context else ""
    return f"{session.reads} GETs, {session.writes} writes: asked {session.server}{context}; {api.explanation}."


class _Look:
    """One look at a cluster; each `take` reads everything afresh."""

    def __init__(self, cluster: Cluster, api: CalicoApi, scope: Scope) -> None:
        self._reader = cluster.reader
        self._api = api
        self._scope = scope
        self._blocks = Blocks(cluster.reader, api.blocks) if api.blocks else None

    async def take(self) -> Snapshot:
        scope, within = self._scope, f"/namespaces/{self._scope.namespace}" if self._scope.namespace else ""
        found = Reader(selector=parse_selector(scope.selector), namespace=scope.namespace)
        if not self._api.is_judgeable:
            await self._list(found, f"/api/v1{within}/pods", Kind.PODS, labels=scope.selector)
            return replace(found.snapshot(), pools=())
        gaps = [
            await self._try(found, self._api.pools, Kind.POOLS),
            await self._try(found, f"/api/v1{within or '/namespaces'}", Kind.NAMESPACES),
            await self._try(found, f"/api/v1{within}/events", Kind.EVENTS, fields="reason=FailedCreatePodSandBox"),
        ]
        await self._list(found, f"/api/v1{within}/pods", Kind.PODS, labels=scope.selector)
        snapshot = found.snapshot()
        if self._blocks is not None:
            snapshot, gap = await _with_blocks(snapshot, self._blocks)
            gaps.append(gap)
        return replace(snapshot, gaps=(*snapshot.gaps, *(gap for gap in gaps if gap is not None)))

    async def _try(self, found: Reader, path: str, kind: Kind, *, fields: str = "") -> Gap | None:
        """Read what may be missing: without it less is proven, and that is said."""
        try:
            if kind is Kind.NAMESPACES and self._scope.namespace:
                body = await self._reader.get(path)
                found.read(body or b'{"kind":"NamespaceList","items":[]}', name=path, want=kind)
            else:
                await self._list(found, path, kind, fields=fields)
        except DeniedError as error:
            return Gap(kind=kind, reason=f"may not be read: grant the verb {error.verb} on {error.resource}")
        return None

    async def _list(self, found: Reader, path: str, kind: Kind, *, labels: str = "", fields: str = "") -> None:
        async with aclosing(self._reader.pages(path, label_selector=labels, field_selector=fields)) as pages:
            async for page in pages:
                found.read(page.body, name=f"GET {path}", want=kind)


async def _with_blocks(snapshot: Snapshot, blocks: Blocks) -> tuple[Snapshot, Gap | None]:
    """Add the blocks that can hold an address of a job pod, and why one could not be read."""
    addresses = tuple(dict.fromkeys(_addresses(snapshot.pods)))
    try:
        held = await blocks.holding(addresses, snapshot.pools or (), thorough=True)
        if blocks.exist is None:
            await blocks.look()
    except DeniedError as error:
        reason = f"may not be read: grant the verb {error.verb} on {error.resource}"
        return snapshot, Gap(kind=Kind.BLOCKS, reason=reason)
    except WireError as error:
        return snapshot, Gap(kind=Kind.BLOCKS, reason=str(error).rstrip("."))
    gap = Gap(kind=Kind.BLOCKS, reason=blocks.refused) if blocks.refused else None
    return replace(snapshot, blocks=held, blocks_exist=blocks.exist), gap


def _addresses(pods: Iterable[Pod]) -> Iterable[Address]:
    """Yield every address that a job pod is said to hold now, by its status or by Calico's annotation."""
    for pod in pods:
        if pod.marks is not None and not pod.finished and not pod.host_network:
            yield from pod.addresses
            yield from pod.annotated or ()
