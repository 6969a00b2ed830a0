"""`runner-bridge apply`: makes a plan real, waits until managers have loaded it, and says what stands where."""

from __future__ import annotations

import asyncio
import sys
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.ledger_access import ledger_option
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit, note
from runner_bridge.cli.plan_live import GITLAB, neighbours, plan_options, planned, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.core.model.edit import Plan
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.apply import Applying, Book, Line


@click.command("apply", short_help="Make a plan real, and wait until it is loaded.")
@policy_option
@plan_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait",
    "within_s",
    type=click.FloatRange(min=1, max=3600),
    default=180.0,
    show_default=True,
    help="Seconds that managers have to load a configuration; a mounted Secret takes up to two minutes.",
)
@ledger_option
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    targets: tuple[str, ...],
    with_pools: bool,
    token_file: str | None,
    rate: float,
    kubeconfig: str,
    context: str,
    yes: bool,
    within_s: float,
    ledger_url: str,
) -> int:
    """
    Make what differs as the policy declares it, and wait until every manager has loaded it.

    Shows the plan, asks, and does it in order: pools (with --pools), runners (created paused), their tokens, what
    managers read, and at last their service. A configuration that a manager refuses, or does not load in time, is put
    back to the bytes that were there before. No manager is restarted. Every step is in the ledger before it is done;
    what was cut off is finished by running it again.

    Tokens: RUNNER_BRIDGE_GITLAB_TOKEN reads, …_CREATE_TOKEN creates runners, …_MANAGE_TOKEN changes them.

    \b
      runner-bridge apply
      runner-bridge apply --target runner.infra-platform --yes

    Exit codes: 0 everything is as declared, 1 something is left, 2 wrong usage, settings or policy, 3 not everything
    could be compared, so nothing was applied, 4 the ledger cannot be written.
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from runner_bridge.core.edits.targets import Targets

    meant = Targets(read_policy(policy), targets)
    if not yes and not sys.stdin.isatty():
        message = "apply asks before it changes anything, and nobody is there to answer. Give --yes to go on."
        raise click.UsageError(message)

    async def work() -> int:
        from runner_bridge.flow.apply import Applying, Tools, read_live

        left_out = () if meant.asks_gitlab else (GITLAB,)
        async with (
            _book(meant.policy, ledger_url) as book,
            neighbours(
                meant.policy,
                without=left_out,
                token_file=token_file,
                rate=rate,
                kubeconfig=kubeconfig,
                context=context,
            ) as whom,
        ):
            live = await read_live(meant.policy, whom)
            found = planned(meant, live, with_pools=with_pools)
            if not _goes_on(found, yes=yes):
                return CLEAN if found.is_empty and not found.unseen else UNPROVEN if found.unseen else FINDINGS
            told = _Told()
            where = live.runners.targets if live.runners else {}
            tools = Tools(book=book, tell=told, within_s=within_s)
            return await _apply(Applying(meant.policy, where, whom, tools), found, told)

    return asyncio.run(work())


def _goes_on(plan: Plan, *, yes: bool) -> bool:
    """Show a plan, and tell whether it is to be applied."""
    show(plan)
    if plan.unseen:
        note("runner-bridge: nothing was applied: first what is said above has to be seen to, or named with --target.")
        return False
    return not plan.is_empty and (yes or click.confirm("\nApply this?"))


async def _apply(applying: Applying, plan: Plan, told: _Told) -> int:
    from runner_bridge.core.errors import RunnerBridgeError

    try:
        await applying.check(plan)
    except RunnerBridgeError:
        note("runner-bridge: nothing was applied:")
        raise
    emit("\n")
    await applying.run(plan)
    emit(f"\nApplied: {told.done} done, {told.left} left.\n")
    return FINDINGS if told.left else CLEAN


class _Told:
    """Writes how each edit ended, and counts."""

    def __init__(self) -> None:
        self.done = 0
        self.left = 0

    def __call__(self, line: Line) -> None:
        from runner_bridge.core.redact import redact

        self.done += line.is_done
        self.left += not line.is_done
        emit(redact(f"{'done' if line.is_done else 'LEFT'}  {line.address}: {line.text}\n"))


@asynccontextmanager
async def _book(policy: Policy, url: str) -> AsyncIterator[Book]:
    """
    Open a term of the ledger, and settle what an earlier apply has left open.

    Raises:
        SettingsError, LedgerError: it cannot be written.
    """
    from runner_bridge.cli.bridge.rooms import actor
    from runner_bridge.core.model.ledger import Purpose
    from runner_bridge.flow.apply import Book
    from runner_bridge.ports.ledger import Ledger

    def now() -> datetime:
        return datetime.now(tz=UTC)

    name = policy.cluster.name
    ledger = await asyncio.to_thread(Ledger.open, url)
    try:
        writer = await asyncio.to_thread(
            ledger.write, purpose=Purpose.APPLY, cluster=name, at=now(), gitlab=policy.gitlab.url, actor=actor()
        )
        try:
            book = Book(policy, actor(), writer.append, clock=now, act_id=lambda: uuid.uuid4().hex)
            open_steps = await asyncio.to_thread(ledger.unsettled, name)
            await book.settle(one for one in open_steps if not one.pod_uid)
            yield book
        finally:
            await asyncio.to_thread(writer.close)
    finally:
        await asyncio.to_thread(ledger.close)
