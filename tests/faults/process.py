"""`runner-bridge run` as a process of its own: what it says, how it ends, and what its ledger holds afterwards."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model.verdict import Grade
from runner_bridge.ports.ledger import Ledger
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from runner_bridge.core.model.ledger import Entry, Interval


class Running:
    """A bridge that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.said: dict[str, tuple[str, set[str]]] = {}
        """Pod → outcome and codes, as they were said last."""
        self.proven: set[str] = set()
        """Pods whose last verdict stands on their block."""
        self.errors: list[str] = []
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for text in self.process.stdout:
            line = json.loads(text)
            self.lines.append(line)
            if line.get("event") == "verdict":
                pod = line["pod"]
                self.said[pod] = line["outcome"], {one["code"] for one in line["findings"]}
                (self.proven.add if line["evidence"] == Grade.BLOCK else self.proven.discard)(pod)

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        async for text in self.process.stderr:
            self.errors.append(text.decode())

    def events(self, *names: str) -> list[dict[str, Any]]:
        return [one for one in self.lines if one.get("event") in names]

    async def until(self, holds: Callable[[], object], seconds: float = 60) -> None:
        async with asyncio.timeout(allowed(seconds)):
            while not holds():
                assert self.process.returncode is None, self.text
                await asyncio.sleep(0.02)

    async def end(self, how: signal.Signals = signal.SIGTERM, seconds: float = 10) -> int:
        """End it and return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.ended(seconds)

    async def ended(self, seconds: float = 10) -> int:
        """Wait until it has ended by itself, and return the exit code."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        return code

    @property
    def text(self) -> str:
        return "".join(self.errors)


@asynccontextmanager
async def bridge(*flags: str) -> AsyncIterator[Running]:
    """Start a bridge; whatever happens, it has ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "runner_bridge", "run", "-o", "json", *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=16 * 1024 * 1024,
    )
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()


class Recorded:
    """What a ledger holds, read when no process writes to it any more."""

    def __init__(self, ledger: Ledger, cluster: str) -> None:
        self.findings = [f"{one.code.name}: {one.subject}" for one in ledger.verify()]
        self.entries: list[Entry] = [one.entry for one in ledger.entries()]
        self.intervals: list[Interval] = list(ledger.intervals())
        self.open = [one for one in self.intervals if one.open]
        self.unsettled = ledger.unsettled(cluster)


def recorded(url: str, cluster: str = "prod-1") -> Recorded:
    with closing(Ledger.open(url, read_only=True)) as ledger:
        return Recorded(ledger, cluster)


def files(folder: Path, kubeconfig: Path, policy: str, *, name: str = "ledger") -> tuple[str, list[str]]:
    """The address of a ledger in a folder, and the flags of a bridge that writes to it."""
    (folder / "policy.yaml").write_text(policy)
    url = f"sqlite:///{folder / name}.db"
    return url, ["--kubeconfig", str(kubeconfig), "--policy", str(folder / "policy.yaml"), "--ledger", url]
