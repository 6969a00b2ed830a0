"""The REST interface: what each path answers to whom; see https://docs.gitlab.com/api/api_resources/."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING

from runner_bridge.simulate.gitlab import documents, paging, runners, webhooks
from runner_bridge.simulate.gitlab.access import RefusedError, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.simulate.gitlab.access import Caller
    from runner_bridge.simulate.gitlab.world import Group, Project, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, below `/api/v4`."""

    method: str
    parts: tuple[str, ...]
    """Of the path, decoded: an encoded slash is a slash."""
    query: Mapping[str, str]
    body: Mapping[str, object]
    base: str
    """GitLab's address as it writes it itself."""

    @property
    def url(self) -> str:
        """Return the address of this very list, as links name it."""
        return f"{self.base}/api/v4/{'/'.join(self.parts)}"

    @property
    def is_with_attributes(self) -> bool:
        """Tell whether custom attributes are asked for."""
        return self.query.get("with_custom_attributes") == "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer."""

    data: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


async def answer(world: World, caller: Caller, asked: Asked, *, version: str) -> Reply:
    """
    Carry out a request.

    Raises:
        RefusedError: it is refused.
    """
    if (asked.method, asked.parts) == ("GET", ("personal_access_tokens", "self")):  # every scope may
        return Reply(data=documents.token(caller.token))
    caller.need(*_SCOPES.get(asked.parts[:1], ("read_api",)) if asked.method == "GET" else runners.scopes(asked.parts))
    if asked.method == "GET" and asked.parts in {("metadata",), ("version",)}:
        return Reply(data={"version": version, "revision": "0", "enterprise": version.endswith("-ee")})
    if (asked.method, asked.parts) == ("GET", ("user",)):
        return Reply(data=documents.user(caller.user))
    reply = _read(world, caller, asked) if asked.method == "GET" else None
    if reply is not None:
        return reply
    done = await webhooks.answer(world, caller, asked, version=version) or runners.answer(world, caller, asked)
    if done is None:
        raise missing()
    return Reply(data=done[1], status=done[0], headers=done[2])


def _read(world: World, caller: Caller, asked: Asked) -> Reply | None:
    match asked.parts:
        case ("projects",):
            return _projects(caller, asked, list(world.projects.values()))
        case ("groups", ref, "projects"):
            return _projects_of_group(world, caller, asked, ref)
        case ("groups", ref):
            return Reply(data=documents.group(_group(world, caller, ref), base=asked.base))
        case ("projects", ref):
            return _project(world, caller, asked, ref)
        case ("projects", ref, "jobs" | "pipelines" as kind, *number) if len(number) < 2:
            return _of_project(world, project_of(world, caller, ref), kind, number, asked)
    return None


# Which scopes a GET needs besides `api`, where it is not `read_api`.
_SCOPES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("user",): ("read_api", "read_user"),
    ("metadata",): ("read_api", "read_user"),
    ("version",): ("read_api", "read_user"),
    ("runners",): ("read_api", "manage_runner"),
}


def _of_project(world: World, project: Project, kind: str, number: list[str], asked: Asked) -> Reply:
    if kind == "jobs" and not number:
        return _jobs_of_project(world, project, asked)
    for job in world.jobs.values():
        if job.project is project and kind == "jobs" and [str(job.id)] == number:
            return Reply(data=documents.job(job, world.now(), base=asked.base))
        if job.project is project and kind == "pipelines" and [str(job.pipeline_id)] == number:
            return Reply(data=documents.pipeline(job, base=asked.base))
    raise missing()


def _jobs_of_project(world: World, project: Project, asked: Asked) -> Reply:
    """Return a page of a project's jobs; the newest first, and without the project's name, as GitLab has it."""
    found = sorted((one for one in world.jobs.values() if one.project is project), key=attrgetter("id"), reverse=True)
    page = found[: paging.size_of(asked.query)]
    return Reply(
        data=[
            documents.job(one, world.now(), base=asked.base) | {"project": {"ci_job_token_scope_enabled": False}}
            for one in page
        ]
    )


def project_of(world: World, caller: Caller, ref: str) -> Project:
    """Return a project that the caller sees."""
    found = world.find_project(ref)
    if found is None or not caller.sees(found):
        raise missing("Project")
    return found


def _group(world: World, caller: Caller, ref: str) -> Group:
    found = world.find_group(ref)
    if found is None or not caller.level(found):
        raise missing("Group")
    return found


def _project(world: World, caller: Caller, asked: Asked, ref: str) -> Reply:
    moved = world.moved.get(ref.lower())
    if moved is not None and world.find_project(ref) is None:
        return Reply(status=301, headers={"Location": f"{asked.base}/api/v4/projects/{moved}"})
    found = project_of(world, caller, ref)
    return Reply(data=documents.project(found, caller, base=asked.base, with_attributes=asked.is_with_attributes))


def _projects_of_group(world: World, caller: Caller, asked: Asked, ref: str) -> Reply:
    group = _group(world, caller, ref)
    if asked.query.get("pagination") == "keyset":
        raise RefusedError(405, {"error": "Keyset pagination is not yet available for this type of request"})
    is_deep = asked.query.get("include_subgroups") == "true"
    inside = {one.id for one in world.groups.values() if is_deep and group in one.line()} | {group.id}
    return _projects(caller, asked, [one for one in world.projects.values() if one.group.id in inside])


def _projects(caller: Caller, asked: Asked, listed: list[Project]) -> Reply:
    found = listed if caller.user.is_admin else [one for one in listed if caller.sees(one)]
    query = asked.query
    for name, moment in (("updated_after", "updated_at"), ("last_activity_after", "active_at")):
        if name in query:
            after = datetime.fromisoformat(query[name])
            found = [one for one in found if getattr(one, moment) > after]
    keys = {"id": "id", "updated_at": "updated_at", "last_activity_at": "active_at"}
    key = keys.get(query.get("order_by", "created_at"), "id")
    found.sort(key=attrgetter(key, "id"), reverse=query.get("sort", "desc") == "desc")
    if query.get("pagination") == "keyset":
        window = paging.by_keyset([one.id for one in found], query, asked.url)
    else:
        window = paging.by_number(len(found), query, asked.url)
    page = [
        documents.project(
            one,
            caller,
            base=asked.base,
            with_attributes=asked.is_with_attributes,
            is_simple=query.get("simple") == "true",
        )
        for one in found[window.start : window.stop]
    ]
    return Reply(data=page, headers=window.headers)
