"""`runner-bridge plan`: what differs between the policy and what is live, and what `apply` would do about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit, note
from runner_bridge.cli.plan_live import CLUSTER, GITLAB, neighbours, plan_options, planned, show

if TYPE_CHECKING:
    from runner_bridge.core.edits.plan import Live
    from runner_bridge.core.policy.model import Policy


@click.command("plan", short_help="Say what differs between the policy and what is live.")
@policy_option
@plan_options
@click.option(
    "--without",
    type=click.Choice([GITLAB, CLUSTER]),
    multiple=True,
    help="Do not ask it, and compare nothing of it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "terraform"]),
    default="text",
    show_default=True,
    help="terraform: the runners as blocks, for shops that keep them there.",
)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    targets: tuple[str, ...],
    with_pools: bool,
    token_file: str | None,
    rate: float,
    kubeconfig: str,
    context: str,
    without: tuple[str, ...],
    output: str,
) -> int:
    """
    Say what differs between the policy and what is live, and what apply would do about it.

    Compared are runners in GitLab, what their managers read, and with --pools the pools; nothing is written. The token
    that reads comes from --token-file or RUNNER_BRIDGE_GITLAB_TOKEN, and has to be of an owner: others do not see
    maintenance notes.

    \b
      runner-bridge plan --token-file token
      runner-bridge plan --target runner.infra-platform -o json
      runner-bridge plan --without cluster

    Exit codes: 0 nothing differs, 1 something does, 2 wrong usage or policy, 3 nothing differs in what could be
    compared, but not everything could.
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from runner_bridge.core.edits.targets import Targets
    from runner_bridge.core.redact import redact
    from runner_bridge.flow.apply import read_live

    meant = Targets(read_policy(policy), targets)
    left_out = {*without, *(() if meant.asks_gitlab else (GITLAB,))}

    async def read() -> Live:
        async with neighbours(
            meant.policy,
            without=left_out,
            token_file=token_file,
            rate=rate,
            kubeconfig=kubeconfig,
            context=context,
        ) as whom:
            return await read_live(meant.policy, whom)

    live = asyncio.run(read())
    found = planned(meant, live, with_pools=with_pools, without=without)
    if output == "terraform":
        emit(redact(_terraform(meant.policy, live)))
    elif output == "json":
        from runner_bridge.ask.views import findings_json, plan_data

        emit(findings_json.render(found.unseen, head=plan_data.head(found)))
    else:
        show(found)
    if without:
        note(f"runner-bridge: not asked, as you said: {' and '.join(sorted(without))}.")
    return FINDINGS if found.edits else UNPROVEN if found.unseen else CLEAN


def _terraform(policy: Policy, live: Live) -> str:
    """
    Return the runners as blocks.

    Raises:
        UnavailableError: GitLab could not be asked, so nobody knows the numbers of groups.
    """
    from runner_bridge.core.edits.runners import compare
    from runner_bridge.core.errors import UnavailableError
    from runner_bridge.render import terraform

    if live.runners is None:
        message = f"-o terraform needs the numbers of groups and runners: {live.runners_trouble}"
        raise UnavailableError(message)
    matched = compare(policy, live.runners).matched
    existing = {name: runner.id for name, runner in matched.items()}
    return terraform.blocks(policy, targets=live.runners.targets, existing=existing)
