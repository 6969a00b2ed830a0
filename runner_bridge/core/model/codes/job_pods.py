"""
Finding codes about job pods (the judge).

A code's outcome follows one rule. Breach: the pod asked for or has something that its tier does not give. Unknown: what
it is, what it asked for or what it holds cannot be proven, or it has no address and so nothing got through. None: a
note that changes no verdict.

So does its quarantine. At once: only a job can have asked for it. By block: it holds an address that is not its tier's,
whoever asked. Never: it is the configuration that is wrong, or a network policy would not act.
"""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Outcome, Quarantine, Severity


def _breach(name: str, *, title: str, page: str, remedy: str, quarantine: Quarantine = Quarantine.NEVER) -> Code:
    return Code(
        name=name,
        family=Family.JOB_PODS,
        severity=Severity.ERROR,
        title=title,
        page=page,
        remedy=remedy,
        outcome=Outcome.BREACH,
        quarantine=quarantine,
    )


def _unknown(name: str, *, title: str, page: str, remedy: str, pending: bool = False) -> Code:
    return Code(
        name=name,
        family=Family.JOB_PODS,
        severity=Severity.ADVICE if pending else Severity.WARNING,
        title=title,
        page=page,
        remedy=remedy,
        outcome=Outcome.UNKNOWN,
        pending=pending,
    )


def _note(name: str, *, title: str, page: str, remedy: str) -> Code:
    return Code(
        name=name, family=Family.JOB_PODS, severity=Severity.ADVICE, title=title, page=page, remedy=remedy, outcome=None
    )


def _of_cluster(name: str, *, title: str, page: str, remedy: str) -> Code:
    """Make a code that is about no job pod, so that it changes no verdict."""
    return Code(
        name=name,
        family=Family.JOB_PODS,
        severity=Severity.WARNING,
        title=title,
        page=page,
        remedy=remedy,
        outcome=None,
    )


# Whose pod is it?

IDENTITY_UNCONFIRMED = _unknown(
    "identity-unconfirmed",
    title="it is not proven which declared runner made this job pod",
    page=(
        "A pod is mapped to a runner by the label `manager.runner.gitlab.com/id-short`, the first nine characters "
        "of the runner's token, which a job cannot set. Here that short id belongs to no declared runner although "
        "the pod looks like one of ours: it carries a declared runner's name, its project belongs to a pinned tier, "
        "or it was made by a GitLab Runner before 17.9, which wrote no such label. A name proves nothing: on a "
        "default Helm install it is the manager's host name. The pod is never passed over as somebody else's."
    ),
    remedy="Write the short id under the runner's `short_ids` in the policy, or give `--config config.toml`.",
)
RUNNER_AMBIGUOUS = _unknown(
    "runner-ambiguous",
    title="one short id belongs to runners of more than one tier",
    page=(
        "Two `[[runners]]` sections that share a token share its jobs by chance: recorded with GitLab Runner 19.4, "
        "the same project's jobs got one pool and the other in turn. Different tokens may also begin alike. Which "
        "tier such a pod belongs to cannot be told from the pod."
    ),
    remedy="Give every runner a token of its own, and list each short id under one runner only.",
)
WRONG_RUNNER_FOR_PROJECT = _breach(
    "wrong-runner-for-project",
    title="the project's tier is not the tier of the runner that ran its job",
    page=(
        "The policy places the project in one tier, and a runner of another tier ran its job. GitLab Runner never "
        "checks whose job it is: only the runner's scope, tags and protection in GitLab decide. The rest of the "
        "verdict is about the tier of the runner, so that each fault is named once. A project that was transferred "
        "lately may still be listed under its old path."
    ),
    remedy="Narrow the runner's scope or tags in GitLab, or correct the policy's rule for the project.",
)
PROJECT_UNPLACED = _unknown(
    "project-unplaced",
    title="the policy does not say which tier the project belongs to",
    page=(
        "No rule matches the project, or two equally specific rules of different tiers do, so it has no tier of its "
        "own. Its pod is judged by the runner's tier and still stays unknown: whether that runner may serve it is "
        "not declared."
    ),
    remedy="Add a rule for the project; `runner-bridge explain PROJECT` shows which rules match.",
)
PROJECT_UNCHECKED = _note(
    "project-unchecked",
    title="whether the project belongs on this runner was not checked",
    page=(
        "A pod names its project by number only. Without GitLab's list of projects the path, and so the rule, is "
        "not known: the tier is then the runner's, and this note says what was left out."
    ),
    remedy="Give the project list with `--projects`, or write an `id:` rule for the project.",
)
CLAIM_CONTRADICTED = _unknown(
    "claim-contradicted",
    title="the pod's annotation names another project than its label",
    page=(
        "GitLab Runner writes the project's number twice: as a label, which a job cannot set, and as an annotation, "
        "which it can wherever `pod_annotations_overwrite_allowed` lets it. They differ only when somebody "
        "overwrote the annotation, so the job's number, name and URL on this pod are not to be believed either. The "
        "pool is judged as usual, by the label."
    ),
    remedy='Set `pod_annotations_overwrite_allowed = ""`; take the job from GitLab, not from this pod.',
)
NAMESPACE_UNDECLARED = _note(
    "namespace-undeclared",
    title="a job pod of a declared runner lives in a namespace that the policy does not list",
    page=(
        "`cluster.namespaces` lists where job pods live; guards and permissions are made for those. A job gets "
        "elsewhere when `namespace_overwrite_allowed` matches, whose pattern is not anchored, or when the list is "
        "out of date."
    ),
    remedy='Add the namespace to `cluster.namespaces`, or set `namespace_overwrite_allowed = ""`.',
)
STAMP_STALE = _note(
    "stamp-stale",
    title="the pod was made by another state of the runner's configuration than the policy calls for",
    page=(
        "Each rendered runner carries a hash of its own section as an annotation. A difference is information, not "
        "a breach: long-polling managers keep handing out the configuration they had when they asked for the job, "
        "for a chain of jobs if need be, and nobody has to restart them."
    ),
    remedy=(
        "Nothing, if the configuration changed lately; else `runner-bridge render --check` shows what is out of date."
    ),
)

