"""
The shape of the policy file: which keys there are, of which type, and what an editor says about them.

Only shape: what names, ranges and rules mean together is judged in `compile`, which has the places. So each check that
needs more than one value, or a sentence of explanation, is not here. Imported only by who reads a policy: it pulls in
pydantic.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from runner_bridge.core.policy.schema.base import NAME, POOL_NAME, Shape
from runner_bridge.core.policy.schema.installations import InstallationShape
from runner_bridge.core.policy.schema.limits import EnforceShape, PrivacyShape, WaiverShape
from runner_bridge.core.policy.schema.places import ClusterShape, GitLabShape, ManagerShape, PoolShape
from runner_bridge.core.policy.schema.tiers import TierShape, WorkloadShape


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
    installations: dict[str, InstallationShape] = Field(
        default={},
        description="Where runner managers are installed, by name; what `plan` and `apply` work on.",
        json_schema_extra={"propertyNames": {"pattern": NAME}},
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
