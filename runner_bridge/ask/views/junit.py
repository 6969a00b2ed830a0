"""
Test cases as JUnit XML, the form that GitLab reads: https://docs.gitlab.com/ci/testing/unit_test_reports/.

Knows nothing of findings: whoever asks decides what one case is and whether it failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable

# What XML 1.0 allows in a document (https://www.w3.org/TR/xml/#charsets), negated.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Mark(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case."""

    name: str
    group: str
    """JUnit's `classname`: cases are listed under it."""
    mark: Mark = Mark.PASSED
    message: str = ""
    """One line: why it failed or was skipped."""
    text: str = ""
    """The whole story; may span lines."""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Cases that belong together, for example those of one file or one tier."""

    name: str
    cases: tuple[Case, ...]


def render(suites: Iterable[Suite]) -> str:
    """Return the document, suites and cases in the order given. Characters that XML forbids become `?`."""
    root = ET.Element("testsuites")
    for suite in suites:
        element = ET.SubElement(root, "testsuite", {"name": _clean(suite.name), **_counts(suite.cases)})
        for case in suite.cases:
            _append(element, case)
    for name in ("tests", "failures", "skipped", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(cases: tuple[Case, ...]) -> dict[str, str]:
    marks = [case.mark for case in cases]
    return {
        "tests": str(len(marks)),
        "failures": str(marks.count(Mark.FAILED)),
        "skipped": str(marks.count(Mark.SKIPPED)),
        "errors": "0",
    }


def _append(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(suite, "testcase", classname=_clean(case.group), name=_clean(case.name))
    if case.file:
        element.set("file", _clean(case.file))
    if case.mark is Mark.PASSED:
        if case.text:
            ET.SubElement(element, "system-out").text = _clean(case.text)
        return
    tag = "failure" if case.mark is Mark.FAILED else "skipped"
    child = ET.SubElement(element, tag, message=_clean(case.message))
    child.text = _clean(case.text) or None


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