# What does it ask for?

ANNOTATION_MISSING = _breach(
    "annotation-missing",
    title="nothing asks for the tier's pools",
    page=(
        "The tier is pinned, so its runner must put the pool annotation on every job pod. Neither the pod nor its "
        "namespace carries one, and Calico chose by itself. The usual reasons: a misspelt key in config.toml, which "
        "GitLab Runner ignores without a word, the annotation under the wrong runner, or chart values that annotate "
        "the manager."
    ),
    remedy="Run `runner-bridge lint` on the runner's config.toml; render it from the policy.",
)
ANNOTATION_MALFORMED = _breach(
    "annotation-malformed",
    title="the pool annotation in force is not a JSON list of pool names",
    page=(
        "Calico's plugin parses the value as a JSON list of strings and refuses the pod otherwise; it stays in "
        "ContainerCreating until the runner gives up. A value without brackets, single quotes inside, a trailing "
        "comma, a number, or a pool of the other family all end so. White space and JSON escapes are fine."
    ),
    remedy="""Write the value as one string that holds JSON: `'["pool"]'`.""",
)
ANNOTATION_ASKS_NOTHING = _breach(
    "annotation-asks-nothing",
    quarantine=Quarantine.AT_ONCE,
    title="the pod's annotation is an empty list, which asks for automatic selection",
    page=(
        "`[]` and `null` are text: they win over the namespace's annotation, name no pool, and Calico selects as "
        "for a pod without annotation. An empty text does not: then the namespace's counts. Where the runner's "
        "configuration names a pool, only a job's variable can have put this there."
    ),
    remedy='Set `pod_annotations_overwrite_allowed = ""` on the runner.',
)
ANNOTATION_OVERWRITTEN = _breach(
    "annotation-overwritten",
    quarantine=Quarantine.AT_ONCE,
    title="the annotation in force asks for other pools than the tier's",
    page=(
        "What the pod asks for differs from what its runner's tier declares. Either a job overwrote the annotation "
        "(`KUBERNETES_POD_ANNOTATIONS_…`, wherever the runner's pattern lets it, and the pattern is not anchored), "
        "or the runner's configuration is not the rendered one. It is a breach even when the address is inside the "
        "tier's pools: the next one need not be. Calico honours a named pool whatever its selectors say."
    ),
    remedy=(
        'Set `pod_annotations_overwrite_allowed = ""` on the runner; `runner-bridge lint config.toml` shows what it '
        "allows."
    ),
)
REQUEST_UNPROVEN = _unknown(
    "request-unproven",
    title="what the pod asks for is not proven, because its namespace was not read",
    page=(
        "The pod carries no pool annotation of its own; then its namespace's is in force, and no list of namespaces "
        "holds it. The address alone does not tell whether somebody asked for it."
    ),
    remedy="Give the namespaces too: `kubectl get namespaces -o json`, with `--namespaces`.",
)
ANNOTATION_AFTER_CREATION = _unknown(
    "annotation-after-creation",
    title="a pool annotation was written after the pod was created",
    page=(
        "Calico reads the annotations once, when it makes the pod's network. What is there now need not be what was "
        "asked: an annotation added later looks right and did nothing. Kubernetes tells it in "
        "`metadata.managedFields`, which `kubectl get` hides unless `--show-managed-fields` is given; without them "
        "nothing is said."
    ),
    remedy="Find out who may patch pods in this namespace; GitLab Runner never changes an annotation after creation.",
)
POOL_UNKNOWN = _unknown(
    "pool-unknown",
    title="a pool that the pod needs does not exist in the cluster",
    page=(
        "Calico has no fallback: a pod that names a missing pool gets no address and hangs until the runner gives "
        "up after `poll_timeout`, three minutes by default. Names are case-sensitive and not trimmed; a CIDR must "
        "be a whole pool's. Where the pool was removed under a running pod, its traffic is no longer translated "
        "from that moment."
    ),
    remedy="Create the pool before any runner names it; `runner-bridge render` writes it.",
)
POOL_DISABLED = _unknown(
    "pool-disabled",
    title="the pool exists and gives no new addresses",
    page=(
        "It is disabled, being deleted, or lost against an overlapping pool (condition `Allocatable` is False). "
        "Pods that have an address keep it, and keep being translated; a new pod that names the pool is refused."
    ),
    remedy="Enable the pool, or move the tier to another one in the policy.",
)

