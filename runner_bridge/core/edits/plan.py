"""All edits of a policy, in the order in which they are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.edits import configurations, pools, runners
from runner_bridge.core.model.codes import plan as codes
from runner_bridge.core.model.edit import Deed, Edit, FieldEdit, Part, Plan
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.policy.model import RunnerName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.edits.live import LiveConfiguration, LiveRunners
    from runner_bridge.core.model import Code
    from runner_bridge.core.model.cluster import IPPool
    from runner_bridge.core.policy.model import Policy

_ORDER = {part: number for number, part in enumerate(Part)}


class Live(Struct, frozen=True, kw_only=True):
    """Everything that was read for a plan. A kind that could not be read says why instead."""

    runners: LiveRunners | None = None
    runners_trouble: str = ""
    configurations: Mapping[str, LiveConfiguration]
    """By name of the installation."""
    pools: tuple[IPPool, ...] | None = None
    pools_trouble: str = ""
    pool_texts: Mapping[str, str]
    """As of `pools.compare`."""


def plan(policy: Policy, live: Live, *, with_pools: bool) -> Plan:
    """
    Return what differs, and what could not be compared. Pure and never raises; empty once it has been applied.

    Args:
        policy: what is declared.
        live: what is live.
        with_pools: pools are to be changed too; they are looked at in any case, because runners need them.
    """
    edits: list[Edit] = []
    unseen: list[Finding] = []
    if live.runners is None:
        unseen.append(_unseen(codes.RUNNERS_UNSEEN, policy.gitlab.url, live.runners_trouble))
    else:
        compared = runners.compare(policy, live.runners)
        known = _tellable(policy, live, compared.edits)
        edits += known
        edits += _then(policy, known)
        unseen += compared.unseen
    for installation in policy.installations.values():
        found = configurations.compare(installation, live.configurations[installation.name])
        if isinstance(found, Finding):
            unseen.append(found)
        elif found:
            edits.append(found)
    if live.pools is None:
        unseen.append(_unseen(codes.POOLS_UNSEEN, policy.cluster.name, live.pools_trouble))
    else:
        wanted = pools.compare(policy, live.pools, live.pool_texts) if with_pools else ()
        edits += wanted
        made = {one.name for one in wanted if one.deed is not Deed.TELL}
        unseen += _not_ready(policy, live.pools, made)
    return Plan(edits=tuple(sorted(edits, key=_order)), unseen=tuple(unseen))


def _tellable(policy: Policy, live: Live, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Leave out what a configuration that could not be read may gainsay: that there is no such runner yet."""
    blind = {
        str(name)
        for one in policy.installations.values()
        if live.configurations[one.name].trouble
        for name in one.runners
    }
    return tuple(one for one in edits if one.deed is not Deed.CREATE or one.name not in blind)


def _then(policy: Policy, created: tuple[Edit, ...]) -> list[Edit]:
    """Return what a new runner calls for besides: its token is kept, and at the end it is put into service."""
    found = []
    for one in created:
        if (one.deed, one.part) == (Deed.CREATE, Part.RUNNER):
            token = Edit(
                deed=Deed.CREATE,
                part=Part.TOKEN,
                name=one.name,
                where=one.where,
                why="GitLab shows it once: it is kept before anything else happens.",
            )
            service = Edit(
                deed=Deed.UPDATE,
                part=Part.SERVICE,
                name=one.name,
                where=one.where,
                why="It takes jobs once its managers have loaded it.",
                fields=(FieldEdit(name="paused", before="true", after="false"),),
            )
            stays_paused = policy.runners[RunnerName(one.name)].paused
            found += [token] if stays_paused else [token, service]
    return found


def _not_ready(policy: Policy, live: tuple[IPPool, ...], made: set[str]) -> list[Finding]:
    served = [name for one in policy.installations.values() for name in one.runners]
    found = [problem for name in served for problem in pools.not_ready(policy, policy.runners[name], live)]
    # Told once for each pool, however many runners need it.
    unique = {one.subject: one for one in found if one.subject.removeprefix("pool ") not in made}
    return list(unique.values())


def _unseen(code: Code, subject: str, trouble: str) -> Finding:
    return Finding(code=code, subject=subject, cause=trouble)


def _order(edit: Edit) -> tuple[bool, int, str]:
    """Return what sorts by parts in their order; what goes away goes last, when something else has taken over."""
    return edit.deed is Deed.DELETE, _ORDER[edit.part], edit.name
