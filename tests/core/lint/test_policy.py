"""Policies in a run of lint: what belongs together, and what the loader says."""

from __future__ import annotations

from datetime import date

import pytest

from runner_bridge.core.lint.policy import grouped, lint

WHOLE, PART = "tiers: {}\npools: {}\n", "tiers: {}\n"
TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        pytest.param([(PART, "a.yaml", ""), (PART, "b.yaml", "")], [["a.yaml"], ["b.yaml"]], id="named: each alone"),
        pytest.param([(PART, "d/a.yaml", "d"), (PART, "d/b.yaml", "d")], [["d/a.yaml", "d/b.yaml"]], id="parts of one"),
        pytest.param(
            [(WHOLE, "d/a.yaml", "d"), (PART, "d/b.yaml", "d")], [["d/a.yaml", "d/b.yaml"]], id="one and more"
        ),
        pytest.param([(WHOLE, "d/a.yaml", "d"), (WHOLE, "d/b.yaml", "d")], [["d/a.yaml"], ["d/b.yaml"]], id="examples"),
        pytest.param(
            [(WHOLE, "d/a.yaml", "d"), (WHOLE, "d/b.yaml", "d"), (PART, "d/c.yaml", "d")],
            [["d/a.yaml"], ["d/b.yaml"], ["d/c.yaml"]],
            id="examples and a part of none",
        ),
        pytest.param(
            [(WHOLE, "d/x/a.yaml", "d"), (PART, "d/y/b.yaml", "d"), (PART, "d/y/c.yaml", "d")],
            [["d/x/a.yaml"], ["d/y/b.yaml", "d/y/c.yaml"]],
            id="a folder each",
        ),
        pytest.param([(PART, "d/x/a.yaml", "d"), (PART, "d/b.yaml", "d")], [["d/x/a.yaml", "d/b.yaml"]], id="one tree"),
    ],
)
def test_what_makes_one_policy_together(texts: list[tuple[str, str, str]], groups: list[list[str]]) -> None:
    assert [[name for _, name in group] for group in grouped(texts)] == groups


def test_a_refused_policy_is_its_problems() -> None:
    findings, policy = lint([("version: 1\ntiers: {}\npols: {}\n", "policy.yaml")], today=TODAY)
    assert policy is None
    assert any(one.place and one.place.line == 3 for one in findings)


def test_an_accepted_policy_is_its_warnings(blog: str) -> None:
    findings, policy = lint([(blog, "policy.yaml")], today=TODAY)
    assert policy is not None
    assert findings == policy.warnings
