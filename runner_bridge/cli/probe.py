"""`probe`: one pod as the runner would make it for a tier, judged and asked what it met, and always deleted."""

from __future__ import annotations

import asyncio
import secrets
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import INTERRUPTED, UNPROVEN
from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from runner_bridge.ask.answers.probe import ProbeAnswer
    from runner_bridge.core.policy.model import Policy, Tier
    from runner_bridge.flow.probe import Wanted

DEFAULT_IMAGE = "busybox:1.37"
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""The letters that Kubernetes makes names of: no words come out of them."""


@click.command("probe", short_help="Make one pod as a runner would, and see where it comes out.")
@policy_option
@click.argument("tier")
@click.option(
    "--image",
    default=DEFAULT_IMAGE,
    show_default=True,
    metavar="IMAGE",
    help="What the pod runs; any image with a BusyBox. Clusters without a way out name one of their own registry.",
)
@click.option(
    "--echo",
    default="",
    metavar="URL",
    help="An end point that answers with the source address that it saw, to compare with the tier's egress.",
)
@click.option("--timeout", type=click.IntRange(10, 600), default=120, show_default=True, metavar="SECONDS")
@click.option("--kubeconfig", default="", metavar="FILE", help="As kubectl has it.")
@click.option("--context", default="", metavar="NAME", help="As kubectl has it.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(  # noqa: PLR0913 - click hands in each option by name
    *, policy: str, tier: str, image: str, echo: str, timeout: int, kubeconfig: str, context: str, output: str
) -> int:
    """
    Make one pod as a runner would for a job of TIER, and see where it comes out.

    Judges its address as check does, and asks from inside: is GitLab's name resolved, are the API server and GitLab
    reached, and with --echo, which source address does a destination see. The pod is deleted whatever happens.

    Exit codes: 0 as declared, 1 something is not, 2 wrong settings or policy, 3 not everything could be seen, 130
    interrupted.
    """
    from runner_bridge.cli.output import emit
    from runner_bridge.flow.probe import Wanted

    accepted = read_policy(policy)
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(5))
    wanted = Wanted(
        policy=accepted,
        tier=_tier(accepted, tier),
        image=image,
        echo=_url(echo),
        timeout_s=timeout,
        suffix=suffix,
    )
    found = asyncio.run(_probe(wanted, kubeconfig, context))
    if isinstance(found, int):
        return found
    emit(_json(found) if output == "json" else _text(found))
    return found.exit_code


def _tier(policy: Policy, name: str) -> Tier:
    """
    Return a tier that can be probed.

    Raises:
        SettingsError: there is none of that name, or it is for Windows.
    """
    from runner_bridge.core.errors import SettingsError

    found = next((tier for known, tier in policy.tiers.items() if known == name), None)
    if found is None:
        message = f"{name!r} is no tier of the policy. Its tiers are {', '.join(policy.tiers)}."
        raise SettingsError(message)
    if found.os == "windows":
        message = f"tier {name} is for Windows nodes, on which the pod of a probe cannot run. Probe another tier."
        raise SettingsError(message)
    return found


def _url(text: str) -> str:
    """
    Return the end point.

    Raises:
        SettingsError: it is no http or https address.
    """
    from urllib.parse import urlsplit

    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.redact import redact

    try:
        url = urlsplit(text)
        is_right = not text or (url.scheme in {"http", "https"} and bool(url.hostname) and text.isprintable())
    except ValueError:
        is_right = False
    if not is_right:
        message = f"--echo {redact(text)!r} is no address. Expected for example 'https://echo.example.com/'."
        raise SettingsError(message)
    return text


async def _probe(wanted: Wanted, kubeconfig: str, context: str) -> ProbeAnswer | int:
    """Run it; Ctrl-C and SIGTERM end it early, with the pod deleted."""
    from runner_bridge.cli.output import note

    told: list[signal.Signals] = []
    work = asyncio.ensure_future(_run(wanted, kubeconfig, context))

    def end(number: signal.Signals) -> None:
        if not told:
            note("runner-bridge: ending; the pod is deleted first.")
            work.cancel()
        told.append(number)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    try:
        return await work
    except asyncio.CancelledError:
        return INTERRUPTED if signal.SIGINT in told else UNPROVEN


async def _run(wanted: Wanted, kubeconfig: str, context: str) -> ProbeAnswer | int:
    from runner_bridge.ask.answers.probe import answer
    from runner_bridge.cli.output import note
    from runner_bridge.core.redact import redact
    from runner_bridge.flow.probe import Probe, Tools
    from runner_bridge.ports.kube import Patience, discover_calico, open_cluster

    def now() -> datetime:
        return datetime.now(tz=UTC)

    def says(text: str) -> None:
        note(f"{now():%H:%M:%S} {redact(text)}")

    async with open_cluster(kubeconfig=kubeconfig, context=context, patience=Patience(attempts=3)) as cluster:
        calico = await discover_calico(cluster.reader)
        if not calico.is_judgeable:
            note(f"runner-bridge: {cluster.reader.server}: nothing can be judged: {calico.explanation}.")
            return UNPROVEN
        tools = Tools(
            reads=cluster.reader, writes=cluster.writer, calico=calico, clock=now, pause=asyncio.sleep, says=says
        )
        probed = await Probe(wanted, tools).run()
        session = cluster.session
        source = f"{session.reads} GETs, {session.writes} writes: asked {session.server}; {calico.explanation}."
        return answer(probed, image=wanted.image, at=now(), source=source)


def _json(found: ProbeAnswer) -> str:
    from runner_bridge.ask.views import findings_json, probe

    return findings_json.render(found.findings, head=probe.head(found))


def _text(found: ProbeAnswer) -> str:
    from runner_bridge.ask.views import findings_text, probe
    from runner_bridge.cli.output import is_terminal, width

    body = findings_text.render(found.findings, colour=is_terminal(), width=min(width(), 100))
    parts = (probe.text(found), body, f"{found.summary} {found.source}\n")
    return "\n".join(part for part in parts if part)