# Other doors than the pool annotation

IP_ADDRS_REQUESTED = _breach(
    "ip-addrs-requested",
    quarantine=Quarantine.AT_ONCE,
    title="the pod asks for a fixed address with `cni.projectcalico.org/ipAddrs`",
    page=(
        "A second door into any pool: Calico checks only that the address lies in an enabled pool for workloads, "
        "and it wins over the pool annotation. No tier asks for addresses, so a job did, through the same "
        "overwrite."
    ),
    remedy='Set `pod_annotations_overwrite_allowed = ""` on the runner.',
)
IP_ADDRS_NO_IPAM_REQUESTED = _breach(
    "ip-addrs-no-ipam-requested",
    quarantine=Quarantine.AT_ONCE,
    title="the pod asks for an address past all pools with `cni.projectcalico.org/ipAddrsNoIpam`",
    page=(
        "Where the CNI configuration enables `ip_addrs_no_ipam`, this gives a pod any address at all and leaves no "
        "block behind; elsewhere the pod is refused. No tier asks for it."
    ),
    remedy='Set `pod_annotations_overwrite_allowed = ""` on the runner, and leave the feature off.',
)
FLOATING_IPS_REQUESTED = _breach(
    "floating-ips-requested",
    quarantine=Quarantine.AT_ONCE,
    title="the pod asks for floating addresses with `cni.projectcalico.org/floatingIPs`",
    page=(
        "Where the CNI configuration enables `floating_ips`, traffic to that address is sent to the pod: a job can "
        "take over an address of the network. Elsewhere the pod is refused. No tier asks for it."
    ),
    remedy='Set `pod_annotations_overwrite_allowed = ""` on the runner, and leave the feature off.',
)
ALLOWED_SOURCE_PREFIXES_REQUESTED = _breach(
    "allowed-source-prefixes-requested",
    quarantine=Quarantine.AT_ONCE,
    title="the pod asks to send from foreign addresses with `cni.projectcalico.org/allowedSourcePrefixes`",
    page=(
        "Where Felix has `workloadSourceSpoofing: Any`, the pod may then send packets whose source is any address "
        "of those ranges: its own address proves nothing about where its traffic comes from. No tier asks for it."
    ),
    remedy='Set `pod_annotations_overwrite_allowed = ""` on the runner; keep `workloadSourceSpoofing: Disabled`.',
)
IP_FAMILIES_REQUESTED = _breach(
    "ip-families-requested",
    quarantine=Quarantine.AT_ONCE,
    title="the pod asks for other address families than its tier has",
    page=(
        "`cni.projectcalico.org/ipFamilies` adds or drops a family. A family that the tier does not have comes from "
        "whatever pool Calico selects, and a routable IPv6 address walks past the translation of IPv4."
    ),
    remedy=(
        'Set `pod_annotations_overwrite_allowed = ""` on the runner, or declare pools of that family for the tier.'
    ),
)

