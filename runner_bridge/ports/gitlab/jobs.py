"""Jobs and pipelines, one at a time: what confirms, or does not, what a job pod says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.core.wire import gitlab_rest
from runner_bridge.ports.gitlab.refusals import Deed

if TYPE_CHECKING:
    from runner_bridge.core.model.gitlab import Job, Pipeline
    from runner_bridge.ports.gitlab.session import Session


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
