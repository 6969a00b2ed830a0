"""
The few fields of Kubernetes objects that are read, as they lie on the wire; the decoder skips the rest.

Nothing of a container's environment, and no map of labels or annotations, has a field here, so none is ever built: a
pod's variables hold CI secrets. Every field may be absent or null. Each class is tagged with its `kind`, which a list
from the API server leaves out of its items and `kubectl get -o json` writes into each.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeAlias, TypeVar

from msgspec import Meta, Struct, field

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Flag: TypeAlias = bool | str | None
"""A boolean that one of Calico's API groups writes as text."""

_CNI = "cni.projectcalico.org/"


class RunnerLabels(Struct, gc=False):
    """Labels of a pod that are read: the runner's (gitlab-runner, executors/kubernetes/kubernetes.go) and ours."""

    project: str | None = field(default=None, name="project.runner.gitlab.com/id")
    project_name: str | None = field(default=None, name="project.runner.gitlab.com/name")
    manager: str | None = field(default=None, name="manager.runner.gitlab.com/name")
    short_id: str | None = field(default=None, name="manager.runner.gitlab.com/id-short")
    job_pod: str | None = field(default=None, name="job.runner.gitlab.com/pod")
    pod: str | None = None
    pause: str | None = field(default=None, name="runner.gitlab.com/pause-pod")
    our_tier: str | None = field(default=None, name="runner-bridge.dev/tier")
    our_pool: str | None = field(default=None, name="runner-bridge.dev/pool")
    our_verdict: str | None = field(default=None, name="runner-bridge.dev/verdict")
    our_quarantine: str | None = field(default=None, name="runner-bridge.dev/quarantine")
    our_probe: str | None = field(default=None, name="runner-bridge.dev/probe")


class Asks(Struct, gc=False):
    """Annotations that ask Calico for an address; calico, cni-plugin/pkg/k8s/k8s.go."""

    ipv4_pools: str | None = field(default=None, name=f"{_CNI}ipv4pools")
    ipv6_pools: str | None = field(default=None, name=f"{_CNI}ipv6pools")
    ip_families: str | None = field(default=None, name=f"{_CNI}ipFamilies")
    ip_addrs: str | None = field(default=None, name=f"{_CNI}ipAddrs")
    ip_addrs_no_ipam: str | None = field(default=None, name=f"{_CNI}ipAddrsNoIpam")
    floating_ips: str | None = field(default=None, name=f"{_CNI}floatingIPs")
    allowed_source_prefixes: str | None = field(default=None, name=f"{_CNI}allowedSourcePrefixes")


class PodAnnotations(Asks, gc=False):
    """Annotations of a pod that are read: what it asks, what Calico answered, what the runner claims."""

    pod_ip: str | None = field(default=None, name=f"{_CNI}podIP")
    pod_ips: str | None = field(default=None, name=f"{_CNI}podIPs")
    container_id: str | None = field(default=None, name=f"{_CNI}containerID")
    job: str | None = field(default=None, name="job.runner.gitlab.com/id")
    job_url: str | None = field(default=None, name="job.runner.gitlab.com/url")
    job_name: str | None = field(default=None, name="job.runner.gitlab.com/name")
    job_ref: str | None = field(default=None, name="job.runner.gitlab.com/ref")
    claimed_project: str | None = field(default=None, name="project.runner.gitlab.com/id")
    stamp: str | None = field(default=None, name="runner-bridge.dev/generation")


class Present(Struct, gc=False):
    """An object of which only matters that it is there."""


class OwnedAsks(Struct, gc=False, omit_defaults=True):
    """Which of the asking annotations an entry of `managedFields` owns; a present key has the value `{}`."""

    ipv4_pools: Present | None = field(default=None, name=f"f:{_CNI}ipv4pools")
    ipv6_pools: Present | None = field(default=None, name=f"f:{_CNI}ipv6pools")
    ip_families: Present | None = field(default=None, name=f"f:{_CNI}ipFamilies")
    ip_addrs: Present | None = field(default=None, name=f"f:{_CNI}ipAddrs")
    ip_addrs_no_ipam: Present | None = field(default=None, name=f"f:{_CNI}ipAddrsNoIpam")
    floating_ips: Present | None = field(default=None, name=f"f:{_CNI}floatingIPs")
    allowed_source_prefixes: Present | None = field(default=None, name=f"f:{_CNI}allowedSourcePrefixes")


