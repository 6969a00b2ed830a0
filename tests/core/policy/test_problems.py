"""Every problem of a policy: what was changed, what is told, and where."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.model import Severity
from runner_bridge.core.model.codes import REGISTRY
from runner_bridge.core.model.finding import Family
from tests.core.policy.base import POLICY, changed, told

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

CASE = re.compile(
    r"^(?P<id>[\w-]+): (?P<code>[\w-]+) at (?P<line>\d+): (?P<said>.*)\n(?P<edits>(?:  [-+] .*\n)+)", re.MULTILINE
)
EDIT = re.compile(r"  - ‹(.*)›\n  \+ ‹(.*)›\n")


def cases() -> list[ParameterSet]:
    text = (Path(__file__).parent / "samples" / "problems.txt").read_text()
    return [
        pytest.param(
            f"policy-{case['code']}",
            case["said"],
            int(case["line"]),
            changed(*(tuple(part.replace("⏎", "\n") for part in edit) for edit in EDIT.findall(case["edits"]))),
            id=case["id"],
        )
        for case in CASE.finditer(text)
    ]


@pytest.mark.parametrize(("code", "said", "line", "text"), cases())
def test_one_mistake_is_one_problem_with_its_place_and_what_to_do(code: str, said: str, line: int, text: str) -> None:
    found = told(text)
    assert [one.code.name for one in found] == [code]
    (one,) = found
    assert said in f"{one.headline} {one.cause} {one.proof} {one.what_to_do}"
    assert one.place is not None
    assert one.place.line == line


def test_every_code_of_the_family_is_among_the_cases() -> None:
    family = {code.name for code in REGISTRY.values() if code.family is Family.POLICY}
    assert family - {case.values[0] for case in cases()} == {"policy-malformed", "policy-rules-entangled"}


def test_rules_that_are_all_wildcards_are_refused_in_bounded_time() -> None:
    segments = product("a*", repeat=12)
    patterns = [f'"{"/".join(each)}"' for each in segments]
    halves = ", ".join(patterns[::2]), ", ".join(patterns[1::2])
    text = changed(('"platform/**", "id:19241"', halves[0]), ('["**"]', f'["**", {halves[1]}]'))
    assert [one.code.name for one in told(text)] == ["policy-rules-entangled"]


def test_the_policy_that_the_cases_start_from_is_in_order() -> None:
    assert told(POLICY) == ()


def test_a_policy_with_warnings_only_is_used() -> None:
    (found,) = told(changed(("2027-03-31", "2026-11-24")))
    assert found.code.severity is Severity.WARNING


def test_what_only_follows_from_a_problem_is_not_told() -> None:
    text = changed(("cidr: 172.16.0.0/16", "cidr: nonsense"), ("class: nat", "class: net"))
    assert [one.subject for one in told(text)] == ["pools.infraestrutura.cidr", "pools.infraestrutura.class"]


def test_a_range_that_cannot_be_read_puts_no_pool_outside() -> None:
    text = changed(("pod_cidrs: [10.10.0.0/16, 172.16.0.0/16]", "pod_cidrs: [10.10.0.0/16, 172.16.0.0.0/16]"))
    assert [one.subject for one in told(text)] == ["cluster.pod_cidrs[1]"]
