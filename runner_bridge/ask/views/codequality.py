"""
Findings as a GitLab Code Quality report, shown in merge requests and beside the diff.

The shape is GitLab's: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. It has one line of
text per finding and asks for a path even where a finding is about no file.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

from runner_bridge.ask.views import fingerprints, in_one_line, well_formed
from runner_bridge.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.model import Finding

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.ADVICE: "info"}


def render(findings: Sequence[Finding], *, path: str) -> str:
    """
    Return the report, a JSON list with a line end.

    Args:
        findings: in any order; GitLab sorts them itself.
        path: the file that a finding without a place is shown at, for example the policy.
    """
    entries = [_entry(finding, mark, path) for finding, mark in zip(findings, fingerprints(findings), strict=True)]
    return well_formed(json.dumps(entries, ensure_ascii=False, indent=2)) + "\n"


def _entry(finding: Finding, fingerprint: str, path: str) -> dict[str, Any]:
    file, line = (finding.place.file, finding.place.line) if finding.place else (path, 0)
    return {
        "description": in_one_line(finding),
        "check_name": finding.code.name,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.code.severity],
        # GitLab matches paths of the repository: no leading "./"; a file as a whole is its first line.
        "location": {"path": posixpath.normpath(file), "lines": {"begin": max(line, 1)}},
    }
