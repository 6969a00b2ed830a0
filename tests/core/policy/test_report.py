"""Collecting problems: many of them cost no more than few."""

from __future__ import annotations

import pytest

from runner_bridge.core.policy.report import did_you_mean, dotted, listed, shown
from tests.core.policy.base import changed, told


def test_twenty_thousand_wrong_values_are_all_told() -> None:
    numbers = ", ".join(["7"] * 20_000)
    assert len(told(changed(('"platform/**", "id:19241"', numbers)))) == 20_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        (7, "7"),
        ("x" * 100, f"'{'x' * 58}…"),
        ("glrt-abcdefghijklmnopqrst", "'[secret]'"),
        ("a\nb", "'a\\nb'"),
    ],
)
def test_a_quoted_value_is_one_short_line_without_secrets(value: object, text: str) -> None:
    assert shown(value) == text


def test_the_nearest_name_is_looked_for_among_few_names_only() -> None:
    assert did_you_mean("pols", ["pools", "tiers"]) == "Did you mean 'pools'?"
    assert did_you_mean("pols", ["pools", *map(str, range(1000))]) == ""


def test_words_for_sentences() -> None:
    assert [listed([]), listed("a"), listed("ab"), listed("abc", "and")] == ["", "a", "a or b", "a, b and c"]
    assert dotted(()) == "the policy"
