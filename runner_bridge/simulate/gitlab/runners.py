"""
Runners over REST: looked at, created, changed, deleted, renewed, verified.

https://docs.gitlab.com/api/runners/, https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user. The token of
a runner stands in one answer alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.simulate.gitlab import documents, paging
from runner_bridge.simulate.gitlab.access import MAINTAINER, OWNER, RefusedError, forbidden, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.simulate.gitlab.access import Caller
    from runner_bridge.simulate.gitlab.rest import Asked
    from runner_bridge.simulate.gitlab.world import Runner, World

Done = tuple[int, object, "Mapping[str, str]"]
_SHORTEST_S = 600
_LONGEST_NOTE = 1024


def scopes(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes besides `api` that let somebody change what lies at a path."""
    match parts:
        case ("user", "runners"):
            return ("create_runner",)
        case ("runners", _, *_):
            return ("manage_runner",)
        case _:
            return ()


def answer(world: World, caller: Caller, asked: Asked) -> Done | None:
    """Carry out a request about runners; None: it is about something else."""
    match asked.method, asked.parts:
        case "POST", ("user", "runners"):
            return _create(world, caller, asked.body)
        case "GET", ("runners", "all"):
            if not caller.user.is_admin or "read_api" not in caller.scopes | _of_api(caller):
                raise forbidden()
            return _list(world, asked, list(world.runners.values()))
        case "GET", ("runners",):
            if not caller.scopes.intersection({"read_api", "api"}):
                raise forbidden()
            return _list(world, asked, [one for one in world.runners.values() if caller.owns(one)])
        case method, ("runners", number, *rest):
            runner = world.runners.get(int(number)) if number.isdecimal() else None
            if runner is None:
                raise missing("Runner")
            if not (caller.sees_runner(runner) if method == "GET" and not rest else caller.owns(runner)):
                raise forbidden()
            return _one(world, caller, asked, runner, tuple(rest))
    return None


def verified(world: World, body: Mapping[str, object]) -> Done:
    """Tell whether a runner's token is good; needs no token of a user. A manager that is new is then listed."""
    runner = next((one for one in world.runners.values() if one.token == body.get("token")), None)
    if runner is None:
        raise forbidden()
    world.sign_in(runner, str(body.get("system_id") or "<legacy>"))
    return 200, {"id": runner.id, "token": runner.token, "token_expires_at": None}, {}


def _one(world: World, caller: Caller, asked: Asked, runner: Runner, rest: tuple[str, ...]) -> Done:
    match asked.method, rest:
        case "GET", ():
            return 200, documents.runner(runner, caller, world.now()), {}
        case "GET", ("managers",):
            return 200, [documents.manager(one) for one in runner.managers], {}
        case "PUT", ():
            _change(runner, asked.body)
            return 200, documents.runner(runner, caller, world.now()), {}
        case "DELETE", ():
            if len(runner.projects) > 1 and not caller.user.is_admin:
                raise RefusedError(403, {"message": "403 Forbidden - Runner associated with more than one project"})
            del world.runners[runner.id]
            return 204, None, {}
        case "POST", ("reset_authentication_token",):
            runner.token = world.runner_token(runner.type.removesuffix("_type"))
            return 201, {"token": runner.token, "token_expires_at": documents.moment(runner.token_expires_at)}, {}
        case _:
            raise missing()


def _create(world: World, caller: Caller, body: Mapping[str, object]) -> Done:
    kind = str(body.get("runner_type", "")).removesuffix("_type")
    group = world.groups.get(_number(body.get("group_id")))
    project = world.projects.get(_number(body.get("project_id")))
    match kind:
        case "instance":
            is_allowed = caller.user.is_admin
        case "group":
            is_allowed = group is not None and caller.level(group) >= OWNER
        case "project":
            is_allowed = project is not None and caller.level(project.group) >= MAINTAINER
        case _:
            raise RefusedError(400, {"error": "runner_type does not have a valid value"})
    if not is_allowed:
        raise forbidden()
    trial = world.runner(
        kind,
        group=group if kind == "group" else None,
        projects=(project,) if kind == "project" and project else (),
    )
    trial.creator = caller.user
    try:
        _change(trial, body)
    except RefusedError:
        del world.runners[trial.id]
        raise
    return 201, {"id": trial.id, "token": trial.token, "token_expires_at": documents.moment(trial.token_expires_at)}, {}


_FIELDS = {
    "description": "description",
    "maintenance_note": "note",
    "run_untagged": "run_untagged",
    "locked": "locked",
    "access_level": "access_level",
    "paused": "paused",
    "maximum_timeout": "max_timeout",
}


def _change(runner: Runner, body: Mapping[str, object]) -> None:
    tags = body.get("tag_list", runner.tags)
    tags = tags.split(",") if isinstance(tags, str) else list(tags) if isinstance(tags, list) else []
    problems = {}
    if not tags and not body.get("run_untagged", runner.run_untagged):
        problems["tags_list"] = ["can not be empty when runner is not allowed to pick untagged jobs"]
    longest = body.get("maximum_timeout")
    if isinstance(longest, int) and longest < _SHORTEST_S:
        problems["maximum_timeout"] = ["needs to be at least 10 minutes"]
    if len(str(body.get("maintenance_note") or "")) > _LONGEST_NOTE:
        problems["maintenance_note"] = ["is too long (maximum is 1024 characters)"]
    if problems:
        raise RefusedError(400, {"message": problems})
    runner.tags = tags
    for name, attribute in _FIELDS.items():
        if name in body:
            setattr(runner, attribute, body[name])


def _list(world: World, asked: Asked, found: list[Runner]) -> Done:
    found.sort(key=lambda one: one.id, reverse=True)
    window = paging.by_number(len(found), asked.query, asked.url)
    page = [documents.runner_line(one, world.now()) for one in found[window.start : window.stop]]
    return 200, page, window.headers


def _of_api(caller: Caller) -> set[str]:
    return {"read_api"} if "api" in caller.scopes else set()


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else 0
