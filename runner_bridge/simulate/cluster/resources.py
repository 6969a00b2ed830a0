"""What the pretend API server serves: one `Resource` per plural, in the groups a cluster with Calico has."""

from __future__ import annotations

from dataclasses import dataclass

VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of object as discovery names it."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    kind: str
    namespaced: bool
    has_status: bool = False
    """`/status` is a door of its own: writes through the main door leave `status` alone, and the reverse."""
    has_generation: bool = False
    """`metadata.generation` counts the changes of `spec`."""
    custom: bool = False
    """Defined by a CRD: items of a list repeat kind and apiVersion, strategic merge patches are refused."""
    stored_as: str = ""
    """The storage key of another resource that shows the same objects under another group."""
    selectable: tuple[str, ...] = ()
    """Fields a field selector may name besides `metadata.name` and `metadata.namespace`."""

    @property
    def api_version(self) -> str:
        """Return `v1` or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Return `pods` or `leases.coordination.k8s.io`, as Status bodies name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage(self) -> str:
        """Return the key of the store the objects live in."""
        return self.stored_as or self.qualified

    @property
    def root(self) -> str:
        """Return the path every request for this group begins with."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def _core(plural: str, kind: str, **more: object) -> Resource:
    return Resource(group="", version="v1", plural=plural, kind=kind, **{"namespaced": True, **more})  # type: ignore[arg-type]


def _calico(group: str, version: str, plural: str, kind: str, *, has_status: bool = False) -> Resource:
    return Resource(
        group=group,
        version=version,
        plural=plural,
        kind=kind,
        namespaced=False,
        has_status=has_status,
        has_generation=True,
        custom=True,
    )


_EVENT_FIELDS = ("involvedObject.uid", "involvedObject.name", "involvedObject.kind", "reason", "type")

PODS = _core(
    "pods", "Pod", has_status=True, has_generation=True, selectable=("spec.nodeName", "status.phase", "status.podIP")
)
NAMESPACES = _core("namespaces", "Namespace", namespaced=False, has_status=True, selectable=("status.phase",))
NODES = _core("nodes", "Node", namespaced=False, has_status=True, selectable=("spec.unschedulable",))
CORE_EVENTS = _core("events", "Event", selectable=_EVENT_FIELDS)
EVENTS = Resource(
    group="events.k8s.io",
    version="v1",
    plural="events",
    kind="Event",
    namespaced=True,
    stored_as="events",
    selectable=("regarding.uid", "regarding.name", "regarding.kind", "reason", "type"),
)
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease", namespaced=True)

_V1 = ("crd.projectcalico.org", "v1")
_V3 = ("projectcalico.org", "v3")

BUILT_IN = (
    PODS,
    NAMESPACES,
    NODES,
    CORE_EVENTS,
    _core("secrets", "Secret", selectable=("type",)),
    _core("configmaps", "ConfigMap"),
    _core("serviceaccounts", "ServiceAccount"),
    EVENTS,
    LEASES,
    Resource(group="apps", version="v1", plural="daemonsets", kind="DaemonSet", namespaced=True, has_generation=True),
    Resource(group="apiregistration.k8s.io", version="v1", plural="apiservices", kind="APIService", namespaced=False),
)

POOLS_V1 = _calico(*_V1, "ippools", "IPPool", has_status=True)
BLOCKS_V1 = _calico(*_V1, "ipamblocks", "IPAMBlock")
HANDLES_V1 = _calico(*_V1, "ipamhandles", "IPAMHandle")
AFFINITIES_V1 = _calico(*_V1, "blockaffinities", "BlockAffinity")
CONFIGS_V1 = _calico(*_V1, "ipamconfigs", "IPAMConfig")

CALICO_V1 = (
    POOLS_V1,
    BLOCKS_V1,
    HANDLES_V1,
    AFFINITIES_V1,
    CONFIGS_V1,
    _calico(*_V1, "ipreservations", "IPReservation"),
    _calico(*_V1, "clusterinformations", "ClusterInformation"),
)
"""The usual installation: Calico's own objects as CRDs of `crd.projectcalico.org/v1`."""

POOLS_V3 = _calico(*_V3, "ippools", "IPPool", has_status=True)

CALICO_V3 = (
    POOLS_V3,
    _calico(*_V3, "ipamblocks", "IPAMBlock"),
    _calico(*_V3, "ipamhandles", "IPAMHandle"),
    _calico(*_V3, "blockaffinities", "BlockAffinity"),
    _calico(*_V3, "ipamconfigurations", "IPAMConfiguration"),
    _calico(*_V3, "ipreservations", "IPReservation"),
    _calico(*_V3, "clusterinformations", "ClusterInformation"),
)
"""Native v3 CRDs: every object of Calico in `projectcalico.org/v3`."""

CALICO_AGGREGATED = tuple(each for each in CALICO_V3 if each.plural not in {"ipamblocks", "ipamhandles"})
"""What Calico's aggregated API server serves; it has pools, but neither blocks nor handles."""
