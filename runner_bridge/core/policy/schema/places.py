"""Where a policy holds: the GitLab instance, the cluster, its pools, the runner process."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from runner_bridge.core.policy.model import PoolClass, PoolsOwner
from runner_bridge.core.policy.schema.base import CIDR, ENCAPSULATION, Shape

LogLevel = Literal["debug", "info", "warn", "error", "fatal", "panic"]
LogFormat = Literal["runner", "text", "json"]


class GitLabShape(Shape):
    """`gitlab`."""

    url: str = Field(
        description="Address of the GitLab instance, as the runners reach it.", json_schema_extra={"format": "uri"}
    )
    root_groups: list[str] = Field(
        default=[],
        description="Top-level groups whose projects are looked at. Mandatory on GitLab.com: projects are never listed "
        "without a group.",
    )


class CalicoShape(Shape):
    """`cluster.calico`."""

    version: str | None = Field(
        default=None,
        description="The oldest Calico in use, in quotes: `'3.32'`. Without it only what every supported version "
        "honours is relied on.",
        json_schema_extra={"pattern": r"^v?[0-9]+\.[0-9]+(\.[0-9]+)?$"},
    )
    pools_owner: Annotated[PoolsOwner, Field(strict=False)] = Field(
        default=PoolsOwner.ADMIN,
        description="Who writes IPPools: `admin`, or `tigera-operator`, then a patch of its Installation is rendered.",
    )


class ClusterShape(Shape):
    """`cluster`."""

    name: str = Field(description="What the cluster is called in reports.")
    namespaces: list[str] = Field(
        description="Namespaces of job pods; `*` matches within a name, for `namespace_per_job`. The first without `*` "
        "is where jobs run unless a tier says otherwise.",
        json_schema_extra={"minItems": 1},
    )
    pod_cidrs: list[str] = Field(
        description="Ranges from which pods may get addresses, as kube-proxy and Felix should know them. Two families "
        "make the cluster dual-stack.",
        json_schema_extra={"minItems": 1},
    )
    calico: CalicoShape = Field(default_factory=CalicoShape, description="What is known about Calico in this cluster.")


class ManagerShape(Shape):
    """`manager`."""

    concurrent: int | None = Field(
        default=None,
        ge=1,
        description="Jobs at once of one runner process; by default the sum of the runners' limits, 10 where "
        "there is none.",
    )
    check_interval: int | None = Field(default=None, ge=0, description="Seconds between asking GitLab for jobs.")
    shutdown_timeout: int | None = Field(
        default=None, ge=0, description="Seconds that running jobs get at a forced stop."
    )
    log_level: LogLevel | None = Field(default=None, description="Log level of the runner process.")
    log_format: LogFormat | None = Field(default=None, description="Log format of the runner process.")
    listen_address: str | None = Field(
        default=None, description="Where the runner process serves metrics, e.g. `:9252`."
    )


class PoolShape(Shape):
    """One of `pools`."""

    cidr: str = Field(description="Range of the pool, without host bits.", json_schema_extra=CIDR)
    pool_class: Annotated[PoolClass, Field(strict=False)] = Field(
        alias="class",
        description="What its addresses are worth: `routable` to the world, behind `nat`, or `isolated` from both.",
    )
    generate: bool | None = Field(
        default=None,
        description="Whether the IPPool is rendered; by default only if block_size, nat_outgoing, automatic or "
        "encapsulation is given. A pool that exists already is only recognised.",
    )
    block_size: int | None = Field(
        default=None,
        description="Prefix length of the blocks that nodes take: 20 to 32 (IPv4), 116 to 128 (IPv6); default 26 and "
        "122. It cannot be changed later.",
        json_schema_extra={"minimum": 20, "maximum": 128},
    )
    nat_outgoing: bool | None = Field(
        default=None,
        description="Whether destinations outside of every pool see the node's address; by default for class `nat`.",
    )
    automatic: bool | None = Field(
        default=None,
        description="Whether pods without an annotation may land in the pool by themselves. `false` is tidiness, not "
        "protection: an annotated pod gets its address all the same.",
    )
    encapsulation: str | None = Field(
        default=None,
        description="none, ipip, ipip-cross-subnet, vxlan, vxlan-cross-subnet, or `same-as POOL`: another type than "
        "the cluster already has restarts Felix on every node.",
        json_schema_extra={"pattern": ENCAPSULATION},
    )
