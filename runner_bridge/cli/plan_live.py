"""What `plan` and `apply` share: their options, whom they ask, and how a plan is shown."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner_bridge.cli.output import emit, is_terminal, width

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

    from runner_bridge.core.edits.targets import Targets
    from runner_bridge.core.model.edit import Plan
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.apply import Neighbours
    from runner_bridge.ports.gitlab import TokenSource

GITLAB, CLUSTER = "gitlab", "cluster"
Function = TypeVar("Function", bound="Callable[..., Any]")


def reach_options(function: Function) -> Function:
    """Add what says how to reach GitLab and the cluster."""
    for option in (
        click.option("--context", default="", metavar="NAME", help="Ask the cluster of this context."),
        click.option("--kubeconfig", default="", metavar="FILE", help="Ask the cluster of this file, not kubectl's."),
        click.option(
            "--rate",
            type=click.FloatRange(min=0.01, max=100),
            default=1.0,
            show_default=True,
            help="Requests to GitLab in a second, over a long time.",
        ),
        click.option(
            "--token-file",
            metavar="FILE",
            envvar="RUNNER_BRIDGE_GITLAB_TOKEN_FILE",
            show_envvar=True,
            help="A GitLab token that reads; those that create and manage are named by variables alone.",
        ),
    ):
        function = option(function)
    return function


def plan_options(function: Function) -> Function:
    """Add what says which part of the policy is meant, and how to reach its neighbours."""
    function = reach_options(function)
    for option in (
        click.option("--pools", "with_pools", is_flag=True, help="IPPools that the policy generates, too."),
        click.option(
            "--target",
            "targets",
            metavar="ADDRESS",
            multiple=True,
            help="Only runner.NAME, configuration.NAME or pool.NAME; several are possible.",
        ),
    ):
        function = option(function)
    return function


@asynccontextmanager
async def neighbours(
    policy: Policy,
    *,
    without: Collection[str] = (),
    token_file: str | None,
    rate: float,
    kubeconfig: str,
    context: str,
) -> AsyncIterator[Neighbours]:
    """
    Open GitLab and the cluster; one that there is no way to is part of what is yielded, with why.

    Raises:
        SettingsError: a kubeconfig or context that was named cannot be used.
    """
    from runner_bridge.core.errors import NeighbourError, SettingsError
    from runner_bridge.flow.apply import Neighbours
    from runner_bridge.ports.gitlab import Budget, open_gitlab
    from runner_bridge.ports.kube import Patience, open_cluster

    async with AsyncExitStack() as stack:
        gitlab, no_gitlab = None, "left out by --without gitlab"
        if GITLAB not in without:
            try:
                tokens = _tokens(token_file)
                opened = open_gitlab(policy.gitlab.url, tokens=tokens, budget=Budget(per_s=rate))
                gitlab = await stack.enter_async_context(opened)
            except SettingsError as error:
                no_gitlab = str(error)
        cluster, no_cluster = None, "left out by --without cluster"
        if CLUSTER not in without:
            try:
                reached = open_cluster(kubeconfig=kubeconfig, context=context, patience=Patience(attempts=3))
                cluster = await stack.enter_async_context(reached)
            except (SettingsError, NeighbourError) as error:
                if kubeconfig or context:
                    raise
                no_cluster = str(error)
        yield Neighbours(gitlab=gitlab, no_gitlab=no_gitlab, cluster=cluster, no_cluster=no_cluster)


def _tokens(token_file: str | None) -> Mapping[Purpose, TokenSource]:
    """Return where each token comes from; the one that reads is enough."""
    from runner_bridge.cli.gitlab_access import all_tokens, reading_token
    from runner_bridge.core.errors import SettingsError

    try:
        found = all_tokens()
    except SettingsError:
        found = {}
    return {**found, **reading_token(token_file)} if token_file or not found else found


def planned(targets: Targets, live: Any, *, with_pools: bool, without: Collection[str] = ()) -> Plan:  # noqa: ANN401
    """Return the plan of what is meant; what was left out on purpose is not said to be unseen."""
    from msgspec import structs

    from runner_bridge.core.edits.plan import plan
    from runner_bridge.core.model.codes import plan as codes

    left_out = {
        code for name, code in ((GITLAB, codes.RUNNERS_UNSEEN), (CLUSTER, codes.POOLS_UNSEEN)) if name in without
    }
    if not targets.asks_gitlab:
        left_out.add(codes.RUNNERS_UNSEEN)
    found = targets.of(plan(targets.policy, live, with_pools=with_pools or targets.names_pools))
    return structs.replace(found, unseen=tuple(one for one in found.unseen if one.code not in left_out))


def show(plan: Plan) -> None:
    """Write a plan for people: the edits, what could not be compared, and the counts."""
    from runner_bridge.ask.views import findings_text, plan_text

    columns = min(width(), 100)
    edits = plan_text.render(plan, colour=is_terminal(), width=columns)
    unseen = findings_text.render(plan.unseen, colour=is_terminal(), width=columns)
    emit("".join(part for part in (edits, unseen, "\n" if unseen else "", plan_text.counted(plan), "\n") if part))
