"""Which runner of GitLab is which declared one: by number, token or marker, never by what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.edits.marker import owned
from runner_bridge.core.marks import FEWEST, start_of_token
from runner_bridge.core.policy.model import RunnerName

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.edits.live import Known
    from runner_bridge.core.model.gitlab import Runner
    from runner_bridge.core.policy.model import Policy


def identify(
    policy: Policy, runners: Iterable[Runner], known: Iterable[tuple[RunnerName, Known]]
) -> Mapping[int, RunnerName]:
    """
    Return the declared name of each runner that has one, by GitLab's number. Never raises.

    Several may be one declared runner, while it is rotated. One that runners of two tiers lay claim to is neither's.

    Args:
        policy: what is declared.
        runners: GitLab's.
        known: what the configurations of managers say of declared runners; several may speak of one.
    """
    by_id: dict[int, set[RunnerName]] = {}
    by_start: dict[str, list[tuple[str, RunnerName]]] = {}
    told = [(one.name, short_id) for one in policy.runners.values() for short_id in one.short_ids]
    for name, own in known:
        told.append((name, own.short_id))
        if own.id is not None:
            by_id.setdefault(own.id, set()).add(name)
    for name, short_id in told:
        by_start.setdefault(short_id[:FEWEST], []).append((short_id, name))
    found = {}
    for one in runners:
        start = start_of_token(one.short_sha)
        alike = by_start.get(start[:FEWEST], []) if start else []
        by_token = {name for short_id, name in alike if short_id.startswith(start)}
        names = by_id.get(one.id, set()) | by_token | _marked(policy, one)
        if len({policy.runners[name].tier for name in names}) == 1:
            found[one.id] = min(names)
    return found


def _marked(policy: Policy, runner: Runner) -> set[RunnerName]:
    mark = owned(runner.maintenance_note)
    name = RunnerName(mark.runner) if mark and mark.cluster == policy.cluster.name else None
    return {name} if name in policy.runners and name is not None else set()
