"""What is accepted, what may be done about the rest, and what is kept about people."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runner_bridge.core.policy.model import People
from runner_bridge.core.policy.schema.base import Shape


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
        default=People.OFF,
        description="How names of people may be kept: `off`, as a `pseudonym`, or as `names`. No names are "
        "kept yet, whatever it says.",
    )
