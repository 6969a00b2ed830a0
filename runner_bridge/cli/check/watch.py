"""
`check --watch`: the table of `check`, kept fresh from a watch for as long as somebody looks at it.

The rooms of `run` without ledger and hands: nothing is recorded and nothing is written. On a terminal the table is
drawn over the one before, and the last one stays when it ends; elsewhere each change is printed as a block of its own.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from runner_bridge.ask.answers import check
from runner_bridge.cli.check.output import pieces
from runner_bridge.cli.output import emit, is_terminal, note, width
from runner_bridge.core.holding import holding
from runner_bridge.core.judge import summed
from runner_bridge.core.model.cluster import Snapshot
from runner_bridge.core.redact import redact
from runner_bridge.core.wire.selectors import parse_selector
from runner_bridge.flow.controller.controller import Controller
from runner_bridge.flow.controller.entries import Context
from runner_bridge.flow.controller.given import Tools
from runner_bridge.flow.observe.blocks import Blocks
from runner_bridge.flow.observe.observer import Observer
from runner_bridge.ports.kube import Patience, discover_calico, open_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner_bridge.ask.answers.check import CheckAnswer
    from runner_bridge.cli.check.scope import Scope
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Gap
    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.controller.bench import Known
    from runner_bridge.flow.observe.picture import Touched
    from runner_bridge.ports.kube import CalicoApi, Cluster

FORMATS: Final = ("table", "wide", "json")
SETTLE_S: Final = 0.25
"""So long after a change the table is drawn: what changes together is seen together."""
_OTHER_SCREEN, _OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedBy:
    """What is meant, and what is known besides."""

    policy: Policy
    known: Known


def watch(
    judged_by: JudgedBy,
    *,
    scope: Scope,
    output: str,
    expect_min: int = 0,
    kubeconfig: str = "",
    context: str = "",
) -> None:
    """
    Show the verdicts of a cluster and keep them fresh, until Ctrl-C; at once where nothing can be judged.

    Args:
        judged_by: what is meant.
        scope: which pods.
        output: one of `FORMATS`.
        expect_min: how many job pods there must be.
        kubeconfig: as of `open_cluster`.
        context: as of `open_cluster`.

    Raises:
        KeyboardInterrupt: somebody has seen enough.
        SettingsError: there is no way into a cluster, or the selector is none.
        NeighbourError: the cluster cannot be asked.
    """
    parse_selector(scope.selector)  # a typing error is said before anything is asked

    async def show() -> None:
        async with open_cluster(kubeconfig=kubeconfig, context=context, patience=Patience(attempts=3)) as cluster:
            api = await discover_calico(cluster.reader)
            if not api.is_judgeable:
                note(f"runner-bridge: {cluster.reader.server}: nothing can be judged: {api.explanation}.")
                return
            with _drawing(output, is_terminal() and output != "json") as draw:
                await _Watch(judged_by, cluster, api, scope, expect_min).run(draw)

    try:
        asyncio.run(show())
    except BaseExceptionGroup as errors:
        raise _leaf(errors) from errors


def _leaf(errors: BaseExceptionGroup) -> BaseException:
    """Return the first of the errors."""
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


class _Watch:
    """The rooms, and what they come to; also `flow.controller.Says`: it only wants to know that something was said."""

    def __init__(self, judged_by: JudgedBy, cluster: Cluster, api: CalicoApi, scope: Scope, expect_min: int) -> None:
        self._policy = policy = judged_by.policy
        self._known = judged_by.known
        self._cluster = cluster
        self._api = api
        self._expect_min = expect_min
        self._changed = asyncio.Event()
        self._observer = Observer(
            (scope.namespace,) if scope.namespace else (),
            api.pools,
            reads=cluster.reader,
            pause=asyncio.sleep,
            jitter=random.random,
            selector=scope.selector,
        )
        self._blocks = Blocks(cluster.reader, api.blocks) if api.blocks else None
        tools = Tools(record=_nowhere, clock=_now, pause=asyncio.sleep, read_pod=self._observer.read_pod, says=self)
        context = Context(cluster=policy.cluster.name, gitlab=policy.gitlab.url, policy=policy.digest, actor="check")
        self._controller = Controller(policy, context, self._observer.picture, self._blocks, tools, None, self._known)
        self._observer.report_to(self._heard)

    async def run(self, draw: Callable[[CheckAnswer], None]) -> None:
        """Draw the table now and after each change, for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._observer.run(), name="observe")
                group.create_task(self._controller.run(), name="judge")
                await self._draw(draw)
        finally:
            await self._controller.close()
            if self._blocks is not None:
                await self._blocks.close()

    def verdict(self, verdict: Verdict, at: datetime) -> None:  # noqa: ARG002 - the signature of Says
        """Take note that a verdict is new."""
        self._changed.set()

    def doubt(self, gaps: tuple[Gap, ...], at: datetime) -> None:  # noqa: ARG002 - the signature of Says
        """Take note that the picture is in doubt, or no longer."""
        self._changed.set()

    def finding(self, finding: Finding, at: datetime) -> None:  # noqa: ARG002 - the signature of Says
        """Take note of a finding about the cluster."""
        self._changed.set()

    def note(self, text: str) -> None:
        """Say what could not be done."""
        note(f"runner-bridge: {redact(text)}")

    def _heard(self, touched: Touched | None) -> None:
        self._controller.touch(touched)
        self._changed.set()

    async def _draw(self, draw: Callable[[CheckAnswer], None]) -> None:
        drawn: object = None
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLE_S)
            self._changed.clear()
            seen = (self._controller.verdicts, self._controller.doubts)
            if seen != drawn:
                draw(self._answer())
                drawn = seen

    def _answer(self) -> CheckAnswer:
        now = _now()
        picture = self._observer.picture
        known = self._known
        held = holding(self._policy, (pod for _, pod in picture.pods()), short_ids=known.short_ids)
        judgement = summed(
            self._policy,
            Snapshot(pools=picture.pools(), gaps=self._controller.doubts),
            self._controller.verdicts,
            now=now,
            projects=None if known.projects is None else known.projects.values(),
            beside=held.beside,
        )
        source = f"{now:%H:%M:%S} UTC: watching {self._cluster.reader.server}, 0 writes; {self._api.explanation}."
        return check.answer(judgement, source=source, judged_at=now, expect_min=self._expect_min)


