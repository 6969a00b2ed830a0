"""
What a pod claims to run, compared with what GitLab has of it. Pure; no verdict depends on it.

A claim is contradicted only by what cannot be otherwise: clocks and replicas of GitLab get `SKEW`, and what could not
be compared is said instead of guessed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from runner_bridge.core.marks import is_of_token
from runner_bridge.core.model.ledger import Standing

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.model.gitlab import Job

SKEW: Final = timedelta(minutes=2)
"""The clocks of GitLab and of the cluster may differ by so much, and a replica of GitLab's database may lag."""
LONGEST_NUMBER: Final = 19
"""Digits of the largest number that a job can have."""
ENDED: Final = frozenset({"success", "failed", "canceled", "skipped"})
"""States that a job does not leave."""


class Claim(Struct, frozen=True, gc=False, kw_only=True):
    """What one pod says of its job, beside what its labels say for sure."""

    pod_uid: str
    namespace: str
    pod: str
    project: str
    """The project's number, from the label; decimal text."""
    short_id: str
    """Of the runner's token, from the label."""
    runner: str
    """The declared runner; empty where it is not known."""
    job: str
    """As it is claimed: anything at all."""
    created_at: datetime | None
    """When the pod was made."""

    @property
    def is_number(self) -> bool:
        """It can be asked for."""
        return self.job.isascii() and self.job.isdecimal() and len(self.job) <= LONGEST_NUMBER


class Told(NamedTuple):
    """How a claim stands."""

    standing: Standing
    text: str = ""
    """What contradicts it, or what could not be compared."""


def no_number(claim: Claim) -> Told:
    """Return what becomes of a claim that names no job at all."""
    return Told(Standing.CONTRADICTED, f"The pod claims job {claim.job[:40]!r}, which is no number.")


def no_such_job(claim: Claim, *, shows_others: bool) -> Told:
    """Return what becomes of a claim where GitLab has no such job for us, given whether it shows us the project's."""
    if shows_others:
        return Told(
            Standing.CONTRADICTED, f"GitLab shows jobs of project {claim.project}, and none with number {claim.job}."
        )
    return Told(Standing.UNSEEN, f"GitLab does not show us project {claim.project}.")


def compare(claim: Claim, job: Job, *, short_sha: str | None, now: datetime) -> Told | None:
    """
    Compare a claim with the job of this number in this project.

    Args:
        claim: the pod's.
        job: GitLab's.
        short_sha: how the token of the job's runner begins; None: not known.
        now: when GitLab said it.

    Returns:
        How it stands; None: GitLab may not know yet that a runner has the job, ask again later.
    """
    if job.runner_id is None and job.started_at is None and is_new(claim, now):
        return None
    if why := _contradiction(claim, job):
        return Told(Standing.CONTRADICTED, why)
    if job.runner_id is None:
        return Told(Standing.CONFIRMED, "Which runner took it could not be compared: GitLab does not say.")
    if not short_sha or not claim.short_id:
        return Told(
            Standing.CONFIRMED,
            f"Which runner took it could not be compared: runner {job.runner_id} is not shown to us.",
        )
    if not is_of_token(claim.short_id, short_sha):
        return Told(
            Standing.CONTRADICTED, f"Runner {job.runner_id} took it, which is not the runner that made the pod."
        )
    return Told(Standing.CONFIRMED)


def is_new(claim: Claim, now: datetime) -> bool:
    """Tell whether GitLab may not know yet of the job, or of the runner that has it."""
    return claim.created_at is not None and now - claim.created_at < SKEW


def _contradiction(claim: Claim, job: Job) -> str:
    """Return what contradicts a claim whoever ran the job; empty: nothing does."""
    made = claim.created_at
    if job.project_id is not None and str(job.project_id) != claim.project:
        return f"It is a job of project {job.project_id}, not of {claim.project}."
    if job.runner_id is None and job.started_at is None:
        return f"GitLab has it as {job.status}: no runner has taken it."
    if made is not None and job.finished_at is not None and job.finished_at + SKEW < made:
        return f"It ended at {_clock(job.finished_at)}, before the pod was made at {_clock(made)}."
    return ""


def path_of(url: str, base: str) -> str:
    """
    Return the path of the project in the address of a job's page; empty where there is none.

    GitLab writes its own idea of its address, however it is asked: of the base only the part below the host counts.

    >>> path_of("https://gitlab.example.com/platform/net/-/jobs/4711", "http://10.0.0.7")
    'platform/net'
    """
    page, found, _ = url.partition("/-/jobs/")
    try:
        path, root = urlsplit(page).path, urlsplit(base).path.rstrip("/")
    except ValueError:
        return ""
    return path.removeprefix(f"{root}/").strip("/") if found and path.startswith(f"{root}/") else ""


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"