class OwnedMetadata(Struct, gc=False, omit_defaults=True):
    """`f:metadata` of an entry of `managedFields`."""

    annotations: OwnedAsks | None = field(default=None, name="f:annotations")


class OwnedFields(Struct, gc=False, omit_defaults=True):
    """`fieldsV1` of an entry of `managedFields`."""

    metadata: OwnedMetadata | None = field(default=None, name="f:metadata")


class ManagedFields(Struct, gc=False, omit_defaults=True):
    """Who last wrote which fields, and when."""

    time: Instant | None = None
    subresource: str | None = None
    fields: OwnedFields | None = field(default=None, name="fieldsV1")


class Owner(Struct, gc=False):
    """An entry of `ownerReferences`."""

    kind: str | None = None
    name: str | None = None
    controller: bool | None = None


class Metadata(Struct, gc=False, rename="camel"):
    """What names an object, of any kind."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    creation_timestamp: Instant | None = None
    deletion_timestamp: Instant | None = None


class PodMetadata(Metadata, gc=False, rename="camel"):
    """`metadata` of a pod."""

    labels: RunnerLabels | None = None
    annotations: PodAnnotations | None = None
    managed_fields: list[ManagedFields] | None = None
    owner_references: list[Owner] | None = None


class SecurityContext(Struct, gc=False):
    """Of a container."""

    privileged: bool | None = None


class Container(Struct, gc=False, rename="camel"):
    """A container; its environment is never read."""

    security_context: SecurityContext | None = None


class Volume(Struct, gc=False, rename="camel"):
    """A volume; only whether it shows a path of the node."""

    host_path: Present | None = None


class PodSpec(Struct, gc=False, rename="camel"):
    """`spec` of a pod."""

    node_name: str | None = None
    host_network: bool | None = None
    host_pid: bool | None = field(default=None, name="hostPID")
    host_ipc: bool | None = field(default=None, name="hostIPC")
    service_account_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    ephemeral_containers: list[Container] | None = None
    volumes: list[Volume] | None = None


class PodIP(Struct, gc=False):
    """An entry of `status.podIPs`."""

    ip: str | None = None


class Condition(Struct, gc=False, rename="camel"):
    """A condition of a pod or pool."""

    type: str | None = None
    status: str | None = None
    reason: str | None = None
    last_transition_time: Instant | None = None


class Waiting(Struct, gc=False):
    """Why a container waits."""

    reason: str | None = None


class ContainerState(Struct, gc=False):
    """`state` of a container."""

    waiting: Waiting | None = None


class ContainerStatus(Struct, gc=False):
    """An entry of `containerStatuses`."""

    state: ContainerState | None = None


class PodStatus(Struct, gc=False, rename="camel"):
    """`status` of a pod."""

    phase: str | None = None
    pod_ip: str | None = field(default=None, name="podIP")
    pod_ips: list[PodIP] | None = field(default=None, name="podIPs")
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Struct, gc=False, tag_field="kind", tag="Pod"):
    """A pod."""

    metadata: PodMetadata | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


class NamespaceMetadata(Metadata, gc=False, rename="camel"):
    """`metadata` of a namespace."""

    annotations: Asks | None = None


class Namespace(Struct, gc=False, tag_field="kind", tag="Namespace"):
    """A namespace."""

    metadata: NamespaceMetadata | None = None


class NodeAddress(Struct, gc=False):
    """An entry of a node's `status.addresses`."""

    type: str | None = None
    address: str | None = None


class NodeStatus(Struct, gc=False):
    """`status` of a node."""

    addresses: list[NodeAddress] | None = None


class Node(Struct, gc=False, tag_field="kind", tag="Node"):
    """A node."""

    metadata: Metadata | None = None
    status: NodeStatus | None = None


class Status(Struct, gc=False, tag_field="kind", tag="Status"):
    """The API server's refusal; in a watch, the end of it."""

    message: str | None = None
    reason: str | None = None
    code: int | None = None


Item = TypeVar("Item")


class Listed(Struct, Generic[Item]):
    """A list of objects; `kubectl get` names it `List`, the API server `PodList` and the like."""

    kind: str | None = None
    items: list[Item] | None = None


class Change(Struct, Generic[Item]):
    """A line of a watch."""

    type: str | None = None
    object: Item | None = None
