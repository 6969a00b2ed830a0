"""
Whether a pod has to be taken off the network, stays as it is, or comes back. Pure.

Only a breach whose code justifies it (`Code.quarantine`), of a pod with an address that a network policy can act on, in
a tier that opts in. What was done is taken back only by proof: `unknown` changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.model.finding import Outcome, Quarantine

if TYPE_CHECKING:
    from runner_bridge.core.model.cluster import Pod
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy


NETWORK_POLICY: Final = "runner-bridge-quarantine"
"""Name of the rendered objects that act on the quarantine label, of Calico and of Kubernetes."""


class Powers(Struct, frozen=True, kw_only=True):
    """Names of the tiers that opt in."""

    quarantine: frozenset[str] = frozenset()
    delete: frozenset[str] = frozenset()
    """Some of `quarantine`."""


NO_POWERS: Final = Powers()


class Limits(Struct, frozen=True, kw_only=True):
    """Whether there is room for one more."""

    may_quarantine: bool
    may_delete: bool


UNLIMITED: Final = Limits(may_quarantine=True, may_delete=True)


class Isolation(StrEnum):
    """What is to become of the quarantine label."""

    LAY = "lay"
    KEEP = "keep"
    """As it stands: nothing is proven either way."""
    LIFT = "lift"


def powers_of(policy: Policy) -> Powers:
    """Return the tiers that opt in. Never raises."""
    tiers = policy.tiers.values()
    return Powers(
        quarantine=frozenset(tier.name for tier in tiers if tier.enforce.quarantine),
        delete=frozenset(tier.name for tier in tiers if tier.enforce.delete),
    )


def isolation(verdict: Verdict, pod: Pod, powers: Powers) -> Isolation:
    """Return what is to become of the quarantine label. Never raises."""
    if not powers.quarantine or (verdict.tier and verdict.tier not in powers.quarantine):
        return Isolation.LIFT
    if verdict.outcome is Outcome.PASS or pod.host_network:
        return Isolation.LIFT
    if verdict.outcome is Outcome.UNKNOWN or not verdict.assigned:
        return Isolation.KEEP
    if grounds(verdict):
        return Isolation.LAY
    unproven = any(_justifies(finding.code.quarantine, proven=True) for finding in verdict.findings)
    return Isolation.KEEP if unproven else Isolation.LIFT


def grounds(verdict: Verdict) -> tuple[str, ...]:
    """Return the names of the codes that justify quarantine, on the evidence there is, each once."""
    proven = bool(verdict.assigned) and all(one.confirmed for one in verdict.assigned)
    found = (finding.code for finding in verdict.findings if _justifies(finding.code.quarantine, proven=proven))
    return tuple(dict.fromkeys(code.name for code in found))


def _justifies(quarantine: Quarantine, *, proven: bool) -> bool:
    return quarantine is Quarantine.AT_ONCE or (proven and quarantine is Quarantine.BY_BLOCK)
