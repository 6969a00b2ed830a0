"""
The GraphQL interface: a part of GitLab's schema, parsed, held to its limits and executed by graphql-core.

https://docs.gitlab.com/api/graphql/#limits: a hundred nodes a page, complexity 250, ten thousand characters. Errors
come with status 200.
"""

from __future__ import annotations

import base64
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import graphql
from graphql.language import FieldNode, IntValueNode

from runner_bridge.simulate.gitlab import documents
from runner_bridge.simulate.gitlab.access import MAINTAINER, OWNER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.simulate.gitlab.access import Caller
    from runner_bridge.simulate.gitlab.world import Group, Project, Runner, World

MOST = 100
LONGEST = 10_000
DEAREST = 250
Item = TypeVar("Item")
Node = dict[str, Any]


@cache
def schema() -> graphql.GraphQLSchema:
    """Return the schema."""
    return graphql.build_schema(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"))


def answer(world: World, caller: Caller, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Carry out a question; what is wrong with it stands in `errors` of the answer."""
    query = str(asked.get("query", ""))
    if len(query) > LONGEST:
        return _error("Query too large")
    try:
        document = graphql.parse(query)
    except graphql.GraphQLError as error:
        return _error(error.message)
    if problems := graphql.validate(schema(), document):
        return {"errors": [{"message": one.message} for one in problems]}
    dear = sum(cost(one.selection_set) for one in document.definitions if hasattr(one, "selection_set"))
    if dear > DEAREST:
        return _error(f"Query has complexity of {dear:.0f}, which exceeds max complexity of {DEAREST}")
    done = graphql.graphql_sync(
        schema(), query, root_value=_root(world, caller), variable_values=asked.get("variables") or {}
    )
    found: dict[str, Any] = {"data": done.data}
    if done.errors:
        found["errors"] = [{"message": one.message, "path": one.path} for one in done.errors]
    return found


def cost(selection: Any) -> float:  # noqa: ANN401 - an AST of any depth
    """Return the complexity of a selection: a field is one, a page of a hundred doubles what is below it."""
    if selection is None:
        return 0.0
    total = 0.0
    for one in selection.selections:
        if isinstance(one, FieldNode):
            sizes = [int(each.value.value) for each in one.arguments or () if isinstance(each.value, IntValueNode)]
            total += 1 + cost(one.selection_set) * (1 + min(sum(sizes), MOST) / 100)
    return total


def _error(message: str) -> Mapping[str, Any]:
    return {"errors": [{"message": message}]}


def _root(world: World, caller: Caller) -> Node:
    def group(_: object, *, fullPath: str) -> Node | None:  # noqa: N803 - GitLab's name
        found = world.find_group(fullPath)
        return _group(world, caller, found) if found is not None and caller.level(found) else None

    def project(_: object, *, fullPath: str) -> Node | None:  # noqa: N803 - GitLab's name
        found = world.find_project(fullPath)
        return _project(world, caller, found) if found is not None and caller.sees(found) else None

    def runners(_: object, **arguments: Any) -> Node | None:  # noqa: ANN401 - as the schema says
        if not caller.user.is_admin:
            return None
        return _runners(world, caller, list(world.runners.values()), arguments)

    def runner(_: object, *, id: str) -> Node | None:  # noqa: A002 - GitLab's name
        found = world.runners.get(int(id.rpartition("/")[2]))
        return _runner(world, caller, found) if found is not None and caller.sees_runner(found) else None

    return {
        "currentUser": {"id": f"gid://gitlab/User/{caller.user.id}", "username": caller.user.name},
        "group": group,
        "project": project,
        "runners": runners,
        "runner": runner,
    }


def _page(items: list[Item], arguments: Mapping[str, Any], to_node: Callable[[Item], Node], key: str = "id") -> Node:
    """Return a connection; a cursor names the last item that was shown, not how many there were."""
    size = min(arguments.get("first") or MOST, MOST)
    after = int(base64.b64decode(arguments["after"]).decode()) if arguments.get("after") else 0
    left = sorted((one for one in items if getattr(one, key) > after), key=attrgetter(key))
    shown = left[:size]
    cursor = base64.b64encode(str(getattr(shown[-1], key)).encode()).decode() if shown else None
    return {
        "nodes": [to_node(one) for one in shown],
        "pageInfo": {"hasNextPage": len(left) > size, "endCursor": cursor},
        "count": len(items),
    }


def _group(world: World, caller: Caller, one: Group) -> Node:
    def projects(_: object, *, includeSubgroups: bool = False, **arguments: Any) -> Node:  # noqa: N803, ANN401
        inside = {each.id for each in world.groups.values() if includeSubgroups and one in each.line()} | {one.id}
        found = [each for each in world.projects.values() if each.group.id in inside]
        return _page(found, arguments, lambda each: _project(world, caller, each))

    def runners(_: object, *, membership: str = "DESCENDANTS", **arguments: Any) -> Node | None:  # noqa: ANN401
        if caller.level(one) < OWNER:
            return None
        found = [each for each in world.runners.values() if _is_member(each, one, membership)]
        return _runners(world, caller, found, arguments)

    return {"id": f"gid://gitlab/Group/{one.id}", "fullPath": one.path, "projects": projects, "runners": runners}


def _is_member(runner: Runner, group: Group, membership: str) -> bool:
    if runner.group is not None:
        if membership == "DIRECT":
            return runner.group is group
        above = membership == "ALL_AVAILABLE" and runner.group in group.line()
        return above or group in runner.group.line()
    if membership == "ALL_AVAILABLE" and runner.type == "instance_type":
        return True
    return membership != "DIRECT" and any(group in each.group.line() for each in runner.projects)


def _project(world: World, caller: Caller, one: Project) -> Node:
    def runners(_: object, **arguments: Any) -> Node | None:  # noqa: ANN401
        if caller.level(one.group) < MAINTAINER:
            return None
        line = list(one.group.line())
        found = [
            each
            for each in world.runners.values()
            if one in each.projects
            or (each.group is not None and each.group in line and one.group_runners)
            or (each.type == "instance_type" and one.instance_runners)
        ]
        return _runners(world, caller, found, arguments)

    is_maintainer = caller.level(one.group) >= MAINTAINER
    return {
        "id": f"gid://gitlab/Project/{one.id}",
        "fullPath": one.path,
        "archived": one.archived,
        "markedForDeletionOn": one.leaving_on,
        "topics": one.topics,
        "lastActivityAt": documents.moment(one.active_at),
        "updatedAt": documents.moment(one.updated_at),
        "sharedRunnersEnabled": one.instance_runners,
        "group": lambda _: _group(world, caller, one.group),
        "ciCdSettings": {"groupRunnersEnabled": one.group_runners if is_maintainer else None},
        "runners": runners,
    }


def _runners(world: World, caller: Caller, found: list[Runner], arguments: Mapping[str, Any]) -> Node:
    kind, paused, tags = arguments.get("type"), arguments.get("paused"), arguments.get("tagList")
    listed = [
        one
        for one in found
        if (kind is None or one.type.upper() == kind)
        and (paused is None or one.paused is paused)
        and (not tags or set(tags) <= set(one.tags))
    ]
    return _page(listed, arguments, lambda one: _runner(world, caller, one))


def _runner(world: World, caller: Caller, one: Runner) -> Node:
    def projects(_: object, **arguments: Any) -> Node | None:  # noqa: ANN401
        if one.type != "project_type":
            return None
        seen = [each for each in one.projects if caller.sees(each)]
        return _page(seen, arguments, lambda each: _project(world, caller, each))

    def groups(_: object, **arguments: Any) -> Node | None:  # noqa: ANN401
        if one.group is None:
            return None
        return _page([one.group], arguments, lambda each: _group(world, caller, each))

    return {
        "id": f"gid://gitlab/Ci::Runner/{one.id}",
        "runnerType": one.type.upper(),
        "description": one.description,
        "maintenanceNote": (one.note or None) if caller.owns(one) else None,
        "userPermissions": {"updateRunner": caller.owns(one)},
        "tagList": one.tags,
        "runUntagged": one.run_untagged,
        "locked": one.locked,
        "accessLevel": one.access_level.upper(),
        "paused": one.paused,
        "maximumTimeout": one.max_timeout,
        "status": documents.runner_status(one, world.now()).upper(),
        "contactedAt": documents.moment(one.contacted_at),
        "createdAt": documents.moment(one.created_at),
        "tokenExpiresAt": documents.moment(one.token_expires_at),
        "shortSha": one.token.removeprefix("glrt-")[:8],
        "projectCount": len(one.projects) if one.type == "project_type" else None,
        "projects": projects,
        "groups": groups,
    }
