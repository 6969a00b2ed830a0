"""What a hook says reaches whatever confirms jobs, and nobody where nothing does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from runner_bridge.cli.bridge.hooks import hint_of
from runner_bridge.cli.log import no_log
from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent

JOB = JobEvent(project_id=3, project_path="", job_id=7, pipeline_id=9, runner_id=None, status="success", at=None)
PIPELINE = PipelineEvent(project_id=3, project_path="", pipeline_id=9, status="failed", job_ids=(7, 8), at=None)


@dataclass
class Facts:
    """Keeps what it is told."""

    told: list[tuple[int, int, str]] = field(default_factory=list)

    def hint(self, project: int, job: int, status: str) -> None:
        self.told.append((project, job, status))


@dataclass
class Bridge:
    """As much of a bridge as a hint needs."""

    facts: Facts | None
    log: Any = field(default_factory=no_log)

    @property
    def wanted(self) -> Bridge:
        return self


@pytest.mark.parametrize(
    ("event", "expected"),
    [(JOB, [(3, 7, "success")]), (PIPELINE, [(3, 7, "failed"), (3, 8, "failed")])],
    ids=["a job", "a pipeline"],
)
async def test_each_job_that_a_hook_tells_of_is_hinted_at(event: Any, expected: list[tuple[int, int, str]]) -> None:
    facts = Facts()
    await hint_of(cast("Any", Bridge(facts)))(event)
    assert facts.told == expected


async def test_where_nothing_confirms_jobs_a_hint_leads_to_nothing() -> None:
    await hint_of(cast("Any", Bridge(None)))(JOB)
