"""
Finding codes about Calico IPPool manifests.

What the API server refuses is an error here too, whatever the installed version checks: CRDs before Calico v3.32 hold
no rules at all and store it. What it stores and is dangerous is an error as well.
"""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity


def _code(name: str, severity: Severity, *, title: str, page: str, remedy: str) -> Code:
    return Code(name=name, family=Family.IP_POOLS, severity=severity, title=title, page=page, remedy=remedy)


_ERROR, _WARNING, _ADVICE = Severity.ERROR, Severity.WARNING, Severity.ADVICE

UNREADABLE = _code(
    "ippool-unreadable",
    _ERROR,
    title="the file is not YAML that Kubernetes could read",
    page="The text ends in a syntax error, so nothing in it was checked. kubectl refuses it as well.",
    remedy="Correct the syntax at the place that is named.",
)
REPEATED_KEY = _code(
    "ippool-repeated-key",
    _ERROR,
    title="a key stands twice in one map",
    page="YAML forbids it; tools take the last value or refuse the file, so what reaches the cluster depends on the "
    "tool. The one that was meant may be the one that is dropped.",
    remedy="Remove one of the two.",
)
API_VERSION = _code(
    "ippool-api-version",
    _ERROR,
    title="an IPPool in an API version that does not exist",
    page="IPPools are served as `projectcalico.org/v3` (the API that users write) and `crd.projectcalico.org/v1` (its "
    "storage). Any other combination is refused with `no matches for kind`, and a misspelt one is not recognised as a "
    "pool by any tool.",
    remedy="Write `apiVersion: projectcalico.org/v3`.",
)
BOTH_GROUPS = _code(
    "ippool-both-groups",
    _WARNING,
    title="pools are written through both API groups of Calico",
    page="With the aggregated API server `projectcalico.org/v3` is a view of `crd.projectcalico.org/v1`: who writes "
    "one object through both competes with itself, and the v1 way skips every check that Calico makes beyond the "
    "schema (overlap, selector syntax, blocks of another size, the safe order of deletion).",
    remedy="Keep one group: `projectcalico.org/v3` where the cluster serves it.",
)
NAMED_TWICE = _code(
    "ippool-named-twice",
    _WARNING,
    title="two pools of one name in one file",
    page="Pools are cluster-scoped, so the second replaces the first when the file is applied; fields that cannot be "
    "changed (`cidr`, `blockSize`) make the second fail instead.",
    remedy="Remove one of them, or give it its own name.",
)
UNKNOWN_FIELD = _code(
    "ippool-unknown-field",
    _WARNING,
    title="a field that an IPPool does not have",
    page="The API server drops unknown fields without an error unless strict field validation is asked for: a misspelt "
    "`natOutGoing: true` leaves NAT off, and a field one level too high does nothing.",
    remedy="Correct the spelling or remove the field; `kubectl apply --validate=strict` refuses it too.",
)
VALUE_REFUSED = _code(
    "ippool-value-refused",
    _ERROR,
    title="a value that the API server refuses",
    page="The schema of IPPool knows the type of each field, and a list of words for some of them; words are "
    "case-sensitive. An object with another value is not stored.",
    remedy="Write one of the values that are expected.",
)
CIDR_INVALID = _code(
    "ippool-cidr-invalid",
    _ERROR,
    title="the pool's CIDR is not a network",
    page="`cidr` is required and must be an IPv4 or IPv6 network with its prefix length and without host bits. Old "
    "versions of Calico stored one with host bits and then did not find the pool by its CIDR.",
    remedy="Write the network address and its prefix length, for example `172.16.0.0/16`.",
)
LINK_LOCAL = _code(
    "ippool-link-local",
    _ERROR,
    title="the pool shares addresses with the link-local range",
    page="169.254.0.0/16 and fe80::/10 belong to each link and are not routed. Calico uses them itself, and the API "
    "server refuses a pool that touches them.",
    remedy="Choose another range.",
)
DOCKER_RANGE = _code(
    "ippool-docker-range",
    _WARNING,
    title="the pool shares addresses with 172.17.0.0/16, the range of Docker's default bridge",
    page="Where Docker runs (on nodes, on machines that jobs talk to, inside Docker-in-Docker jobs) 172.17.0.0/16 is "
    "routed to its own bridge, so that packets to pods with such an address never leave the machine. A pool of "
    "172.16.0.0/12 holds it; 172.16.0.0/16 does not.",
    remedy="Choose a range without 172.17.0.0/16, for example `172.16.0.0/16`.",
)
BLOCK_SIZE_RANGE = _code(
    "ippool-block-size-range",
    _ERROR,
    title="blockSize is outside of what Calico allows",
    page="A block is the slice of a pool that one node holds: a prefix length from 20 to 32 for IPv4, from 116 to 128 "
    "for IPv6.",
    remedy="Write a prefix length within the range; 26 (IPv4) and 122 (IPv6) are Calico's defaults.",
)
SMALLER_THAN_BLOCK = _code(
    "ippool-smaller-than-block",
    _ERROR,
    title="the pool is smaller than one of its blocks",
    page="Addresses are given out from blocks, so a pool that cannot hold one gives out none. The API server refuses "
    "it unless the pool is disabled.",
    remedy="Make the pool larger, or the block smaller (a larger number).",
)
BLOCK_SIZE_ABSENT = _code(
    "ippool-block-size-absent",
    _ADVICE,
    title="blockSize is not written, so a later change of it goes unnoticed",
    page="The API server refuses to change blockSize, but not to set it where it was absent or 0. The effective size "
    "then changes from 26 (or 122) under living blocks, and blocks of two sizes that overlap give out one address "
    "twice.",
    remedy="Write the size that is in force: `blockSize: 26`, or 122 for IPv6.",
)
TOO_FEW_BLOCKS = _code(
    "ippool-too-few-blocks",
    _WARNING,
    title="the pool has fewer blocks than the cluster has nodes",
    page="A node needs a block of its own; where none is free it borrows single addresses from other nodes' blocks "
    "(not at all with strict affinity), each of which is a route of its own. Pods fail on the nodes that come last.",
    remedy="Choose a smaller block (a larger number) or a larger pool.",
)
TWO_ENCAPSULATIONS = _code(
    "ippool-two-encapsulations",
    _ERROR,
    title="IPIP and VXLAN are both on",
    page="A pool is carried between nodes in one way. The API server refuses `ipipMode` and `vxlanMode` together "
    "unless one of them is `Never`.",
    remedy="Set one of the two to `Never`.",
)
IPIP_ON_IPV6 = _code(
    "ippool-ipip-on-ipv6",
    _ERROR,
    title="IPIP on an IPv6 pool",
    page="Calico's IPIP carries IPv4 only; the API server refuses it on an IPv6 pool.",
    remedy="Use `vxlanMode`, or no encapsulation.",
)
ENCAPSULATION_ABSENT = _code(
    "ippool-encapsulation-absent",
    _ADVICE,
    title="neither ipipMode nor vxlanMode is written, so traffic between nodes is not encapsulated",
    page="Both default to `Never`. That needs a network between the nodes that routes pod addresses (BGP, or one flat "
    "segment); where the cluster's other pools are encapsulated, pods of this one reach nobody on other nodes.",
    remedy="Write both, with the values of the pool that works today.",
)
ENCAPSULATION_DIFFERS = _code(
    "ippool-encapsulation-differs",
    _ADVICE,
    title="pools of one family are carried between nodes in different ways",
    page="The first pool with another type of encapsulation makes Felix set up another tunnel device and restart on "
    "every node. The encapsulation of the pool that exists is the safe choice.",
    remedy="Use one type of encapsulation, or plan the change as one that touches every node.",
)
SELECTOR_TAG = _code(
    "ippool-selector-tag",
    _ERROR,
    title="a selector without quotes starts with an exclamation mark, which YAML reads as a tag",
    page="In YAML a value that starts with `!` is a tag and not text. The selector that arrives is empty, and an empty "
    "selector matches everything: the pool that was meant to be closed is open to every pod of the cluster. Some tools "
    "refuse the file instead.",
    remedy='Put the selector in quotes: `nodeSelector: "!all()"`.',
)
SELECTOR_BREAKS_PODS = _code(
    "ippool-selector-breaks-pods",
    _ERROR,
    title="an automatic pool has a selector that Calico cannot read",
    page="The API server stores any text. Each pod that names no pool makes Calico read the selectors of all enabled "
    "automatic pools, and one that cannot be read fails the pod: cluster-wide, with a message such as `expected "
    "string` that names neither the pool nor the selector.",
    remedy="Correct the selector before the file is applied; `!all()` in quotes keeps un-annotated pods out.",
)
SELECTOR_INVALID = _code(
    "ippool-selector-invalid",
    _WARNING,
    title="a selector that Calico cannot read, on a pool where it is not read today",
    page="Calico passes over the selectors of disabled pools and of pools with `assignmentMode: Manual`. As soon as "
    "the pool becomes automatic, or runs on a Calico before v3.30, every pod that names no pool fails.",
    remedy="Correct the selector.",
)
SELECTOR_GLOBAL = _code(
    "ippool-selector-global",
    _ERROR,
    title="global() in the selector of a pool",
    page="`global()` selects what is in no namespace; for pools it has no meaning and the API server refuses it.",
    remedy="Use `all()`.",
)
SELECTOR_NOT_PROTECTION = _code(
    "ippool-selector-not-protection",
    _ADVICE,
    title="its selectors and mode bind only pods that name no pool",
    page="A pod that names the pool in `cni.projectcalico.org/ipv4pools` (or whose namespace does) gets an address of "
    "it whatever nodeSelector, namespaceSelector and assignmentMode say. They keep ordinary pods out, which is "
    "tidiness; who may name the pool is decided by whoever may set annotations.",
    remedy="Keep the setting, and guard the annotation: empty `pod_annotations_overwrite_allowed` in the runner, an "
    "admission policy in the cluster.",
)
TUNNEL_NAMESPACE = _code(
    "ippool-tunnel-namespace",
    _ERROR,
    title="namespaceSelector on a pool that tunnel addresses may use",
    page="Tunnel addresses belong to nodes, which are in no namespace. The API server refuses `Tunnel` in allowedUses "
    "together with a namespaceSelector.",
    remedy="Write `allowedUses: [Workload]`.",
)
LOAD_BALANCER = _code(
    "ippool-load-balancer",
    _ERROR,
    title="LoadBalancer combined with what it excludes",
    page="A pool for load balancers serves nothing else: no `Workload` or `Tunnel`, no encapsulation, no "
    "disableBGPExport, and nodeSelector must be `all()`. The API server refuses anything else.",
    remedy="Use a pool of its own for load balancers.",
)
ALLOWED_USES_ABSENT = _code(
    "ippool-allowed-uses-absent",
    _ADVICE,
    title="allowedUses is not written, so nodes may take tunnel addresses from the pool",
    page="Absent or empty means `[Workload, Tunnel]`. Nodes choose a pool for their tunnel address by nodeSelector, "
    "assignmentMode is not asked: a Manual pool that selects the node is considered too. A pool that every pod may use "
    "is left alone here: nodes need one.",
    remedy="Write `allowedUses: [Workload]` for a pool of job pods.",
)
NAT_OFF = _code(
    "ippool-nat-off",
    _ADVICE,
    title="a closed pool of private addresses without NAT",
    page="natOutgoing is false where it is not written. Pods of the pool then leave with their own address, which only "
    "works where every destination has a route back; with NAT they leave with the node's.",
    remedy="Write `natOutgoing: true`, or `false` to say that the range is routed.",
)
NAT_AGAINST_CLASS = _code(
    "ippool-nat-against-class",
    _ERROR,
    title="natOutgoing contradicts the class that the policy gives the pool",
    page="A pool of class `nat` needs natOutgoing, or its pods reach nothing outside; one of class `routable` or "
    "`isolated` must not have it, or destinations see the node instead of the pod, and an isolated pool gets a way "
    "out.",
    remedy="Correct the manifest, or the class in the policy.",
)
DIFFERS_FROM_POLICY = _code(
    "ippool-differs-from-policy",
    _WARNING,
    title="the pool is not as the policy describes it",
    page="The policy names this pool. What is generated from it and how job pods are judged rests on the policy, so a "
    "manifest that says something else makes both wrong.",
    remedy="Correct the manifest or the policy; `runner-bridge render` writes the manifest that belongs to the policy.",
)
OVERLAP = _code(
    "ippool-overlap",
    _ERROR,
    title="two pools share addresses",
    page="Only calicoctl and the aggregated API server check it, and only on creation; kubectl on the CRDs does not. "
    "Which pool an address belongs to then depends on the order of listing, NAT and routes follow one of the two, and "
    "blocks of both can give out one address twice. Disabled pools do not count.",
    remedy="Make the ranges disjoint; a pool that is being replaced is disabled first.",
)
AUTOMATIC_ORDER = _code(
    "ippool-automatic-order",
    _WARNING,
    title="ordinary pods may land in either of two automatic pools that leave the cluster differently",
    page="A pod that names no pool gets an address of a block that its node already holds, in the text order of the "
    "addresses; a new block comes from the automatic pool whose name sorts first: `infraestrutura` before `workload`. "
    "Whether the pod's traffic is translated then hangs on a name.",
    remedy='Close the pool that is only for pods that name it: `nodeSelector: "!all()"`, and '
    "`assignmentMode: Manual` on Calico v3.30 or newer.",
)
FIELD_IGNORED = _code(
    "ippool-field-ignored",
    _ERROR,
    title="this Calico ignores the field, so the pool is open to every pod",
    page="`assignmentMode` is honoured since v3.30.0, `namespaceSelector` since v3.31.0; older versions drop or "
    "ignore it and treat the pool as automatic and unrestricted. The CRD may know a field that the plugin on the nodes "
    "does not.",
    remedy='Use `nodeSelector: "!all()"`, which every version honours, as well.',
)
FIELD_NEEDS_VERSION = _code(
    "ippool-field-needs-version",
    _ADVICE,
    title="only a new enough Calico honours what closes this pool",
    page="`assignmentMode` needs v3.30.0, `namespaceSelector` v3.31.0. On an older version the pool is open to every "
    "pod, without an error.",
    remedy='Name the version with `--calico-version`, or set `nodeSelector: "!all()"` as well.',
)
DISABLED = _code(
    "ippool-disabled",
    _ADVICE,
    title="the pool is disabled",
    page="Pods that have an address of it keep it; a new pod that names it fails with `does not exist, or is not "
    "enabled` and waits until its runner gives up.",
    remedy="Remove `disabled` when the pool is to be used; keep it while the pool is being drained.",
)
BGP_EXPORT = _code(
    "ippool-bgp-export-off",
    _ADVICE,
    title="disableBGPExport keeps the pool's routes from the other nodes too",
    page="The routes are withheld from every BGP peer, also from the nodes of the cluster's own mesh: without VXLAN, "
    "pods of the pool are then unreachable from other nodes.",
    remedy="Use a BGPFilter on the external peers instead; `runner-bridge render` writes one.",
)
