"""
Findings for programs: a stable shape, documented in `docs/reference/lint.md`.

Keys are only ever added. Every key is always there: an unknown place is null, an empty text is "".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner_bridge.ask.views import well_formed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.model import Finding

VERSION = 1
"""Of the shape; grows when a key changes its meaning."""


def render(findings: Iterable[Finding], *, head: Mapping[str, Any]) -> str:
    """Return `{"version": 1, …head, "findings": […]}`, indented, in the order given, with a line end."""
    document = {"version": VERSION, **head, "findings": [shape(finding) for finding in findings]}
    return well_formed(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"


def shape(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain values, to stand alone or inside another answer."""
    place = finding.place
    return {
        "code": finding.code.name,
        "family": str(finding.code.family),
        "severity": str(finding.code.severity),
        "title": finding.code.title,
        "subject": finding.subject,
        "place": place
        and {"file": place.file, "line": place.line, "column": place.column, "end_column": place.end_column},
        "observed": finding.observed,
        "expected": finding.expected,
        "cause": finding.cause,
        "remedy": finding.what_to_do,
        "proof": finding.proof,
    }
