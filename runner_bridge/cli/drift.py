"""`runner-bridge drift`: what was changed behind the policy, who is right, and the command that mends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit, is_terminal, note, width
from runner_bridge.cli.plan_live import CLUSTER, GITLAB, neighbours, reach_options

if TYPE_CHECKING:
    from runner_bridge.core.drift import Drift


@click.command("drift", short_help="Say what was changed behind the policy, and the command that mends it.")
@policy_option
@reach_options
@click.option(
    "--without",
    type=click.Choice([GITLAB, CLUSTER]),
    multiple=True,
    help="Do not ask it, and compare nothing of it.",
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    *,
    policy: str,
    token_file: str | None,
    rate: float,
    kubeconfig: str,
    context: str,
    without: tuple[str, ...],
    output: str,
) -> int:
    """
    Say what is live and not as declared, who is right, and the command that mends it.

    Compared are runners in GitLab, what their managers read, the pools that the policy generates, and annotations of
    namespaces; nothing is written. A server's defaults, the order of tags and renewed tokens are no drift.

    \b
      runner-bridge drift --token-file token
      runner-bridge drift --without gitlab -o json

    Exit codes: 0 no drift, 1 drift, 2 wrong usage or policy, 3 no drift in what could be compared, but not everything
    could.
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from msgspec import structs

    from runner_bridge.core.model.codes import drift as codes
    from runner_bridge.core.model.codes import plan as plan_codes
    from runner_bridge.flow.drift import read_drift

    loaded = read_policy(policy)

    async def read() -> Drift:
        reach = neighbours(
            loaded, without=without, token_file=token_file, rate=rate, kubeconfig=kubeconfig, context=context
        )
        async with reach as whom:
            return await read_drift(loaded, whom)

    found = asyncio.run(read())
    left_out = {GITLAB: {plan_codes.RUNNERS_UNSEEN}, CLUSTER: {plan_codes.POOLS_UNSEEN, codes.NAMESPACES_UNSEEN}}
    passed = set[object]().union(*(left_out[one] for one in without))
    found = structs.replace(found, unseen=tuple(one for one in found.unseen if one.code not in passed))
    _write(found, output)
    if without:
        note(f"runner-bridge: not asked, as you said: {' and '.join(sorted(without))}.")
    return FINDINGS if found.found else UNPROVEN if found.unseen else CLEAN


def _write(found: Drift, output: str) -> None:
    from runner_bridge.ask.views import drift_text, findings_json, findings_text

    if output == "json":
        head = {"drift": len(found.found), "unseen": len(found.unseen)}
        emit(findings_json.render((*found.found, *found.unseen), head=head))
        return
    columns = min(width(), 100)
    emit(
        drift_text.render(
            found, paragraphs=lambda some: findings_text.render(some, colour=is_terminal(), width=columns)
        )
    )
