"""`runner-bridge hooks plan|apply|verify`: the webhooks in GitLab that tell a running bridge of jobs."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.gitlab_access import TOKEN, VARIABLES
from runner_bridge.cli.hook_secrets import SecretFiles, hook_secret_options, secrets_to_set
from runner_bridge.cli.hooks_work import Asked, code, done, look, opened, ours, show, works
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.cli.hooks_work import Seen
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.ports.gitlab import TokenSource

Function = TypeVar("Function", bound="Callable[..., Any]")
PATH = "/hooks/gitlab"


@click.group("hooks", short_help="Plan, apply and verify the webhooks that tell a running bridge of jobs.")
def command() -> None:
    """
    Plan, apply and verify the webhooks in GitLab that tell a running bridge of jobs.

    There is one for each group or project that a declared runner is offered to; what an instance runner serves is told
    by the policy's root groups. Group webhooks take GitLab Premium: --per-project makes one for each project instead.
    """


def _options(function: Function) -> Function:
    for option in (
        click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True),
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
            envvar=f"{VARIABLES['api']}_FILE",
            show_envvar=True,
            help=f"A GitLab token with the scope api; else {VARIABLES['api']} holds it. To plan, read_api is enough.",
        ),
        click.option("--per-project", is_flag=True, help="A webhook for each project below a group, none of groups."),
        click.option("--skip-tls-check", is_flag=True, help="GitLab does not check the certificate of the bridge."),
        click.option("--pipelines", is_flag=True, help="Also tell of pipelines: with their variables, in clear."),
        hook_secret_options,
        click.option(
            "--url",
            required=True,
            metavar="URL",
            envvar="RUNNER_BRIDGE_HOOKS_URL",
            show_envvar=True,
            help=f"Where GitLab reaches the bridge, for example https://bridge.example.com{PATH}.",
        ),
        policy_option,
    ):
        function = option(function)
    return function


@command.command("plan")
@_options
def plan(**options: Any) -> int:  # noqa: ANN401 - as click hands them in
    """
    Say which webhooks are missing or set otherwise.

    Exit codes: 0 nothing to do, 1 something is, 3 something could not be looked at.
    """
    asked = _asked(options)
    seen = _looked(asked)
    show(seen, asked)
    return code(seen)


@command.command("apply")
@_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--renew-secrets", is_flag=True, help="Set the secrets again, though GitLab has some: which, nobody sees."
)
def apply(*, yes: bool, renew_secrets: bool, **options: Any) -> int:  # noqa: ANN401 - as click hands them in
    """
    Create and change webhooks, so that there is one of ours for each owner; those of others are left alone.

    May be run again at any time: a webhook is known by its address. Secrets are never printed.

    Exit codes: 0 everything is as wanted, 1 not confirmed or not done, 3 something could not be looked at.
    """
    asked = _asked(options, renew=renew_secrets)

    seen = _looked(asked)
    show(seen, asked)
    if not seen.edits:
        return code(seen)
    if not yes and not click.confirm("Change these webhooks?", err=True):
        note("runner-bridge: nothing was changed.")
        return FINDINGS

    async def work() -> list[bool]:
        async with opened(asked) as gitlab:
            return [await done(gitlab, asked, seen, one) for one in seen.edits]

    if not all(asyncio.run(work())):
        return FINDINGS
    return UNPROVEN if seen.troubles else CLEAN


@command.command("verify")
@_options
def verify(**options: Any) -> int:  # noqa: ANN401 - as click hands them in
    """
    Have GitLab post the newest job to each webhook now, and say whether the bridge took it.

    A webhook that GitLab had switched off is on again once that works.

    Exit codes: 0 each is as wanted and works, 1 one is not or does not, 3 something could not be looked at.
    """
    asked = _asked(options)

    seen = _looked(asked)
    show(seen, asked)

    async def work() -> list[bool]:
        async with opened(asked) as gitlab:
            return [await works(gitlab, owner, one) for owner, one in ours(seen, asked.wanted)]

    tried = asyncio.run(work())
    return code(seen) or (CLEAN if all(tried) else FINDINGS)


def _looked(asked: Asked) -> Seen:
    async def work() -> Seen:
        async with opened(asked) as gitlab:
            return await look(gitlab, asked)

    return asyncio.run(work())


def _asked(options: dict[str, Any], *, renew: bool = False) -> Asked:
    """
    Read everything that the options name.

    Raises:
        SettingsError: a file cannot be read, no secret is named, or the address is none.
    """
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.model.webhooks import Wanted

    files = SecretFiles(signing=options["hook_signing"], token=options["hook_token"])
    if not files.are_given:
        message = "no secret: name one with --hook-signing-file (GitLab 19.0 or later) or --hook-token-file."
        raise SettingsError(message)
    secrets = secrets_to_set(files)
    wanted = Wanted(
        url=_address(options["url"]),
        with_pipelines=options["pipelines"],
        verifies_tls=not options["skip_tls_check"],
        is_signed=bool(secrets.signing),
        has_token=bool(secrets.token),
    )
    return Asked(
        policy=read_policy(options["policy"]),
        wanted=wanted,
        secrets=secrets,
        tokens=_tokens(options["token_file"]),
        per_project=options["per_project"],
        renew=renew,
        rate=options["rate"],
        output=options["output"],
    )


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        message = f"--url: expected an address such as https://bridge.example.com{PATH}, without a name or a password."
        raise click.UsageError(message)
    if parts.scheme == "http":
        note("runner-bridge: --url is http: what hooks say, and X-Gitlab-Token, travel in clear.")
    return url


def _tokens(token_file: str | None) -> Mapping[Purpose, TokenSource]:
    """Return the token that changes webhooks, which also reads; else the one that only reads, for a plan."""
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.ports.gitlab import EnvironmentToken, FileToken

    if token_file:
        source: TokenSource = FileToken(token_file)
        return {Purpose.HOOKS: source, Purpose.READ: source}
    if os.environ.get(VARIABLES["api"]):
        source = EnvironmentToken(VARIABLES["api"])
        return {Purpose.HOOKS: source, Purpose.READ: source}
    if os.environ.get(TOKEN):
        return {Purpose.READ: EnvironmentToken(TOKEN)}
    message = f"no GitLab token: name a file with --token-file, or set {VARIABLES['api']}. It needs the scope api."
    raise SettingsError(message)
