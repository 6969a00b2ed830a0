"""
Everything that a plan compares, read once: runners in GitLab, configurations, kept tokens, pools.

What could not be read is a text that says why, never an exception: the rest of the plan holds.
"""

from __future__ import annotations

import asyncio
import tomllib
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner_bridge.core.edits.live import Known, LiveConfiguration, LiveRunners
from runner_bridge.core.edits.plan import Live
from runner_bridge.core.errors import RenderError, RunnerBridgeError
from runner_bridge.core.marks import short_id
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.policy.model import PoolsOwner, ScopeKind, StoreKind
from runner_bridge.core.redact import redact
from runner_bridge.core.wire.reader import Reader as Wire
from runner_bridge.flow.apply.stores import Kept, Stores
from runner_bridge.ports.kube import discover_calico
from runner_bridge.render import fragment, helm_values, ip_pools
from runner_bridge.render.fragment.matching import match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.model.cluster import IPPool
    from runner_bridge.core.model.gitlab import Runner
    from runner_bridge.core.policy.model import Installation, Policy, RunnerName, Scope
    from runner_bridge.ports.gitlab import GitLab
    from runner_bridge.ports.kube import Cluster


_TO_COME = "shown once, when the runner is created"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Whom to ask; one that cannot be asked says why."""

    gitlab: GitLab | None
    no_gitlab: str = ""
    cluster: Cluster | None
    no_cluster: str = ""


async def read_live(policy: Policy, neighbours: Neighbours) -> Live:
    """
    Read what is live.

    Raises:
        RenderError: a defect of ours; everything else that goes wrong is part of the result.
    """
    stores = Stores(neighbours.cluster, neighbours.no_cluster)
    looks = [_installation(policy, one, stores) for one in policy.installations.values()]
    installed, (pools, pools_trouble) = await asyncio.gather(asyncio.gather(*looks), _pools(neighbours))
    known = {name: one for _, by_runner in installed for name, one in by_runner.items()}
    runners, runners_trouble = await _runners(policy, neighbours, known)
    return Live(
        runners=runners,
        runners_trouble=runners_trouble,
        configurations=dict(zip(policy.installations, (one for one, _ in installed), strict=True)),
        pools=pools,
        pools_trouble=pools_trouble,
        pool_texts=_pool_texts(policy),
    )


async def read_known(policy: Policy, neighbours: Neighbours) -> tuple[Mapping[RunnerName, Known], tuple[str, ...]]:
    """
    Read what installations know of their runners, and why that could not be read of some; GitLab is not asked.

    Raises:
        RenderError: a defect of ours.
    """
    stores = Stores(neighbours.cluster, neighbours.no_cluster)
    found = await asyncio.gather(*(_installation(policy, one, stores) for one in policy.installations.values()))
    troubles = tuple(
        f"installation {name}: {one.trouble}"
        for name, (one, _) in zip(policy.installations, found, strict=True)
        if one.trouble
    )
    return {name: one for _, by_runner in found for name, one in by_runner.items()}, troubles


def served_by(policy: Policy, installation: Installation, names: Iterable[RunnerName] | None = None) -> Policy:
    """Return the policy as far as it concerns one installation, or some of its runners."""
    chosen = installation.runners if names is None else names
    return replace(policy, runners={name: policy.runners[name] for name in chosen})


def merged(policy: Policy, installation: Installation, text: str, tokens: Mapping[RunnerName, str]) -> str:
    """
    Return what the managers of an installation are to read.

    Args:
        policy: as of `served_by`.
        installation: whose configuration it is.
        text: what they read now; empty for nothing.
        tokens: those that are kept, for sections without one.

    Raises:
        Malformed: there is no room for what the policy says; says where, and what to do.
        RenderError: a defect of ours.
    """
    name = str(installation.configuration)
    if installation.configuration.kind is not StoreKind.VALUES:
        return fragment.merge(text, policy, name=name, tokens=tokens)
    for runner in policy.runners.values():  # a values file has one
        text = helm_values.merge_values(text, policy, runner, name=name)
    return text


async def _installation(
    policy: Policy, installation: Installation, stores: Stores
) -> tuple[LiveConfiguration, Mapping[RunnerName, Known]]:
    held, kept = await asyncio.gather(
        stores.configuration(installation.configuration), stores.tokens(installation.tokens, installation.runners)
    )
    trouble = held.trouble or kept.trouble
    served = served_by(policy, installation)
    known: Mapping[RunnerName, Known] = {}
    after = ""
    if not held.trouble:
        try:
            after = merged(served, installation, held.text or "", kept.tokens)
            known = known_of(served, installation, after, kept)
            after = merged(served, installation, held.text or "", {**_to_come(installation, known), **kept.tokens})
        except RenderError:
            raise
        except RunnerBridgeError as error:
            trouble = str(error)
    if trouble:
        # A token that cannot be seen may be there: nobody gets another one, or a second runner, because of that.
        known = {name: _doubtful(known.get(name, Known())) for name in installation.runners}
    configuration = LiveConfiguration(
        before=held.text,
        after=after,
        owner=held.owner,
        is_unconfirmed=held.is_unconfirmed,
        trouble=redact(trouble),
    )
    return configuration, known


def _to_come(installation: Installation, known: Mapping[RunnerName, Known]) -> Mapping[RunnerName, str]:
    """Stand in for the tokens of runners that nothing is known of, so that a plan shows where they will stand."""
    if installation.tokens is None:
        return {}
    return {name: _TO_COME for name, one in known.items() if not (one.is_signed_in or one.is_kept or one.id)}


def _doubtful(known: Known) -> Known:
    return Known(id=known.id, short_id=known.short_id, is_signed_in=known.is_signed_in, is_kept=True)


def known_of(policy: Policy, installation: Installation, text: str, kept: Kept) -> dict[RunnerName, Known]:
    """Return what an installation knows of its runners, by the text that `merged` returned."""
    if installation.configuration.kind is StoreKind.VALUES:
        token, secret = helm_values.token_named_in(text)
        return {name: _of_values(token, secret, kept.tokens.get(name, "")) for name in installation.runners}
    sections: list[dict[str, Any]] = tomllib.loads(text).get("runners", [])
    places = match(sections, policy, lambda *_: AssertionError("what was merged matches"))
    return {name: _of_section(sections[at], kept.tokens.get(name, "")) for name, at in places.items()}


def _of_section(section: Mapping[str, Any], kept: str) -> Known:
    number, token = section.get("id"), str(section.get("token", ""))
    return Known(
        id=number if type(number) is int and number > 0 else None,
        short_id=short_id(token or kept),
        is_signed_in=bool(token),
        is_kept=bool(kept),
    )


def _of_values(token: str, secret: str, kept: str) -> Known:
    """Tell what a release knows: a Secret that somebody else has made for it counts as signed in."""
    return Known(short_id=short_id(token or kept), is_signed_in=bool(token or secret), is_kept=bool(kept))


async def _pools(neighbours: Neighbours) -> tuple[tuple[IPPool, ...] | None, str]:
    if neighbours.cluster is None:
        return None, neighbours.no_cluster
    reader, wire = neighbours.cluster.reader, Wire()
    try:
        api = await discover_calico(reader)
        if not api.pools:
            return None, f"{reader.server}: {api.explanation}."
        async with aclosing(reader.pages(api.pools)) as pages:
            async for page in pages:
                wire.read(page.body, name=f"GET {api.pools}", want=Kind.POOLS)
    except RunnerBridgeError as error:
        return None, redact(str(error))
    return wire.snapshot().pools or (), ""


def _pool_texts(policy: Policy) -> Mapping[str, str]:
    if policy.cluster.pools_owner is not PoolsOwner.TIGERA_OPERATOR:
        return {}
    return {str(one.name): ip_pools.operator_patch(policy, one) for one in policy.pools.values() if one.generated}


async def _runners(
    policy: Policy, neighbours: Neighbours, known: Mapping[RunnerName, Known]
) -> tuple[LiveRunners | None, str]:
    if neighbours.gitlab is None:
        return None, neighbours.no_gitlab
    try:
        return await _listed(policy, neighbours.gitlab, known), ""
    except RunnerBridgeError as error:
        return None, redact(str(error))


async def _listed(policy: Policy, gitlab: GitLab, known: Mapping[RunnerName, Known]) -> LiveRunners:
    """List each scope once; what a configuration names and no list has is asked for by its number."""
    found: dict[int, Runner] = {}
    targets: dict[str, int | None] = {}
    for scope in dict.fromkeys(one.scope for one in policy.runners.values()):
        target, runners = await _scope(scope, gitlab)
        targets[str(scope)] = target
        found |= {one.id: one for one in runners}
    for one in known.values():
        if one.id is not None and one.id not in found and (runner := await gitlab.runners.get(one.id)):
            found[runner.id] = runner
    return LiveRunners(runners=tuple(found[number] for number in sorted(found)), targets=targets, known=known)


async def _scope(scope: Scope, gitlab: GitLab) -> tuple[int | None, tuple[Runner, ...]]:
    """Return the number of what a runner is offered to, and the runners there."""
    match scope.kind:
        case ScopeKind.INSTANCE:
            return None, await gitlab.runners.of_instance()
        case ScopeKind.GROUP:
            group = await gitlab.projects.group(scope.target)
            return (group.id, await gitlab.runners.of_group(group.path) or ()) if group else (None, ())
        case ScopeKind.PROJECT:
            number = int(scope.target) if scope.target.isdecimal() else scope.target
            project = await gitlab.projects.get(number)
            return (project.id, await gitlab.runners.of_project(project.path) or ()) if project else (None, ())
