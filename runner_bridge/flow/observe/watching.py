"""
One list with its watch, kept up for as long as the bridge runs: what it hears goes into the picture.

After an orderly end the watch goes on where it was. After trouble of any kind (torn, silent, refused, the version
forgotten, a line that cannot be read) it lists again, because only a list proves that nothing was missed; until then
its source is in doubt.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from runner_bridge.core.errors import DeniedError, NotServedError, StaleError, UnavailableError, WireError
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.wire.stream import ChangeType, Stream, problems_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner_bridge.core.errors import NeighbourError
    from runner_bridge.core.wire.stream import Key
    from runner_bridge.flow.observe.picture import Picture, Source, Touched
    from runner_bridge.ports.kube import Reader

WATCH_S: Final = 120
"""A watch ends and goes on after so many seconds, so a dead connection is noticed soon after."""
PAGE: Final = 100
"""Objects of a page: as many as can be read before others must have their turn; 100 job pods take 3 to 5 ms."""
PAGE_OF_BLOCKS: Final = 25
"""Blocks of a page, likewise: each is packed."""
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 30.0
HEALTHY_S: Final = 30.0
"""A watch that lived for so long ends the growing of the pauses."""


class Watching:
    """
    See the module.

    Args of the constructor:
        source: what is listed; it is one of the picture's.
        path: of the collection.
        reads: the cluster.
        picture: takes in what is heard.
        turn: held while a page is read, by one list of all: dozens of namespaces are listed at the same time.
        tell: told after each list and batch, also when nothing was touched: that the source is heard is news.
        pause: sleeps that many seconds.
        jitter: a number from 0 to 1, another each time: not everybody comes back at once.
        label_selector, field_selector: as Kubernetes has them.
        wanted: which objects are kept, by their key; None for all.
    """

    def __init__(  # noqa: PLR0913 - collaborators, each named by its caller
        self,
        source: Source,
        path: str,
        *,
        reads: Reader,
        picture: Picture,
        turn: asyncio.Lock,
        tell: Callable[[Touched | None], None],
        pause: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
        label_selector: str = "",
        field_selector: str = "",
        wanted: Callable[[Key], bool] | None = None,
    ) -> None:
        self.source = source
        self.listed = asyncio.Event()
        """Set once it was listed for the first time."""
        self.bad_lines = 0
        """How many lines and items could not be read so far."""
        self.restarts = 0
        """How often it had to be listed anew after trouble."""
        self.heard_s: float | None = None
        """When the API server last sent something, by the loop's clock, which never jumps; None: never."""
        self.tried_s: float | None = None
        """When it was last asked or heard, by the same clock."""
        self.not_served: Callable[[NotServedError], None] = lambda _: None
        """Told when nobody serves the collection any more."""
        self._path = path
        self._reads = reads
        self._picture = picture
        self._turn = turn
        self._tell = tell
        self._pause = pause
        self._jitter = jitter
        self._labels, self._fields = label_selector, field_selector
        self._wanted = wanted
        self._stream = Stream(source.kind, packed=source.kind is Kind.BLOCKS)
        self._page = PAGE_OF_BLOCKS if source.kind is Kind.BLOCKS else PAGE
        self._failures = 0

    async def run(self) -> None:
        """
        List and watch, for ever.

        Raises:
            DeniedError: the first list of pods, pools or namespaces is refused: without them nothing can be proven.
        """
        while True:
            try:
                await self._follow(await self._list())
            except NotServedError as error:
                self.not_served(error)
                await self._doubt(error, None)
            except StaleError as error:
                await self._doubt(error, 0.0 if self._failures == 0 else None)
            except (UnavailableError, WireError) as error:
                await self._doubt(error, getattr(error, "retry_after_s", None))
            except DeniedError as error:
                if not self.listed.is_set() and self.source.kind in NEEDED:
                    raise
                await self._doubt(error, LONGEST_PAUSE_S)

    async def once(self) -> None:
        """
        List once.

        Raises:
            NeighbourError, WireError: it could not be listed.
        """
        await self._list()

    async def _list(self) -> str:
        """Take in a whole list, and return the version from which to watch."""
        lost: list[str] = []
        version = ""
        self.tried_s = self._now()
        self._picture.begin(self.source)
        pages = self._reads.pages(
            self._path, limit=self._page, label_selector=self._labels, field_selector=self._fields
        )
        async with aclosing(pages):
            async for page in pages:
                async with self._turn:
                    self._hear()
                    read = self._stream.page(page.body)
                    seen = (one for one in read.seen if self._wanted is None or self._wanted(one.key))
                    self._tell(self._picture.extend(self.source, seen))
                    lost += read.lost
                    version = page.resource_version
                    await asyncio.sleep(0)  # others have their turn between two pages
        self.bad_lines += len(lost)
        touched = self._picture.finish(self.source, lost)
        self.listed.set()
        self._tell(touched)
        return version

    async def _follow(self, version: str) -> None:
        """
        Watch from a version on, for ever.

        Raises:
            NeighbourError: it cannot go on.
            WireError: a line could not be read, so that something may have been missed.
        """
        while True:
            began = self.tried_s = self._now()
            batches = self._reads.watch(
                self._path,
                resource_version=version,
                label_selector=self._labels,
                field_selector=self._fields,
                timeout_s=WATCH_S,
            )
            async with aclosing(batches):  # whatever ends it, its connection does not stay behind
                async for batch in batches:
                    self._hear()
                    version = self._take(batch) or version
            self._hear()  # its orderly end is a word of the server's too
            if self._now() - began >= HEALTHY_S:
                self._failures = 0
            else:
                self._failures += 1
                await self._pause(self._delay())

    def _take(self, batch: bytes) -> str:
        """Take in a batch of lines, and return the version that it leads to; empty where it names none."""
        lines = self._stream.lines(batch)
        wanted = self._wanted
        changes = [one for one in lines.changes if one.seen and (wanted is None or wanted(one.seen.key))]
        touched = self._picture.apply(self.source, changes)
        self._tell(touched)
        if lines.lost:
            self.bad_lines += len(lines.lost)
            message = f"{self.source}: lines of the watch {problems_of(lines.lost)}"
            raise WireError(message)
        versions = [one.version for one in lines.changes if one.type is not ChangeType.ERROR and one.version]
        return versions[-1] if versions else ""

    async def _doubt(self, error: NeighbourError | WireError, wait_s: float | None) -> None:
        self._picture.doubt(self.source, str(error).rstrip("."))
        self.restarts += 1
        self._tell(None)
        self._failures += 1
        await self._pause(self._delay() if wait_s is None else wait_s * (1 + self._jitter() / 10))

    def _hear(self) -> None:
        self.heard_s = self.tried_s = self._now()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _delay(self) -> float:
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._failures, 10))
        return longest * (0.5 + self._jitter() / 2)


NEEDED: Final = frozenset({Kind.PODS, Kind.POOLS, Kind.NAMESPACES})
"""A verdict stands on these: while one of them is in doubt, nothing is judged."""
