"""`run`: watch a cluster, judge every job pod as it comes, keep the record, and label where that is wanted."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS, INTERRUPTED, UNPROVEN
from runner_bridge.cli.ledger_access import ledger_option
from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from runner_bridge.cli.bridge import Bridge, Wanted
    from runner_bridge.cli.run_output import Says
    from runner_bridge.core.model.verdict import Verdict


@click.command("run", short_help="Watch a cluster: judge, record, and label every job pod.")
@policy_option
@ledger_option
@click.option(
    "--mode",
    type=click.Choice(["observe", "label", "enforce"]),
    default="observe",
    show_default=True,
    help="observe writes nothing to the cluster; label adds labels in our own domain, and Events; enforce also acts on "
    "breaches in tiers that opt in.",
)
@click.option("--kubeconfig", default="", metavar="FILE", help="As kubectl has it.")
@click.option("--context", default="", metavar="NAME", help="As kubectl has it.")
@click.option(
    "--witness",
    default="",
    metavar="WHERE",
    help="Also write every entry of the ledger to this file, to - (standard output), or to syslog: (or syslog://HOST).",
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
    from runner_bridge.cli.bridge import Wanted
    from runner_bridge.cli.output import is_terminal
    from runner_bridge.cli.run_output import Says
    from runner_bridge.core.actions import Mode

    json = output == "json" or (output is None and not is_terminal())
    says = Says(json=json, colour=is_terminal())
    wanted = Wanted(
        policy=read_policy(policy),
        policy_file=policy,
        ledger=ledger_url,
        witness=witness,
        mode=Mode(mode),
        kubeconfig=kubeconfig,
        context=context,
        says=says,
    )
    try:
        return asyncio.run(_run(wanted, says, once=once))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


async def _run(wanted: Wanted, says: Says, *, once: bool) -> int:
    from runner_bridge.cli.bridge import open_bridge

    told: list[signal.Signals] = []
    stop = asyncio.Event()

    def end(number: signal.Signals) -> None:
        told.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    async with open_bridge(wanted) as bridge:
        server, api = bridge.cluster.reader.server, bridge.api
        if not api.is_judgeable:
            says.note(f"{server}: nothing can be judged: {api.explanation}.")
            return UNPROVEN
        where = f"{wanted.policy.cluster.name} at {server}"
        says.note(f"{where}, mode {wanted.mode}; {api.explanation}; ledger {bridge.ledger.name}.")
        try:
            await (bridge.once() if once else bridge.run(stop))
        finally:
            _sum_up(bridge, says)
    if signal.SIGINT in told:
        return INTERRUPTED
    return _code(bridge.verdicts, whole=bridge.is_whole) if once else CLEAN


def _sum_up(bridge: Bridge, says: Says) -> None:
    state = bridge.state()
    says.summary(bridge.verdicts, done=state.acts.done, failed=state.acts.failed, at=state.at)


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
