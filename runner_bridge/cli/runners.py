"""`runner-bridge runners list`: declared runners beside GitLab's."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.gitlab_access import TOKEN, reading_token
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.audit.unseen import Listing
    from runner_bridge.core.model.gitlab import Runner, RunnerManager
    from runner_bridge.core.policy.model import RunnerName
    from runner_bridge.ports.gitlab import GitLab


@click.group("runners", short_help="List the runners of the policy and of GitLab.")
def command() -> None:
    """List the runners of the policy and of GitLab."""


@command.command("list")
@policy_option
@click.option(
    "--config",
    "configurations",
    metavar="FILE",
    multiple=True,
    help="A config.toml by whose tokens declared runners are known; several are possible.",
)
@click.option("--all", "with_others", is_flag=True, help="Also runners that the policy does not have.")
@click.option(
    "--token-file",
    metavar="FILE",
    envvar="RUNNER_BRIDGE_GITLAB_TOKEN_FILE",
    show_envvar=True,
    help=f"A GitLab token with the scope read_api; else {TOKEN} holds it.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0.01, max=100),
    default=1.0,
    show_default=True,
    help="Requests to GitLab in a second, over a long time.",
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_runners(
    *,
    policy: str,
    configurations: tuple[str, ...],
    with_others: bool,
    token_file: str | None,
    rate: float,
    output: str,
) -> int:
    """
    Show declared runners as GitLab has them: managers, versions, when heard of, how long tokens are good for.

    Exit code 1: one is not there, not as declared, or its token has ended; 3: one is not there, and not all runners
    could be listed.

    \b
      runner-bridge runners list --token-file token --config config.toml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from runner_bridge.ask.answers.runners import list_all
    from runner_bridge.cli import gitlab_runners
    from runner_bridge.core.audit.identity import identify
    from runner_bridge.ports.gitlab import Budget, open_gitlab

    loaded = read_policy(policy)
    source = reading_token(token_file)

    async def ask() -> tuple[Listing, Mapping[int, RunnerName], dict[int, tuple[RunnerManager, ...]]]:
        known = await gitlab_runners.known_runners(loaded, configurations)
        async with open_gitlab(loaded.gitlab.url, tokens=source, budget=Budget(per_s=rate)) as gitlab:
            listing = await gitlab_runners.list_runners(gitlab, loaded, ())
            named = identify(loaded, listing.runners, known)
            shown = [one for one in listing.runners if one.id in named or with_others]
            return listing, named, await _managers(gitlab, shown)

    listing, named, managers = asyncio.run(ask())
    answer = list_all(loaded, listing, named, managers, with_others=with_others, now=datetime.now(tz=UTC))
    if output == "json":
        from runner_bridge.ask.views import runners_data

        emit(runners_data.render(answer))
    else:
        from runner_bridge.ask.views import runners_table

        emit("".join(runners_table.render(answer)))
    if answer.is_in_order:
        return CLEAN
    return FINDINGS if answer.is_proven else UNPROVEN


async def _managers(gitlab: GitLab, runners: Iterable[Runner]) -> dict[int, tuple[RunnerManager, ...]]:
    """Ask for the managers of each runner; those of a runner of somebody else's are not to be seen."""
    from runner_bridge.core.errors import DeniedError

    found = {}
    for one in runners:
        try:
            managers = await gitlab.runners.managers(one.id)
        except DeniedError:
            continue
        if managers is not None:
            found[one.id] = managers
    return found
