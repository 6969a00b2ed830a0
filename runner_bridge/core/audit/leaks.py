"""
Every way in which jobs could get addresses that are not their tier's, because of what GitLab lets happen.

Two questions, for each tier that has pools of its own. Who else could use its runners? And who else could run its jobs?
A runner of such a tier is asked the first alone, any other runner the second, so that nothing is told twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.audit import advice
from runner_bridge.core.audit.leak import Leak, quoted
from runner_bridge.core.audit.reach import NOWHERE, Reach
from runner_bridge.core.model.codes import audit as codes
from runner_bridge.core.model.gitlab import AccessLevel, Runner, RunnerType
from runner_bridge.core.policy.model import PoolClass, RunnerName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_bridge.core.model import Code
    from runner_bridge.core.policy.model import Policy, Tier
    from runner_bridge.core.policy.model import Runner as Declared

_ORDER = tuple(
    code.name
    for code in (
        codes.RUNNER_TAKES_UNTAGGED,
        codes.RUNNER_OPEN_TO_OTHERS,
        codes.RUNNER_UNPROTECTED,
        codes.JOBS_TAKEN_ELSEWHERE,
        codes.UNTAGGED_TAKEN_ELSEWHERE,
        codes.RUNNER_UNLOCKED,
        codes.TAGS_SHARED,
    )
)


class Wanted(Struct, frozen=True, gc=False):
    """Tags that a tier's jobs ask for, and the projects whose jobs may."""

    tags: frozenset[str]
    projects: frozenset[int]


def is_kept_apart(tier: Tier) -> bool:
    """Tell whether a tier has pools of its own: its jobs are pinned to them, or their addresses are not routable."""
    return tier.pin or tier.pool_class is not PoolClass.ROUTABLE


def find(policy: Policy, runners: Iterable[Runner], reach: Reach, named: Mapping[int, RunnerName]) -> tuple[Leak, ...]:
    """
    Return every leak: errors first, then by kind, runner and tier. Never raises. Paused runners take no jobs.

    Args:
        policy: what is declared.
        runners: those of GitLab that were listed.
        reach: the projects, and who may use what.
        named: as of `identity.identify`.
    """
    listed = tuple(runners)
    apart = {name: tier for name, tier in policy.tiers.items() if is_kept_apart(tier)}
    wanted = {name: _wanted(tier, listed, reach, named) for name, tier in apart.items()}
    found: list[Leak] = []
    for one in listed:
        if one.is_paused:
            continue
        declared = policy.runners[named[one.id]] if one.id in named else None
        if declared is not None and declared.tier in apart:
            found += _open(apart[declared.tier], declared, one, reach)
        else:
            for name, tier in apart.items():
                found += _taken(policy, tier, declared, one, reach, wanted[name])
    return tuple(sorted(found, key=_by_weight))


def _by_weight(leak: Leak) -> tuple[int, int, str]:
    return _ORDER.index(leak.code.name), leak.runner.id, leak.tier


def _open(tier: Tier, declared: Declared, runner: Runner, reach: Reach) -> Iterator[Leak]:
    """Yield who else could use a runner of the tier."""

    def leak(code: Code, numbers: frozenset[int], cause: str, remedy: str) -> Leak:
        return Leak(
            code=code,
            runner=runner,
            name=declared.name,
            tier=tier.name,
            projects=reach.named(numbers),
            cause=cause,
            remedy=remedy,
            place=declared.place,
        )

    others = reach.of(runner) - reach.in_tier(tier.name)
    pools = " and ".join(one.name for one in tier.pools)
    if others and runner.run_untagged:
        cause = f"Jobs without tags{_of_protected(runner)} get addresses of {pools}. {_why_reached(runner)}"
        yield leak(codes.RUNNER_TAKES_UNTAGGED, others, cause, advice.tagged_only(declared, runner))
    if others and runner.tags:
        cause = (
            f"Jobs with `tags: {quoted(runner.tags)}`{_of_protected(runner)} get addresses of {pools}. "
            f"{_why_reached(runner)}"
        )
        remedy = advice.narrower(tier, declared, runner, reach.named(others))
        yield leak(codes.RUNNER_OPEN_TO_OTHERS, others, cause, remedy)
    if declared.protected and runner.access_level is AccessLevel.NOT_PROTECTED:
        cause = "The policy says `protected: true`, and GitLab says not_protected."
        yield leak(codes.RUNNER_UNPROTECTED, NOWHERE, cause, advice.protected(declared, runner))
    if runner.type is RunnerType.PROJECT and not runner.is_locked:
        cause = f"Whoever maintains a project that has it can let another one get addresses of {pools}."
        yield leak(codes.RUNNER_UNLOCKED, NOWHERE, cause, advice.locked(declared, runner))


