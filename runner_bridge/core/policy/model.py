"""
The accepted policy as frozen values: what everybody else reads.

Only `compile` makes them, so whoever holds a `Policy` holds one that passed every check: pools are pairwise disjoint,
each tier lists pools of one class, no two rules tie, each name is used once. Mappings keep the order of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, NewType, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from runner_bridge.core.model import Finding, Place
    from runner_bridge.core.policy.rules import Placement, RuleIndex

PoolName = NewType("PoolName", str)
TierName = NewType("TierName", str)
RunnerName = NewType("RunnerName", str)
ProjectPath = NewType("ProjectPath", str)

Network: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address


class PoolClass(StrEnum):
    """What an address of the pool is worth to the network: routable to the world, behind NAT, or neither."""

    ROUTABLE = "routable"
    NAT = "nat"
    ISOLATED = "isolated"


class Encapsulation(StrEnum):
    """How Calico carries the pool's traffic between nodes; the words map onto `ipipMode` and `vxlanMode`."""

    NONE = "none"
    IPIP = "ipip"
    IPIP_CROSS_SUBNET = "ipip-cross-subnet"
    VXLAN = "vxlan"
    VXLAN_CROSS_SUBNET = "vxlan-cross-subnet"


class PoolsOwner(StrEnum):
    """Who writes IPPool objects in this cluster; one that an operator owns is never written, its patch is rendered."""

    ADMIN = "admin"
    TIGERA_OPERATOR = "tigera-operator"


class EgressKind(StrEnum):
    """Where traffic of a tier's jobs appears to come from, for destinations outside every pool."""

    NODE = "node"
    POD = "pod"
    GATEWAY = "gateway"
    EXTERNAL = "external"
    NONE = "none"


class ScopeKind(StrEnum):
    """What a runner is offered to in GitLab."""

    INSTANCE = "instance"
    GROUP = "group"
    PROJECT = "project"


class RuleKind(StrEnum):
    """The kinds of rules, most specific first; `Policy.place` applies them in this order."""

    ID = "id"
    PATH = "path"
    ATTRIBUTE = "attribute"
    TOPIC = "topic"
    CATCH_ALL = "catch-all"


