"""
GitLab's answers to our GraphQL questions → `core.model.gitlab`, and the questions themselves.

https://docs.gitlab.com/api/graphql/reference/. Only fields that GitLab 17.11 has and 19.x has not removed. A page holds
a hundred at most; every question stays far below the limit of complexity (250).
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a parameter of a public function
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations when it decodes
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.gitlab import AccessLevel, Project, Runner, RunnerType
from runner_bridge.core.redact import redact
from runner_bridge.core.wire.gitlab_rest import in_utc

PAGE = 100

_PROJECT = """
  id fullPath archived markedForDeletionOn topics lastActivityAt updatedAt sharedRunnersEnabled
  group { id } ciCdSettings { groupRunnersEnabled }
"""
_RUNNER = """
  id runnerType description maintenanceNote tagList runUntagged locked accessLevel paused maximumTimeout
  status contactedAt createdAt tokenExpiresAt shortSha projectCount
  userPermissions { updateRunner }
  groups(first: 1) { nodes { id } } projects(first: 100) { nodes { id } }
"""
_ROUND = "pageInfo { hasNextPage endCursor }"


def projects_of_group(path: str, after: str | None) -> str:
    """Return the question for all projects below a group, after a cursor."""
    nodes = f"projects(includeSubgroups: true, {_from(after)}) {{ nodes {{ {_PROJECT} }} {_ROUND} }}"
    return f"{{ group(fullPath: {_text(path)}) {{ {nodes} }} }}"


def runners_of_instance(after: str | None) -> str:
    """Return the question for every runner, of each type; administrators alone get an answer."""
    return f"{{ runners({_from(after)}) {{ nodes {{ {_RUNNER} }} {_ROUND} }} }}"


def runners_of_group(path: str, after: str | None) -> str:
    """Return the question for the runners of a group, of the groups below it, and of all their projects."""
    nodes = f"runners(membership: DESCENDANTS, {_from(after)}) {{ nodes {{ {_RUNNER} }} {_ROUND} }}"
    return f"{{ group(fullPath: {_text(path)}) {{ {nodes} }} }}"


def runners_of_project(path: str, after: str | None) -> str:
    """Return the question for the runners that a project sees."""
    nodes = f"runners({_from(after)}) {{ nodes {{ {_RUNNER} }} {_ROUND} }}"
    return f"{{ project(fullPath: {_text(path)}) {{ {nodes} }} }}"


Node = TypeVar("Node")


class _Ref(Struct):
    id: str


class _Refs(Struct):
    nodes: list[_Ref | None] | None = None


class _Permissions(Struct, rename="camel"):
    update_runner: bool = False


class _Settings(Struct, rename="camel"):
    group_runners_enabled: bool | None = None


class _Project(Struct, kw_only=True, rename="camel"):
    id: str
    full_path: str
    archived: bool | None = None
    marked_for_deletion_on: str | None = None
    topics: list[str] | None = None
    last_activity_at: datetime | None = None
    updated_at: datetime | None = None
    shared_runners_enabled: bool | None = None
    group: _Ref | None = None
    ci_cd_settings: _Settings | None = None


class _Runner(Struct, kw_only=True, rename="camel"):
    id: str
    runner_type: str
    description: str | None = None
    maintenance_note: str | None = None
    tag_list: list[str] | None = None
    run_untagged: bool = True
    locked: bool | None = None
    access_level: str = "NOT_PROTECTED"
    paused: bool = False
    maximum_timeout: int | None = None
    status: str = ""
    contacted_at: datetime | None = None
    created_at: datetime | None = None
    token_expires_at: datetime | None = None
    short_sha: str | None = None
    project_count: int | None = None
    user_permissions: _Permissions | None = None
    groups: _Refs | None = None
    projects: _Refs | None = None


class _Round(Struct, rename="camel"):
    has_next_page: bool = False
    end_cursor: str | None = None


class _Page(Struct, Generic[Node], rename="camel"):
    nodes: list[Node | None] | None = None
    page_info: _Round = msgspec.field(default_factory=_Round)


class Found(Struct, Generic[Node], frozen=True):
    """One page."""

    items: tuple[Node, ...]
    after: str | None
    """Where the next page begins; None: this is the last."""


def projects(data: Mapping[str, object], *, what: str) -> Found[Project] | None:
    """
    Read the answer to `projects_of_group`; None: there is no such group for us.

    Raises:
        WireError: it has another shape.
    """
    try:
        page = _page_of(data, "projects", _Page[_Project])
        return None if page is None else Found(tuple(_to_project(one) for one in page.nodes or () if one), _after(page))
    except (msgspec.ValidationError, ValueError) as error:
        raise _odd(error, what) from None


def runners(data: Mapping[str, object], *, what: str) -> Found[Runner] | None:
    """
    Read the answer to one of `runners_of_…`; None: there is no such group or project for us, or we may not list.

    Raises:
        WireError: it has another shape.
    """
    try:
        page = _page_of(data, "runners", _Page[_Runner])
        return None if page is None else Found(tuple(_to_runner(one) for one in page.nodes or () if one), _after(page))
    except (msgspec.ValidationError, ValueError) as error:
        raise _odd(error, what) from None


def _from(after: str | None) -> str:
    return f"first: {PAGE}" if after is None else f"first: {PAGE}, after: {_text(after)}"


def _text(value: str) -> str:
    """Write a text into a question; GraphQL and JSON quote alike."""
    return msgspec.json.encode(value).decode()


def number_of(gid: str) -> int:
    """
    Return the number in a global id.

    Raises:
        ValueError: there is none.

    >>> number_of("gid://gitlab/Ci::Runner/12")
    12
    """
    return int(gid.rpartition("/")[2])


Wire = TypeVar("Wire")


def _page_of(data: Mapping[str, object], field: str, kind: type[Wire]) -> Wire | None:
    """Find a connection at the root, or in the one group or project that was asked for."""
    if field not in data:
        holder = next(iter(data.values()), None)
        if not isinstance(holder, dict):
            return None
        data = holder
    found = data.get(field)
    return None if found is None else msgspec.convert(found, kind)


def _after(page: _Page[Wire]) -> str | None:
    return page.page_info.end_cursor if page.page_info.has_next_page else None


def _to_project(one: _Project) -> Project:
    return Project(
        id=number_of(one.id),
        path=one.full_path,
        group_id=number_of(one.group.id) if one.group else None,
        topics=tuple(sorted(one.topics or ())),
        is_archived=bool(one.archived),
        is_leaving=bool(one.marked_for_deletion_on),
        instance_runners=one.shared_runners_enabled,
        group_runners=one.ci_cd_settings.group_runners_enabled if one.ci_cd_settings else None,
        last_activity_at=in_utc(one.last_activity_at),
        updated_at=in_utc(one.updated_at),
    )


def _to_runner(one: _Runner) -> Runner:
    return Runner(
        id=number_of(one.id),
        type=RunnerType(one.runner_type.lower()),
        description=one.description or "",
        maintenance_note=_note_of(one),
        tags=tuple(sorted(one.tag_list or ())),
        run_untagged=one.run_untagged,
        is_locked=bool(one.locked),
        access_level=AccessLevel(one.access_level.lower()),
        is_paused=one.paused,
        max_timeout_s=one.maximum_timeout,
        status=one.status.lower(),
        contacted_at=in_utc(one.contacted_at),
        created_at=in_utc(one.created_at),
        token_expires_at=in_utc(one.token_expires_at),
        short_sha=one.short_sha or "",
        group_ids=_ids(one.groups),
        project_ids=_ids(one.projects),
        project_count=one.project_count,
    )


def _note_of(one: _Runner) -> str | None:
    """Return the note; GitLab says null for none and for one that we may not see, and only the permission tells."""
    may_see = one.user_permissions is not None and one.user_permissions.update_runner
    return one.maintenance_note or ("" if may_see else None)


def _ids(refs: _Refs | None) -> tuple[int, ...]:
    return tuple(sorted(number_of(one.id) for one in (refs.nodes if refs else None) or () if one))


def _odd(error: Exception, what: str) -> WireError:
    message = f"{what}: the answer is not what GitLab's documentation says ({redact(str(error))})."
    return WireError(f"{message} Is this version of GitLab supported?")
