"""Code Quality: what GitLab demands, and fingerprints that survive edits elsewhere in the file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from runner_bridge.ask.views.codequality import render
from runner_bridge.core.model import Finding, Place, Severity
from tests import make


def report(*findings: Finding) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = json.loads(render(findings, path="policy.yaml"))
    return value


def at(line: int) -> Finding:
    return make.finding(place=Place(file="./conf/pools.yaml", line=line), observed="x", cause="Why.")


def test_an_entry_has_all_that_gitlab_asks_for() -> None:
    (entry,) = report(at(3))
    fingerprint = entry.pop("fingerprint")
    assert len(fingerprint) == 64
    assert entry == {
        "description": "pools.a: two pools share addresses. Seen x. Why. Make them disjoint.",
        "check_name": "pool-overlap",
        "severity": "critical",
        "location": {"path": "conf/pools.yaml", "lines": {"begin": 3}},
    }


def test_a_finding_about_no_file_is_shown_at_the_path_given() -> None:
    (entry,) = report(make.finding(place=None))
    assert entry["location"] == {"path": "policy.yaml", "lines": {"begin": 1}}


def test_the_fingerprint_does_not_know_the_line() -> None:
    assert report(at(3))[0]["fingerprint"] == report(at(30))[0]["fingerprint"]


def test_fingerprints_tell_twins_apart() -> None:
    first, second, other = report(at(3), at(4), replace(at(5), subject="pools.b"))
    assert len({first["fingerprint"], second["fingerprint"], other["fingerprint"]}) == 3
    assert "\n" not in first["description"]


@pytest.mark.parametrize(("severity", "word"), [("error", "critical"), ("warning", "major"), ("advice", "info")])
def test_severities_are_gitlabs(severity: str, word: str) -> None:
    (entry,) = report(make.finding(code=make.code(severity=Severity(severity))))
    assert entry["severity"] == word


def test_no_finding_is_an_empty_list() -> None:
    assert render([], path="p") == "[]\n"
