"""
Annotations for infrastructure that is no CI job: a namespace as a whole, or the pod template of one workload.

One patch for each, because none of these objects is ours to write whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.render import yaml_text
from runner_bridge.render.fragment import pool_annotations, proof
from runner_bridge.render.heading import heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Workload

NAMESPACE = "Namespace"


def render(policy: Policy) -> Mapping[str, str]:
    """
    Return one patch for each workload of a tier that is pinned; where it is not, there is nothing to ask for.

    Raises:
        RenderError: what was written does not say what the policy says.
    """
    wanted = (each for each in policy.workloads if policy.tiers[each.tier].pin)
    return {_file_name(each): _file(policy, each) for each in wanted}


def _file_name(workload: Workload) -> str:
    if workload.kind == NAMESPACE:
        return f"workloads/namespace-{workload.namespace}.patch.yaml"
    return f"workloads/{workload.kind.lower()}-{workload.namespace}-{workload.name}.patch.yaml"


def _file(policy: Policy, workload: Workload) -> str:
    tier = policy.tiers[workload.tier]
    annotations = pool_annotations(policy, tier)
    patch = _at(_path(workload.kind), annotations)
    text = heading(f"Tier {tier.name}.", *_usage(workload)) + yaml_text.dump(patch)
    yaml_text.prove(_file_name(workload), text, patch)
    proof.prove_annotations(_file_name(workload), policy, tier, annotations)
    return text


def _path(kind: str) -> tuple[str, ...]:
    match kind:
        case "Namespace" | "Pod":
            return ("metadata", "annotations")
        case "CronJob":
            return ("spec", "jobTemplate", "spec", "template", "metadata", "annotations")
        case _:
            return ("spec", "template", "metadata", "annotations")


def _at(path: tuple[str, ...], leaf: Mapping[str, str]) -> dict[str, Any]:
    value: dict[str, Any] = dict(leaf)
    for key in reversed(path):
        value = {key: value}
    return value


def _usage(workload: Workload) -> tuple[str, ...]:
    file = _file_name(workload).rpartition("/")[2]
    if workload.kind == NAMESPACE:
        return (
            f"  kubectl patch namespace {workload.namespace} --patch-file {file}",
            "It reaches every pod in the namespace that has no such annotation of its own, when the pod is created.",
        )
    kind = workload.kind.lower()
    if workload.kind == "Job":
        return (
            f"The pod template of the Job {workload.name} in {workload.namespace} cannot be changed: put this into its",
            "manifest and create it anew.",
        )
    return (
        f"  kubectl --namespace {workload.namespace} patch {kind} {workload.name} --patch-file {file}",
        "Calico reads the annotation when a pod is created: pods that run keep their address until they are replaced.",
    )
