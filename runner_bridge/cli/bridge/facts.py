"""What asks GitLab about jobs beside a bridge, wired: the questions, and who is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from runner_bridge.cli.bridge.rooms import context_of
from runner_bridge.core.errors import DeniedError, LedgerError, WireError
from runner_bridge.core.redact import redact
from runner_bridge.flow.facts import LONGEST_REST_S, Claims, Facts, Tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from structlog.typing import FilteringBoundLogger

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.core.claims import Claim
    from runner_bridge.core.model.gitlab import Job, Purpose
    from runner_bridge.flow.controller.given import Before
    from runner_bridge.flow.facts import Asks
    from runner_bridge.ports.gitlab import Budget, GitLab, TokenSource


class Asked:
    """
    The questions of `flow.facts`, put to a GitLab that is open.

    Args of the constructor:
        gitlab: an open one.
    """

    def __init__(self, gitlab: GitLab) -> None:
        self._gitlab = gitlab

    async def get(self, project_id: int, job_id: int) -> Job | None:
        """Return a job; None where the project has none, or is not shown to us."""
        return await self._gitlab.jobs.get(project_id, job_id)

    async def newest(self, project_id: int) -> tuple[Job, ...] | None:
        """Return the newest jobs of a project; None where it is not shown to us."""
        return await self._gitlab.jobs.newest(project_id)

    async def shas(self, path: str) -> Mapping[int, str]:
        """Return how the tokens of a project's runners begin; none where its maintainers alone may list them."""
        try:
            found = await self._gitlab.runners.of_project(path)
        except (DeniedError, WireError):
            return {}
        return {one.id: one.short_sha for one in found or ()}


class Told:
    """
    Writes to the log what `flow.facts` has to tell.

    Args of the constructor:
        log: of the bridge.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log

    def contradicted(self, claim: Claim, why: str) -> None:
        """Log that GitLab says something else than a pod."""
        self._log.warning(
            "job-claim-contradicted", namespace=claim.namespace, pod=claim.pod, project=claim.project, why=why
        )

    def trouble(self, why: str) -> None:
        """Log that GitLab cannot be asked, or can be again."""
        if why:
            self._log.warning("gitlab-not-asked", why=why, jobs="not confirmed")
        else:
            self._log.info("gitlab-asked-again")


@asynccontextmanager
async def asking(
    url: str, tokens: Mapping[Purpose, TokenSource] | None, budget: Budget | None = None
) -> AsyncIterator[Asks | None]:
    """
    Open the GitLab of a policy; None where no token is named: then nothing is asked.

    Nothing is asked yet, and a token that cannot be read is told when it is: the bridge does not depend on it.

    Args:
        url: of the policy.
        tokens: where the token comes from.
        budget: shared with whoever else asks GitLab in this process; None: one of its own.
    """
    if tokens is None:
        yield None
        return
    from runner_bridge.ports.gitlab import open_gitlab

    async with open_gitlab(url, tokens=tokens, budget=budget) as gitlab:
        yield Asked(gitlab)


def facts_of(bridge: Bridge) -> Facts | None:
    """Return what confirms the claims of a bridge's job pods; None where nothing may be asked."""
    wanted = bridge.wanted
    if wanted.asks is None:
        return None

    read = Claims(lambda key: bridge.picture.pod(key) if bridge.picture else None)
    tools = Tools(
        asks=wanted.asks,
        record=bridge.terms.record,
        clock=wanted.clock,
        pause=wanted.pause,
        tells=Told(wanted.log),
    )
    return Facts(tools, lambda: context_of(bridge.policy), lambda: read.of(bridge.said))


async def confirm(bridge: Bridge, before: Before) -> None:
    """
    Confirm claims for a term, for ever; a defect of it is logged, and ends neither the term nor what is judged.

    Raises:
        LedgerError: an answer could not be recorded.
    """
    facts = bridge.facts
    while facts is not None:
        known = await asyncio.to_thread(bridge.ledger.facts, before.intervals)
        facts.begin(known.values())
        try:
            await facts.run()
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, verdicts do not depend on it
            why = redact(f"{type(error).__name__}: {error}")
            bridge.wanted.log.error("jobs-not-confirmed", why=why)  # noqa: TRY400 - no traceback reaches a user
            await bridge.wanted.pause(LONGEST_REST_S)
