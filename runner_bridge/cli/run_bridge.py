"""`run`: watch a cluster, judge every job pod as it comes, keep the record, and label where that is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from runner_bridge.cli import CLEAN, FINDINGS, INTERRUPTED, UNPROVEN
from runner_bridge.cli.ledger_access import ledger_option, witnessing
from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.cli.run_output import Says
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.act import Act
    from runner_bridge.flow.controller.controller import Controller
    from runner_bridge.flow.observe.blocks import Blocks
    from runner_bridge.flow.observe.observer import Observer
    from runner_bridge.ports.kube import CalicoApi, Cluster
    from runner_bridge.ports.ledger import Ledger
    from runner_bridge.ports.ledger import Writer as LedgerWriter

LAST_ACTS_S: Final = 3.0
"""How long what is in hand may take once it is told to end; five seconds are allowed in all."""
BEAT_S: Final = 5.0
"""How often the ledger notes that the cluster is watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The options."""

    policy: Policy
    ledger: str
    witness: str
    """Where every entry of the ledger is written too: a file, `-`, or nowhere."""
    mode: str
    kubeconfig: str
    context: str
    once: bool
    says: Says


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bridge:
    """The rooms, wired."""

    observer: Observer
    controller: Controller
    blocks: Blocks | None
    act: Act


@click.command("run", short_help="Watch a cluster: judge, record, and label every job pod.")
@policy_option
@ledger_option
@click.option(
    "--mode",
    type=click.Choice(["observe", "label"]),
    default="observe",
    show_default=True,
    help="observe writes nothing to the cluster; label adds labels in our own domain, and Events.",
)
@click.option("--kubeconfig", default="", metavar="FILE", help="As kubectl has it.")
@click.option("--context", default="", metavar="NAME", help="As kubectl has it.")
@click.option(
    "--witness", default="", metavar="FILE", help="Also write every entry of the ledger here, or - (standard output)."
)
@click.option("--once", is_flag=True, help="Look once, judge, record, act, and end.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default=None,
    help="How to print; text for a terminal, else JSON lines.",
)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    ledger_url: str,
    mode: str,
    kubeconfig: str,
    context: str,
    witness: str,
    once: bool,
    output: str | None,
) -> int:
    """
    Watch a cluster: judge, record, and label every job pod.

    Says each verdict that is new or has changed on a line of its own. Ends on SIGTERM or Ctrl-C, with what is in hand
    finished and recorded.

    Exit codes: 0 ended as told; with --once: 0 no breach, 1 a breach, 3 something is not proven. 2 wrong settings,
    3 the cluster could not be asked, 4 the ledger could not be written.
    """
    from runner_bridge.cli.output import is_terminal
    from runner_bridge.cli.run_output import Says

    json = output == "json" or (output is None and not is_terminal())
    wanted = _Wanted(
        policy=read_policy(policy),
        ledger=ledger_url,
        witness=witness,
        mode=mode,
        kubeconfig=kubeconfig,
        context=context,
        once=once,
        says=Says(json=json, colour=is_terminal()),
    )
    try:
        return asyncio.run(_run(wanted))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


async def _run(wanted: _Wanted) -> int:
    from runner_bridge.ports.kube import discover_calico, open_cluster

    told: list[signal.Signals] = []
    stop = asyncio.Event()

    def end(number: signal.Signals) -> None:
        told.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    async with open_cluster(kubeconfig=wanted.kubeconfig, context=wanted.context) as cluster:
        api = await discover_calico(cluster.reader)
        if not api.is_judgeable:
            wanted.says.note(f"{cluster.reader.server}: nothing can be judged: {api.explanation}.")
            return UNPROVEN
        async with _ledger(wanted, _now()) as (ledger, writer, opened_at):
            where = f"{wanted.policy.cluster.name} at {cluster.reader.server}"
            wanted.says.note(f"{where}, mode {wanted.mode}; {api.explanation}; ledger {ledger.name}.")
            bridge = await _wired(wanted, cluster, api, ledger, writer, opened_at)
            try:
                await (_once(bridge, wanted.says) if wanted.once else _until(stop, bridge, writer))
            finally:
                await bridge.controller.close()
                if bridge.blocks is not None:
                    await bridge.blocks.close()
                wanted.says.summary(
                    bridge.controller.verdicts, done=bridge.act.done, failed=bridge.act.failed, at=_now()
                )
    if signal.SIGINT in told:
        return INTERRUPTED
    return _code(bridge.controller.verdicts, whole=bridge.controller.is_whole) if wanted.once else CLEAN


@contextlib.asynccontextmanager
async def _ledger(wanted: _Wanted, now: datetime) -> AsyncIterator[tuple[Ledger, LedgerWriter, datetime]]:
    """Open the ledger and begin a term; it is flushed and closed last but the session."""
    from runner_bridge.core.model.ledger import Purpose
    from runner_bridge.ports.ledger import Ledger

    ledger = await asyncio.to_thread(Ledger.open, wanted.ledger)
    try:
        with witnessing(wanted.witness) as witness:
            writer = await asyncio.to_thread(
                ledger.write,
                purpose=Purpose.RUN,
                cluster=wanted.policy.cluster.name,
                at=now,
                gitlab=wanted.policy.gitlab.url,
                actor=_actor(),
                witness=witness,
            )
            try:
                yield ledger, writer, now
            finally:
                await asyncio.to_thread(writer.close)
    finally:
        await asyncio.to_thread(ledger.close)


async def _wired(
    wanted: _Wanted, cluster: Cluster, api: CalicoApi, ledger: Ledger, writer: LedgerWriter, opened_at: datetime
) -> _Bridge:
    """Choose the collaborators of every room."""
    from runner_bridge.core.actions import Mode
    from runner_bridge.flow.act import Act
    from runner_bridge.flow.act import Tools as Hands
    from runner_bridge.flow.controller.controller import Before, Controller, Tools
    from runner_bridge.flow.controller.entries import Context
    from runner_bridge.flow.observe.blocks import Blocks
    from runner_bridge.flow.observe.observer import Observer

    policy = wanted.policy
    name = policy.cluster.name
    context = Context(cluster=name, gitlab=policy.gitlab.url, policy=policy.digest, actor=_actor())
    observer = Observer(
        policy.cluster.namespaces,
        api.pools,
        reads=cluster.reader,
        pause=asyncio.sleep,
        jitter=random.random,
    )
    blocks = Blocks(cluster.reader.get, api.blocks) if api.blocks else None
    gaps = await asyncio.to_thread(ledger.gaps, now=_now(), cluster=name)
    before = Before(
        intervals=tuple(await asyncio.to_thread(ledger.open_intervals, name)),
        intents=tuple(await asyncio.to_thread(ledger.unsettled, name)),
        seen_to_at=max((gap.from_at for gap in gaps if gap.from_at and gap.to_at == opened_at), default=None),
    )
    tools = Tools(record=writer.append, clock=_now, pause=asyncio.sleep, read_pod=observer.read_pod, says=wanted.says)
    controller = Controller(
        policy,
        context,
        observer.picture,
        blocks,
        tools,
        before,
    )
    observer.report_to(controller.touch)
    hands = Hands(
        writes=cluster.writer,
        record=writer.append,
        clock=_now,
        act_id=lambda: uuid.uuid4().hex,
        pause=asyncio.sleep,
        note=wanted.says.note,
    )
    act = Act(Mode(wanted.mode), context, hands, controller.look)
    controller.hand_over_to(act)
    return _Bridge(observer=observer, controller=controller, blocks=blocks, act=act)


async def _until(stop: asyncio.Event, bridge: _Bridge, writer: LedgerWriter) -> None:
    """Run until told to end; then stop watching and judging, and finish what is in hand."""
    async with asyncio.TaskGroup() as group:
        observing = group.create_task(bridge.observer.run(), name="observe")
        judging = group.create_task(bridge.controller.run(), name="judge")
        acting = group.create_task(bridge.act.run(), name="act")
        beating = group.create_task(_beat(bridge.controller, writer), name="beat")
        await stop.wait()
        observing.cancel()
        judging.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bridge.act.drained(), LAST_ACTS_S)
        acting.cancel()
        beating.cancel()


async def _once(bridge: _Bridge, says: Says) -> None:
    """Look once."""
    for missing in await bridge.observer.list_once():
        says.note(missing)
    async with asyncio.TaskGroup() as group:
        acting = group.create_task(bridge.act.run(), name="act")
        await bridge.controller.settle()
        await bridge.act.drained()
        acting.cancel()


async def _beat(controller: Controller, writer: LedgerWriter) -> None:
    """Note in the ledger that the cluster is watched, as long as it is."""
    while True:
        await asyncio.sleep(BEAT_S)
        if controller.is_whole:
            await writer.beat(_now())


def _code(verdicts: tuple[Verdict, ...], *, whole: bool) -> int:
    from runner_bridge.core.model.finding import Outcome

    if any(one.outcome is Outcome.BREACH for one in verdicts):
        return FINDINGS
    unproven = any(one.outcome is Outcome.UNKNOWN and not one.pending for one in verdicts)
    return UNPROVEN if unproven or not whole else CLEAN


def _first(errors: BaseExceptionGroup) -> BaseException:
    """Return the error of ours that ended everything, else the first one."""
    from runner_bridge.core.errors import RunnerBridgeError

    ours = errors.subgroup(RunnerBridgeError)
    found: BaseException = ours or errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def _now() -> datetime:
    return datetime.now(tz=UTC)


def _actor() -> str:
    """Return who records: the pod's name, which is its host name."""
    return f"runner-bridge/{os.environ.get('HOSTNAME') or socket.gethostname()}"
