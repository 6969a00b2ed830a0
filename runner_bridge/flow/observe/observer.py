"""Everything that is watched, chosen from the policy and from where the cluster keeps Calico's objects."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from runner_bridge.core.errors import NeighbourError, WireError
from runner_bridge.core.model.cluster import Kind, Pod
from runner_bridge.core.wire.events import REASON
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.observe.picture import Picture, Source
from runner_bridge.flow.observe.watching import NEEDED, Watching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runner_bridge.core.wire.stream import Key, Seen
    from runner_bridge.flow.observe.picture import Touched
    from runner_bridge.ports.kube import Reader

JOB_PODS: Final = "pod"
"""
Every GitLab Runner, old or new, puts this label on job pods, and a job can change its value but not take it off
(gitlab-runner, executors/kubernetes/kubernetes.go). Asked for only where the whole cluster is watched.
"""
BLOCKS: Final = Source(Kind.BLOCKS)
_WILD: Final = frozenset("*?[")


class Observer:
    """
    Keeps the picture of one cluster.

    Args of the constructor:
        namespaces: where job pods live, patterns among them; none: everywhere.
        pools_path: of the collection of IPPools.
        reads: the cluster.
        pause: sleeps that many seconds.
        jitter: a number from 0 to 1, another each time.
        selector: of the pods, as Kubernetes has it; empty: none.
        blocks_path: of the collection of IPAMBlocks, where all of them are watched; empty: they are not.
    """

    def __init__(
        self,
        namespaces: Sequence[str],
        pools_path: str,
        *,
        reads: Reader,
        pause: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
        selector: str = "",
        blocks_path: str = "",
    ) -> None:
        self._reads = reads
        self._tell: Callable[[Touched | None], None] | None = None
        self._patterns = tuple(namespaces)
        sources = [*_sources(self._patterns), *((BLOCKS,) if blocks_path else ())]
        self.picture = Picture(sources)
        turn = asyncio.Lock()
        self._watchings = [
            Watching(
                source,
                {Kind.POOLS: pools_path, Kind.BLOCKS: blocks_path}.get(source.kind) or _path(source),
                reads=reads,
                picture=self.picture,
                turn=turn,
                tell=self._heard,
                pause=pause,
                jitter=jitter,
                label_selector=_selector(source, selector),
                field_selector=f"reason={REASON}" if source.kind is Kind.EVENTS else "",
                wanted=self._is_ours if source.kind in (Kind.PODS, Kind.EVENTS) and not source.namespace else None,
            )
            for source in sources
        ]
        self.pools_gone = asyncio.Event()
        """Set when nobody serves pools or blocks where they were: it has to be found out again where they are."""
        for one in self._watchings:
            if one.source.kind in (Kind.POOLS, Kind.BLOCKS):
                one.not_served = lambda _: self.pools_gone.set()
        self._pods = Stream(Kind.PODS)

    def report_to(self, tell: Callable[[Touched | None], None]) -> None:
        """Name who is told what was touched; None: only how far the picture can be relied on may have changed."""
        self._tell = tell

    async def run(self) -> None:
        """
        Watch everything, for ever.

        Raises:
            DeniedError: pods, pools or namespaces may not be listed.
        """
        async with asyncio.TaskGroup() as group:
            for one in self._watchings:
                group.create_task(one.run(), name=f"watch {one.source}")

    async def listed(self) -> None:
        """Wait until everything was listed for the first time."""
        for one in self._watchings:
            await one.listed.wait()

    async def list_once(self) -> tuple[str, ...]:
        """
        List everything once; return what could not be listed and is not needed for a verdict, one sentence each.

        Raises:
            NeighbourError, WireError: pods, pools or namespaces could not be listed.
        """
        results = await asyncio.gather(*(one.once() for one in self._watchings), return_exceptions=True)
        missing: list[str] = []
        for one, error in zip(self._watchings, results, strict=True):
            if error is None:
                continue
            if one.source.kind in NEEDED or not isinstance(error, (NeighbourError, WireError)):
                raise error
            self.picture.doubt(one.source, str(error).rstrip("."))
            missing.append(str(error))
        return tuple(missing)

    async def read_pod(self, key: Key) -> tuple[Source, Seen] | None:
        """
        Read one pod afresh; None where it is gone, or not watched.

        Raises:
            NeighbourError, WireError: it could not be read.
        """
        namespace, name = key
        source = next(
            (one.source for one in self._watchings if one.source in (_pods_of(namespace), _pods_of(""))), None
        )
        if source is None:
            return None
        body = await self._reads.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
        return None if body is None else (source, self._pods.item(body))

    async def read_any_pod(self, key: Key) -> Pod | None:
        """
        Read a pod afresh, be it watched or not; None where it is gone.

        Raises:
            NeighbourError, WireError: it could not be read.
        """
        namespace, name = (quote(one, safe="") for one in key)  # as a block names it, whatever that is
        body = await self._reads.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
        found = None if body is None else self._pods.item(body).value
        return found if isinstance(found, Pod) else None

    @property
    def watchings(self) -> tuple[Watching, ...]:
        """Every list with its watch, in a fixed order."""
        return tuple(self._watchings)

    @property
    def bad_lines(self) -> int:
        """How many lines and items could not be read so far."""
        return sum(one.bad_lines for one in self._watchings)

    def _heard(self, touched: Touched | None) -> None:
        if self._tell is not None:
            self._tell(touched)

    def _is_ours(self, key: Key) -> bool:
        return not self._patterns or any(fnmatchcase(key[0], pattern) for pattern in self._patterns)


def _pods_of(namespace: str) -> Source:
    return Source(Kind.PODS, namespace)


def _sources(namespaces: tuple[str, ...]) -> list[Source]:
    exact = bool(namespaces) and not any(_WILD & set(one) for one in namespaces)
    scopes = tuple(dict.fromkeys(namespaces)) if exact else ("",)
    return [
        Source(Kind.POOLS),
        Source(Kind.NAMESPACES),
        Source(Kind.NODES),
        *(Source(kind, namespace) for namespace in scopes for kind in (Kind.PODS, Kind.EVENTS)),
    ]


def _selector(source: Source, asked: str) -> str:
    """Return what selects the objects of a source; every part has to hold."""
    if source.kind is not Kind.PODS:
        return ""
    return ",".join(part for part in ("" if source.namespace else JOB_PODS, asked) if part)


def _path(source: Source) -> str:
    # Events of `v1`: their `reason` can be selected by in every release.
    return f"/api/v1/namespaces/{source.namespace}/{source.kind}" if source.namespace else f"/api/v1/{source.kind}"
