"""
What was seen in the cluster, projected to what the judge needs; nothing else of an object is kept.

`core.wire` makes these values from the bytes of `kubectl get … -o json`; the judge only reads them. They hold no label
or annotation maps and nothing of a pod's environment: a job pod is 25 kB on the wire and less than 1 kB here.
Structs without garbage-collector tracking, because 10,000 of them live at once and none refers back to another.
Import this module by its name: `core.model` itself stays free of msgspec, so that `--help` does.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

FINISHED = frozenset({"Succeeded", "Failed"})


class Kind(StrEnum):
    """The kinds of objects that evidence comes from."""

    PODS = "pods"
    POOLS = "pools"
    BLOCKS = "blocks"
    NAMESPACES = "namespaces"
    EVENTS = "events"
    NODES = "nodes"


class Asked(Struct, frozen=True, gc=False, kw_only=True):
    """
    The text of each Calico annotation that asks for an address, exactly as written; None: not there.

    Source of the seven keys: projectcalico/calico, cni-plugin/pkg/k8s/k8s.go. Pods and namespaces may carry the first
    three, pods alone the others.
    """

    ipv4_pools: str | None = None
    """`cni.projectcalico.org/ipv4pools`"""
    ipv6_pools: str | None = None
    ip_families: str | None = None
    """`cni.projectcalico.org/ipFamilies`"""
    ip_addrs: str | None = None
    ip_addrs_no_ipam: str | None = None
    floating_ips: str | None = None
    allowed_source_prefixes: str | None = None


NOTHING_ASKED = Asked()
"""The one value of every pod and namespace without such an annotation."""


class Marks(Struct, frozen=True, gc=False, kw_only=True):
    """
    What GitLab Runner wrote on a pod; an absent mark is empty text.

    Source: gitlab-runner, executors/kubernetes/kubernetes.go. Labels under `*.runner.gitlab.com` cannot be set by a
    job, annotations can be where the runner allows overwrites: those are claims.
    """

    project: str = ""
    """Label `project.runner.gitlab.com/id`, decimal text."""
    project_name: str = ""
    """Label `project.runner.gitlab.com/name`: the last part of the path, made label-safe."""
    manager: str = ""
    """Label `manager.runner.gitlab.com/name`: the runner's name, made label-safe; may be a host name."""
    short_id: str = ""
    """Label `manager.runner.gitlab.com/id-short`: nine characters of the token."""
    job_pod: str = ""
    """Label `job.runner.gitlab.com/pod`: `runner-<short>-project-<id>-concurrent-<n>`; not unique over time."""
    pod: str = ""
    """Label `pod`, the same text on a healthy pod; a job may overwrite it where label overwrites are allowed."""
    pause: bool = False
    """Label `runner.gitlab.com/pause-pod` is `true`."""
    job: str = ""
    """Annotation `job.runner.gitlab.com/id`; a claim, up to 2^63."""
    job_url: str = ""
    job_name: str = ""
    job_ref: str = ""
    claimed_project: str = ""
    """Annotation `project.runner.gitlab.com/id`; a claim."""
    stamp: str = ""
    """Our annotation with the hash of the runner's section that made the pod."""


class Labels(Struct, frozen=True, gc=False, kw_only=True):
    """The labels in our own domain, `runner-bridge.dev/…`; empty text where one is not there."""

    tier: str = ""
    pool: str = ""
    """Names of the pools that cover the pod's addresses, joined by `_`."""
    verdict: str = ""
    """An `Outcome`."""
    quarantine: str = ""
    """`true`: a network policy selects the pod by it."""
    probe: str = ""
    """The tier that the pod was made to probe; it counts only where no mark of a runner stands beside it."""


NOT_LABELLED = Labels()
"""The one value of every pod without such a label."""


class Pod(Struct, frozen=True, gc=False, kw_only=True):
    """One pod at one moment."""

    namespace: str
    name: str
    uid: str = ""
    created_at: datetime | None = None
    deleting: bool = False
    """It has a deletion timestamp."""
    phase: str = ""
    """`Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`."""
    host_network: bool = False
    node: str = ""
    addresses: tuple[Address, ...] = ()
    """`status.podIPs`, else `status.podIP`, in that order; history once the pod has finished."""
    annotated: tuple[Address, ...] | None = None
    """`cni.projectcalico.org/podIPs`, else `podIP`, without prefix length. None: absent; (): released (empty text)."""
    container_id: str = ""
    """`cni.projectcalico.org/containerID`: the sandbox; the block's handle ends in it."""
    asked: Asked = NOTHING_ASKED
    set_later: bool | None = None
    """
    Whether managedFields show that one of the seven annotations was written after the pod was created; None where they
    do not tell (dropped by default in `kubectl get`).
    """
    marks: Marks | None = None
    """None: none of the runner's marks."""
    labels: Labels = NOT_LABELLED
    scheduled_at: datetime | None = None
    """When the condition `PodScheduled` became True."""
    waiting: tuple[str, ...] = ()
    """Reasons why containers wait, each once, for example `ContainerCreating`."""
    privileged: bool = False
    """A container is privileged, or the pod shares the node's process or IPC space or mounts paths of the node."""
    service_account: str = ""
    owner_kind: str = ""
    """Kind and name of the controlling owner, for example `DaemonSet`; job pods have none."""
    owner: str = ""
    problems: tuple[str, ...] = ()
    """Parts that could not be read, one sentence each; they make the pod unknown."""

    @property
    def finished(self) -> bool:
        """It ran to its end: `status.podIP` says what it had, not what it holds."""
        return self.phase in FINISHED

    @property
    def has_left(self) -> bool:
        """
        It holds no address any more: it has finished, or is being deleted and Calico has emptied its annotation.

        So Calico reads a pod too (libcalico-go/lib/backend/k8s/conversion/conversion.go). Of a pod that is to live on,
        an emptied annotation is a claim that the block has to bear out: whoever may patch pods can empty it. A pod on
        the host's network, or one that was never started, can only claim it: Calico did not write it.
        """
        given_back = self.annotated == () and self.deleting and not self.host_network and self.phase != "Pending"
        return self.finished or given_back