@contextmanager
def _drawing(output: str, on_terminal: bool) -> Iterator[Callable[[CheckAnswer], None]]:  # noqa: FBT001
    """Yield what draws a table; on a terminal the last one stays when it ends."""

    def shown(answer: CheckAnswer) -> str:
        return "".join(pieces(output, answer, policy="", colour=is_terminal(), width=width()))

    if not on_terminal:
        yield lambda answer: emit(f"{shown(answer)}\n")
        return
    last: list[CheckAnswer] = []

    def redraw(answer: CheckAnswer) -> None:
        last[:] = [answer]
        emit(fitted(shown(answer), shutil.get_terminal_size().lines))

    emit(_OTHER_SCREEN)
    try:
        yield redraw
    finally:
        emit(_OWN_SCREEN)
        for answer in last:
            emit(shown(answer))


def fitted(text: str, height: int) -> str:
    """Return what draws a text over whatever a screen shows; cut where the screen ends, but for its last lines."""
    lines = text.splitlines()
    if len(lines) > height:
        tail = max(1, min(4, height // 2))
        kept = max(0, height - tail - 1)
        lines = [*lines[:kept], f"… {len(lines) - kept - tail} more lines", *lines[-tail:]]
    return _HOME + "\n".join(f"{line}{_REST_OF_LINE}" for line in lines) + _REST_OF_SCREEN


async def _nowhere(entries: tuple[Entry, ...]) -> None:
    """Record nothing."""


def _now() -> datetime:
    return datetime.now(tz=UTC)
