"""
Declared pools against the cluster's: what has to be created or changed, and whether a runner may be told of a pool.

`blockSize` can never be changed. Another encapsulation than any pool had before makes Felix restart on every node
(projectcalico/calico, felix/daemon). A pool with the label `app.kubernetes.io/managed-by: tigera-operator` is the
operator's: what it is to change goes into its Installation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import plan as codes
from runner_bridge.core.model.edit import Deed, Edit, FieldEdit, Part
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.policy.model import PoolsOwner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.model.cluster import IPPool
    from runner_bridge.core.policy.model import Policy, Pool, Runner

_AUTOMATIC = "Automatic"
_MANUAL = "Manual"
_NO_NODE = "!all()"


def compare(policy: Policy, pools: Iterable[IPPool], texts: Mapping[str, str]) -> tuple[Edit, ...]:
    """
    Return what has to change of the pools that the policy generates. Never raises.

    Args:
        policy: what is declared.
        pools: those of the cluster.
        texts: name of a pool → what to apply for it where somebody else has to: the rendered IPPool, or the patch of
            the operator's Installation.
    """
    live = {one.name: one for one in pools}
    found = []
    for declared in policy.pools.values():
        if not declared.generated:
            continue
        text = texts.get(str(declared.name), "")
        one = live.get(str(declared.name))
        is_operators = policy.cluster.pools_owner is PoolsOwner.TIGERA_OPERATOR
        if one is None:
            found.append(_create(declared, text, is_operators=is_operators))
        elif fields := differing(declared, one):
            found.append(_update(declared, fields, text, is_operators=is_operators))
    return tuple(found)


def differing(declared: Pool, pool: IPPool) -> tuple[FieldEdit, ...]:
    """Return the fields of a pool that are not as declared, by name; a field that is not written has its default."""
    size = pool.block_size or (26 if pool.cidr.version == 4 else 122)
    wanted = {
        "blockSize": (str(size), str(declared.block_size)),
        "cidr": (str(pool.cidr), str(declared.cidr)),
        "disabled": (_word(pool.disabled), "false"),
        "natOutgoing": (_word(pool.nat_outgoing), _word(declared.nat_outgoing)),
    }
    is_automatic = pool.assignment_mode != _MANUAL and pool.node_selector.replace(" ", "") != _NO_NODE
    if is_automatic is not declared.automatic:
        wanted["assignmentMode"] = (pool.assignment_mode or _AUTOMATIC, _AUTOMATIC if declared.automatic else _MANUAL)
    return tuple(
        FieldEdit(name=name, before=before, after=after)
        for name, (before, after) in sorted(wanted.items())
        if before != after
    )


def not_ready(policy: Policy, runner: Runner, pools: Iterable[IPPool]) -> tuple[Finding, ...]:
    """Return why a runner's jobs would get no address: one finding for each of its tier's pools that gives none."""
    tier = policy.tiers[runner.tier]
    live = {one.name: one for one in pools}
    found = []
    for declared in tier.pools if tier.pin else ():
        one = live.get(str(declared.name))
        seen = "it is not in the cluster" if one is None else _why_not(one)
        if seen:
            found.append(
                Finding(
                    code=codes.POOL_NOT_READY,
                    subject=f"pool {declared.name}",
                    place=runner.place,
                    observed=seen,
                    cause=f"Jobs of the runner {runner.name} would wait for an address until they fail.",
                )
            )
    return tuple(found)


def _why_not(pool: IPPool) -> str:
    if pool.disabled:
        return "it is disabled"
    if pool.deleting:
        return "it is being deleted"
    if pool.allocatable is False:
        return f"it is not allocatable: {pool.reason}" if pool.reason else "it is not allocatable"
    if pool.allowed_uses and "Workload" not in pool.allowed_uses:
        return f"its allowedUses are {', '.join(pool.allowed_uses)}"
    return ""


def _create(declared: Pool, text: str, *, is_operators: bool) -> Edit:
    return Edit(
        deed=Deed.TELL if is_operators else Deed.CREATE,
        part=Part.POOL,
        name=str(declared.name),
        where=str(declared.cidr),
        why="It belongs to the Tigera operator: add it to its Installation."
        if is_operators
        else "The cluster has no such pool.",
        text=text,
    )


def _update(declared: Pool, fields: tuple[FieldEdit, ...], text: str, *, is_operators: bool) -> Edit:
    fixed = [one.name for one in fields if one.name in {"blockSize", "cidr"}]
    why = "The pool is not as declared."
    if is_operators:
        why = "It belongs to the Tigera operator: change its Installation."
    elif fixed:
        why = f"{' and '.join(fixed)} of a pool cannot be changed: make another pool, move the jobs, delete this one."
    return Edit(
        deed=Deed.TELL if is_operators or fixed else Deed.UPDATE,
        part=Part.POOL,
        name=str(declared.name),
        where=str(declared.cidr),
        why=why,
        fields=fields,
        text=text if is_operators else "",
    )


def _word(value: bool) -> str:  # noqa: FBT001 - the value itself
    return str(value).lower()
