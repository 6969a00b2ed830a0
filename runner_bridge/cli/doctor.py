"""`doctor`: is this cluster ready for what the policy says, and may this account do what the bridge needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS
from runner_bridge.cli.load import policy_option, read_policy

if TYPE_CHECKING:
    from runner_bridge.cli.doctor_ask import Examined
    from runner_bridge.core.model.gitlab import Access
    from runner_bridge.core.policy.model import Policy

PURPOSES = ("check", "observe", "label", "enforce", "probe")


@click.command("doctor", short_help="Look whether a cluster is ready: rights, Calico, pools.")
@policy_option
@click.option("--kubeconfig", default="", metavar="FILE", help="Ask the cluster of this file instead of kubectl's.")
@click.option("--context", default="", metavar="NAME", help="Ask the cluster of this context of the kubeconfig.")
@click.option("-n", "--namespace", default="", metavar="NS", help="Job pods are in this namespace alone.")
@click.option(
    "--for",
    "purpose",
    type=click.Choice(PURPOSES),
    default="check",
    show_default=True,
    help="What the account is for: rights are asked for one by one.",
)
@click.option(
    "--lease",
    default="",
    metavar="NAMESPACE/NAME",
    help="Ask for the rights on the Lease of run --lease, too.",
)
@click.option(
    "--blocks",
    type=click.Choice(("on-demand", "watch")),
    default="on-demand",
    show_default=True,
    help="Ask for the rights of run --blocks, too.",
)
@click.option("--gitlab", is_flag=True, help="Ask GitLab alone: what its tokens are good for, and what is off.")
@click.option("-o", "--output", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    kubeconfig: str,
    context: str,
    namespace: str,
    purpose: str,
    lease: str,
    blocks: str,
    gitlab: bool,
    output: str,
) -> int:
    """
    Look whether a cluster is ready for what the policy says, and whether this account may do what it is for.

    Asks the cluster that kubectl would ask, and writes nothing to it: rights one by one, how Calico's API is served,
    whether the policy's pools are there, give addresses, and are as declared, and what kube-proxy takes for pods.

    With --gitlab it asks GitLab instead, what the tokens in RUNNER_BRIDGE_GITLAB_TOKEN, …_CREATE_TOKEN and
    …_MANAGE_TOKEN are good for (with _FILE at the end: what file they are in).

    Exit codes: 0 nothing wrong, 1 findings, 2 wrong settings or policy, 3 the cluster cannot be asked.
    """
    from runner_bridge.cli.bridge.lease_name import read_lease_name
    from runner_bridge.cli.doctor_ask import examine_cluster
    from runner_bridge.cli.output import emit
    from runner_bridge.core.doctor import Purpose
    from runner_bridge.core.model import Severity

    accepted = read_policy(policy)
    if gitlab:
        return _gitlab(accepted, output)
    if purpose == Purpose.PROBE and not namespace:
        namespace = _of_probes(accepted)
    examined = examine_cluster(
        accepted,
        purpose=Purpose(purpose),
        namespace=namespace,
        lease=read_lease_name(lease) if lease else None,
        watches_blocks=blocks == "watch",
        kubeconfig=kubeconfig,
        context=context,
    )
    emit(_json(examined) if output == "json" else _text(examined))
    return FINDINGS if any(one.code.severity is not Severity.ADVICE for one in examined.findings) else CLEAN


def _gitlab(policy: Policy, output: str) -> int:
    """Say what the tokens are good for; a finding is one that is set and cannot be used, not one that is not set."""
    import asyncio
    from datetime import UTC, datetime

    import msgspec

    from runner_bridge.ask.views import access_text
    from runner_bridge.cli.gitlab_access import all_tokens
    from runner_bridge.cli.output import emit
    from runner_bridge.ports.gitlab import open_gitlab

    tokens = all_tokens()

    async def ask() -> Access:
        async with open_gitlab(policy.gitlab.url, tokens=tokens) as gitlab:
            return await gitlab.access()

    access = asyncio.run(ask())
    if output == "json":
        emit(msgspec.json.format(msgspec.json.encode(access), indent=2).decode() + "\n")
    else:
        emit(access_text.render(access, today=datetime.now(tz=UTC).date()))
    return FINDINGS if any(one.problem for one in access.tokens) else CLEAN


def _of_probes(policy: Policy) -> str:
    """
    Return the one namespace in which probes of this policy make their pods.

    Raises:
        SettingsError: there are several.
    """
    from runner_bridge.core.errors import SettingsError

    names = sorted({tier.job.namespace for tier in policy.tiers.values()})
    if len(names) > 1:
        message = f"--for probe: jobs run in {', '.join(names)}. Say with -n which of them is meant."
        raise SettingsError(message)
    return names[0]


def _json(examined: Examined) -> str:
    from runner_bridge.ask.views import findings_json

    return findings_json.render(examined.findings, head={"seen": dict(examined.seen), "source": examined.source})


def _text(examined: Examined) -> str:
    from collections import Counter

    from runner_bridge.ask.views import findings_text
    from runner_bridge.cli.output import is_terminal, width
    from runner_bridge.core.model import Severity

    seen = "".join(f"{name:<8} {text}\n" for name, text in examined.seen)
    body = findings_text.render(examined.findings, colour=is_terminal(), width=min(width(), 100))
    counts = Counter(one.code.severity for one in examined.findings)
    found = ", ".join(f"{counts[one]} {one}{'s' * (counts[one] != 1)}" for one in Severity if counts[one])
    found = found.replace("advices", "advice")
    parts = (seen, body, f"{found or 'Nothing wrong'}. {examined.source}\n")
    return "\n".join(part for part in parts if part)
