"""
GitLab: projects, runners, jobs, and what our tokens are good for; over REST and GraphQL, within a budget.

`open_gitlab` is the way in. Everything here is enrichment or a deed that somebody asked for: no verdict hangs on it.
What leaves is values of `core.model.gitlab`, or one of `core.errors`; no token is part of either, except in a
`RunnerToken`. Importing this package costs python-gitlab, gql and httpx: only verbs that ask GitLab do.
"""

from __future__ import annotations

from runner_bridge.ports.gitlab.budget import Budget, Requests
from runner_bridge.ports.gitlab.cache import Cache, Known
from runner_bridge.ports.gitlab.client import GitLab, is_gitlab_com, open_gitlab
from runner_bridge.ports.gitlab.refusals import LostError
from runner_bridge.ports.gitlab.settings import Settings
from runner_bridge.ports.gitlab.tokens import AskedToken, EnvironmentToken, FileToken, TokenSource

__all__ = [
    "AskedToken",
    "Budget",
    "Cache",
    "EnvironmentToken",
    "FileToken",
    "GitLab",
    "Known",
    "LostError",
    "Requests",
    "Settings",
    "TokenSource",
    "is_gitlab_com",
    "open_gitlab",
]
