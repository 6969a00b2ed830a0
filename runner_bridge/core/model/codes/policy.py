"""Finding codes about the policy file. Errors stop it from being used; warnings and advice are shown and it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.finding import Code, Family, Severity

if TYPE_CHECKING:
    from typing import Final


def _code(name: str, title: str, page: str, remedy: str, severity: Severity = Severity.ERROR) -> Code:
    return Code(name=name, family=Family.POLICY, severity=severity, title=title, page=page, remedy=remedy)


# --- the text ---

MALFORMED: Final = _code(
    "policy-malformed",
    "the file cannot be read as YAML",
    "Nothing of the file can be used until it is valid YAML, so only the first such place of each file is known. "
    "YAML needs spaces for indentation, quotes around values that start with a special character, and a space after "
    "each colon.",
    "Correct the line named, or the one above it.",
)
UNKNOWN_KEY: Final = _code(
    "policy-unknown-key",
    "the key is not known",
    "A key that is not known is never passed over: a misspelt `limit` would otherwise be a runner without one, and a "
    "misspelt `pools` a tier without an address. Within `version: 1` keys are only added, so a file for a newer "
    "release may hold keys that this one does not know.",
    "Correct the spelling, move the key to where it belongs, or remove it.",
)
REPEATED_KEY: Final = _code(
    "policy-repeated-key",
    "the key stands twice",
    "YAML parsers keep the last of two equal keys without a word, so one of the two definitions would be lost. In a "
    "folder of files each top-level map may be split between them, but a name may stand only once in all of them.",
    "Remove one of the two, or rename it.",
)
MISSING_KEY: Final = _code(
    "policy-missing-key",
    "a key is missing",
    "The key has no default that would be right everywhere, so it has to be said.",
    "Add the key.",
)
WRONG_TYPE: Final = _code(
    "policy-wrong-type",
    "the value is of the wrong type",
    "Numbers, texts, lists and maps are not turned into one another, because YAML guesses: `3.30` is the number 3.3 "
    "and `0123` is 123. A text that looks like a number needs quotes.",
    "Write the value as the expected type; put quotes around a text that looks like something else.",
)
INVALID_VALUE: Final = _code(
    "policy-invalid-value",
    "the value is not allowed here",
    "The value has the right type but is outside of what the key allows: not one of its words, not in its range, or "
    "not of its form.",
    "Write what is expected.",
)
REPEATED_VALUE: Final = _code(
    "policy-repeated-value",
    "the same entry stands twice in the list",
    "An entry that stands twice says nothing more than once, and is usually a slip of copying: the second was meant to "
    "be another one.",
    "Remove it, or correct it.",
)
UNKNOWN_NAME: Final = _code(
    "policy-unknown-name",
    "the name is not defined in the policy",
    "Tiers name pools, and workloads and waivers name tiers. A name that is defined nowhere would make a tier without "
    "addresses, or a waiver that never holds.",
    "Correct the spelling, or define it.",
)

# --- pools ---

POOLS_OVERLAP: Final = _code(
    "policy-pools-overlap",
    "two pools overlap",
    "An address must belong to one pool only, else neither the verdict on a job pod nor the answer to a firewall's "
    "question is unique. Calico refuses overlapping pools in its own tools, but a raw `kubectl apply` to its CRDs "
    "does not check it (libcalico-go, clientv3/ippool.go).",
    "Make the ranges disjoint.",
)
POOL_HOST_BITS: Final = _code(
    "policy-pool-host-bits",
    "the range has host bits set",
    "`172.16.5.0/16` names a network by an address inside of it. Calico's CRD refuses it (`IPPool CIDR must be "
    "strictly masked`), and an annotation that names such a pool by range does not find it in older versions.",
    "Write the network's first address.",
)
POOL_LINK_LOCAL: Final = _code(
    "policy-pool-link-local",
    "the range overlaps the link-local range",
    "Calico refuses pools that touch 169.254.0.0/16 or fe80::/10: these addresses never leave a link, and Calico uses "
    "169.254.1.1 as every pod's gateway.",
    "Choose another range.",
)
POOL_OUTSIDE_POD_CIDRS: Final = _code(
    "policy-pool-outside-pod-cidrs",
    "the pool lies outside of every pod_cidrs range",
    "Traffic to a Service from an address outside of kube-proxy's `clusterCIDR` is masqueraded, so the backend sees a "
    "node and network policies by pod no longer match, on some nodes only. Cloud routes, `ip-masq-agent` and node "
    "firewalls know the same range.",
    "Add the range to cluster.pod_cidrs and to kube-proxy, or choose a range inside of it.",
)
POOL_COVERS_DOCKER: Final = _code(
    "policy-pool-covers-docker",
    "the pool contains 172.17.0.0/16, the default bridge of Docker",
    "Where Docker runs on a node, or inside of a job as `docker:dind`, it takes 172.17.0.0/16 for its bridge unless "
    "told otherwise. A job pod with such an address then cannot be reached from there. `172.16.0.0/16` is safe, "
    "`172.16.0.0/12` is not.",
    "Choose a range without 172.17.0.0/16, for example 172.16.0.0/16.",
    Severity.WARNING,
)
BLOCK_SIZE: Final = _code(
    "policy-block-size",
    "the block size does not fit the pool",
    "Calico hands a pool to nodes in blocks. Their prefix length is 20 to 32 for IPv4 and 116 to 128 for IPv6, and a "
    "block cannot be larger than the pool. It cannot be changed later without recreating the pool.",
    "Choose a prefix length in the range, not shorter than that of the pool.",
)
FEW_BLOCKS: Final = _code(
    "policy-few-blocks",
    "the pool has few blocks",
    "A node needs a block of its own before it can give an address. With strict affinity, or once all blocks are "
    "taken, jobs on the next node get none, although the pool is almost empty.",
    "Choose a smaller block (a larger number), or a larger pool.",
    Severity.WARNING,
)
IPIP_ON_IPV6: Final = _code(
    "policy-ipip-on-ipv6",
    "IPIP does not carry IPv6",
    "Calico refuses an IPv6 pool with IPIP (`IPIP is not supported on IPv6 pools`).",
    "Use vxlan, vxlan-cross-subnet or none.",
)
ENCAPSULATION_CIRCLE: Final = _code(
    "policy-encapsulation-circle",
    "the pools name each other's encapsulation in a circle",
    "`same-as` takes the encapsulation of another pool, and none of these pools says one.",
    "Say the encapsulation of one of them.",
)
ENCAPSULATION_ASSUMED: Final = _code(
    "policy-encapsulation-assumed",
    "the encapsulation is taken from a pool that does not say its own",
    "`same-as` is the safe choice, because another type of encapsulation restarts Felix on every node. But the pool "
    "named does not say what it has, so `none` is written.",
    "Say the encapsulation of the existing pool, with `generate: false`.",
    Severity.ADVICE,
)
CLASS_AND_NAT: Final = _code(
    "policy-class-and-nat",
    "the class of the pool contradicts nat_outgoing",
    "With `nat_outgoing` a destination outside of all pools sees the node's address, so the pool's own addresses are "
    "not routable from there; without it a pool of class `nat` leaves with its own addresses, and something further "
    "out has to translate them.",
    "Correct the class or nat_outgoing; with a NAT further out say it as egress: external.",
    Severity.WARNING,
)

# --- tiers ---

TIER_WITHOUT_POOL: Final = _code(
    "policy-tier-without-pool",
    "the tier has no pool",
    "A tier says which addresses its jobs get. Without a pool there is nothing to render and nothing to judge by.",
    "List at least one pool.",
)
TIER_MIXES_CLASSES: Final = _code(
    "policy-tier-mixes-classes",
    "one tier lists pools of different classes",
    "Calico takes a block of any pool in the list, so a job would get a routable address once and a translated one "
    "the next time.",
    "Keep pools of one class, or make a second tier.",
)
TIER_FAMILY_MISSING: Final = _code(
    "policy-tier-family-missing",
    "the families of the tier's pools are not those it is meant to have",
    "On a dual-stack cluster a pod gets an address of each family. Where a tier's pools cover one only, the other "
    "comes from whatever pool Calico picks, and a routable IPv6 address walks past the NAT of an IPv4 pool.",
    "Add a pool of the missing family, or say `families: [IPv4]` so that job pods ask for one family only.",
)
TIER_WITHOUT_RULE: Final = _code(
    "policy-tier-without-rule",
    "no project can fall into the tier",
    "The tier has no rule under `projects`, and no workload belongs to it, so nothing will ever use its pools.",
    "Add a rule, or remove the tier.",
    Severity.WARNING,
)
TIER_WITHOUT_RUNNER: Final = _code(
    "policy-tier-without-runner",
    "projects fall into the tier, but it has no runner",
    "Jobs of these projects run on whatever other runner picks them up, which is judged as the wrong one.",
    "Add a runner for the tier.",
    Severity.WARNING,
)
EGRESS_CONTRADICTS_POOL: Final = _code(
    "policy-egress-contradicts-pool",
    "the declared egress is not what the pools lead to",
    "`node` is what a destination sees of pods in a pool with natOutgoing, `pod` of those without it. Answers about "
    "source addresses would be wrong.",
    "Leave egress out for what follows from the pools, or say what translates the addresses on the way.",
    Severity.WARNING,
)
NAMESPACE_NOT_LISTED: Final = _code(
    "policy-namespace-not-listed",
    "jobs run in a namespace that cluster.namespaces does not list",
    "Job pods are looked for in the namespaces of `cluster.namespaces` only, so those of this tier would not be seen.",
    "Add the namespace to cluster.namespaces, or correct job.namespace.",
)
RESERVED_KEY: Final = _code(
    "policy-reserved-key",
    "the key belongs to somebody else",
    "Keys in `*.runner.gitlab.com` are dropped by the runner with no more than a debug message "
    "(executors/kubernetes/kubernetes.go); keys of `projectcalico.org` decide about addresses and are written from "
    "`pools` alone; `runner-bridge.dev` holds what is written about a pod, not what is asked for.",
    "Choose a key in a domain of your own.",
)
INVALID_LABEL: Final = _code(
    "policy-invalid-label",
    "not a valid key or value of Kubernetes",
    "A label or annotation key is an optional DNS name and a slash, then at most 63 letters, digits, `-`, `_` and `.`; "
    "a label's value the same or empty. The runner cleans values but not keys, and the API server refuses the whole "
    "pod: every job of the tier fails.",
    "Correct the key or value.",
)
OVERWRITE_NOT_PROVEN: Final = _code(
    "policy-overwrite-not-proven",
    "the pattern lets a job out of its tier, or cannot be proven not to",
    "The runner matches the pattern unanchored against what the job wrote, before variables in it are expanded again. "
    "Only a pattern is accepted from which no annotation of Calico, and no label that the policy sets, can be reached "
    "through both expansions.",
    "Leave it empty, or use an anchored list of keys such as ^team=.*",
)

# --- rules ---

RULE_FORM: Final = _code(
    "policy-rule-form",
    "the rule is not of a known form",
    "A rule is `id:N`, a path (`*` stands for one whole segment, `**` comes last only), `group:path`, "
    "`attribute:key=value`, `topic:name`, or `**` for every project.",
    "Write it in one of these forms.",
)
RULES_TIE: Final = _code(
    "policy-rules-tie",
    "two equally specific rules put one project into different tiers",
    "Paths are compared segment by segment: a name is more specific than `*`, and `*` than `**`. Where each of two "
    "rules is more specific in another segment, or both say the same, nothing decides between their tiers.",
    "Make one of them more specific, or add a rule for exactly the paths that satisfy both.",
)
RULES_ENTANGLED: Final = _code(
    "policy-rules-entangled",
    "too many rules have wildcards in too many places to compare them all",
    "Whether two rules tie is decided by comparing those that can meet on one path. Rules in which most segments are "
    "`*` all meet each other, and that nothing decides between two of them would be found out by a job.",
    "Write names instead of wildcards where you can, or fewer segments: platform/** instead of platform/*/*/*.",
)
RULE_REPEATED: Final = _code(
    "policy-rule-repeated",
    "the same rule stands twice",
    "`group:a` and `a/**` are the same rule, and paths are compared without regard to case, as GitLab does.",
    "Remove one of the two.",
)
TOPIC_NOT_ALLOWED: Final = _code(
    "policy-topic-not-allowed",
    "a topic gives access to a nat pool without consent",
    "Maintainers of a project can edit its topics, so such a rule lets them choose the tier.",
    "Use an id, path or attribute; or say allow_topics: true in the tier if that is meant.",
)

# --- runners ---

RUNNER_NAME: Final = _code(
    "policy-runner-name",
    "the runner's name cannot be a label",
    "The runner writes its name as a label on each job pod. It replaces what a label cannot hold and cuts at 63 "
    "characters, so different names could become one.",
    "Use at most 63 letters, digits, `.`, `_` and `-`, with a letter or digit at both ends.",
)
RUNNER_REPEATED: Final = _code(
    "policy-runner-repeated",
    "two runners have one name",
    "A runner is found again by its name: in config.toml, in GitLab, and on job pods.",
    "Give each runner a name of its own.",
)
RUNNER_NEVER_USED: Final = _code(
    "policy-runner-never-used",
    "the runner can never get a job",
    "GitLab gives a runner jobs that share one of its tags, and jobs without tags only with `run_untagged`. This one "
    "has neither.",
    "Add tags, or run_untagged: true.",
    Severity.WARNING,
)
SHORT_ID_SHARED: Final = _code(
    "policy-short-id-shared",
    "one short id is claimed twice",
    "The short id on a job pod is what maps it to its runner and so to its tier. One token is one runner.",
    "Correct the short ids; each token belongs to one runner.",
)
ROOT_GROUPS_MISSING: Final = _code(
    "policy-root-groups-missing",
    "GitLab.com needs gitlab.root_groups",
    "On GitLab.com a list of projects without a group is a list of everybody's projects, so it is never asked for.",
    "Name your top-level groups under gitlab.root_groups.",
)

# --- workloads, waivers ---

WORKLOAD_UNPINNED: Final = _code(
    "policy-workload-unpinned",
    "the workload's tier is not pinned",
    "In a tier with `pin: false` nothing is annotated, so the entry has no effect.",
    "Name a pinned tier, or remove the entry.",
)
WORKLOAD_JOB_NAMESPACE: Final = _code(
    "policy-workload-job-namespace",
    "the annotated namespace is one in which jobs of other tiers run",
    "A namespace's annotation counts for every pod in it without one of its own, so jobs of tiers without a pin would "
    "get these pools.",
    "Name the workloads themselves, or move the jobs to another namespace.",
    Severity.WARNING,
)
WAIVER_EXPIRED: Final = _code(
    "policy-waiver-expired",
    "the waiver has expired",
    "Its last day has passed; the finding counts again from then on. The policy is otherwise in force.",
    "Mend the cause and remove the waiver, or have it approved again with a new date.",
    Severity.WARNING,
)
WAIVER_UNKNOWN_CODE: Final = _code(
    "policy-waiver-unknown-code",
    "the waiver names a finding that does not exist",
    "A waiver with a misspelt code would never hold.",
    "Correct the code.",
)
