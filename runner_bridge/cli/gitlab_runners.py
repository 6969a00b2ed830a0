"""The runners of a GitLab for verbs: all of them for administrators, else those of groups and projects in question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import structs

from runner_bridge.core.audit.unseen import Listing
from runner_bridge.core.errors import DeniedError
from runner_bridge.core.model.gitlab import RunnerType
from runner_bridge.core.policy.model import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner_bridge.core.edits.live import Known
    from runner_bridge.core.model.gitlab import Project, Runner
    from runner_bridge.core.policy.model import Policy, RunnerName
    from runner_bridge.ports.gitlab import GitLab


async def list_runners(gitlab: GitLab, policy: Policy, projects: Iterable[Project]) -> Listing:
    """
    List runners, and the groups that they are given to.

    For administrators that is one request for each hundred. Others ask for each group on the top, and for the projects
    that the policy's runners are given to; those may show instance runners too.

    Raises:
        NeighbourError: GitLab cannot be asked.
    """
    known = tuple(projects)
    missed: list[str] = []
    try:
        found = {one.id: one for one in await gitlab.runners.of_instance()}
    except DeniedError:
        found, missed = await _of_members(gitlab, policy, known)
    runners = tuple([await _whole(gitlab, found[number]) for number in sorted(found)])
    return Listing(runners=runners, groups=await _groups(gitlab, runners, known), missed=tuple(missed))


async def _whole(gitlab: GitLab, runner: Runner) -> Runner:
    """Return a runner with all of its projects that we see: a list names the first hundred of them."""
    if runner.is_whole:
        return runner
    try:
        found = await gitlab.runners.get(runner.id)
    except DeniedError:
        return runner
    more = found.project_ids if found else ()
    return structs.replace(runner, project_ids=tuple(sorted({*runner.project_ids, *more})))


async def _of_members(
    gitlab: GitLab, policy: Policy, projects: tuple[Project, ...]
) -> tuple[dict[int, Runner], list[str]]:
    scopes = [one.scope for one in policy.runners.values()]
    wanted = {one.target.lower() for one in scopes if one.kind is ScopeKind.GROUP}
    groups = {one.path.partition("/")[0].lower() for one in projects if one.group_id is not None}
    groups |= {root.lower() for root in policy.gitlab.root_groups} | wanted
    if policy.gitlab.root_groups:
        groups = {one for one in groups if one in wanted or _is_root(one, policy)}
    found: dict[int, Runner] = {}
    missed: list[str] = ["instance runners"]
    for group in sorted(_outermost(groups)):
        listed = await gitlab.runners.of_group(group)
        if listed is None:
            missed.append(f"runners of group {group}")
        found |= {one.id: one for one in listed or ()}
    for target in sorted({one.target for one in scopes if one.kind is ScopeKind.PROJECT}):
        path = await _path_of(gitlab, target, projects)
        listed = await gitlab.runners.of_project(path) if path else None
        if listed is None:
            missed.append(f"runners of project {target}")
        found |= {one.id: one for one in listed or ()}
    return found, missed


def _is_root(path: str, policy: Policy) -> bool:
    return path in {root.lower() for root in policy.gitlab.root_groups}


def _outermost(groups: set[str]) -> list[str]:
    """Return the groups that lie in none of the others: a group's list has those of all groups below it."""
    return [one for one in groups if not any(one.startswith(f"{other}/") for other in groups)]


async def _path_of(gitlab: GitLab, target: str, projects: Sequence[Project]) -> str | None:
    """Return the path of a declared project; None: there is none for us."""
    if not target.isdecimal():
        return target
    known = next((one for one in projects if one.id == int(target)), None)
    found = known or await gitlab.projects.get(int(target))
    return found.path if found else None


async def _groups(gitlab: GitLab, runners: Sequence[Runner], projects: Sequence[Project]) -> dict[int, str]:
    """Return the paths of the runners' groups: most are known from the projects right in them."""
    paths = {one.group_id: one.path.rpartition("/")[0] for one in projects if one.group_id is not None}
    wanted = {number for one in runners if one.type is RunnerType.GROUP for number in one.group_ids}
    for number in sorted(wanted - paths.keys()):
        group = await gitlab.projects.group(number)
        if group is not None:
            paths[number] = group.path
    return {number: paths[number] for number in wanted if number in paths}


async def known_runners(policy: Policy, configurations: Sequence[str]) -> list[tuple[RunnerName, Known]]:
    """
    Read which of GitLab's runners are declared ones: from files, and from where the policy says that managers read.

    Tokens are never kept. What cannot be read of the policy's `installations` is noted; its runners stay unknown.

    Raises:
        SettingsError, WireError: a file cannot be read.
    """
    from runner_bridge.cli.check.known import read_runners
    from runner_bridge.cli.output import note
    from runner_bridge.cli.plan_live import CLUSTER, GITLAB, neighbours
    from runner_bridge.core.edits.live import Known
    from runner_bridge.core.policy.model import RunnerName, StoreKind
    from runner_bridge.flow.apply import read_known

    pairs = await asyncio.to_thread(lambda: read_runners(configurations, policy).short_ids)
    found = [(RunnerName(name), Known(short_id=short_id)) for short_id, name in pairs if name in policy.runners]
    stores = [store for one in policy.installations.values() for store in (one.configuration, one.tokens) if store]
    if stores:
        has_secret = any(one.kind is StoreKind.SECRET for one in stores)
        without = (GITLAB,) if has_secret else (GITLAB, CLUSTER)
        reach = neighbours(policy, without=without, token_file=None, rate=1.0, kubeconfig="", context="")
        async with reach as whom:
            installed, troubles = await read_known(policy, whom)
        found += installed.items()
        for trouble in troubles:
            note(f"runner-bridge: {trouble}")
    return found
