"""`runner-bridge explain PROJECT`: why a project gets its tier, pool and source address."""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS
from runner_bridge.cli.gitlab_access import TOKEN, reading_token
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit, is_terminal, width

if TYPE_CHECKING:
    from runner_bridge.core.model.gitlab import Project as Found
    from runner_bridge.core.policy.model import Address, Policy, Project, RuleKind

_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+")
"""GitLab, lib/gitlab/path_regex.rb, but for what it forbids at either end of a part."""


@click.command()
@click.argument("project")
@policy_option
@click.option("--id", "number", type=click.IntRange(min=1), help="The project's number, if PROJECT is its path.")
@click.option("--topic", "topics", metavar="NAME", multiple=True, help="A topic of the project; several are possible.")
@click.option(
    "--attribute",
    "attributes",
    metavar="KEY=VALUE",
    multiple=True,
    help="A custom attribute of the project; several are possible.",
)
@click.option("--live", is_flag=True, help="Ask GitLab for number, path, topics and attributes of the project.")
@click.option(
    "--token-file",
    metavar="FILE",
    envvar="RUNNER_BRIDGE_GITLAB_TOKEN_FILE",
    show_envvar=True,
    help=f"For --live: a GitLab token with the scope read_api; else {TOKEN} holds it.",
)
@click.option("--to", "destination", metavar="ADDRESS", help="What this one destination sees.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    project: str,
    policy: str,
    number: int | None,
    topics: tuple[str, ...],
    attributes: tuple[str, ...],
    live: bool,
    token_file: str | None,
    destination: str | None,
    output: str,
) -> int:
    """
    Say which tier PROJECT falls into and why, and what follows: runners, annotation, addresses.

    PROJECT is a full path, a number, or the address of its page. Exit code 1: it is in no tier, or in two.

    \b
      runner-bridge explain platform/deploy
      runner-bridge explain platform/deploy --to 192.0.2.10
      runner-bridge explain --live --token-file token platform/deploy
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from runner_bridge.ask.answers.explain import explain
    from runner_bridge.ask.views import explain_json, explain_text
    from runner_bridge.render.fragment import pool_annotations

    to = _address(destination)
    pairs = dict(_pair(text) for text in attributes)
    loaded = read_policy(policy)
    asked = _project(project, loaded, number, topics, pairs)
    known: frozenset[RuleKind] = frozenset()
    if live:
        if number or topics or pairs:
            message = "--live asks GitLab for what --id, --topic and --attribute say. Leave them out, or --live."
            raise click.UsageError(message)
        asked, known = _live(asked, loaded, token_file)
    answer = explain(loaded, asked, annotations_of=pool_annotations, destination=to, known=known)
    if output == "json":
        emit(explain_json.render(answer))
    else:
        emit(explain_text.render(answer, colour=is_terminal(), width=width()))
    return FINDINGS if answer.tier is None else CLEAN


def _project(
    text: str, policy: Policy, number: int | None, topics: tuple[str, ...], attributes: dict[str, str]
) -> Project:
    from runner_bridge.core.policy.model import Project, ProjectPath

    path = text.removeprefix(policy.gitlab.url).strip("/").removesuffix(".git").partition("/-/")[0]
    if path.isdecimal():
        if number is not None and number != int(path):
            message = f"two numbers: PROJECT is {path} and --id is {number}. Give one."
            raise click.UsageError(message)
        return Project(id=int(path), topics=topics, attributes=attributes)
    if "/" not in path or not _PATH.fullmatch(path):
        message = (
            f"{text!r} is no project: expected a full path such as platform/deploy, a number, or an address below "
            f"{policy.gitlab.url}."
        )
        raise click.UsageError(message)
    return Project(id=number, path=ProjectPath(path), topics=topics, attributes=attributes)


def _live(asked: Project, policy: Policy, token_file: str | None) -> tuple[Project, frozenset[RuleKind]]:
    """Return the project as GitLab has it now, and of which kinds of rules everything about it is known."""
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.policy.model import Project, ProjectPath, RuleKind
    from runner_bridge.ports.gitlab import is_gitlab_com, open_gitlab

    url = policy.gitlab.url
    ref = asked.id or asked.path or ""
    tokens = reading_token(token_file)

    async def ask() -> Found | None:
        async with open_gitlab(url, tokens=tokens) as gitlab:
            return await gitlab.projects.get(ref, with_attributes=not is_gitlab_com(url))

    found = asyncio.run(ask())
    if found is None:
        message = f"{url}: there is no project {ref} that the token sees. Correct it, or add its owner as a member."
        raise SettingsError(message)
    known = set(RuleKind) - ({RuleKind.ATTRIBUTE} if found.attributes is None else set())
    live = Project(
        id=found.id, path=ProjectPath(found.path), topics=found.topics, attributes=dict(found.attributes or ())
    )
    return live, frozenset(known)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        message = f"--attribute {text!r}: expected KEY=VALUE, for example tier=infra."
        raise click.UsageError(message)
    return key, value


def _address(text: str | None) -> Address | None:
    if text is None:
        return None
    try:
        return ip_address(text)
    except ValueError as error:
        message = f"--to {text!r}: expected an address, for example 192.0.2.10."
        raise click.UsageError(message) from error
