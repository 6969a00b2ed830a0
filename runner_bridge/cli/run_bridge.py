"""`run`: watch a cluster, judge every job pod as it comes, keep the record, and label where that is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import click

from runner_bridge.cli import CLEAN, FINDINGS, INTERRUPTED, LEDGER, UNPROVEN
from runner_bridge.cli.bridge.web import Web, api_tokens_option, listen_option, listening, read_api_tokens
from runner_bridge.cli.gitlab_access import job_token_option, job_tokens
from runner_bridge.cli.hook_secrets import SecretFiles, hook_secret_options, read_secrets
from runner_bridge.cli.ledger_access import ledger_option
from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.cli.bridge.reload import Files
    from runner_bridge.cli.bridge.wanted import Wanted
    from runner_bridge.cli.bridge.web import Place
    from runner_bridge.cli.run_output import Says
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.ports.gitlab import Budget, TokenSource

HARD_END_S: Final = 4.7
"""So long after it is told to end the process is ended, whatever hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What goes on beside the bridge."""

    web: Web | None
    """None: nobody is answered over HTTP."""
    files: Files
    drift_every_s: float | None
    """None: drift is not looked for."""
    gitlab: Mapping[Purpose, TokenSource] | None
    """Where the token comes from that GitLab is asked with about jobs; None: it is not asked."""
    budget: Budget | None
    """How often GitLab is asked in all, about jobs and for drift; None: it is not asked."""


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
@click.option(
    "--leader-elect/--no-leader-elect",
    "elect",
    default=None,
    help="Record and act only while holding a Lease, so that others can stand by. Default: yes in a pod of the "
    "cluster, else no.",
)
@click.option(
    "--lease",
    default="",
    metavar="NAMESPACE/NAME",
    help="The Lease of the election; with it there is one. Default: runner-bridge in the namespace of this pod.",
)
@click.option("--projects", multiple=True, metavar="FILE", help="GitLab's answer to GET /projects: paths of projects.")
@click.option("--config", "configs", multiple=True, metavar="FILE", help="A config.toml: which runner made which pod.")
@click.option(
    "--blocks",
    type=click.Choice(["on-demand", "watch"]),
    default="on-demand",
    show_default=True,
    help="on-demand reads the block that can hold a job pod's address; watch watches all of them, so that every change "
    "is noticed at once and every address of a pool of CI is accounted for. It takes the verb watch, and 3 to 7 kB of "
    "memory a block (20,000 blocks: 70 to 130 MB).",
)
@click.option(
    "--drift",
    "drift_min",
    type=click.FloatRange(min=1),
    default=None,
    metavar="MINUTES",
    help="Look so often for what was changed behind the policy; RUNNER_BRIDGE_GITLAB_TOKEN names a token that reads.",
)
@listen_option
@api_tokens_option
@hook_secret_options
@job_token_option
@click.option("--once", is_flag=True, help="Look once, judge, record, act, and end; without an election.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default=None,
    help="How to print and log; text for a terminal, else JSON lines.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warn", "error"]),
    default="info",
    show_default=True,
    help="What is logged on standard error; verdicts are printed on standard output whatever it is.",
)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    ledger_url: str,
    mode: str,
    kubeconfig: str,
    context: str,
    witness: str,
    elect: bool | None,
    lease: str,
    projects: tuple[str, ...],
    configs: tuple[str, ...],
    blocks: str,
    drift_min: float | None,
    listen: Place | None,
    api_tokens: str,
    hook_signing: str,
    hook_token: str,
    gitlab_token_file: str,
    once: bool,
    output: str | None,
    log_level: str,
) -> int:
    """
    Watch a cluster: judge, record, and label every job pod.

    Says each verdict that is new or has changed on a line of its own. Ends on SIGTERM or Ctrl-C, with what is in hand
    finished and recorded. A ledger that cannot be written while it runs stops all acting until it can be again. Policy,
    projects and config files that change are read again, at once on SIGHUP; what cannot be used changes nothing.

    With a GitLab token the job that each pod claims is confirmed, at one request a second at most. No verdict waits for
    that or depends on it.

    Exit codes: 0 ended as told; with --once: 0 no breach, 1 a breach, 3 something is not proven. 2 wrong settings,
    3 the cluster could not be asked, 4 the ledger could not be written when it started.
    """
    from runner_bridge import __version__
    from runner_bridge.ask.metrics import Metrics
    from runner_bridge.cli.bridge.reload import Files, Inputs, read_known, stamp
    from runner_bridge.cli.bridge.wanted import Wanted, present
    from runner_bridge.cli.log import open_log
    from runner_bridge.cli.output import is_terminal, note
    from runner_bridge.cli.run_output import Says
    from runner_bridge.core.actions import Mode

    # Until there is a bridge that can read its files again: what changes before that is noticed by itself. A function
    # and not SIG_IGN, which programs that are started for a kubeconfig would inherit.
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)
    json = output == "json" or (output is None and not is_terminal())
    log = open_log(write=note, clock=present, level=log_level, json_lines=json)
    says = Says(json=json, colour=is_terminal(), log=log)
    inputs = Inputs(policy=policy, projects=projects, configs=configs)
    seen = stamp(inputs)  # before they are read, so that no change falls in between
    accepted = read_policy(policy)
    metrics = Metrics(__version__, accepted)
    hooks = SecretFiles(signing=hook_signing, token=hook_token)
    if hooks.are_given and listen is None:
        message = "--hook-signing-file and --hook-token-file are of no use with --listen off: hooks come over HTTP."
        raise click.UsageError(message)
    read_secrets(hooks)  # what is wrong with them is told before anything is watched
    web = (
        None
        if once or listen is None
        else Web(place=listen, metrics=metrics, tokens=read_api_tokens(api_tokens), hooks=hooks)
    )
    wanted = Wanted(
        policy=accepted,
        policy_file=policy,
        ledger=ledger_url,
        witness=witness,
        mode=Mode(mode),
        kubeconfig=kubeconfig,
        context=context,
        elect=False if once else elect,
        lease=lease,
        watch_blocks=blocks == "watch",
        says=says,
        log=log,
        measures=metrics,
        known=read_known(inputs, accepted),
    )
    every_s = None if drift_min is None else drift_min * 60
    gitlab = None if once else job_tokens(gitlab_token_file)
    beside = _Beside(
        web=web,
        files=Files(inputs=inputs, seen=seen),
        drift_every_s=every_s,
        gitlab=gitlab,
        budget=None if gitlab is None and every_s is None else _budget(),
    )
    try:
        return asyncio.run(_run(wanted, says, beside, once=once))
    except BaseExceptionGroup as errors:
        raise first_error(errors) from errors


async def _run(wanted: Wanted, says: Says, beside: _Beside, *, once: bool) -> int:
    """Work until a signal; a cluster that does not answer when it starts does not keep it from ending."""
    told: list[signal.Signals] = []
    over: list[int] = []
    stop = asyncio.Event()
    opened = asyncio.Event()
    working = asyncio.create_task(_work(wanted, says, beside, stop, opened, once=once), name="work")

    def end(number: signal.Signals) -> None:
        if not told:
            _end_hard_after(HARD_END_S, over)
        told.append(number)
        stop.set()
        if once or not opened.is_set():
            working.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    code = UNPROVEN if once else CLEAN  # told to end before it had looked
    try:
        code = await working
    except asyncio.CancelledError:
        if not told:
            raise
    over.append(INTERRUPTED if signal.SIGINT in told else code)
    return over[0]


async def _work(
    wanted: Wanted, says: Says, beside: _Beside, stop: asyncio.Event, opened: asyncio.Event, *, once: bool
) -> int:
    from runner_bridge.cli.bridge.facts import asking
    from runner_bridge.cli.bridge.opening import open_bridge

    url = wanted.policy.gitlab.url
    async with asking(url, beside.gitlab, beside.budget) as asks, open_bridge(replace(wanted, asks=asks)) as bridge:
        opened.set()
        server, api = bridge.cluster.reader.server, bridge.api
        if not api.is_judgeable:
            wanted.log.warning("nothing-can-be-judged", server=server, why=api.explanation)
            if once:
                return UNPROVEN
        wanted.log.info(
            "watching",
            cluster=wanted.policy.cluster.name,
            server=server,
            mode=wanted.mode,
            calico=api.explanation,
            ledger=bridge.ledger.name,
            lease=bridge.lead.name if bridge.lead is not None else "none",
            jobs=f"confirmed with {url}" if asks is not None else "not confirmed: no GitLab token",
        )
        try:
            async with _listening(bridge, beside.web):
                await (bridge.once() if once else _live(bridge, beside, stop))
        finally:
            _sum_up(bridge, says)
    return _code(bridge.verdicts, whole=bridge.is_whole) if once else CLEAN


async def _live(bridge: Bridge, beside: _Beside, stop: asyncio.Event) -> None:
    """Work, and look at the files again, until told to end."""
    from runner_bridge.cli.bridge.reload import reloading

    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, told.set)
    async with asyncio.TaskGroup() as group:
        files = beside.files
        looking = [group.create_task(reloading(bridge, files.inputs, told, seen=files.seen), name="look at files")]
        if beside.drift_every_s is not None:
            from runner_bridge.cli.bridge.drift import drifting

            work = drifting(bridge, every_s=beside.drift_every_s, budget=beside.budget)
            looking.append(group.create_task(work, name="look for drift"))
        await bridge.run(stop)
        for one in looking:
            one.cancel()


@contextlib.asynccontextmanager
async def _listening(bridge: Bridge, web: Web | None) -> AsyncIterator[None]:
    """Answer over HTTP where that is wanted; it is closed first at the end, while there is still something to ask."""
    if web is None:
        yield
        return
    log = bridge.wanted.log
    async with listening(bridge, web, tell=lambda text: log.info("http", said=text)) as address:
        log.info("listening", address=address, tokens=len(web.tokens))
        yield


def _end_hard_after(seconds: float, over: list[int]) -> None:
    """
    End the process for sure, whatever hangs: what it was told to end within is over.

    Nothing that was acknowledged is lost: a transaction of the ledger is on the disk as a whole, or is not. Once all is
    closed (`over` holds the exit code) only a thread can hang that waits for an answer of GitLab that nobody wants.
    """

    def end() -> None:
        if over:
            os._exit(over[0])
        note_hard = b"runner-bridge: it did not end in time, so it was ended; the ledger was not closed in order.\n"
        with contextlib.suppress(OSError):
            os.write(2, note_hard)
        os._exit(LEDGER)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _budget() -> Budget:
    from runner_bridge.ports.gitlab import Budget

    return Budget()


def _sum_up(bridge: Bridge, says: Says) -> None:
    state = bridge.state()
    says.summary(bridge.verdicts, done=state.acts.done, failed=state.acts.failed, at=state.at)


def _code(verdicts: tuple[Verdict, ...], *, whole: bool) -> int:
    from runner_bridge.core.model.finding import Outcome

    if any(one.outcome is Outcome.BREACH for one in verdicts):
        return FINDINGS
    unproven = any(one.outcome is Outcome.UNKNOWN and not one.pending for one in verdicts)
    return UNPROVEN if unproven or not whole else CLEAN


def first_error(errors: BaseExceptionGroup) -> BaseException:
    """Return the error of ours that ended everything, else the first one."""
    from runner_bridge.core.errors import RunnerBridgeError

    ours = errors.subgroup(RunnerBridgeError)
    found: BaseException = ours or errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