# What did it get?

HOST_NETWORK = _breach(
    "host-network",
    title="the job pod uses the network of its node",
    page=(
        "Such a pod never meets Calico: its annotations do nothing and it has the node's own address, so it reaches "
        "what the node reaches. GitLab Runner has no key for it; a `pod_spec` patch sets it, and a job can switch a "
        "dormant patch on by a feature flag that the configuration does not pin."
    ),
    remedy=(
        "Remove the `pod_spec` patch, or pin `FF_USE_ADVANCED_POD_SPEC_CONFIGURATION` under `[runners.feature_flags]`."
    ),
)
ADDRESS_OUTSIDE_TIER_POOLS = _breach(
    "address-outside-tier-pools",
    quarantine=Quarantine.BY_BLOCK,
    title="the address lies in a pool that is not the tier's",
    page=(
        "A pinned tier has the pools that it lists and no others; a tier that is not pinned has the pools of its "
        "class. Calico honours the pool annotation as it is when the pod's network is made, so an address elsewhere "
        "was asked for by something else, or nothing asked at that moment."
    ),
    remedy="See what was requested and by whom; a pod keeps its address until it ends, so the job must run again.",
)
ADDRESS_ROUTABLE = _breach(
    "address-routable",
    quarantine=Quarantine.BY_BLOCK,
    title="the pod holds a routable address, which its tier must not have",
    page=(
        "The tier is behind NAT or isolated; this address is one of the few that the network knows and audits, and "
        "its traffic leaves untranslated."
    ),
    remedy="See what was requested and by whom; a pod keeps its address until it ends, so the job must run again.",
)
ADDRESS_IN_NO_POOL = _breach(
    "address-in-no-pool",
    title="the address lies in no pool that is known",
    page=(
        "Neither the policy nor the cluster has a pool that covers the address: the pool was deleted under the pod "
        "(its traffic is no longer translated from that moment), the address was given past IPAM, or another plugin "
        "gave it."
    ),
    remedy="List the pools with `--pools`; declare the pool in the policy if it is meant to be there.",
)
POOL_UNDECLARED = _unknown(
    "pool-undeclared",
    title="the address lies in a pool that the policy does not know",
    page=(
        "The tier is not pinned, so its pods may have any pool of the tier's class, and the class of a pool that "
        "the policy does not list is not known."
    ),
    remedy="Declare the pool, with its class, in the policy.",
)
FAMILY_UNDECLARED = _unknown(
    "family-undeclared",
    title="job pods have addresses of a family for which the policy has no pool",
    page=(
        "The cluster gives its pods a second family and the policy is silent about it: whether those addresses are "
        "routable is not known, and a routable IPv6 address walks past the NAT of IPv4. Said once for the cluster; "
        "the pods are judged by the family that is declared."
    ),
    remedy="Declare pools of that family, or give the tier one family only; the rendered annotation then says so.",
)
ADDRESSES_DISAGREE = _unknown(
    "addresses-disagree",
    title="the pod's status and Calico's annotation name different addresses",
    page=(
        "Calico writes its annotation before kubelet writes the status, so after a new sandbox the status is old "
        "for some seconds. The annotation can also be forged, and emptied, by whoever may patch pods. Only the block "
        "tells: either it was not read, or it confirms neither, or it stands by the status, against the annotation."
    ),
    remedy="Read again in a few seconds, with `--blocks`; if it stays, find out who patches pods.",
)
BLOCK_DISAGREES = _unknown(
    "block-disagrees",
    title="the Calico block does not name this pod as the holder of its address",
    page=(
        "The block is the authority on who holds an address: its entry must name the pod, the namespace, the node "
        "and the sandbox. Lists that were read one after the other can differ for a moment, and an address may be "
        "given to the next job within seconds, so this is unknown, not a breach: it must still be so when both are "
        "read again."
    ),
    remedy="Read pods and blocks again two seconds later; if it stays, compare with `calicoctl ipam check`.",
)
BLOCK_UNREAD = _unknown(
    "block-unread",
    title="no block was read that could confirm the address",
    page=(
        "With `--strict` an address counts only when the Calico block names the pod as its holder. The status alone "
        "is what kubelet last reported."
    ),
    remedy="Give the blocks: `kubectl get ipamblocks.crd.projectcalico.org -o json`, with `--blocks`.",
)
ADDRESS_GIVEN_TWICE = _unknown(
    "address-given-twice",
    title="two pods hold the same address",
    page=(
        "Calico gives an address out twice when blocks overlap, for example after a pool was deleted raw and made "
        "again with another block size; `calicoctl ipam check` does not see it. Whose traffic a firewall saw cannot "
        "be told."
    ),
    remedy="Compare the block sizes with the pool's; drain the pool, delete its blocks, start the pods again.",
)
POD_LEAVING = _unknown(
    "pod-leaving",
    title="the pod's address is already free: it is on its way out, or its network is made anew",
    page=(
        "The address was released between two reads, or Calico has emptied its annotation, which it does first when it "
        "takes a pod's network down, and no block says otherwise. It settles by itself: in a moment the pod is gone, "
        "or has an address again."
    ),
    remedy="Nothing.",
    pending=True,
)
PRIVILEGED = _note(
    "privileged",
    title="the pod is privileged, so its job owns the node",
    page=(
        "A privileged container, or one that sees the node's processes or files, can send from any address of the "
        "node and take over other pods on it. The verdict stands for what Calico did; its evidence is graded "
        "`weak`."
    ),
    remedy="Run such jobs on nodes of their own, or build images without privileges.",
)