def _taken(
    policy: Policy, tier: Tier, declared: Declared | None, runner: Runner, reach: Reach, wanted: tuple[Wanted, ...]
) -> Iterator[Leak]:
    """Yield how a runner that is not of the tier could run the tier's jobs."""
    projects = reach.of(runner) & reach.in_tier(tier.name)
    where = _lands(policy, declared)

    def leak(code: Code, numbers: frozenset[int], cause: str, remedy: str) -> Leak:
        return Leak(
            code=code,
            runner=runner,
            name=declared.name if declared else None,
            tier=tier.name,
            projects=reach.named(numbers),
            cause=f"{cause} {where}",
            remedy=remedy,
            place=declared.place if declared else tier.place,
        )

    tags = frozenset(runner.tags)
    whole = _asking([one for one in wanted if one.tags <= tags], projects)
    part = _asking([one for one in wanted if one.tags & tags], projects - whole)
    for code, numbers in ((codes.JOBS_TAKEN_ELSEWHERE, whole), (codes.TAGS_SHARED, part)):
        if numbers:
            asked = [one.tags for one in wanted if one.projects & numbers and (numbers is part or one.tags <= tags)]
            shared = sorted(tags & frozenset[str]().union(*asked))
            cause = f"It takes jobs of {tier.name} with `tags: {quoted(shared)}`{_of_protected(runner)}."
            yield leak(code, numbers, cause, advice.other_tags(declared, runner, shared))
    if projects and runner.run_untagged:
        cause = f"It takes jobs of {tier.name} without tags{_of_protected(runner)}."
        remedy = advice.shut_out(declared, runner, reach.named(projects))
        yield leak(codes.UNTAGGED_TAKEN_ELSEWHERE, projects, cause, remedy)


def _asking(wanted: Iterable[Wanted], projects: frozenset[int]) -> frozenset[int]:
    return NOWHERE.union(*(one.projects & projects for one in wanted))


def _wanted(tier: Tier, runners: Iterable[Runner], reach: Reach, named: Mapping[int, RunnerName]) -> tuple[Wanted, ...]:
    """Return what jobs of a tier ask for: the tags of its runners as GitLab has them, else as they are declared."""
    own = reach.in_tier(tier.name)
    names = {one.name for one in tier.runners}
    by_tags: dict[frozenset[str], frozenset[int]] = {}
    seen = set()
    for one in runners:
        name = named.get(one.id)
        if name in names:
            seen.add(name)
            tags = frozenset(one.tags)
            by_tags[tags] = by_tags.get(tags, NOWHERE) | (reach.of(one) & own)
    for declared in tier.runners:
        if declared.name not in seen:
            tags = frozenset(declared.tags)
            by_tags[tags] = by_tags.get(tags, NOWHERE) | (reach.of_scope(declared.scope) & own)
    return tuple(Wanted(tags, numbers) for tags, numbers in by_tags.items() if tags and numbers)


def _why_reached(runner: Runner) -> str:
    match runner.type:
        case RunnerType.INSTANCE:
            return "It is an instance runner, and these projects let instance runners in."
        case RunnerType.GROUP:
            return "These projects lie below its group and let group runners in."
        case _:
            return "It is given to these projects."


def _of_protected(runner: Runner) -> str:
    return " on protected refs" if runner.access_level is AccessLevel.REF_PROTECTED else ""


def _lands(policy: Policy, declared: Declared | None) -> str:
    if declared is None:
        return "The policy does not have it, so nothing says which addresses its jobs get."
    pool_class = policy.tiers[declared.tier].pool_class
    return f"It is of the tier {declared.tier}, whose addresses are {pool_class}."
