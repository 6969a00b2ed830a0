"""
What is live and not as declared, who is right, and the command that mends it. Pure.

Built on the edits of a plan: what `apply` would change is drift, and what it would only tell is drift that somebody
else has to mend. Besides those, namespaces that give a tier's addresses to all their pods.
"""

from __future__ import annotations

import json
from collections import Counter
from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple, assert_never

from msgspec import Struct

from runner_bridge.core.audit.leaks import is_kept_apart
from runner_bridge.core.judge.requested import parse_list
from runner_bridge.core.model.annotations import POOL_KEYS
from runner_bridge.core.model.codes import drift as codes
from runner_bridge.core.model.edit import Deed, Edit, Part, Plan
from runner_bridge.core.model.finding import Finding
from runner_bridge.core.policy.model import RunnerName, TierName
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_bridge.core.model import Code, Place
    from runner_bridge.core.model.cluster import Namespace
    from runner_bridge.core.policy.model import Policy, Pool, Tier

_KEYS = {"tag_list": "tags", "access_level": "protected"}
"""What GitLab calls otherwise than the policy."""
_NAMESPACE = "Namespace"
_SHOWN = 120


class Namespaces(Struct, frozen=True, kw_only=True):
    """The namespaces of the cluster, or why they could not be read."""

    items: tuple[Namespace, ...] = ()
    trouble: str = ""


class Drift(Struct, frozen=True, kw_only=True):
    """What was found."""

    found: tuple[Finding, ...]
    """In the order in which apply would mend it, namespaces last."""
    unseen: tuple[Finding, ...]
    """What could not be compared: where nothing was found there, nothing is proven."""
    by_tier: Mapping[str, int] = {}
    """How much of `found` is about each tier, those with none included; what several tiers have counts in each."""


class _Told(NamedTuple):
    finding: Finding
    tiers: tuple[TierName, ...]


def drift(policy: Policy, plan: Plan, namespaces: Namespaces) -> Drift:
    """
    Return what is not as declared. Never raises.

    Args:
        policy: what is declared.
        plan: of this policy, with pools.
        namespaces: those of the cluster.
    """
    created = {one.name for one in plan.edits if (one.deed, one.part) == (Deed.CREATE, Part.RUNNER)}
    # A runner that is not there has no token and is not in service: that is told once.
    told = [one for one in plan.edits if one.part not in {Part.TOKEN, Part.SERVICE} or one.name not in created]
    found = [_Told(_of_edit(policy, one), _tiers_of(policy, one)) for one in told]
    unseen = plan.unseen
    if namespaces.trouble:
        gap = Finding(code=codes.NAMESPACES_UNSEEN, subject=policy.cluster.name, cause=redact(namespaces.trouble))
        unseen = (*unseen, gap)
    else:
        found += _of_namespaces(policy, namespaces.items)
    counts = Counter(tier for one in found for tier in one.tiers)
    return Drift(
        found=tuple(one.finding for one in found),
        unseen=unseen,
        by_tier={str(name): counts[name] for name in policy.tiers},
    )


def _tiers_of(policy: Policy, edit: Edit) -> tuple[TierName, ...]:
    """Return the tiers that a thing is of; none for a runner that the policy does not have."""
    match edit.part:
        case Part.CONFIGURATION:
            return tuple(dict.fromkeys(policy.runners[one].tier for one in policy.installations[edit.name].runners))
        case Part.POOL:
            return tuple(name for name, tier in policy.tiers.items() if edit.name in _names(tier))
        case _:
            declared = policy.runners.get(RunnerName(edit.name))
            return (declared.tier,) if declared is not None else ()


def _of_edit(policy: Policy, edit: Edit) -> Finding:
    return Finding(
        code=_code(edit),
        subject=f"{_WORDS[edit.part]} {edit.name}",
        place=_place(policy, edit),
        observed=_fields(edit, before=True),
        expected=_fields(edit, before=False),
        cause=f"{edit.why} {_who_is_right(edit)}",
        remedy=_remedy(edit),
        proof=edit.text if edit.part is Part.CONFIGURATION or edit.deed is Deed.TELL else "",
    )


_WORDS = {
    Part.RUNNER: "runner",
    Part.TOKEN: "runner",
    Part.SERVICE: "runner",
    Part.CONFIGURATION: "configuration",
    Part.POOL: "pool",
}


def _code(edit: Edit) -> Code:
    match edit.part:
        case Part.RUNNER:
            return {
                Deed.CREATE: codes.RUNNER_GONE,
                Deed.UPDATE: codes.RUNNER_DRIFTED,
                Deed.DELETE: codes.RUNNER_LEFT_OVER,
                Deed.TELL: codes.RUNNER_MISPLACED,
            }[edit.deed]
        case Part.TOKEN | Part.SERVICE:
            return codes.RUNNER_UNFINISHED
        case Part.CONFIGURATION:
            return codes.CONFIGURATION_DRIFTED
        case Part.POOL:
            return codes.POOL_DRIFTED
    assert_never(edit.part)


def _place(policy: Policy, edit: Edit) -> Place | None:
    if edit.part is Part.CONFIGURATION:
        return policy.installations[edit.name].place
    declared = policy.runners.get(RunnerName(edit.name))
    return declared.place if declared is not None and edit.part is not Part.POOL else None


