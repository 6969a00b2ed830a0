"""Finding codes for `plan`: what could not be compared, or stands in the way of applying."""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity

SCOPE_MISSING = Code(
    name="scope-missing",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="GitLab has no such group or project for us",
    page="A runner is created in a group or project. GitLab answers in the same way for one that does not exist and "
    "for one that the token may not see.",
    remedy="Correct the runner's scope in the policy, or give the token's owner access to it.",
)
RUNNERS_UNSEEN = Code(
    name="runners-unseen",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="runners in GitLab could not be compared",
    page="Without a token for `read_api`, or while GitLab cannot be asked, nobody can say whether the declared runners "
    "exist and are as declared. The rest of the plan holds.",
    remedy="Name a token with --token-file, or ask again when GitLab answers.",
)
RUNNER_NOWHERE = Code(
    name="runner-nowhere",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="a runner has to be created, and nobody says where its token is to be kept",
    page="GitLab shows the token of a new runner once. It is written to the `tokens` of the runner's installation "
    "before anything else happens, so that it cannot be lost.",
    remedy="Add an entry to `installations` that serves the runner and has `tokens`.",
)
RUNNER_DOUBTFUL = Code(
    name="runner-doubtful",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="several runners in GitLab may be the declared one",
    page="A runner is known by its number or token in the configuration that its managers read; without those by the "
    "marker in its maintenance note. Two runners with the same marker, none of which a configuration names, may both "
    "be in use.",
    remedy="Delete the one that nobody uses.",
)
CONFIGURATION_UNSEEN = Code(
    name="configuration-unseen",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="what runner managers read could not be compared",
    page="The file or Secret of an installation could not be read, or is not what a runner could load.",
    remedy="Run it where the file is, or grant the right to read the Secret.",
)
POOLS_UNSEEN = Code(
    name="pools-unseen",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="pools could not be compared",
    page="A runner whose pool is not there, is disabled or does not serve workloads makes every job hang until its "
    "time-out. So nothing is applied to a runner before its pools were seen.",
    remedy="Give --kubeconfig, and the right to list IPPools.",
)
POOL_NOT_READY = Code(
    name="pool-not-ready",
    family=Family.PLAN,
    severity=Severity.ERROR,
    title="a pool that a runner needs gives no addresses to pods",
    page="Calico refuses a pod whose annotation names a pool that does not exist, is disabled, is being deleted, or "
    "whose allowedUses lacks `Workload`: every job would hang and fail. Such a runner's configuration is not applied.",
    remedy="Create or enable the pool first: apply --pools, or the rendered IPPool.",
)
