"""
Codes of `drift`: what is live is not what the policy says.

Only what the policy declares is compared, in the form in which its keeper stores it (`core.edits`), so that a default
of a server, another order of tags or a token that a runner renewed by itself is no drift.
"""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity

RUNNER_DRIFTED = Code(
    name="runner-drifted",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="the runner's settings in GitLab are not as declared",
    page="Tags, `run_untagged`, `locked`, `access_level`, `paused` and `maximum_timeout` are kept by GitLab, and "
    "whoever maintains the runner can change them on its page. They decide whose jobs it takes.",
    remedy="Apply the policy, or put what was meant into it.",
)
RUNNER_GONE = Code(
    name="runner-gone",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="a declared runner is not in GitLab",
    page="It was never created, or somebody deleted it: its managers are then refused, and its tier has nobody to run "
    "its jobs, or somebody else.",
    remedy="Apply the policy.",
)
RUNNER_MISPLACED = Code(
    name="runner-misplaced",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="the runner belongs to another group or project, or to the whole instance",
    page="Which projects may use a runner follows from where it was created, and GitLab cannot move one.",
    remedy="Put a new runner of the declared scope in its place.",
)
RUNNER_LEFT_OVER = Code(
    name="runner-left-over",
    family=Family.DRIFT,
    severity=Severity.WARNING,
    title="a runner of ours is in GitLab that the policy does not have",
    page="Its maintenance note says that it was made for a runner of this cluster, which is declared no longer or has "
    "another one in its place. While somebody has its token it takes jobs.",
    remedy="Apply the policy, which deletes it.",
)
RUNNER_UNFINISHED = Code(
    name="runner-unfinished",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="a runner was created and is not in service",
    page="An apply was cut off between the creation and the last step, or the token that was kept is gone.",
    remedy="Run apply again: it goes on where it was.",
)
CONFIGURATION_DRIFTED = Code(
    name="configuration-drifted",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="what runner managers read is not what the policy says",
    page="A key that the policy governs was changed by hand, taken out, or added beside it. The managers load it at "
    "once and job pods are made by it; what the policy does not govern may be anything and is no drift.",
    remedy="Apply the policy, or put what was meant into it.",
)
POOL_DRIFTED = Code(
    name="pool-drifted",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="a pool in the cluster is not as declared",
    page="A pool that the policy generates is missing, disabled, or has other addresses, NAT or selection. Job pods of "
    "its tier then wait without an address, or leave by another one.",
    remedy="Apply the policy with --pools, or put what was meant into it.",
)
NAMESPACE_GRANTS_POOL = Code(
    name="namespace-grants-pool",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="a namespace gives all its pods addresses of a tier, and the policy does not say so",
    page="A pool annotation on a namespace holds for every pod in it that has none of its own (projectcalico/calico, "
    "cni-plugin/pkg/k8s/k8s.go): pods that are no jobs of the tier get its addresses, and with them its access.",
    remedy="Take the annotation off, or declare the namespace under workloads.",
)
NAMESPACE_DRIFTED = Code(
    name="namespace-drifted",
    family=Family.DRIFT,
    severity=Severity.ERROR,
    title="the namespace does not ask for the pools that the policy gives to its pods",
    page="The policy has the namespace under `workloads`, so its annotation has to name the pools of the tier. Pods "
    "that are created without it get addresses of other pools.",
    remedy="Write the annotation again.",
)
NAMESPACES_UNSEEN = Code(
    name="namespaces-unseen",
    family=Family.DRIFT,
    severity=Severity.WARNING,
    title="namespaces could not be compared",
    page="The annotations of all namespaces are looked at, because any of them may give addresses of a tier away.",
    remedy="Give --kubeconfig, and the right to list namespaces.",
)
