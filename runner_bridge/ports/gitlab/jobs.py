"""Jobs, one or the newest of a project, and pipelines: what confirms, or does not, what a job pod says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.core.wire import gitlab_rest
from runner_bridge.ports.gitlab.refusals import Deed

if TYPE_CHECKING:
    from runner_bridge.core.model.gitlab import Job, Pipeline
    from runner_bridge.ports.gitlab.session import Session

PAGE = 100
"""GitLab gives no more at once."""


class Jobs:
    """Reads jobs and pipelines."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, project_id: int, job_id: int) -> Job | None:
        """
        Return a job; None where the project has no such job, or we do not see it.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="get", resource="jobs", endpoint="job", subject=f"{job_id} of project {project_id}")
        path = f"/projects/{project_id}/jobs/{job_id}"
        answer = await self._session.rest("get", path, deed=deed, purpose=Purpose.READ)
        return None if answer.is_missing else gitlab_rest.job(answer.body, what=self._session.subject(deed))

    async def newest(self, project_id: int) -> tuple[Job, ...] | None:
        """
        Return the newest jobs of a project, up to a hundred, the newest first; None where we do not see the project.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="list", resource="jobs", endpoint="project-jobs", subject=f"of project {project_id}")
        path = f"/projects/{project_id}/jobs"
        params = {"per_page": str(PAGE), "order_by": "id", "sort": "desc", "pagination": "keyset"}
        answer = await self._session.rest("get", path, deed=deed, purpose=Purpose.READ, params=params)
        return None if answer.is_missing else gitlab_rest.jobs(answer.body, what=self._session.subject(deed))

    async def pipeline(self, project_id: int, pipeline_id: int) -> Pipeline | None:
        """
        Return a pipeline; None where the project has no such pipeline, or we do not see it.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        subject = f"{pipeline_id} of project {project_id}"
        deed = Deed(verb="get", resource="pipelines", endpoint="pipeline", subject=subject)
        path = f"/projects/{project_id}/pipelines/{pipeline_id}"
        answer = await self._session.rest("get", path, deed=deed, purpose=Purpose.READ)
        return None if answer.is_missing else gitlab_rest.pipeline(answer.body, what=self._session.subject(deed))
