"""How GitLab's REST writes what it holds; https://docs.gitlab.com/api/rest/. Fields that nobody reads are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.simulate.gitlab.access import MAINTAINER

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.simulate.gitlab.access import Caller
    from runner_bridge.simulate.gitlab.world import Group, Job, Manager, Project, Runner, Token, User

Document = dict[str, object]
_STALE_S = 7 * 24 * 3600
_ONLINE_S = 2 * 3600


def moment(at: datetime | None) -> str | None:
    """Return a moment as GitLab writes it: ISO 8601 with milliseconds."""
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def project(one: Project, caller: Caller, *, base: str, with_attributes: bool, is_simple: bool = False) -> Document:
    """Return a project; attributes go to administrators alone, who asked for them."""
    found: Document = {
        "id": one.id,
        "name": one.slug,
        "path": one.slug,
        "path_with_namespace": one.path,
        "name_with_namespace": one.path.replace("/", " / "),
        "topics": one.topics,
        "tag_list": one.topics,
        "web_url": f"{base}/{one.path}",
        "default_branch": "main",
        "last_activity_at": moment(one.active_at),
        "namespace": {
            "id": one.group.id,
            "name": one.group.slug,
            "path": one.group.slug,
            "kind": "group",
            "full_path": one.group.path,
            "parent_id": one.group.parent.id if one.group.parent else None,
        },
    }
    if with_attributes and caller.user.is_admin:
        found["custom_attributes"] = [{"key": key, "value": value} for key, value in one.attributes.items()]
    if is_simple:
        return found
    found |= {
        "archived": one.archived,
        "visibility": "private",
        "shared_runners_enabled": one.instance_runners,
        "updated_at": moment(one.updated_at),
        "marked_for_deletion_on": one.leaving_on,
        "marked_for_deletion_at": one.leaving_on,
    }
    if caller.level(one.group) >= MAINTAINER:
        found["group_runners_enabled"] = one.group_runners
    return found


def group(one: Group, *, base: str) -> Document:
    """Return a group."""
    return {
        "id": one.id,
        "name": one.slug,
        "path": one.slug,
        "full_path": one.path,
        "parent_id": one.parent.id if one.parent else None,
        "web_url": f"{base}/groups/{one.path}",
        "shared_runners_setting": "enabled",
    }


def runner_status(one: Runner, now: datetime) -> str:
    """Return how GitLab calls the state of a runner: by when it was heard of, and since when it exists."""
    last = one.contacted_at
    if last is None:
        return "stale" if (now - one.created_at).total_seconds() > _STALE_S else "never_contacted"
    gone_s = (now - last).total_seconds()
    return "online" if gone_s <= _ONLINE_S else "stale" if gone_s > _STALE_S else "offline"


def runner_line(one: Runner, now: datetime) -> Document:
    """Return a runner as lists show it."""
    status = runner_status(one, now)
    return {
        "id": one.id,
        "description": one.description,
        "ip_address": "",
        "active": not one.paused,
        "paused": one.paused,
        "is_shared": one.type == "instance_type",
        "runner_type": one.type,
        "name": None,
        "online": {"online": True, "never_contacted": None}.get(status, False),
        "status": status,
        "created_at": moment(one.created_at),
        "job_execution_status": "idle",
    }


def runner(one: Runner, caller: Caller, now: datetime) -> Document:
    """Return a runner with its details; the note goes to those who may change it."""
    found = runner_line(one, now) | {
        "tag_list": one.tags,
        "run_untagged": one.run_untagged,
        "locked": one.locked,
        "maximum_timeout": one.max_timeout,
        "access_level": one.access_level,
        "contacted_at": moment(one.contacted_at),
        "version": one.managers[-1].version if one.managers else None,
        "projects": [{"id": each.id, "path_with_namespace": each.path} for each in one.projects if caller.sees(each)],
        "groups": [{"id": one.group.id, "name": one.group.slug}] if one.group else [],
    }
    if caller.owns(one):
        found["maintenance_note"] = one.note or None
    return found


def manager(one: Manager) -> Document:
    """Return a manager."""
    return {
        "id": one.id,
        "system_id": one.system_id,
        "version": one.version,
        "revision": "0",
        "platform": "linux",
        "architecture": "amd64",
        "contacted_at": moment(one.contacted_at),
        "ip_address": "203.0.113.7",
        "status": "online",
        "job_execution_status": "active" if one.is_busy else "idle",
    }


def job(one: Job, now: datetime, *, base: str) -> Document:
    """Return a job with its project; runner and manager are null until it was picked."""
    return {
        "id": one.id,
        "name": one.name,
        "stage": one.stage,
        "status": one.status,
        "ref": one.ref,
        "tag": False,
        "tag_list": one.tags,
        "allow_failure": False,
        "created_at": moment(one.created_at),
        "started_at": moment(one.started_at),
        "finished_at": moment(one.finished_at),
        "failure_reason": one.failure_reason,
        "web_url": f"{base}/{one.project.path}/-/jobs/{one.id}",
        "user": {"id": one.user.id, "username": one.user.name} if one.user else None,
        "project": {"id": one.project.id, "path_with_namespace": one.project.path, "ci_job_token_scope_enabled": False},
        "pipeline": {"id": one.pipeline_id, "project_id": one.project.id, "ref": one.ref, "status": one.status},
        "runner": runner_line(one.runner, now) if one.runner else None,
        "runner_manager": manager(one.manager) if one.manager else None,
    }


def pipeline(one: Job, *, base: str) -> Document:
    """Return the pipeline of a job."""
    return {
        "id": one.pipeline_id,
        "iid": 1,
        "project_id": one.project.id,
        "status": one.status,
        "source": one.source,
        "ref": one.ref,
        "tag": False,
        "sha": f"{one.pipeline_id:040x}",
        "web_url": f"{base}/{one.project.path}/-/pipelines/{one.pipeline_id}",
        "created_at": moment(one.created_at),
    }


def token(one: Token) -> Document:
    """Return what a token says of itself; never the token."""
    return {
        "id": 1,
        "name": one.name,
        "revoked": one.is_revoked,
        "active": not one.is_revoked,
        "scopes": list(one.scopes),
        "user_id": one.user.id,
        "expires_at": one.expires_on.isoformat() if one.expires_on else None,
    }


def user(one: User) -> Document:
    """Return a user as he sees himself; that he is an administrator is said to administrators."""
    found: Document = {"id": one.id, "username": one.name, "name": one.name, "state": "active"}
    return found | {"is_admin": True} if one.is_admin else found
