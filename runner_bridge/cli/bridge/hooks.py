"""Hooks of GitLab, wired to a bridge: whose secrets they prove themselves with, and who is given the hints."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from runner_bridge.cli.hook_secrets import Keeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from runner_bridge.ask.hooks import Hint, Receiver
    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.cli.bridge.web import Web
    from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent


@asynccontextmanager
async def receiving(bridge: Bridge, web: Web, tell: Callable[[str], None]) -> AsyncIterator[Receiver | None]:
    """
    Yield what takes hooks in, as long as the context lasts; None where none are wanted.

    Raises:
        SettingsError: their secrets cannot be read.
    """
    from runner_bridge.ask.hooks import Receiver

    if web.hooks is None or not web.hooks.are_given:
        yield None
        return
    secrets = Keeping(web.hooks, tell)

    async def keep() -> None:
        while True:
            await asyncio.sleep(secrets.EVERY_S)
            await asyncio.to_thread(secrets.again)

    bridge.wanted.log.info("hooks-taken", proof=secrets().mode)
    keeping = asyncio.create_task(keep(), name="hook secrets")
    try:
        yield Receiver(secrets=secrets, hint=hint_of(bridge), count=web.metrics.hooked, tell=tell)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def hint_of(bridge: Bridge) -> Hint:
    """Return what is told of each change of a job or pipeline: where jobs are confirmed, they are asked for sooner."""
    from runner_bridge.core.model.gitlab import JobEvent

    async def hint(event: JobEvent | PipelineEvent) -> None:
        jobs = (event.job_id,) if isinstance(event, JobEvent) else event.job_ids
        bridge.wanted.log.debug("hinted", project=event.project_id, jobs=len(jobs), status=event.status)
        if bridge.facts is not None:
            for job in jobs:
                bridge.facts.hint(event.project_id, job, event.status)

    return hint