# It has no address

ADDRESS_PENDING = _unknown(
    "address-pending",
    title="the pod has no address yet",
    page="The pod is being scheduled or its network is being made. It settles by itself.",
    remedy="Check again in a few seconds.",
    pending=True,
)
FINISHED_WITHOUT_ADDRESS = _unknown(
    "finished-without-address",
    title="the pod ended and its object shows no address",
    page=(
        "It was evicted, missed its deadline or failed before its network was made. Nothing is left to prove: it "
        "holds no address, and the runner deletes the object."
    ),
    remedy="Nothing.",
    pending=True,
)
PENDING_TOO_LONG = _unknown(
    "pending-too-long",
    title="the pod is bound to a node and has had no address for too long",
    page=(
        "An address is given before images are pulled, so a pod without one for half of the runner's `poll_timeout` "
        "after the condition `PodScheduled` became True is stuck in its network. GitLab will only say that it timed "
        "out waiting."
    ),
    remedy="Give the events, which hold the reason: `kubectl get events -A -o json`, with `--events`.",
)
POOL_EXHAUSTED = _unknown(
    "pool-exhausted",
    title="the pool has no free address for the pod",
    page=(
        "Every address that this node may use is taken: the whole pool, or with strict affinity the node's own "
        "blocks. Leaked addresses come back after `leakGracePeriod`, 15 minutes by default."
    ),
    remedy="Enlarge the tier by a second pool of the same class, or lower the runner's `limit`.",
)
BLOCK_LIMIT_REACHED = _unknown(
    "block-limit-reached",
    title="the node has as many blocks of the pool as it may have",
    page=(
        "Calico gives a node at most 20 blocks within the pools of a request, or `maxBlocksPerHost`, and at that "
        "limit borrows nothing from other nodes: pods fail on this node while the pool has room."
    ),
    remedy="Use a larger block (a smaller number as `blockSize`) in a new pool, or spread the jobs over more nodes.",
)
BLOCK_ALLOCATION_OFF = _unknown(
    "block-allocation-off",
    title="the node's blocks are full and Calico may not make another",
    page=(
        "`autoAllocateBlocks` is false in Calico's IPAM configuration, so a node has the blocks that somebody made "
        "for it."
    ),
    remedy="Turn `autoAllocateBlocks` on, or make blocks for the node.",
)
IPAM_CONTENTION = _unknown(
    "ipam-contention",
    title="too many addresses were asked for at once",
    page="Calico gave up after 100 conflicting writes. kubelet tries again by itself.",
    remedy="Lower the runner's `concurrent` or `limit` if it stays.",
)
POOL_NOT_FOR_WORKLOADS = _unknown(
    "pool-not-for-workloads",
    title="the pool's `allowedUses` does not hold Workload",
    page="A named pool is used whatever its selectors say, but not against its `allowedUses`.",
    remedy="Set `allowedUses: [Workload]` on the pool.",
)
NO_POOL_OF_FAMILY = _unknown(
    "no-pool-of-family",
    title="the cluster has no enabled pool of the family that the pod needs",
    page="Calico found no enabled pool of the family at all, before it looked at names.",
    remedy="Create or enable a pool of that family, or give the tier the families that exist.",
)
NO_POOL_FOR_NODE = _unknown(
    "no-pool-for-node",
    title="no pool selects the pod's node, and the pod names none",
    page=(
        "Without annotation only automatic pools count whose selectors match the node and the namespace. A "
        "dual-stack pod that names pools of one family needs an automatic one of the other."
    ),
    remedy="Let a pool select the node, or let the tier name its pools of both families.",
)
POOL_SELECTOR_UNREADABLE = _unknown(
    "pool-selector-unreadable",
    title="some pool's selector cannot be parsed, and every pod that names no pool fails",
    page=(
        "One enabled automatic pool with a broken `nodeSelector` or `namespaceSelector` stops automatic selection "
        "in the whole cluster; Calico's text names neither the pool nor the selector."
    ),
    remedy="Run `runner-bridge lint` on the pools; quote `!all()` in YAML.",
)
NODE_MISSING = _unknown(
    "node-missing",
    title="Calico does not find the pod's node",
    page="The node's name in Calico's CNI configuration is not the name of a Kubernetes node.",
    remedy="Compare `nodename` in the CNI configuration with `kubectl get nodes`.",
)
CALICO_LOCKED = _unknown(
    "calico-locked",
    title="Calico's datastore is locked",
    page=(
        "`ClusterInformation` has `datastoreReady: false`, left by a migration or by `calicoctl datastore migrate "
        "lock`: no pod in the cluster gets or returns an address."
    ),
    remedy="Finish the migration, or run `calicoctl datastore migrate unlock`.",
)
SANDBOX_FAILING = _unknown(
    "sandbox-failing",
    title="the pod's sandbox cannot be made",
    page="kubelet reports a failure that is none of Calico's known refusals, at least three times over a minute.",
    remedy="Read the message; it usually names the plugin, the runtime or the node.",
)