class IPPool(Struct, frozen=True, gc=False, kw_only=True):
    """A Calico IPPool; the same pool seen through both API groups is one value with two `groups`."""

    name: str
    cidr: Network
    disabled: bool = False
    deleting: bool = False
    allocatable: bool | None = None
    """Condition `Allocatable`; None where nothing writes it, which is normal in the older API group."""
    reason: str = ""
    """Of that condition: `OK`, `CIDROverlap`, `Terminating`, `PoolDisabled`."""
    nat_outgoing: bool = False
    block_size: int = 0
    """0: not written, which means 26 or 122."""
    allowed_uses: tuple[str, ...] = ()
    """Empty: not written, which means Workload and Tunnel."""
    assignment_mode: str = ""
    """`Automatic` (also when empty) or `Manual`."""
    node_selector: str = ""
    groups: tuple[str, ...] = ()
    """`crd.projectcalico.org`, `projectcalico.org`: where it was seen."""

    @property
    def enabled(self) -> bool:
        """Whether Calico would allocate from it (calico, libcalico-go/lib/clientv3/client.go)."""
        return not self.disabled and not self.deleting and self.allocatable is not False


class Allocation(Struct, frozen=True, gc=False, kw_only=True):
    """One used address of a block: the attribute that its ordinal points at."""

    handle: str = ""
    """`<network>.<sandbox>` for pods; empty while it cools down."""
    pod: str = ""
    namespace: str = ""
    node: str = ""
    allocated_at: datetime | None = None
    sequence: int | None = None
    """`sequenceNumberForAllocation`; above 2^53, never a float."""
    released_at: datetime | None = None
    """Set: cooling down, nobody holds it."""
    use: str = ""
    """`secondary.type`: a node's tunnel address, for example `ipipTunnelAddress`; empty for pods."""


class Block(Struct, frozen=True, gc=False, kw_only=True):
    """A Calico IPAMBlock: the authority on who holds an address."""

    cidr: Network
    node: str = ""
    """The host of its affinity; empty when it belongs to none or to load balancers."""
    allocations: Mapping[int, Allocation] = {}
    """Ordinal, the offset from the block's first address, to what is allocated there."""
    deleted: bool = False
    """Soft-deleted: to be read as absent."""
    problems: tuple[str, ...] = ()


class PackedBlock(Struct, frozen=True, gc=False, kw_only=True):
    """
    A block where all blocks of a cluster are kept: what is counted at hand, who holds what packed.

    One that is soft-deleted has no such value. `core.wire.packed` makes and unpacks it.
    """

    version: int
    """Of IP: 4 or 6."""
    first: int
    """Its first address, as a number."""
    prefix: int
    """Length of its prefix."""
    node: str = ""
    """As of `Block`."""
    used: int = 0
    """Addresses that somebody holds."""
    cooling: int = 0
    """Addresses that nobody holds and that cannot be given out yet."""
    body: bytes = b""


class Namespace(Struct, frozen=True, gc=False, kw_only=True):
    """A namespace and what it asks for all pods in it."""

    name: str
    asked: Asked = NOTHING_ASKED


class Node(Struct, frozen=True, gc=False, kw_only=True):
    """A node: with NAT a destination sees one of its addresses, or one of a gateway behind it."""

    name: str
    uid: str = ""
    addresses: tuple[Address, ...] = ()
    """`status.addresses` of type InternalIP and ExternalIP, in that order of the object."""


class SandboxFailure(Struct, frozen=True, gc=False, kw_only=True):
    """One Kubernetes Event `FailedCreatePodSandBox`: the address of a pod could not be had."""

    namespace: str
    pod: str
    uid: str = ""
    """Of the pod, where the event names it."""
    message: str = ""
    count: int = 1
    """How often it was reported; series and deprecated counts alike."""
    first_at: datetime | None = None
    last_at: datetime | None = None


class Gap(Struct, frozen=True, gc=False, kw_only=True):
    """Why a dump does not hold all there is of its kind."""

    kind: Kind
    reason: str
    """One sentence without full stop: what was seen."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """The picture of the cluster. A kind that nobody asked for is None: that is not the same as "there are none"."""

    pods: tuple[Pod, ...] = ()
    pools: tuple[IPPool, ...] | None = None
    blocks: tuple[Block, ...] | None = None
    blocks_exist: bool | None = None
    """Whether the cluster has any block at all, be it one that was read or not; None: nobody asked."""
    namespaces: tuple[Namespace, ...] | None = None
    failures: tuple[SandboxFailure, ...] | None = None
    gaps: tuple[Gap, ...] = ()
    asked: tuple[str, ...] = ()
    """What was asked of the cluster, for the footer; empty when files were read."""
