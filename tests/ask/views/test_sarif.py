"""SARIF 2.1.0: rules from the codes, exact regions."""

from __future__ import annotations

import json
from typing import Any

from runner_bridge.ask.views.sarif import render
from runner_bridge.core.model import Finding, Place, Severity
from tests import make


def run(*findings: Finding) -> dict[str, Any]:
    document = json.loads(render(findings, version="1.2.3"))
    assert document["version"] == "2.1.0"
    (only,) = document["runs"]
    assert isinstance(only, dict)
    return only


def test_rules_are_the_codes_found_with_their_pages() -> None:
    advice = make.code("pool-advice", severity=Severity.ADVICE)
    only = run(make.finding(), make.finding(code=advice), make.finding())
    rules = only["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["pool-advice", "pool-overlap"]
    assert rules[1]["help"]["text"] == "Calico does not check it.\n\nWhat to do: Make them disjoint."
    assert [(result["ruleIndex"], result["level"]) for result in only["results"]] == [
        (1, "error"),
        (0, "note"),
        (1, "error"),
    ]


def test_a_region_has_lines_and_columns_as_far_as_known() -> None:
    def region(**place: int) -> object:
        result = run(make.finding(place=Place(file="a b.yaml", **place)))["results"][0]
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == "a%20b.yaml"
        return physical.get("region")

    assert region() is None
    assert region(line=3) == {"startLine": 3}
    assert region(line=3, column=2) == {"startLine": 3, "startColumn": 2}
    assert region(line=3, column=2, end_column=5) == {"startLine": 3, "startColumn": 2, "endColumn": 5}


def test_without_a_place_the_subject_says_where() -> None:
    result = run(make.finding(place=None, proof="line 1\nline 2"))["results"][0]
    assert result["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "pools.a"}]}]
    assert result["message"]["text"].endswith("\n\nline 1\nline 2")