class People(StrEnum):
    """How names of people are kept."""

    OFF = "off"
    PSEUDONYM = "pseudonym"
    NAMES = "names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A Calico IPPool: one to recognise, or one to generate (`generated`)."""

    name: PoolName
    cidr: Network
    pool_class: PoolClass
    generated: bool
    """False for a pool that exists already and is somebody else's to write: only cidr and class are then known."""
    block_size: int
    """Prefix length of a block; 26 (IPv4) or 122 (IPv6) where the file says nothing, as in Calico."""
    nat_outgoing: bool
    automatic: bool
    """True where pods without an annotation may land in it by themselves."""
    encapsulation: Encapsulation
    """`same-as` is resolved; `none` for a pool that is only recognised and does not say."""

    @property
    def family(self) -> str:
        """`IPv4` or `IPv6`, Calico's own words."""
        return f"IPv{self.cidr.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The declared source address of a tier's traffic; assumed until a probe saw it."""

    kind: EgressKind
    gateway: PoolName | None = None
    """The pool of the gateway, for `gateway`."""
    addresses: tuple[Network, ...] = ()
    """For `external`: what a destination sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a runner is offered to."""

    kind: ScopeKind
    target: str = ""
    """Full path of the group or project, or a project's number as text; empty for an instance runner."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One GitLab runner: one token, one `[[runners]]`."""

    name: RunnerName
    tier: TierName
    scope: Scope
    tags: tuple[str, ...]
    run_untagged: bool
    limit: int
    """Jobs at once; 0 is unlimited."""
    locked: bool | None = None
    """In GitLab, as the three below; None: nothing is declared, so GitLab's own setting stands."""
    protected: bool | None = None
    paused: bool | None = None
    maximum_timeout_s: int | None = None
    short_ids: tuple[str, ...]
    """First nine characters of known tokens after their prefix: the label `manager.runner.gitlab.com/id-short`."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """What the executor does for a tier's jobs, beyond pools; None leaves the key out."""

    namespace: str
    service_account: str | None
    image: str | None
    poll_timeout_s: int
    """How long the runner waits for a pod; head-room over its default of 180 lets the cause be read first."""
    annotation_overwrites: str
    """`pod_annotations_overwrite_allowed`; empty, or an anchored allow-list that provably reaches no Calico key."""
    label_overwrites: str
    """`pod_labels_overwrite_allowed`; the same rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of `projects:`."""

    kind: RuleKind
    tier: TierName
    text: str
    """As written, for example `platform/**` or `id:19241`."""
    value: str
    """Without the kind: the path pattern, the number, `key=value`, the topic."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TierEnforcement:
    """What mode `enforce` may do to job pods of a tier that are in breach; nothing unless the policy opts in."""

    quarantine: bool = False
    """Put the quarantine label on, and take it off again."""
    delete: bool = False
    """Delete a pod whose quarantine has stood for `Enforcement.delete_after_s`; only together with `quarantine`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """How much mode `enforce` may do in the whole cluster, so that a wrong policy cannot take down all CI."""

    quarantines_per_hour: int = 20
    """Most pods that are put in quarantine within any hour."""
    deletions_per_hour: int = 5
    """Most pods that are deleted within any hour."""
    delete_after_s: int = 300
    """How long a pod's quarantine has to stand before the pod is deleted."""
    brake_percent: int = 25
    """The brake: above this share of a tier's job pods of the last hour nothing more is done in that tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A trust class of jobs: which pools they get, and how it is asked for."""

    name: TierName
    pools: tuple[Pool, ...]
    """In the order of the file, one class; several of one family are a spill-over list."""
    pin: bool
    """False: no annotation is written and the tier is judged by class, not by pool."""
    families: tuple[str, ...]
    """`IPv4`, `IPv6`: the families that its pools cover, in that order."""
    egress: Egress
    rules: tuple[Rule, ...]
    runners: tuple[Runner, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    os: str
    """`linux`, `windows`, or empty where nothing is said."""
    job: JobSettings
    enforce: TierEnforcement = TierEnforcement()
    place: Place

    @property
    def pool_class(self) -> PoolClass:
        """The one class of its pools."""
        return self.pools[0].pool_class

    def pools_of(self, family: str) -> tuple[Pool, ...]:
        """Return the pools of one family, in order; `family` is `IPv4` or `IPv6`."""
        return tuple(pool for pool in self.pools if pool.family == family)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Another infrastructure workload that belongs into a tier's pools; kind `Namespace` means all pods of it."""

    tier: TierName
    namespace: str
    kind: str
    name: str
    """Empty for kind `Namespace`."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that is accepted until a day; it is shown and counted, and does not change the exit code."""

    code: str
    until: date
    """The last day on which it holds."""
    reason: str
    project: str = ""
    """Path pattern; every given match must hold, and an empty one matches all."""
    tier: str = ""
    namespace: str = ""
    pool: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster as it is meant to be."""

    name: str
    namespaces: tuple[str, ...]
    """Where job pods live; `*` matches within a name."""
    pod_cidrs: tuple[Network, ...]
    calico_version: tuple[int, int] | None
    """The oldest Calico in use, for example (3, 32); None: only what every supported version honours is relied on."""
    pools_owner: PoolsOwner

    @property
    def dual_stack(self) -> bool:
        """Pods may get addresses of both families."""
        return len({cidr.version for cidr in self.pod_cidrs}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Global keys of a new config.toml; an existing file keeps its own. None leaves the key out."""

    concurrent: int
    """Never below 1: the runner ends itself on 0."""
    check_interval_s: int | None
    shutdown_timeout_s: int | None
    log_level: str | None
    log_format: str | None
    listen_address: str | None


class StoreKind(StrEnum):
    """Where something is kept that apply writes."""

    FILE = "file"
    """A config.toml."""
    SECRET = "secret"  # noqa: S105 - a word
    VALUES = "values"
    """A values file of the gitlab-runner chart."""
    DIRECTORY = "directory"
    """One file for each token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One place that apply writes to."""

    kind: StoreKind
    path: str = ""
    """Of a file or folder."""
    namespace: str = ""
    """Of a Secret, with its name and key."""
    name: str = ""
    key: str = ""
    """Empty for tokens: each runner has its own."""

    def __str__(self) -> str:
        return self.path or f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Runner managers that read one configuration; each of its replicas has to confirm a change."""

    name: str
    runners: tuple[RunnerName, ...]
    configuration: Store
    tokens: Store | None
    """Where tokens of new runners are kept; None: no runner can be created for it."""
    metrics: tuple[str, ...]
    """Addresses at which each manager process serves its metrics."""
    logs: tuple[str, ...]
    """Log files of manager processes."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """The GitLab instance."""

    url: str
    """Without a trailing slash."""
    root_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is known of a GitLab project when it is placed; an unknown part is empty."""

    id: int | None = None
    path: ProjectPath | None = None
    topics: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The whole accepted policy."""

    gitlab: GitLab
    cluster: Cluster
    manager: Manager
    pools: Mapping[PoolName, Pool]
    tiers: Mapping[TierName, Tier]
    runners: Mapping[RunnerName, Runner]
    installations: Mapping[str, Installation] = field(default_factory=dict)
    workloads: tuple[Workload, ...]
    waivers: tuple[Waiver, ...]
    people: People
    enforce: Enforcement = Enforcement()
    digest: str
    """SHA-256 of what the policy means, not of how it is written: comments and order of keys do not change it."""
    warnings: tuple[Finding, ...]
    """Problems that do not stop it from being used (severity warning or advice)."""
    index: RuleIndex = field(repr=False, compare=False)

    def place(self, project: Project) -> Placement:
        """Return the tier of a project, the rule that won and why the others lost; see `rules.RuleIndex.place`."""
        return self.index.place(project)
