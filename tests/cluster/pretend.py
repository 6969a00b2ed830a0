"""The pretend API server in a thread of its own, for tests whose own code is not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster import Cluster
from tests.cluster.admin import Admin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Pretend(Admin):
    """
    A pretend API server and its administrator.

    Args of the constructor:
        cluster: a started one, with its switches.
        folder: for its kubeconfig.
        loop: in which it runs, for whoever plays a story on it.
    """

    def __init__(self, cluster: Cluster, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.cluster = cluster
        self.loop = loop
        self._folder = folder

    @property
    def url(self) -> str:
        return self.cluster.url

    def kubeconfig(self, token: str = "") -> Path:
        path = self._folder / "pretend.yaml"
        path.write_text(self.cluster.kubeconfig(token))
        return path

    def audited(self, _user: str) -> list[tuple[str, str]]:
        """Return nothing: it keeps no record of who asked what."""
        return []


@contextmanager
def pretending(folder: Path) -> Iterator[Pretend]:
    """Run a pretend API server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    cluster = Cluster()
    try:
        asyncio.run_coroutine_threadsafe(cluster.start(), loop).result(10)
        yield Pretend(cluster, folder, loop)
        asyncio.run_coroutine_threadsafe(cluster.stop(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_tasks() -> None:
    """End what still serves clients that were killed."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.1)  # a transport closes its socket a moment after it was told to
