"""
The body of a hook → a `JobEvent` or `PipelineEvent`: only the fields that we use, all others are passed over.

https://docs.gitlab.com/user/project/integrations/webhook_events/#job-events. What it says is a hint, so that little is
asked of it: which job of which project. Older servers leave `project` out, moments come in two spellings, and there is
no runner before one has picked the job. A custom template of the hook changes the body altogether: that is unreadable.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent

Wire = TypeVar("Wire")
Number = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class _Kind(Struct):
    object_kind: str


class _Project(Struct):
    id: Number | None = None
    path_with_namespace: str | None = None


class _Numbered(Struct):
    id: Number


class _Job(Struct, kw_only=True):
    build_id: Number
    build_status: str | None = None
    project_id: Number | None = None
    project: _Project | None = None
    pipeline_id: Number | None = None
    runner: _Numbered | None = None
    build_created_at: str | None = None
    build_started_at: str | None = None
    build_finished_at: str | None = None
    build_created_at_iso: str | None = None
    build_started_at_iso: str | None = None
    build_finished_at_iso: str | None = None


class _Attributes(Struct):
    id: Number
    status: str | None = None
    created_at: str | None = None
    finished_at: str | None = None


class _Pipeline(Struct):
    object_attributes: _Attributes
    project: _Project
    builds: list[_Numbered] | None = None


def read(body: bytes) -> JobEvent | PipelineEvent | None:
    """
    Return what a hook says; None for an event that is about something else.

    Raises:
        WireError: it is none that we can read.
    """
    match _decode(body, _Kind).object_kind:
        case "build":
            return _job(_decode(body, _Job))
        case "pipeline":
            return _pipeline(_decode(body, _Pipeline))
        case _:
            return None


def _job(found: _Job) -> JobEvent:
    project = found.project or _Project()
    return JobEvent(
        project_id=_known(found.project_id or project.id),
        project_path=project.path_with_namespace or "",
        job_id=found.build_id,
        pipeline_id=found.pipeline_id,
        runner_id=found.runner.id if found.runner else None,
        status=found.build_status or "",
        at=_first(
            found.build_finished_at_iso,
            found.build_finished_at,
            found.build_started_at_iso,
            found.build_started_at,
            found.build_created_at_iso,
            found.build_created_at,
        ),
    )


def _pipeline(found: _Pipeline) -> PipelineEvent:
    attributes = found.object_attributes
    return PipelineEvent(
        project_id=_known(found.project.id),
        project_path=found.project.path_with_namespace or "",
        pipeline_id=attributes.id,
        status=attributes.status or "",
        job_ids=tuple(sorted(one.id for one in found.builds or ())),
        at=_first(attributes.finished_at, attributes.created_at),
    )


def _known(project_id: int | None) -> int:
    if project_id is None:
        message = "The hook does not say which project it is about. Take its custom template away."
        raise WireError(message)
    return project_id


def _first(*texts: str | None) -> datetime | None:
    """Return the first moment that can be read."""
    return next((moment for text in texts if text and (moment := _moment(text)) is not None), None)


def _moment(text: str) -> datetime | None:
    """Read `2026-03-01T10:00:00Z`, with any zone, or `2026-03-01 10:00:00 UTC`; None for what is neither."""
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _decode(body: bytes, kind: type[Wire]) -> Wire:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = "The body of the hook is not what GitLab's documentation says. Take its custom template away."
        raise WireError(message) from None
