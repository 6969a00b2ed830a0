"""`runner-bridge map --audit`: who could run whose jobs, by what GitLab lets happen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from runner_bridge.cli import CLEAN, FINDINGS, UNPROVEN
from runner_bridge.cli.output import emit, is_terminal, note, width

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from runner_bridge.ask.answers.audit import AuditAnswer
    from runner_bridge.core.audit.unseen import Listing
    from runner_bridge.core.edits.live import Known as Own
    from runner_bridge.core.mapping import Mapper
    from runner_bridge.core.policy.model import Policy, RunnerName
    from runner_bridge.ports.gitlab import GitLab, Known

    Named = list[tuple[RunnerName, Own]]


def run(  # noqa: PLR0913 - what the verb has made ready
    policy: Policy,
    mapper: Mapper,
    *,
    refresh: Callable[[GitLab], Awaitable[Known]],
    gitlab: Callable[[], AbstractAsyncContextManager[GitLab]],
    configurations: Sequence[str],
    tier: str,
    now: datetime,
    output: str,
) -> int:
    """
    Print the audit, and return the exit code.

    Args:
        policy: what is declared.
        mapper: of this policy.
        refresh: brings what is known of projects up to date.
        gitlab: opens GitLab.
        configurations: config.toml files.
        tier: show this one alone; empty for all.
        now: this moment.
        output: `table`, `json` or `csv`.

    Raises:
        NeighbourError: GitLab cannot be asked for runners.
        SettingsError, WireError: a file cannot be read.
    """
    from runner_bridge.ask.answers.audit import audit
    from runner_bridge.cli.gitlab_runners import known_runners, list_runners

    async def ask() -> tuple[Named, Known, Listing]:
        named = await known_runners(policy, configurations)
        async with gitlab() as opened:
            projects = await refresh(opened)
            return named, projects, await list_runners(opened, policy, projects.projects.values())

    known, projects, listing = asyncio.run(ask())
    if projects.problem:
        note(f"runner-bridge: {projects.problem} What was kept of projects is used.")
    answer = audit(
        policy,
        mapper.place_all(projects.projects.values()),
        listing,
        known,
        as_of=projects.refreshed_at,
        now=now,
        tier=tier,
        problem=projects.problem,
    )
    _write(answer, output)
    if answer.leaks:
        return FINDINGS
    return CLEAN if answer.is_whole else UNPROVEN


def _write(answer: AuditAnswer, output: str) -> None:
    from runner_bridge.ask.views import audit_data, audit_text, findings_json, findings_text

    match output:
        case "json":
            emit(audit_data.render_json(answer, findings=lambda found, head: findings_json.render(found, head=head)))
        case "csv":
            emit(audit_data.render_csv(answer))
            for one in answer.unseen:
                note(f"runner-bridge: {one.headline}")
        case _:
            wide = min(width(), 100)
            emit(
                audit_text.render(
                    answer, paragraphs=lambda found: findings_text.render(found, colour=is_terminal(), width=wide)
                )
            )
