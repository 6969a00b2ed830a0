"""Finding codes for `doctor`: what in a cluster keeps the bridge, or the jobs, from working as the policy says."""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity

RIGHT_MISSING = Code(
    name="right-missing",
    family=Family.DOCTOR,
    severity=Severity.ERROR,
    title="the account may not do what this needs",
    page="The API server was asked about each right (SelfSubjectAccessReview, which changes nothing). A right to read "
    "that is missing leaves something unproven, a right to write that is missing leaves it undone; neither shows until "
    "the moment it is needed.",
    remedy="Grant it, with the roles in `deploy/`, or ask for less with `--for`.",
)
BLOCKS_NOT_SERVED = Code(
    name="blocks-not-served",
    family=Family.DOCTOR,
    severity=Severity.WARNING,
    title="nobody serves the blocks of Calico's IPAM, so no address can be confirmed",
    page="Only the block says who holds an address. Calico's own API server does not serve blocks; they are CRDs of "
    "`crd.projectcalico.org`, or of `projectcalico.org` where that group is CRDs. Where Calico keeps its data in an "
    "etcd of its own, Kubernetes cannot show them. Verdicts stay at the grade `address`: what the pod's status says.",
    remedy="Nothing to do where the datastore is etcd; else look whether the CRD ipamblocks is installed.",
)
POOL_MISSING = Code(
    name="pool-missing",
    family=Family.DOCTOR,
    severity=Severity.ERROR,
    title="a pool of the policy is not in the cluster",
    page="A pod that names a pool which does not exist gets no address: Calico's CNI plugin refuses it, the pod stays "
    "in ContainerCreating, and the job fails after the runner's poll_timeout without a word about the reason.",
    remedy="Create it before any runner names it: runner-bridge render ip-pools.",
)
POOL_GIVES_NOTHING = Code(
    name="pool-gives-nothing",
    family=Family.DOCTOR,
    severity=Severity.ERROR,
    title="a pool of the policy gives no addresses to pods",
    page="Calico passes over a pool that is disabled, is being deleted, is marked as not allocatable, or whose "
    "allowedUses lacks `Workload`. Pods that have an address of it keep it; a new pod that names it waits "
    "in ContainerCreating until the runner gives up.",
    remedy="Enable it, with `Workload` among its uses, or take the tier's jobs to another pool first.",
)
BLOCK_SIZE_DIFFERS = Code(
    name="block-size-differs",
    family=Family.DOCTOR,
    severity=Severity.ERROR,
    title="a pool holds blocks of another size than its own",
    page="Blocks are never cut again. They are left over from a pool that was deleted and made anew with another "
    "blockSize while addresses were in use; calicoctl refuses that, kubectl does not. New blocks may then lie over old "
    "ones, and one address is given out twice.",
    remedy="Recycle the pods in the old blocks before new ones are made; `calicoctl ipam check` does not find this.",
)
BLOCK_IN_NO_POOL = Code(
    name="block-in-no-pool",
    family=Family.DOCTOR,
    severity=Severity.WARNING,
    title="a block with addresses in use lies in no pool",
    page="Its pool was deleted without calicoctl, which would have released it. The pods keep their addresses, but "
    "Calico no longer counts them as pods: no NAT for them, and no route from elsewhere.",
    remedy="Create the pool again as it was, or recycle those pods.",
)
PROXY_RANGE = Code(
    name="pool-outside-proxy-range",
    family=Family.DOCTOR,
    severity=Severity.WARNING,
    title="a pool lies outside of what kube-proxy takes for pods",
    page="kube-proxy treats a source outside its clusterCIDR as foreign and hides it behind the node's address when it "
    "calls a Service, so network policies see the node and not the pod (Kubernetes, kube-proxy's `--cluster-cidr`). It "
    "does not matter with `detectLocalMode` other than ClusterCIDR, nor where Calico's eBPF data plane replaces "
    "kube-proxy.",
    remedy="Widen clusterCIDR to hold the pools, or let kube-proxy detect local traffic by node or interface.",
)
QUARANTINE_ACTS_ON_NOTHING = Code(
    name="quarantine-acts-on-nothing",
    family=Family.DOCTOR,
    severity=Severity.WARNING,
    title="a tier opts in to quarantine, and no network policy acts on the label",
    page="Mode `enforce` puts the label `runner-bridge.dev/quarantine` on job pods in breach, and no more: what cuts "
    "their connections is a network policy that selects the label. It was looked for by its name, as "
    "`GlobalNetworkPolicy` of Calico and as `NetworkPolicy` of each namespace of job pods; one that you wrote under "
    "another name is not seen. Namespaces that are named by a pattern are reached by Calico's alone.",
    remedy="Apply one of the files of runner-bridge render quarantine.",
)
