"""Whether anything in a cluster acts on the label of a quarantine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.judge.problem import quote
from runner_bridge.core.model import Finding
from runner_bridge.core.model.codes import doctor as codes
from runner_bridge.core.quarantine import NETWORK_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.policy.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Which of the rendered network policies are there."""

    calico: bool = False
    """The one of Calico, for every namespace."""
    namespaces: frozenset[str] = frozenset()
    """Namespaces that have the one of Kubernetes."""
    unread: tuple[str, ...] = ()
    """What may not be read, as `globalnetworkpolicies.crd.projectcalico.org`."""


def examine_quarantine(acting: Acting, policy: Policy) -> Iterator[Finding]:
    """Yield the finding about namespaces in which the label acts on nothing, where a tier opts in. Never raises."""
    tiers = [tier.name for tier in policy.tiers.values() if tier.enforce.quarantine]
    bare = [name for name in policy.cluster.namespaces if name not in acting.namespaces]
    if not tiers or acting.calico or not bare:
        return
    cause = f"Not everything could be read: {', '.join(acting.unread)}." if acting.unread else ""
    yield Finding(
        code=codes.QUARANTINE_ACTS_ON_NOTHING,
        subject=f"tier {', '.join(tiers)}",
        observed=f"no network policy {NETWORK_POLICY} for {', '.join(map(quote, bare))}",
        expected="the rendered one",
        cause=cause,
    )
