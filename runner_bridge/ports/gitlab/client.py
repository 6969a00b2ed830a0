"""One GitLab: its session, and the readers and writers that share it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner_bridge.ports.gitlab.budget import Budget, Requests
from runner_bridge.ports.gitlab.jobs import Jobs
from runner_bridge.ports.gitlab.probe import probe
from runner_bridge.ports.gitlab.projects import Projects
from runner_bridge.ports.gitlab.runners import Runners
from runner_bridge.ports.gitlab.session import Session
from runner_bridge.ports.gitlab.settings import Settings
from runner_bridge.ports.gitlab.tokens import Tokens
from runner_bridge.ports.gitlab.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner_bridge.core.model.gitlab import Access, Purpose
    from runner_bridge.ports.gitlab.tokens import TokenSource


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """One GitLab."""

    url: str
    is_shared: bool
    """GitLab.com: only root groups, no instance runners, no custom attributes."""
    projects: Projects
    runners: Runners
    jobs: Jobs
    webhooks: Webhooks
    requests: Requests
    """What was asked so far."""
    budget: Budget
    session: Session

    async def access(self) -> Access:
        """
        Ask what our tokens are good for; what is off, and why, is part of the answer.

        Raises:
            UnavailableError: GitLab does not answer.
        """
        return await probe(self.session, is_shared=self.is_shared)


def is_gitlab_com(url: str) -> bool:
    """
    Tell whether this is GitLab.com, where most projects and runners are not ours to list.

    >>> is_gitlab_com("https://gitlab.com"), is_gitlab_com("https://gitlab.example.com")
    (True, False)
    """
    return urlsplit(url).hostname == "gitlab.com"


@asynccontextmanager
async def open_gitlab(
    url: str,
    *,
    tokens: Mapping[Purpose, TokenSource],
    settings: Settings | None = None,
    budget: Budget | None = None,
    is_shared: bool | None = None,
) -> AsyncIterator[GitLab]:
    """
    Open a GitLab; nothing is asked yet, and no token is read.

    Args:
        url: of the instance, as in the policy.
        tokens: where the token for each purpose comes from; each is optional.
        settings: time-outs and patience.
        budget: how often it may be asked; one a second over a long time unless given.
        is_shared: whether this is GitLab.com; None: by its address.
    """
    settings = settings or Settings()
    budget = budget or Budget(sleep=settings.patience.sleep)
    counts = Requests()
    shared = is_gitlab_com(url) if is_shared is None else is_shared
    async with Session(
        url.rstrip("/"), tokens=Tokens(tokens), settings=settings, budget=budget, requests=counts
    ) as session:
        projects = Projects(session, is_shared=shared)
        yield GitLab(
            url=session.url,
            is_shared=shared,
            projects=projects,
            runners=Runners(session, projects, is_shared=shared, sleep=settings.patience.sleep),
            jobs=Jobs(session),
            webhooks=Webhooks(session),
            requests=counts,
            budget=budget,
            session=session,
        )
