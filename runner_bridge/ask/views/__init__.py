"""
Findings and answers → text: a table, JSON, JUnit, Code Quality, SARIF. Siblings are strangers.

What several of them need stands here: how a finding is known again tomorrow, and text that no output can trip over.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.model import Finding


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """
    Return one fingerprint per finding, in order: the same tomorrow, unless what is wrong changes.

    Lines and columns are left out, so an edit above a finding makes no new one. Findings alike in everything else are
    told apart by counting them. 64 hexadecimal digits each. Never raises.
    """
    seen: dict[tuple[str, ...], int] = {}
    result = []
    for finding in findings:
        place = finding.place.file if finding.place else ""
        key = (finding.code.name, place, finding.subject, finding.observed)
        number = seen[key] = seen.get(key, 0) + 1
        text = "\0".join((*key, str(number)))
        result.append(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())
    return result


def in_one_line(finding: Finding) -> str:
    """Return what is wrong and what to do, without the place: for formats that have one field for it."""
    seen = f" Seen {finding.observed}." if finding.observed else ""
    wanted = f" Expected {finding.expected}." if finding.expected else ""
    cause = f" {finding.cause}" if finding.cause else ""
    text = f"{finding.subject}: {finding.code.title}.{seen}{wanted}{cause} {finding.what_to_do}"
    return well_formed(" ".join(text.split()))


def well_formed(text: str) -> str:
    """Return the text with lone surrogates (file names that are not UTF-8) as `?`: it can be encoded. Never raises."""
    return text.encode("utf-8", "replace").decode("utf-8")
