"""
Findings as SARIF 2.1.0, the form that code hosts and editors read.

Shape: https://docs.oasis-open.org/sarif/sarif/v2.1.0/. A rule is a finding code with the text of its reference page.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner_bridge.ask.views import fingerprints, in_one_line, well_formed
from runner_bridge.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.model import Code, Finding, Place

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}


def render(findings: Sequence[Finding], *, version: str) -> str:
    """
    Return one run as JSON with a line end; its rules are the codes that were found, sorted by name.

    Args:
        findings: in the order in which the results are listed.
        version: of this program.
    """
    codes = sorted({finding.code.name: finding.code for finding in findings}.values(), key=lambda code: code.name)
    index = {code.name: number for number, code in enumerate(codes)}
    results = [
        _result(finding, mark, index[finding.code.name])
        for finding, mark in zip(findings, fingerprints(findings), strict=True)
    ]
    driver = {"name": "runner-bridge", "version": version, "rules": [_rule(code) for code in codes]}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return well_formed(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.name,
        "shortDescription": {"text": f"{code.title}."},
        "fullDescription": {"text": code.page},
        "help": {"text": f"{code.page}\n\nWhat to do: {code.remedy}"},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
        "properties": {"tags": [str(code.family)]},
    }


def _result(finding: Finding, fingerprint: str, rule: int) -> dict[str, Any]:
    proof = f"\n\n{well_formed(finding.proof)}" if finding.proof else ""
    return {
        "ruleId": finding.code.name,
        "ruleIndex": rule,
        "level": _LEVELS[finding.code.severity],
        "message": {"text": f"{in_one_line(finding)}{proof}"},
        "locations": [_location(finding)],
        "partialFingerprints": {"runnerBridge/v1": fingerprint},
    }


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.subject}]}
    if finding.place:
        location["physicalLocation"] = _physical(finding.place)
    return location


def _physical(place: Place) -> dict[str, Any]:
    file = place.file.removeprefix("./")
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(file, safe="/", errors="replace")}}
    if place.line:
        region = {"startLine": place.line}
        if place.column:
            region["startColumn"] = place.column
        if place.end_column:
            region["endColumn"] = place.end_column
        physical["region"] = region
    return physical
