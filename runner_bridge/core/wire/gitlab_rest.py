"""
GitLab's answers over REST → `core.model.gitlab`: only the fields that we use, all others are passed over.

https://docs.gitlab.com/api/rest/. A field that an older or newer GitLab leaves out is not known; only what makes a
thing that thing (its number, its type) has to be there. `what` is how messages name the answer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import UnavailableError, WireError
from runner_bridge.core.model.gitlab import (
    AccessLevel,
    CreatedRunner,
    Group,
    Job,
    Pipeline,
    Project,
    Runner,
    RunnerManager,
    RunnerToken,
    RunnerType,
)
from runner_bridge.core.redact import redact

Wire = TypeVar("Wire")


class PersonalToken(Struct, kw_only=True):
    """`GET /personal_access_tokens/self`."""

    name: str | None = None
    scopes: list[str] = []
    expires_at: date | None = None
    active: bool = True


class _Named(Struct):
    id: int | None = None
    kind: str | None = None
    path_with_namespace: str | None = None
    username: str | None = None
    system_id: str | None = None


class _Attribute(Struct):
    key: str
    value: str | None = None


class _Project(Struct, kw_only=True):
    id: int
    path_with_namespace: str
    namespace: _Named | None = None
    topics: list[str] | None = None
    custom_attributes: list[_Attribute] | None = None
    archived: bool | None = None
    marked_for_deletion_on: str | None = None
    marked_for_deletion_at: str | None = None
    shared_runners_enabled: bool | None = None
    group_runners_enabled: bool | None = None
    last_activity_at: datetime | None = None
    updated_at: datetime | None = None


class _Group(Struct):
    id: int
    full_path: str
    parent_id: int | None = None


class _Runner(Struct, kw_only=True):
    id: int
    runner_type: RunnerType
    description: str | None = None
    maintenance_note: str | None = None
    tag_list: list[str] | None = None
    run_untagged: bool | None = None
    locked: bool | None = None
    access_level: AccessLevel | None = None
    paused: bool | None = None
    maximum_timeout: int | None = None
    status: str | None = None
    contacted_at: datetime | None = None
    created_at: datetime | None = None
    token_expires_at: datetime | None = None
    groups: list[_Named] | None = None
    projects: list[_Named] | None = None


class _Manager(Struct, kw_only=True):
    id: int
    system_id: str
    version: str | None = None
    status: str | None = None
    job_execution_status: str | None = None
    contacted_at: datetime | None = None
    ip_address: str | None = None


class _Created(Struct):
    id: int
    token: str
    token_expires_at: datetime | None = None


class _Renewed(Struct):
    token: str
    token_expires_at: datetime | None = None


class _Job(Struct, kw_only=True):
    id: int
    name: str | None = None
    stage: str | None = None
    status: str | None = None
    ref: str | None = None
    tag: bool | None = None
    tag_list: list[str] | None = None
    pipeline: _Named | None = None
    project: _Named | None = None
    runner: _Named | None = None
    runner_manager: _Named | None = None
    user: _Named | None = None
    web_url: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None


class _Pipeline(Struct, kw_only=True):
    id: int
    project_id: int | None = None
    ref: str | None = None
    tag: bool | None = None
    sha: str | None = None
    source: str | None = None
    status: str | None = None
    web_url: str | None = None
    created_at: datetime | None = None


class _Metadata(Struct):
    version: str


class _User(Struct):
    is_admin: bool | None = None


def decode(body: bytes, kind: type[Wire], *, what: str) -> Wire:
    """
    Decode an answer.

    Raises:
        UnavailableError: it is no JSON: a page of something in between, or torn.
        WireError: it is JSON of another shape.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        message = f"{what}: the answer is not what GitLab's documentation says ({redact(str(error))})."
        raise WireError(f"{message} Is this version of GitLab supported?") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        seen = "a web page" if body.lstrip()[:1] == b"<" else "no JSON"
        message = f"{what}: the answer is {seen}, expected JSON."
        raise UnavailableError(f"{message} Is this GitLab's address, or does something in between answer?") from None


def projects(body: bytes, *, what: str) -> tuple[Project, ...]:
    """Read a page of projects. Raises as `decode`."""
    return tuple(_to_project(one) for one in decode(body, list[_Project], what=what))


def project(body: bytes, *, what: str) -> Project:
    """Read a project. Raises as `decode`."""
    return _to_project(decode(body, _Project, what=what))


def group(body: bytes, *, what: str) -> Group:
    """Read a group. Raises as `decode`."""
    found = decode(body, _Group, what=what)
    return Group(id=found.id, path=found.full_path, parent_id=found.parent_id)