def _fields(edit: Edit, *, before: bool) -> str:
    """Return what differs, as it is or as it is declared; nothing where all of it is missing or goes."""
    if edit.deed in {Deed.CREATE, Deed.DELETE}:
        return ""
    return ", ".join(f"{one.name} {redact(one.before if before else one.after) or 'none'}" for one in edit.fields)


def _who_is_right(edit: Edit) -> str:
    if edit.part is Part.CONFIGURATION and edit.deed is Deed.TELL:
        return "The policy is right, and nobody is fought over it: its owner writes it."
    return "The policy is right."


def _remedy(edit: Edit) -> str:
    if edit.deed is Deed.TELL:
        return "Do what is shown." if edit.text else "Change it where it is kept."
    part = Part.RUNNER if edit.part in {Part.TOKEN, Part.SERVICE} else edit.part
    pools = " --pools" if edit.part is Part.POOL else ""
    command = f"`runner-bridge apply --target {part}.{edit.name}{pools}`"
    keys = [_KEYS.get(one.name, one.name) for one in edit.fields if one.name != "description"]
    if edit.part is Part.RUNNER and edit.deed is Deed.UPDATE and keys:
        return f"{command}; or, if the change was meant, put it into the policy ({', '.join(keys)})."
    return f"{command}."


# --- namespaces ---


def _of_namespaces(policy: Policy, namespaces: Iterable[Namespace]) -> Iterator[_Told]:
    by_name = {one.name: one for one in namespaces}
    declared = {one.namespace: one for one in policy.workloads if one.kind == _NAMESPACE}
    for name, workload in declared.items():
        tier = policy.tiers[workload.tier]
        if tier.pin:
            for one in _declared(policy, name, tier, by_name.get(name), workload.place):
                yield _Told(one, (tier.name,))
    for name in sorted(by_name.keys() - declared.keys()):
        yield from _undeclared(policy, by_name[name])


def _declared(policy: Policy, name: str, tier: Tier, namespace: Namespace | None, place: Place) -> Iterator[Finding]:
    """Yield the families of which a namespace does not ask for the pools that the policy gives it."""
    for key, version in POOL_KEYS.items():
        wanted = [str(one.name) for one in tier.pools_of(f"IPv{version}")]
        text = _text(namespace, version)
        asked = _asked(policy, text)
        if wanted and (asked is None or set(asked) != set(wanted)):
            value = json.dumps(wanted, separators=(",", ":"))
            yield Finding(
                code=codes.NAMESPACE_DRIFTED,
                subject=f"namespace {name}",
                place=place,
                observed=_quoted(text) if namespace else "no such namespace",
                expected=value,
                cause=f"Pods that are created in it now get no address of the tier {tier.name}. The policy is right.",
                remedy=f"`kubectl annotate --overwrite namespace {name} '{key}={value}'`; pods that run keep their "
                "address until they are replaced.",
            )


def _undeclared(policy: Policy, namespace: Namespace) -> Iterator[_Told]:
    """Yield the families of which a namespace asks for pools that the policy keeps for a tier."""
    for key, version in POOL_KEYS.items():
        text = _text(namespace, version)
        names = set(_asked(policy, text) or ())
        tiers = [one for one in policy.tiers.values() if is_kept_apart(one) and names & _names(one)]
        given = [one for one in tiers if not _is_its_own(policy, namespace.name, one)]
        if given:
            which = " and ".join(str(one.name) for one in given)
            finding = Finding(
                code=codes.NAMESPACE_GRANTS_POOL,
                subject=f"namespace {namespace.name}",
                place=given[0].place,
                observed=_quoted(text),
                cause=f"Every pod in it gets addresses of the tier {which}. The policy is right.",
                remedy=f"`kubectl annotate namespace {namespace.name} {key}-`; or, if it was meant, declare it: "
                f"`workloads: [{{tier: {given[0].name}, namespace: {namespace.name}, kind: Namespace}}]`.",
            )
            yield _Told(finding, tuple(one.name for one in given))


def _is_its_own(policy: Policy, namespace: str, tier: Tier) -> bool:
    """Tell whether jobs of this tier and of no other have the namespace: they ask for those pools anyway."""
    users = {one.name for one in policy.tiers.values() if one.job.namespace == namespace}
    return users == {tier.name}


def _names(tier: Tier) -> set[str]:
    return {str(one.name) for one in tier.pools}


def _text(namespace: Namespace | None, version: int) -> str:
    if namespace is None:
        return ""
    return (namespace.asked.ipv4_pools if version == 4 else namespace.asked.ipv6_pools) or ""


def _asked(policy: Policy, text: str) -> list[str] | None:
    """Return the pools that an annotation names, by name or CIDR; None: nothing is asked for, or it is no list."""
    entries = parse_list(text) if text else None
    return None if entries is None else [_name_of(policy.pools.values(), one) for one in entries]


def _name_of(pools: Iterable[Pool], entry: str) -> str:
    if "/" in entry:
        try:
            cidr = ip_network(entry, strict=False)
        except ValueError:
            return entry
        return next((str(one.name) for one in pools if one.cidr == cidr), entry)
    return entry


def _quoted(text: str) -> str:
    shown = redact(text)
    return (shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…") or "nothing"
