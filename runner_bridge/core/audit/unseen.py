"""What an audit could not look at: each is told, because a leak may lie there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.audit.leak import enumerate_projects, listed
from runner_bridge.core.audit.leaks import is_kept_apart
from runner_bridge.core.model.codes import audit as codes
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.model.gitlab import Runner, RunnerType
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_bridge.core.audit.reach import Reach
    from runner_bridge.core.policy.model import Policy, RunnerName
    from runner_bridge.core.policy.model import Runner as Declared


class Listing(Struct, frozen=True, kw_only=True):
    """The runners of GitLab as far as they were listed."""

    runners: tuple[Runner, ...]
    groups: Mapping[int, str]
    """Number of a group → its full path; of the groups of group runners at least."""
    missed: tuple[str, ...] = ()
    """What could not be listed, for people: `instance runners`, `runners of group platform`."""


def find(policy: Policy, listing: Listing, reach: Reach, named: Mapping[int, RunnerName]) -> tuple[Finding, ...]:
    """Return what was not seen, the widest gap first. Never raises."""
    found: list[Finding] = []
    if listing.missed:
        found.append(Finding(code=codes.RUNNERS_UNLISTED, subject=policy.gitlab.url, observed=listed(listing.missed)))
    found += _unidentified(policy, listing, named)
    found += _beyond(policy, listing, reach, named)
    found += _switches(policy, listing, reach)
    if reach.in_doubt:
        projects = sorted((one.project for one in reach.in_doubt), key=lambda one: (one.path, one.id))
        subject = policy.gitlab.url
        found.append(Finding(code=codes.PROJECTS_IN_DOUBT, subject=subject, observed=enumerate_projects(projects)))
    return tuple(found)


def _unidentified(policy: Policy, listing: Listing, named: Mapping[int, RunnerName]) -> Iterator[Finding]:
    seen = set(named.values())
    for tier in policy.tiers.values():
        for declared in tier.runners if is_kept_apart(tier) else ():
            if declared.name not in seen:
                alike = [one for one in listing.runners if one.id not in named and _is_alike(declared, one)]
                numbers = listed([f"#{one.id}" for one in sorted(alike, key=_by_id)])
                yield Finding(
                    code=codes.RUNNER_UNIDENTIFIED,
                    subject=f"runner {declared.name}",
                    place=declared.place,
                    cause=f"It may be {numbers}, which has its name or tags." if alike else "None is like it, either.",
                )


def _is_alike(declared: Declared, runner: Runner) -> bool:
    has_tags = bool(declared.tags) and set(declared.tags) == set(runner.tags)
    return runner.description == str(declared.name) or has_tags


def _beyond(policy: Policy, listing: Listing, reach: Reach, named: Mapping[int, RunnerName]) -> Iterator[Finding]:
    """Yield the runners that are given to more than was seen; one of a tier without pools of its own matters less."""
    blind = [one for one in listing.runners if not one.is_paused and not _is_seen(one, listing)]
    if blind:
        yield _of_runners(blind, "The token does not see all that they are given to.")
    outside = []
    for one in listing.runners:
        name = named.get(one.id)
        if one.is_paused or name is None or not is_kept_apart(policy.tiers[policy.runners[name].tier]):
            continue
        is_cut = one.type is RunnerType.INSTANCE and bool(policy.gitlab.root_groups)
        unknown = [number for number in one.project_ids if not reach.knows(number)]
        if is_cut or unknown:
            outside.append(one)
    if outside:
        yield _of_runners(outside, "They are offered to projects outside of those that were listed.")


def _is_seen(runner: Runner, listing: Listing) -> bool:
    match runner.type:
        case RunnerType.INSTANCE:
            return True
        case RunnerType.GROUP:
            return bool(runner.group_ids) and all(number in listing.groups for number in runner.group_ids)
        case _:
            return runner.is_whole


def _of_runners(runners: list[Runner], cause: str) -> Finding:
    ordered = sorted(runners, key=_by_id)
    names = listed([" ".join(f"#{one.id} {redact(one.description)}".split()) for one in ordered])
    return Finding(
        code=codes.REACH_UNSEEN,
        subject=f"{len(ordered)} runner{'s' * (len(ordered) != 1)}",
        observed=names,
        cause=cause,
    )


def _switches(policy: Policy, listing: Listing, reach: Reach) -> Iterator[Finding]:
    types = {one.type for one in listing.runners if not one.is_paused}
    hidden = [
        one
        for one in reach.projects.values()
        if (one.instance_runners is None and RunnerType.INSTANCE in types)
        or (one.group_runners is None and RunnerType.GROUP in types)
    ]
    if hidden:
        ordered = sorted(hidden, key=lambda one: (one.path, one.id))
        yield Finding(code=codes.SWITCHES_UNSEEN, subject=policy.gitlab.url, observed=enumerate_projects(ordered))


def _by_id(runner: Runner) -> int:
    return runner.id