def runner(body: bytes, *, what: str) -> Runner:
    """Read the details of a runner. Raises as `decode`."""
    found = decode(body, _Runner, what=what)
    return Runner(
        id=found.id,
        type=found.runner_type,
        description=found.description or "",
        maintenance_note=found.maintenance_note,
        tags=tuple(sorted(found.tag_list or ())),
        run_untagged=found.run_untagged is not False,
        is_locked=bool(found.locked),
        access_level=found.access_level or AccessLevel.NOT_PROTECTED,
        is_paused=bool(found.paused),
        max_timeout_s=found.maximum_timeout,
        status=found.status or "",
        contacted_at=in_utc(found.contacted_at),
        created_at=in_utc(found.created_at),
        token_expires_at=in_utc(found.token_expires_at),
        group_ids=_ids(found.groups),
        project_ids=_ids(found.projects),
    )


def managers(body: bytes, *, what: str) -> tuple[RunnerManager, ...]:
    """Read the managers of a runner. Raises as `decode`."""
    return tuple(
        RunnerManager(
            id=one.id,
            system_id=one.system_id,
            version=one.version or "",
            status=one.status or "",
            is_busy=one.job_execution_status == "active",
            contacted_at=in_utc(one.contacted_at),
            ip_address=one.ip_address or "",
        )
        for one in decode(body, list[_Manager], what=what)
    )


def created(body: bytes, *, what: str) -> CreatedRunner:
    """Read what GitLab says once, when a runner was created. Raises as `decode`."""
    found = decode(body, _Created, what=what)
    return CreatedRunner(id=found.id, token=RunnerToken(found.token), token_expires_at=in_utc(found.token_expires_at))


def renewed(body: bytes, *, runner_id: int, what: str) -> CreatedRunner:
    """Read the new token of a runner that was found. Raises as `decode`."""
    found = decode(body, _Renewed, what=what)
    return CreatedRunner(
        id=runner_id,
        token=RunnerToken(found.token),
        token_expires_at=in_utc(found.token_expires_at),
        was_found=True,
    )


def job(body: bytes, *, what: str) -> Job:
    """Read a job. Raises as `decode`."""
    return _to_job(decode(body, _Job, what=what))


def jobs(body: bytes, *, what: str) -> tuple[Job, ...]:
    """Read a page of jobs. Raises as `decode`."""
    return tuple(_to_job(one) for one in decode(body, list[_Job], what=what))


def _to_job(found: _Job) -> Job:
    nobody = _Named()
    return Job(
        id=found.id,
        project_id=(found.project or nobody).id,
        project_path=(found.project or nobody).path_with_namespace or "",
        name=found.name or "",
        stage=found.stage or "",
        status=found.status or "",
        ref=found.ref or "",
        is_tag=bool(found.tag),
        tags=tuple(sorted(found.tag_list or ())),
        pipeline_id=(found.pipeline or nobody).id,
        runner_id=(found.runner or nobody).id,
        system_id=(found.runner_manager or nobody).system_id or "",
        user=(found.user or nobody).username or "",
        web_url=found.web_url or "",
        created_at=in_utc(found.created_at),
        started_at=in_utc(found.started_at),
        finished_at=in_utc(found.finished_at),
        failure_reason=found.failure_reason or "",
    )


def pipeline(body: bytes, *, what: str) -> Pipeline:
    """Read a pipeline. Raises as `decode`."""
    found = decode(body, _Pipeline, what=what)
    return Pipeline(
        id=found.id,
        project_id=found.project_id,
        ref=found.ref or "",
        is_tag=bool(found.tag),
        sha=found.sha or "",
        source=found.source or "",
        status=found.status or "",
        web_url=found.web_url or "",
        created_at=in_utc(found.created_at),
    )


def version(body: bytes, *, what: str) -> str:
    """Read the version of `GET /metadata`. Raises as `decode`."""
    return decode(body, _Metadata, what=what).version


def is_admin(body: bytes, *, what: str) -> bool | None:
    """Read from `GET /user` whether the caller is an administrator; None: it is not said. Raises as `decode`."""
    return decode(body, _User, what=what).is_admin


def in_utc(moment: datetime | None) -> datetime | None:
    """
    Return a moment in UTC; GitLab writes the zone of its host.

    >>> in_utc(datetime.fromisoformat("2026-03-01T10:00:00+02:00"))
    datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)
    """
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _to_project(found: _Project) -> Project:
    namespace = found.namespace or _Named()
    attributes = found.custom_attributes
    return Project(
        id=found.id,
        path=found.path_with_namespace,
        group_id=namespace.id if namespace.kind == "group" else None,
        topics=tuple(sorted(found.topics or ())),
        attributes=None if attributes is None else tuple(sorted((one.key, one.value or "") for one in attributes)),
        is_archived=bool(found.archived),
        is_leaving=bool(found.marked_for_deletion_on or found.marked_for_deletion_at),
        instance_runners=found.shared_runners_enabled,
        group_runners=found.group_runners_enabled,
        last_activity_at=in_utc(found.last_activity_at),
        updated_at=in_utc(found.updated_at),
    )


def _ids(named: list[_Named] | None) -> tuple[int, ...]:
    return tuple(sorted(one.id for one in named or () if one.id is not None))
