"""The JSON Schema that editors complete with: as strict as the loader about keys and types."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no types
import pytest

from runner_bridge.core.policy import json_schema
from runner_bridge.core.text import yaml
from tests.core.policy.base import POLICY, changed

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def accepted(text: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.to_python(yaml.parse(text, "policy.yaml")[0])))


def test_it_is_a_schema_of_its_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_policy_fits() -> None:
    assert accepted(POLICY)


def test_each_file_of_a_folder_fits_by_itself() -> None:
    assert accepted("version: 1\npools:\n  a: {cidr: 10.0.0.0/8, class: nat}\n")


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(("gitlab:\n", "gitlap: {}\ngitlab:\n"), id="key-at-top"),
        pytest.param(("limit: 20", "limt: 20"), id="key-of-runner"),
        pytest.param(("class: nat", "class: net"), id="word"),
        pytest.param(("limit: 20", "limit: '20'"), id="type"),
        pytest.param(("limit: 20", "limit: -1"), id="range"),
        pytest.param(('"id:19241"', '"id:x"'), id="rule"),
        pytest.param(('"group:platform"', "nobody"), id="scope"),
        pytest.param(("egress: node", "egress: nod"), id="egress"),
        pytest.param(("same-as workload", "vxlann"), id="encapsulation"),
        pytest.param(("match: {project: platform/node-tools}", "match: {}"), id="waiver-for-everything"),
        pytest.param(("version: 1", "version: 2"), id="version"),
    ],
)
def test_what_does_not_load_does_not_fit(edit: tuple[str, str]) -> None:
    assert not accepted(changed(edit))


def test_every_key_is_explained() -> None:
    def silent(part: Any, path: str) -> list[str]:
        if isinstance(part, list):
            return [found for one in part for found in silent(one, path)]
        if not isinstance(part, dict):
            return []
        missing = [f"{path}.{key}" for key, one in part.get("properties", {}).items() if not one.get("description")]
        return missing + [found for key, one in part.items() for found in silent(one, f"{path}.{key}")]

    assert silent(SCHEMA, "") == []
