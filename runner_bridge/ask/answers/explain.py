"""
Why a project gets its tier, and what follows from that: runners, annotation, addresses, and what a destination sees.

Everything comes from the policy alone. What the policy cannot know is said in `Explanation.assumed` and `unsure`, so
that nobody takes a declaration for an observation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from runner_bridge.core.policy.model import EgressKind, RuleKind, ScopeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner_bridge.core.policy.model import Address, Policy, Pool, Project, Runner, Tier
    from runner_bridge.core.policy.rules import Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A runner, and whether GitLab offers it the project's jobs."""

    runner: Runner
    offered: bool | None
    """None: the project's path or number is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one kind of destination sees as the source address."""

    destination: str
    source: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer."""

    project: Project
    placement: Placement
    tier: Tier | None = None
    offers: tuple[Offer, ...] = ()
    """The runners of its tier."""
    elsewhere: tuple[Runner, ...] = ()
    """Runners of other tiers that GitLab offers its jobs too."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """What a job pod carries when it is created, to ask for the pools; empty for a tier without a pin."""
    sights: tuple[Sight, ...] = ()
    assumed: tuple[str, ...] = ()
    """What the policy takes for granted about the cluster."""
    unsure: tuple[str, ...] = ()
    """What would have to be known about the project to be sure of its tier."""


def explain(
    policy: Policy,
    project: Project,
    *,
    annotations_of: Callable[[Policy, Tier], Mapping[str, str]],
    destination: Address | None = None,
    known: frozenset[RuleKind] = frozenset(),
) -> Explanation:
    """
    Explain the place of a project.

    Args:
        policy: the policy.
        project: what is known of it.
        annotations_of: the Calico annotations that are rendered for a tier.
        destination: an address whose view is asked for; None for all kinds of destinations.
        known: of which kinds of rules everything is known about the project, even where that is nothing.
    """
    placement = policy.place(project)
    unsure = tuple(_unsure(policy, project, placement, known))
    if placement.tier is None:
        return Explanation(project=project, placement=placement, unsure=unsure)
    tier = policy.tiers[placement.tier]
    others = (one for one in policy.runners.values() if one.tier != tier.name)
    return Explanation(
        project=project,
        placement=placement,
        tier=tier,
        offers=tuple(Offer(runner=one, offered=is_offered(one, project)) for one in tier.runners),
        elsewhere=tuple(one for one in others if is_offered(one, project)),
        annotations=annotations_of(policy, tier),
        sights=tuple(_sights(policy, tier, destination)),
        assumed=tuple(_assumed(tier)),
        unsure=unsure,
    )


def is_offered(runner: Runner, project: Project) -> bool | None:
    """Tell whether GitLab offers a runner the jobs of a project; None where too little is known. Never raises."""
    scope = runner.scope
    target = scope.target.lower()
    path = (project.path or "").lower()
    match scope.kind:
        case ScopeKind.INSTANCE:
            return True
        case ScopeKind.GROUP:
            return path.startswith(f"{target}/") if path else None
        case ScopeKind.PROJECT:
            if target.isdigit():
                return None if project.id is None else target == str(project.id)
            return path == target if path else None
    assert_never(scope.kind)


# --- what a destination sees ---


def _sights(policy: Policy, tier: Tier, destination: Address | None) -> Iterator[Sight]:
    inside = Sight(
        destination=", ".join(str(pool.cidr) for pool in policy.pools.values()),
        source="the pod's own address",
        because="nothing is translated between pools, disabled ones included",
    )
    if destination is None:
        yield inside
        yield _outside(policy, tier, "everything else")
        return
    if f"IPv{destination.version}" not in tier.families and tier.pin:
        because = f"job pods of the tier have no IPv{destination.version} address"
        yield Sight(destination=str(destination), source="nothing", because=because)
        return
    home = next((pool for pool in policy.pools.values() if destination in pool.cidr), None)
    if home is not None:
        because = f"it lies in pool {home.name}, and nothing is translated between pools"
        yield Sight(destination=str(destination), source=inside.source, because=because)
    else:
        yield _outside(policy, tier, str(destination))


def _outside(policy: Policy, tier: Tier, destination: str) -> Sight:
    egress = tier.egress
    match egress.kind:
        case EgressKind.NODE:
            source = "the address of the node that the pod runs on"
            because = "natOutgoing translates it; every pod of the node looks the same"
        case EgressKind.POD:
            source, because = "the pod's own address", "its pool is declared without natOutgoing"
        case EgressKind.GATEWAY:
            cidr = policy.pools[egress.gateway].cidr if egress.gateway else ""
            source, because = f"an address of the gateway's pool {egress.gateway}, {cidr}", "declared as egress"
        case EgressKind.EXTERNAL:
            source = " or ".join(
                str(one.network_address if one.num_addresses == 1 else one) for one in egress.addresses
            )
            because = "declared as egress: something outside of the cluster translates it"
        case EgressKind.NONE:
            source, because = "nothing", "the tier is declared not to leave; a network policy has to see to it"
        case _:  # pragma: no cover - kept by the type checker
            assert_never(egress.kind)
    return Sight(destination=destination, source=source, because=because)


def _assumed(tier: Tier) -> Iterator[str]:
    yield (
        "These are declarations. A pool of the cluster that the policy does not name, even a disabled one, also "
        "counts as a pool: destinations in it see the pod's own address."
    )
    if tier.egress.kind is EgressKind.NODE:
        yield (
            "The node's address is that of the interface it leaves by, unless Felix has a natOutgoingAddress or a NAT "
            "further out changes it again. Other nodes see it too, unless natOutgoingExclusions says otherwise; with "
            "eBPF the pod's own node sees the pod."
        )
    if not tier.pin:
        yield (
            "The tier is not pinned: no annotation is written, and the cluster picks the pool. What is judged is its "
            f"class, {tier.pool_class}."
        )


# --- what would have to be known ---

_GIVEN = {
    RuleKind.ID: ("by its number", "--id"),
    RuleKind.PATH: ("by its path", "give it in place of the number"),
    RuleKind.ATTRIBUTE: ("by a custom attribute", "--attribute"),
    RuleKind.TOPIC: ("by a topic", "--topic"),
}


def _unsure(policy: Policy, project: Project, placement: Placement, certain: frozenset[RuleKind]) -> Iterator[str]:
    """Name the kinds of rules that could have won if more were known of the project."""
    known = {
        RuleKind.ID: project.id is not None,
        RuleKind.PATH: bool(project.path),
        RuleKind.ATTRIBUTE: bool(project.attributes),
        RuleKind.TOPIC: bool(project.topics),
    }
    won = placement.rule.kind if placement.rule else None
    for kind, (how, option) in _GIVEN.items():
        if kind is won:
            return
        count = sum(rule.kind is kind for tier in policy.tiers.values() for rule in tier.rules)
        if count and not known[kind] and kind not in certain:
            rules = "1 rule places" if count == 1 else f"{count} rules place"
            yield f"{rules} a project {how}, which was not given ({option})."


def range_of(pool: Pool) -> str:
    """Return the first and last address of a pool, and how many there are in how many blocks."""
    cidr = pool.cidr
    blocks = 1 << (pool.block_size - cidr.prefixlen)
    counted = f"{_count(cidr.num_addresses)} addresses, {_count(blocks)} block{'s' * (blocks != 1)}"
    return f"{cidr}: {cidr.network_address} to {cidr.broadcast_address} ({counted})"


def _count(number: int) -> str:
    """Write a number that people can take in: those of IPv6 are powers of two."""
    return f"{number:,}" if number < 1 << 40 else f"2^{number.bit_length() - 1}"
