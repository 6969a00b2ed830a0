"""
The network policies that act on the quarantine label: without one of them the label says something and does nothing.

Calico's is the one that holds: its policies have an order, so an early Deny wins over what later ones allow, and a
selector on names of namespaces reaches `ci-job-*`. Kubernetes' network policies only ever add up: one selects the
quarantined pods and allows nothing, and whatever another one allows them stays allowed.

Sources: Calico, api/pkg/apis/projectcalico/v3/globalnetworkpolicy.go (order, selectors), libcalico-go
lib/apis/v3/labels.go (`projectcalico.org/name`), felix/rules/endpoints.go (established flows are accepted before any
policy); Kubernetes, concepts/services-networking/network-policies (policies are additive).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.core.actions import LABELS, QUARANTINED
from runner_bridge.core.quarantine import NETWORK_POLICY
from runner_bridge.render import yaml_text
from runner_bridge.render.heading import heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy

ORDER = 1
"""Calico applies the lowest first, and Kubernetes' network policies at 1000."""
_LABEL = LABELS["quarantine"]
_NAMESPACE_NAME = "projectcalico.org/name"

_ESTABLISHED = (
    "Connections that stand when the label is laid go on until they end: they are accepted before any policy is asked.",
    "New ones are cut in both directions, DNS too. A pod that uses the network of its node is out of reach.",
)


def render(policy: Policy) -> Mapping[str, str]:
    """
    Return the network policies; nothing where no tier opts in to quarantine.

    Raises:
        RenderError: what was written does not say what was meant.
    """
    if not any(tier.enforce.quarantine for tier in policy.tiers.values()):
        return {}
    files = {"quarantine/calico.yaml": _calico(policy)}
    names = [name for name in policy.cluster.namespaces if "*" not in name]
    if names:
        files["quarantine/kubernetes.yaml"] = _kubernetes(
            names, all_of_them=len(names) == len(policy.cluster.namespaces)
        )
    return files


def _calico(policy: Policy) -> str:
    document = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": NETWORK_POLICY},
        "spec": {
            "order": ORDER,
            "namespaceSelector": " || ".join(dict.fromkeys(map(_selector, policy.cluster.namespaces))),
            "selector": f"{_LABEL} == '{QUARANTINED}'",
            "types": ["Ingress", "Egress"],
            "ingress": [{"action": "Deny"}],
            "egress": [{"action": "Deny"}],
        },
    }
    text = heading(
        "Takes job pods with the quarantine label off the network. The one to use with Calico: it comes before every",
        f"other policy of the Calico tier `default` (order {ORDER}), so nothing that another one allows gets past it.",
        *_ESTABLISHED,
        "kubectl apply where kubectl get apiservice v3.projectcalico.org is Available, else calicoctl apply: there is",
        "no file of crd.projectcalico.org/v1, because Calico keeps policies under other names there.",
        "A policy of a Calico tier before `default`, or an AdminNetworkPolicy, is asked earlier, and may allow. Where",
        "there is one, put this into a Calico tier of its own before it: spec.tier, and in metadata.name that tier's",
        "name and a dot before the name.",
    ) + yaml_text.dump(document)
    yaml_text.prove("GlobalNetworkPolicy", text, document)
    return text


def _selector(pattern: str) -> str:
    """
    Return the selector on the namespace's name that a pattern stands for.

    With several `*` it may reach further than the pattern, which harms nobody: the label decides as well.

    >>> _selector("gitlab-runners"), _selector("ci-job-*")
    ("projectcalico.org/name == 'gitlab-runners'", "projectcalico.org/name starts with 'ci-job-'")
    """
    first, *between = pattern.split("*")
    if not between:
        return f"{_NAMESPACE_NAME} == '{pattern}'"
    *middle, last = between
    parts = [f"{_NAMESPACE_NAME} starts with '{first}'"] if first else []
    parts += [f"{_NAMESPACE_NAME} contains '{part}'" for part in middle if part]
    parts += [f"{_NAMESPACE_NAME} ends with '{last}'"] if last else []
    match parts:
        case []:
            return f"has({_NAMESPACE_NAME})"
        case [one]:
            return one
        case _:
            return f"({' && '.join(parts)})"


def _kubernetes(names: list[str], *, all_of_them: bool) -> str:
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": NETWORK_POLICY, "namespace": name},
            "spec": {"podSelector": {"matchLabels": {_LABEL: QUARANTINED}}, "policyTypes": ["Ingress", "Egress"]},
        }
        for name in names
    ]
    missing = () if all_of_them else ("Namespaces that the policy names by a pattern are missing here.",)
    text = heading(
        "Takes job pods with the quarantine label off the network, as far as Kubernetes' own network policies can:",
        "they add up, so whatever another NetworkPolicy of the namespace allows these pods stays allowed. It is for",
        "clusters where calico.yaml cannot be applied; look through the others of these namespaces first.",
        *_ESTABLISHED,
        *missing,
    ) + "---\n".join(map(yaml_text.dump, documents))
    yaml_text.prove("NetworkPolicies", text, *documents)
    return text
