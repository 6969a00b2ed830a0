"""The source line of a finding: no secret in it, no column moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint import with_excerpts
from runner_bridge.core.model import Place
from runner_bridge.core.redact import redact
from tests import make


def excerpt(text: str, line: int) -> tuple[str, ...]:
    (finding,) = with_excerpts([make.finding(place=Place(file="a", line=line, column=1))], text)
    return finding.excerpt


def test_the_line_of_the_place_is_filled_in() -> None:
    assert excerpt("a\nb\r\nc", 2) == ("b",)
    assert with_excerpts([make.finding()], "1\n2\n3")[0].excerpt == ("3",)


def test_findings_of_one_line_share_it() -> None:
    first, second = with_excerpts([make.finding(), make.finding()], "1\n2\n3")
    assert first.excerpt[0] is second.excerpt[0]


@pytest.mark.parametrize("line", [0, 4])
def test_a_line_that_is_not_there_is_left_out(line: int) -> None:
    assert excerpt("a\nb\nc", line) == ()


def test_no_place_and_an_excerpt_of_its_own_stay() -> None:
    assert with_excerpts([make.finding(place=None)], "a")[0].excerpt == ()
    assert with_excerpts([make.finding(excerpt=("mine",))], "1\n2\n3")[0].excerpt == ("mine",)


SECRET = "glrt-t1_4xYqA7pLwFAKETOKEN00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f'token = "{SECRET}" # x', f'token = "{"[secret]".ljust(len(SECRET), "*")}" # x', id="long"),
        pytest.param('token = "abc" # x', 'token = "***" # x', id="short"),
        pytest.param("token: abc", "token: ***", id="at the end of the line"),
        pytest.param("token:\n  abcdefghij # x", "  [secret]** # x", id="the key on the line before"),
        pytest.param(f"{SECRET}{SECRET}", "[secret]".ljust(2 * len(SECRET), "*"), id="nothing else"),
        pytest.param('a="[secret]" token="abc"', 'a="[secret]" token="***"', id="a mask that was there"),
        pytest.param('token="abc" password="abc"', 'token="***" password="***"', id="two"),
    ],
)
def test_secrets_are_masked_with_as_many_characters(text: str, expected: str) -> None:
    assert excerpt(text, text.count("\n") + 1) == (expected,)


@given(st.lists(st.sampled_from(["token", "=", '"', "abc", " ", "[secret]", SECRET, ",", "password: ", "x"])))
def test_masking_keeps_the_length(parts: list[str]) -> None:
    line = "".join(parts)
    (shown,) = excerpt(line, 1)
    assert len(shown) == len(line)
    assert (SECRET in shown) == (SECRET in redact(line))
