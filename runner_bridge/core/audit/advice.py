"""What to change so that a leak is closed: the very setting, of the very runner, group or projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from runner_bridge.core.audit.leak import listed, quoted
from runner_bridge.core.model.gitlab import RunnerType
from runner_bridge.core.policy.model import RuleKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.model.gitlab import Project, Runner
    from runner_bridge.core.policy.model import Runner as Declared
    from runner_bridge.core.policy.model import Tier

_ANY = "of the tier's projects alone"
APPLY = "then `runner-bridge apply`"


def narrower(tier: Tier, declared: Declared, runner: Runner, projects: Sequence[Project]) -> str:
    """Say how a runner of a tier is kept from projects of others."""
    match runner.type:
        case RunnerType.INSTANCE:
            return (
                f"Give {declared.name} the scope {' or '.join(_scopes(tier)) or _ANY} in the policy, and put a new "
                "runner in its place: GitLab cannot change a runner's type."
            )
        case RunnerType.GROUP:
            off = "Turn group runners off in these projects (group_runners_enabled: false)"
            below = [one for one in _scopes(tier) if one.partition(":")[2].startswith(f"{declared.scope.target}/")]
            if not below:
                return f"{off}."
            return (
                f"{off}, or give {declared.name} the scope {' or '.join(below)} in the policy, and put a new runner in "
                "its place: GitLab cannot move one."
            )
        case RunnerType.PROJECT:
            return f"Take it from these projects: {_deletions(runner, projects)}."
    assert_never(runner.type)


def tagged_only(declared: Declared, runner: Runner) -> str:
    """Say how a runner of a tier is made to take tagged jobs alone."""
    tags = "" if runner.tags else ", with tags: GitLab wants one of the two"
    if declared.run_untagged:
        return f"Set `run_untagged: false` for {declared.name} in the policy{tags}, {APPLY}."
    return f"Set run_untagged to false for runner #{runner.id} as the policy says{tags}: {_target(declared)}."


def locked(declared: Declared, runner: Runner) -> str:
    """Say how a project runner is locked."""
    if declared.locked:
        return f"Set locked to true for runner #{runner.id} as the policy says: {_target(declared)}."
    return f"Set `locked: true` for {declared.name} in the policy, {APPLY}."


def protected(declared: Declared, runner: Runner) -> str:
    """Say how a runner is made to take jobs of protected refs alone."""
    return f"Set access_level to ref_protected for runner #{runner.id} as the policy says: {_target(declared)}."


def other_tags(declared: Declared | None, runner: Runner, tags: Sequence[str]) -> str:
    """Say how a runner gets rid of a tier's tags."""
    if declared is not None:
        return f"Give {declared.name} other tags than {quoted(tags)} in the policy, {APPLY}."
    return f"Take {quoted(tags)} off runner #{runner.id} (tag_list)."


def shut_out(declared: Declared | None, runner: Runner, projects: Sequence[Project]) -> str:
    """Say how a runner is kept from taking the untagged jobs of a tier's projects."""
    own = (
        f"`run_untagged: false` for {declared.name} in the policy"
        if declared is not None
        else f"run_untagged to false for runner #{runner.id}"
    )
    match runner.type:
        case RunnerType.INSTANCE:
            return (
                "Turn instance runners off in these projects (shared_runners_enabled: false), or in a group for all "
                "below it (shared_runners_setting: disabled_and_unoverridable)."
            )
        case RunnerType.GROUP:
            return f"Set {own}; group runners that are off in the projects would keep the tier's own out too."
        case RunnerType.PROJECT:
            return f"Set {own}, or take it from these projects: {_deletions(runner, projects)}."
    assert_never(runner.type)


def _target(declared: Declared) -> str:
    return f"`runner-bridge apply --target runner.{declared.name}`"


def _deletions(runner: Runner, projects: Sequence[Project]) -> str:
    return listed([f"DELETE /projects/{one.id}/runners/{runner.id}" for one in projects])


def _scopes(tier: Tier) -> list[str]:
    """Return the scopes that the rules of a tier come down to."""
    found = []
    for rule in tier.rules:
        group, _, rest = rule.value.rpartition("/")
        if rule.kind is RuleKind.ID:
            found.append(f"`project:{rule.value}`")
        elif rule.kind is RuleKind.PATH and "*" not in group:
            found.append(f"`group:{group}`" if rest in {"*", "**"} else f"`project:{rule.value}`")
    return list(dict.fromkeys(found))