# About the cluster

SNAPSHOT_INCOMPLETE = _unknown(
    "snapshot-incomplete",
    title="what was read is not complete",
    page=(
        "A list was cut, a line or an object could not be read, or the API did not serve a kind. What is missing is "
        "never taken for proof: what depends on it is unknown."
    ),
    remedy="Read the list again, as a whole.",
)
CALICO_IPAM_ABSENT = _unknown(
    "calico-ipam-absent",
    title="Calico IPAM is not in use here, or not readable, so no pod can be judged",
    page=(
        "Addresses come from Amazon VPC, Azure, GKE or host-local IPAM, or Calico keeps its data in etcd where "
        "Kubernetes cannot show it. Pool annotations do nothing in the first case and cannot be proven in the "
        "second. Pools alone do not make it in use: an installation of Calico for network policies only may have "
        "them, and even writes its annotations on pods. Its IPAM writes a block before a pod has an address, so pods "
        "with addresses in a cluster without one block have them from elsewhere."
    ),
    remedy="Give the pools with `--pools` if there are some; else this cluster is not one for runner-bridge.",
)
POOLS_OVERLAP = _unknown(
    "pools-overlap",
    title="two pools of the cluster overlap",
    page=(
        "Which pool an address belongs to is then not defined, and Calico may give one address out twice. Calico's "
        "API server and calicoctl refuse it, a raw `kubectl apply` does not. Disabled pools and the same pool seen "
        "through both API groups are none."
    ),
    remedy="Drain and remove one of them: disable it, wait until it has no blocks, delete it.",
)
BLOCKS_OVERLAP = _unknown(
    "blocks-overlap",
    title="two blocks overlap",
    page=(
        "It happens when a pool is deleted raw and made again with another block size while a block still lives: "
        "recorded, one address was then given out twice, and `calicoctl ipam check` counts no invalid block."
    ),
    remedy="Drain the pool, delete its blocks and affinities, start the pods again.",
)
POOL_DIFFERS = _unknown(
    "pool-differs",
    title="a pool has another CIDR in the cluster than in the policy",
    page="Names lead to one range and the policy to another: no address of that pool can be judged.",
    remedy="Correct the policy; the CIDR of an existing pool cannot be changed.",
)
JOB_CLAIM_CONTRADICTED = _note(
    "job-claim-contradicted",
    title="GitLab says something else of the job that a pod claims to run",
    page=(
        "Number and URL of a job stand in annotations of its pod, which a job can write wherever "
        "`pod_annotations_overwrite_allowed` lets it. Where a bridge may ask GitLab, it compares: is it a job of the "
        "project that the label names, did the pod's runner take it, did it run while the pod was there. The verdict "
        "does not change, because it comes from labels and addresses alone and must be the same while GitLab is down; "
        "but the job that is named beside it is not to be believed. `jobs` and `job` say so, and the ledger keeps it."
    ),
    remedy=(
        'Set `pod_annotations_overwrite_allowed = ""`; find the job by the project, the runner and the time of the '
        "pod, not by the number that it claims."
    ),
)
POOL_HELD_BY_OTHERS = _of_cluster(
    "pool-held-by-others",
    title="pods that are none of CI hold addresses of a pool of CI",
    page=(
        "Whoever sees traffic of such an address takes it for a job's, and jobs find less room. A pod gets there by "
        "the annotation, which any pod may carry unless a guard refuses it (it bypasses nodeSelector and "
        "assignmentMode), or without it where the pool gives addresses by itself. Seen only where every block is "
        "watched (`run --blocks watch`); pods of namespaces and workloads that the policy names are none of these."
    ),
    remedy="Declare it under `workloads` if it belongs there; else make it anew without the annotation, and set the "
    "guard.",
)
ADDRESS_LEAKED = _of_cluster(
    "address-leaked",
    title="an address of a pool of CI is held for a pod that is gone",
    page=(
        "Calico gives such an address back by itself after its leak grace period and a scan, 15 to 23 minutes by "
        "default, so one is said after 25 minutes of being seen without its pod. Until then it is not given out "
        "again: the pool has less room than it seems. Seen only where every block is watched (`run --blocks watch`)."
    ),
    remedy="Look whether calico-kube-controllers runs; `calicoctl ipam check --show-all-ips -o report.json`, then "
    "`calicoctl ipam release --from-report report.json`.",
)
