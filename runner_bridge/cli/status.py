"""`status`: how a running bridge stands, in one screen; or one look at the cluster, without a bridge."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from runner_bridge.cli.bridge.web import DEFAULT_PORT

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.ask.answers.status import StatusAnswer
    from runner_bridge.core.model.cluster import Snapshot
    from runner_bridge.core.model.verdict import Judgement

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
_GIVEN = click.core.ParameterSource.COMMANDLINE
TOKEN = "RUNNER_BRIDGE_TOKEN"  # noqa: S105 - the name of the variable


@click.command("status", short_help="Say how a running bridge stands, in one screen.")
@click.option(
    "--url",
    default="",
    metavar="URL",
    envvar="RUNNER_BRIDGE_URL",
    show_envvar=True,
    help=f"Where the bridge listens.  [default: {DEFAULT_URL}]",
)
@click.option("--token", default="", metavar="FILE", help=f"File that holds your token; or set {TOKEN}.")
@click.option("--policy", "-p", default="", metavar="PATH", help="Ask no bridge: look at the cluster once, with this.")
@click.option("--kubeconfig", default="", metavar="FILE", help="With --policy: ask the cluster of this file.")
@click.option("--context", default="", metavar="NAME", help="With --policy: ask the cluster of this context.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(*, url: str, token: str, policy: str, kubeconfig: str, context: str, output: str) -> int:
    """
    Say how a running bridge stands, in one screen.

    Asks the bridge where it listens. With --policy no bridge is needed: the cluster is looked at once, nothing is
    written, and the answer says that it comes from no running bridge.

    Exit codes: 0 clean, 1 a breach, 2 wrong usage, 3 something is not proven, the bridge is not ready, or nobody
    answers.
    """
    from runner_bridge.ask.views import status_data, status_text
    from runner_bridge.cli.output import emit, is_terminal, width

    if (kubeconfig or context) and not policy:
        message = "--kubeconfig and --context look at a cluster, and that needs a policy. Name it with --policy."
        raise click.UsageError(message)
    if policy and (token or click.get_current_context().get_parameter_source("url") is _GIVEN):
        message = "--policy looks at the cluster without a bridge, --url and --token ask one. Give one of both."
        raise click.UsageError(message)
    answer = _look(policy, kubeconfig, context) if policy else _ask(url or DEFAULT_URL, token)
    if output == "json":
        emit(status_data.render(answer))
    else:
        emit(status_text.render(answer, colour=is_terminal(), width=min(width(), 100)))
    return answer.exit_code


def _ask(url: str, token: str) -> StatusAnswer:
    from runner_bridge.ask.views import status_data
    from runner_bridge.ports.bridge import read_status
    from runner_bridge.ports.files import read_text

    secret = read_text(token).strip() if token else os.environ.get(TOKEN, "")
    return status_data.read(asyncio.run(read_status(url, token=secret)), name=url)


def _look(path: str, kubeconfig: str, context: str) -> StatusAnswer:
    from runner_bridge import __version__
    from runner_bridge.ask.answers import check, status
    from runner_bridge.cli.check.live import check_live
    from runner_bridge.cli.check.scope import Scope
    from runner_bridge.cli.load import read_policy
    from runner_bridge.core.holding import holding
    from runner_bridge.core.judge import judge
    from runner_bridge.core.model.state import BridgeState, CalicoState, PolicyState

    policy = read_policy(path)
    taken: list[Snapshot] = []

    def judged(snapshot: Snapshot, at: datetime) -> Judgement:
        taken.append(snapshot)
        return judge(policy, snapshot, now=at)

    live = check_live(judged, scope=Scope(), kubeconfig=kubeconfig, context=context)
    snapshot = taken[-1]
    held = holding(policy, snapshot.pods)
    state = BridgeState(
        at=live.at,
        started_at=live.at,
        version=__version__,
        cluster=policy.cluster.name,
        server=live.server,
        mode="observe",
        calico=CalicoState(explanation=live.calico, is_judgeable=bool(snapshot.pools)),
        policy=PolicyState(digest=policy.digest, file=path, loaded_at=live.at),
        gaps=snapshot.gaps,
    )
    checked = check.answer(live.judgement, source=live.source, judged_at=live.at)
    fills = status.fills(policy, held, pools=snapshot.pools)
    return status.answer(state, checked, held, fills, is_running=False)
