"""`runner-bridge map`: which projects fall into which tier, by which rule."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner_bridge.cli import CLEAN, FINDINGS
from runner_bridge.cli.gitlab_access import cache_path, gitlab_options, reading_token
from runner_bridge.cli.load import policy_option, read_policy
from runner_bridge.cli.output import emit, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_bridge.ask.answers.mapping import MappingAnswer
    from runner_bridge.ports.gitlab import Cache, Known
    from runner_bridge.ports.gitlab.projects import Projects

_EVERY = 1000
"""After so many projects a line says how far it is."""


@click.command()
@policy_option
@click.option("--project", metavar="PROJECT", help="Ask for one project: its path, number, or the address of its page.")
@click.option("--tier", metavar="NAME", default="", help="Show one tier alone; `none` for projects without one.")
@click.option("--audit", "is_audit", is_flag=True, help="Say who could run whose jobs instead, against the policy.")
@click.option(
    "--config",
    "configurations",
    metavar="FILE",
    multiple=True,
    help="For --audit: a config.toml by whose tokens declared runners are known; several are possible.",
)
@click.option("--offline", is_flag=True, help="Ask nothing: use what is kept, and say how old it is.")
@click.option("--all", "is_whole", is_flag=True, help="List all projects again, not what changed alone.")
@gitlab_options
@click.option("-o", "--output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def command(  # noqa: PLR0913 - click hands in each option by name
    *,
    policy: str,
    project: str | None,
    tier: str,
    is_audit: bool,
    configurations: tuple[str, ...],
    offline: bool,
    is_whole: bool,
    token_file: str | None,
    cache: str | None,
    rate: float,
    output: str,
) -> int:
    """
    Say which projects fall into which tier, and by which rule.

    Projects are asked of GitLab and kept in a file: what changed each time, everything every six hours. Where GitLab
    cannot be asked, what is kept is used. Exit code 1: a project that is shown is in no tier, or it cannot be told.

    With --audit: which runners could take jobs that are not theirs, because of scope, tags or settings in GitLab. Exit
    code 1: some could; 3: none was found, and not everything was seen.

    \b
      runner-bridge map --token-file token
      runner-bridge map --tier infra -o csv
      runner-bridge map --project platform/deploy
      runner-bridge map --audit --config config.toml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from runner_bridge.ask.answers.mapping import NO_TIER, map_projects
    from runner_bridge.core.mapping import Mapper
    from runner_bridge.ports.gitlab import Budget, Cache, is_gitlab_com, open_gitlab

    loaded = read_policy(policy)
    if tier not in {"", NO_TIER, *loaded.tiers}:
        message = f"--tier {tier!r}: is no tier of the policy. Its tiers are {', '.join(loaded.tiers)}."
        raise click.UsageError(message)
    if is_audit and (offline or project is not None or tier == NO_TIER):
        message = "--audit asks GitLab about all projects of a tier: leave --offline, --project and --tier none out."
        raise click.UsageError(message)
    if configurations and not is_audit:
        message = "--config is for --audit alone."
        raise click.UsageError(message)
    mapper = Mapper(loaded)
    url = loaded.gitlab.url
    kept = Cache(
        path=cache_path(cache, url),
        url=url,
        roots=loaded.gitlab.root_groups,
        with_attributes=mapper.needs_attributes and not is_gitlab_com(url),
    )
    source = None if offline else reading_token(token_file)
    now = datetime.now(tz=UTC)

    if is_audit:
        from runner_bridge.cli import map_audit

        return map_audit.run(
            loaded,
            mapper,
            refresh=lambda gitlab: kept.refresh(gitlab.projects, now=now, is_whole=is_whole, progress=_progress()),
            gitlab=lambda: open_gitlab(url, tokens=source or {}, budget=Budget(per_s=rate)),
            configurations=configurations,
            tier=tier,
            now=now,
            output=output,
        )

    async def ask() -> Known:
        if source is None:
            return await _kept(kept, project, url)
        async with open_gitlab(url, tokens=source, budget=Budget(per_s=rate)) as gitlab:
            if project is not None:
                return await _one(gitlab.projects, kept, _ref(project, url), now)
            return await kept.refresh(gitlab.projects, now=now, is_whole=is_whole, progress=_progress())

    known = asyncio.run(ask())
    if known.problem:
        note(f"runner-bridge: {known.problem} What was kept is used.")
    answer = map_projects(
        loaded,
        mapper.place_all(known.projects.values()),
        as_of=known.refreshed_at,
        now=now,
        tier=tier,
        problem=known.problem,
    )
    _write(answer, output)
    return FINDINGS if answer.unplaced else CLEAN


async def _kept(cache: Cache, project: str | None, url: str) -> Known:
    """Return what is kept, of all projects or of one."""
    from runner_bridge.core.errors import SettingsError

    known = await cache.read()
    if known is None:
        message = f"{cache.path}: holds no projects of {url} for this policy. Run it once without --offline."
        raise SettingsError(message)
    return known if project is None else _only(known, _ref(project, url))


async def _one(projects: Projects, cache: Cache, ref: int | str, now: datetime) -> Known:
    """Ask for one project; where GitLab cannot be asked, return it as it is kept."""
    from runner_bridge.core.errors import NeighbourError, SettingsError
    from runner_bridge.ports.gitlab import Known

    try:
        found = await projects.get(ref, with_attributes=cache.with_attributes)
    except NeighbourError as error:
        known = await cache.read()
        if known is None:
            raise
        return replace(_only(known, ref), problem=str(error))
    if found is None:
        message = (
            f"{cache.url}: there is no project {ref} that the token sees. Correct it, or add its owner as a member."
        )
        raise SettingsError(message)
    return Known(projects={found.id: found}, swept_at=now, refreshed_at=now)


def _only(known: Known, ref: int | str) -> Known:
    from runner_bridge.core.errors import SettingsError

    path = str(ref).lower()
    found = {number: one for number, one in known.projects.items() if ref == number or one.path.lower() == path}
    if not found:
        message = f"project {ref} is not among those that are kept. Ask GitLab: leave --offline out."
        raise SettingsError(message)
    return replace(known, projects=found)


def _ref(text: str, url: str) -> int | str:
    """Read a number, a path, or the address of a page of the project."""
    path = text.removeprefix(url).strip("/").removesuffix(".git").partition("/-/")[0]
    if path.isascii() and path.isdecimal():
        return int(path)
    if "/" not in path or "://" in path:
        message = (
            f"--project {text!r}: expected a full path such as platform/deploy, a number, or an address below {url}."
        )
        raise click.UsageError(message)
    return path


def _progress() -> Callable[[int], None]:
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if count // _EVERY > told:
            told = count // _EVERY
            note(f"runner-bridge: {count:,} projects read")

    return tell


def _write(answer: MappingAnswer, output: str) -> None:
    if output == "json":
        from runner_bridge.ask.views import mapping_data

        emit(mapping_data.render_json(answer))
    elif output == "csv":
        from runner_bridge.ask.views import mapping_data

        emit(mapping_data.render_csv(answer))
    else:
        from runner_bridge.ask.views import mapping_table

        emit("".join(mapping_table.render(answer)))
