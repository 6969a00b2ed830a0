"""A tier, and what gets its pools: runners, job settings, other workloads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from runner_bridge.core.policy.schema.base import CIDR, NAME, RULE, SCOPE, Shape

Family = Literal["IPv4", "IPv6"]
OperatingSystem = Literal["linux", "windows"]
WorkloadKind = Literal["Namespace", "DaemonSet", "Deployment", "StatefulSet", "ReplicaSet", "Job", "CronJob"]


class RunnerShape(Shape):
    """One of `tiers.*.runners`."""

    name: str = Field(
        description="Name of the runner in config.toml and on job pods; unique.", json_schema_extra={"pattern": NAME}
    )
    scope: str = Field(
        description="What it is offered to in GitLab: `instance`, `group:PATH`, or `project:PATH` or `project:ID`.",
        json_schema_extra={"pattern": SCOPE},
    )
    tags: list[str] = Field(default=[], description="Tags of jobs that it takes.")
    run_untagged: bool = Field(default=False, description="Whether it takes jobs without tags.")
    limit: int = Field(default=0, ge=0, description="Jobs at once; 0 is unlimited.")
    locked: bool | None = Field(
        default=None,
        description="Whether a project runner may not be assigned to other projects; GitLab's own setting stands where "
        "nothing is said, and a new one is locked.",
    )
    protected: bool | None = Field(
        default=None, description="Whether it takes only jobs of protected branches and tags."
    )
    paused: bool | None = Field(default=None, description="Whether it takes no jobs at all for the time being.")
    maximum_timeout: int | None = Field(
        default=None, ge=600, description="Longest time-out in seconds that a job may have on it."
    )
    short_ids: list[str] = Field(
        default=[],
        description="First nine characters, after the prefix such as `glrt-`, of its known tokens: they map a job pod "
        "to its runner. Never the whole token.",
        json_schema_extra={"items": {"type": "string", "pattern": "^[A-Za-z0-9._-]{9}$"}},
    )


class JobShape(Shape):
    """`tiers.*.job`."""

    namespace: str | None = Field(
        default=None, description="Where the jobs run; by default the first of cluster.namespaces without `*`."
    )
    service_account: str | None = Field(default=None, description="Service account of job pods.")
    image: str | None = Field(default=None, description="Image of jobs that name none.")
    poll_timeout: int = Field(
        default=360,
        ge=1,
        description="Seconds that the runner waits for a pod; longer than its own default of 180, so that the cause "
        "of a missing address can be read before the pod is gone.",
    )
    annotation_overwrites: str = Field(
        default="",
        description="pod_annotations_overwrite_allowed: empty, or an anchored pattern that provably reaches no "
        "annotation of Calico, e.g. `^team=.*`.",
    )
    label_overwrites: str = Field(
        default="", description="pod_labels_overwrite_allowed: empty, or an anchored pattern, by the same rules."
    )


EGRESS: dict[str, Any] = {
    "description": "Where traffic appears to come from outside of every pool: `node`, `pod`, `none`, "
    "`gateway:POOL`, or `external:[CIDR, …]`. By default what follows from the pools.",
    "anyOf": [
        {"enum": ["node", "pod", "none"]},
        {"type": "string", "pattern": "^(gateway|external):.+"},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["gateway"],
            "properties": {"gateway": {"type": "string", "description": "Pool of the gateway."}},
        },
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["external"],
            "properties": {
                "external": {
                    "type": "array",
                    "items": {"type": "string", **CIDR},
                    "description": "What a destination sees.",
                }
            },
        },
    ],
}


class TierEnforceShape(Shape):
    """`tiers.*.enforce`."""

    quarantine: bool = Field(
        default=False,
        description="Whether mode `enforce` puts the quarantine label on job pods of the tier whose breach justifies "
        "it; the rendered network policy cuts their new connections.",
    )
    delete: bool = Field(
        default=False,
        description="Whether such a pod is deleted once its quarantine has stood for `enforce.delete_after`. Only "
        "together with `quarantine: true`.",
    )


class TierShape(Shape):
    """One of `tiers`."""

    pools: list[str] = Field(
        default=[], description="Pools of the tier, all of one class; several of one family spill over."
    )
    pin: bool = Field(
        default=True,
        description="Whether job pods ask for the pools by annotation. `false`: the cluster's own choice stands and is "
        "judged by class.",
    )
    families: list[Family] | None = Field(
        default=None, description="Only on a dual-stack cluster, and only where one family is meant: `[IPv4]`."
    )
    egress: Annotated[Any, WithJsonSchema(EGRESS)] = Field(default=None)
    projects: list[str] = Field(
        default=[],
        description="Which projects fall into the tier. The most specific rule of all tiers wins: id, then path "
        "segment by segment, then attribute, then topic, then `**`.",
        json_schema_extra={
            "items": {
                "type": "string",
                "pattern": RULE,
                "examples": ["platform/**", "id:19241", "group:platform", "attribute:tier=infra", "topic:infra", "**"],
            }
        },
    )
    allow_topics: bool = Field(
        default=False, description="Consent that maintainers, who can edit topics, choose a tier with a nat pool."
    )
    runners: list[RunnerShape] = Field(
        default=[], description="One for each token; a tier has as many as its scopes need."
    )
    labels: dict[str, str] = Field(default={}, description="Labels of job pods. Values may hold CI variables.")
    annotations: dict[str, str] = Field(
        default={},
        description="Annotations of job pods, beside those that ask for pools. Values may hold CI variables.",
    )
    os: OperatingSystem | None = Field(default=None, description="Operating system of the nodes that jobs need.")
    job: JobShape = Field(default_factory=JobShape, description="How the executor makes job pods of the tier.")
    enforce: TierEnforceShape = Field(
        default_factory=TierEnforceShape,
        description="What mode `enforce` may do to the tier's job pods; nothing unless it is written here.",
    )


class WorkloadShape(Shape):
    """One of `workloads`."""

    tier: str = Field(description="The tier whose pools it gets.")
    namespace: str = Field(description="Its namespace.")
    kind: WorkloadKind = Field(description="What it is; `Namespace` means every pod in it.")
    name: str = Field(default="", description="Its name; not for kind `Namespace`.")
