"""
The shape of the policy file: which keys there are, of which type, and what an editor says about them.

Only shape: what names, ranges and rules mean together is judged in `compile`, which has the places. So each check that
needs more than one value, or a sentence of explanation, is not here. Imported only by who reads a policy: it pulls in
pydantic.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from runner_bridge.core.policy.model import Encapsulation, People, PoolClass, PoolsOwner

NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
"""What a label can hold: tiers and runners are written as labels."""
POOL_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
"""A name of a Kubernetes object. It holds no `$`, which the runner would expand in the annotation."""
RULE = r"^(\*\*|id:[1-9][0-9]*|group:\S+|attribute:[^=]+=.*|topic:.+|[^:\s]+/[^:\s]+)$"
SCOPE = r"^(instance|group:\S+|project:\S+)$"
ENCAPSULATION = "^(" + "|".join(Encapsulation) + "|same-as .+)$"

Family = Literal["IPv4", "IPv6"]
LogLevel = Literal["debug", "info", "warn", "error", "fatal", "panic"]
LogFormat = Literal["runner", "text", "json"]
OperatingSystem = Literal["linux", "windows"]
WorkloadKind = Literal["Namespace", "DaemonSet", "Deployment", "StatefulSet", "ReplicaSet", "Job", "CronJob"]


class Shape(BaseModel):
    """Base: unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


CIDR: dict[str, Any] = {"format": "cidr", "examples": ["172.16.0.0/16"]}


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


class MatchShape(Shape):
    """`waivers[].match`."""

    project: str = Field(default="", description="Path of the project; `*` and `**` as in rules.")
    tier: str = Field(default="", description="Name of the tier.")
    namespace: str = Field(default="", description="Namespace of the pod.")
    pool: str = Field(default="", description="Name of the pool.")


class WaiverShape(Shape):
    """One of `waivers`."""

    code: str = Field(description="The finding that is accepted, e.g. `host-network`.")
    match: MatchShape = Field(description="Where: everything given must hold.", json_schema_extra={"minProperties": 1})
    until: str = Field(description="The last day on which it holds.", json_schema_extra={"format": "date"})
    reason: str = Field(description="Why, and who approved it.", json_schema_extra={"minLength": 1})


class EnforceShape(Shape):
    """`enforce`."""

    quarantines_per_hour: int = Field(
        default=20,
        ge=1,
        description="Most job pods of the cluster that are put in quarantine within any hour; others wait.",
    )
    deletions_per_hour: int = Field(
        default=5, ge=1, description="Most job pods of the cluster that are deleted within any hour; others wait."
    )
    delete_after: int = Field(
        default=300,
        ge=0,
        le=3600,
        description="Seconds for which a pod's quarantine has to stand before the pod is deleted.",
    )
    brake_percent: int = Field(
        default=25,
        ge=1,
        le=100,
        description="The brake. When more than this share of a tier's job pods of the last hour call for quarantine, "
        "and more than two do, nothing more is put in quarantine or deleted in that tier, and that is said once: then "
        "the policy or the runner's configuration is wrong, not the jobs. 100 turns it off.",
    )


class PrivacyShape(Shape):
    """`privacy`."""

    people: Annotated[People, Field(strict=False)] = Field(
        default=People.OFF, description="How names of people are kept: `off`, as a `pseudonym`, or as `names`."
    )


class PolicyShape(Shape):
    """The whole file."""

    version: int = Field(description="Version of this format: 1.", json_schema_extra={"const": 1})
    gitlab: GitLabShape = Field(description="The GitLab instance.")
    cluster: ClusterShape = Field(description="The cluster as it is meant to be.")
    manager: ManagerShape = Field(default_factory=ManagerShape, description="Global keys of a new config.toml.")
    pools: dict[str, PoolShape] = Field(
        description="Pools by name: those that exist already and those to be made.",
        json_schema_extra={"propertyNames": {"pattern": POOL_NAME}},
    )
    tiers: dict[str, TierShape] = Field(
        description="Trust classes of jobs by name.", json_schema_extra={"propertyNames": {"pattern": NAME}}
    )
    workloads: list[WorkloadShape] = Field(
        default=[], description="Other infrastructure workloads that get a tier's pools."
    )
    waivers: list[WaiverShape] = Field(default=[], description="Findings that are accepted until a day.")
    enforce: EnforceShape = Field(
        default_factory=EnforceShape,
        description="How much mode `enforce` may do in the whole cluster, in tiers that opt in.",
    )
    privacy: PrivacyShape = Field(default_factory=PrivacyShape, description="What is kept about people.")


def json_schema() -> dict[str, Any]:
    """
    Return the JSON Schema (draft 2020-12) of the policy file.

    Only `version` is mandatory at the top, so that each file of a folder that holds one policy is valid by itself.
    """
    schema = PolicyShape.model_json_schema(by_alias=True)
    schema.pop("description")
    _tidy(schema)
    schema["required"] = ["version"]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "runner-bridge policy",
        "description": "Which CI jobs get addresses of which Calico pool.",
    }
    return head | schema


def _tidy(schema: Any) -> None:  # noqa: ANN401 - JSON
    """Remove what pydantic adds and an editor would show: titles made of names, docstrings of shapes, null defaults."""
    if isinstance(schema, list):
        for item in schema:
            _tidy(item)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("title"), str):
        del schema["title"]
    if schema.get("default", ...) is None or isinstance(schema.get("default"), dict):
        del schema["default"]
    options = schema.get("anyOf", [])
    if {"type": "null"} in options and len(options) == 2:
        (kept,) = (option for option in options if option != {"type": "null"})
        del schema["anyOf"]
        schema |= {**kept, **schema}
    for definition in schema.get("$defs", {}).values():
        definition.pop("description", None)
    for value in list(schema.values()):
        _tidy(value)
