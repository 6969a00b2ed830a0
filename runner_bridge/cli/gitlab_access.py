"""What verbs that ask GitLab share: where the token and the kept projects are, and how often it may be asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.ports.gitlab import TokenSource

TOKEN = "RUNNER_BRIDGE_GITLAB_TOKEN"  # noqa: S105 - the name of a variable
VARIABLES: Mapping[str, str] = {
    "read_api": TOKEN,
    "create_runner": "RUNNER_BRIDGE_GITLAB_CREATE_TOKEN",
    "manage_runner": "RUNNER_BRIDGE_GITLAB_MANAGE_TOKEN",
    "api": "RUNNER_BRIDGE_GITLAB_HOOKS_TOKEN",
}
"""By scope: the variable that holds a token; with `_FILE` at its end, the one that names its file."""
Function = TypeVar("Function", bound="Callable[..., Any]")


def gitlab_options(function: Function) -> Function:
    """Add `--token-file`, `--cache` and `--rate`."""
    for option in (
        click.option(
            "--rate",
            type=click.FloatRange(min=0.01, max=100),
            default=1.0,
            show_default=True,
            help="Requests to GitLab in a second, over a long time.",
        ),
        click.option(
            "--cache",
            metavar="FILE",
            envvar="RUNNER_BRIDGE_PROJECTS",
            show_envvar=True,
            help="Where projects are kept; by default in your cache folder.",
        ),
        click.option(
            "--token-file",
            metavar="FILE",
            envvar="RUNNER_BRIDGE_GITLAB_TOKEN_FILE",
            show_envvar=True,
            help=f"A GitLab token with the scope read_api; else {TOKEN} holds it.",
        ),
    ):
        function = option(function)
    return function


def job_token_option(function: Function) -> Function:
    """Add `--gitlab-token-file`, for a verb whose `--token-file` is something else."""
    return click.option(
        "--gitlab-token-file",
        default="",
        metavar="FILE",
        envvar="RUNNER_BRIDGE_GITLAB_TOKEN_FILE",
        show_envvar=True,
        help=f"A GitLab token with the scope read_api, to confirm which jobs pods run; else {TOKEN} holds it.",
    )(function)


def job_tokens(token_file: str) -> Mapping[Purpose, TokenSource] | None:
    """Return where the token that reads comes from; None where none is named: then GitLab is not asked."""
    return reading_token(token_file) if token_file or os.environ.get(TOKEN) else None


def reading_token(token_file: str | None) -> Mapping[Purpose, TokenSource]:
    """
    Return where the token that reads comes from.

    Raises:
        SettingsError: none is named.
    """
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.ports.gitlab import EnvironmentToken, FileToken

    if token_file:
        return {Purpose.READ: FileToken(token_file)}
    if os.environ.get(TOKEN):
        return {Purpose.READ: EnvironmentToken(TOKEN)}
    message = f"no GitLab token: name a file with --token-file, or set {TOKEN}. It needs the scope read_api."
    raise SettingsError(message)


def all_tokens() -> Mapping[Purpose, TokenSource]:
    """
    Return where the token for each purpose comes from; the one that reads, and those to create and manage runners.

    Raises:
        SettingsError: none is named at all.
    """
    from runner_bridge.core.errors import SettingsError
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.ports.gitlab import EnvironmentToken, FileToken

    found: dict[Purpose, TokenSource] = {}
    for scope, variable in VARIABLES.items():
        if file := os.environ.get(f"{variable}_FILE"):
            found[Purpose(scope)] = FileToken(file)
        elif os.environ.get(variable):
            found[Purpose(scope)] = EnvironmentToken(variable)
    if not found:
        names = ", ".join(f"{name} ({scope})" for scope, name in VARIABLES.items())
        message = f"no GitLab token: set one of {names}, or name a file in one of them with _FILE at its end."
        raise SettingsError(message)
    return found


def cache_path(given: str | None, url: str) -> str:
    """
    Return where the projects of a GitLab are kept; the folder is made where it is ours.

    Raises:
        SettingsError: the folder cannot be made.
    """
    from runner_bridge.ports import files

    if given:
        return given
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    folder = Path(home) / "runner-bridge"
    files.make_folder(str(folder))
    return str(folder / f"projects-{quote(url.partition('://')[2], safe='.-')}.jsonl")
