"""Label selectors mean what kubectl means by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import SettingsError
from runner_bridge.core.wire.selectors import EVERYTHING, parse_selector

LABELS = {"tier": "infra", "n": "10", "example.com/x": "", "gone": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  ", True),
        ("tier=infra", True),
        ("tier==infra", True),
        (" tier = infra ", True),
        ("tier=default", False),
        ("tier!=default", True),
        ("other!=default", True),
        ("gone!=x", True),
        ("tier in (a, infra)", True),
        ("tier in (a,b)", False),
        ("tier notin (a,b)", True),
        ("other notin (a,b)", True),
        ("other in (a,b)", False),
        ("tier", True),
        ("gone", False),
        ("!gone", True),
        ("! tier", False),
        ("example.com/x=", True),
        ("example.com/x in ()", True),
        ("n>9", True),
        ("n<10", False),
        ("n < 11", True),
        ("tier>9", False),
        ("other>9", False),
        ("tier=infra,!gone,n>9", True),
        ("tier=infra , gone", False),
        ("in=a", False),
        ("in in (a)", False),
    ],
)
def test_a_selector_decides_as_kubectl_does(text: str, expected: bool) -> None:
    assert parse_selector(text).matches(LABELS) is expected


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("tier=in fra", "tier=in fra"),
        ("a=b,,c", ",c"),
        ("a=b,", ""),
        (",", ","),
        ("tier in infra", "tier in infra"),
        ("tier in (a", "tier in (a"),
        ("tier in (a b)", "tier in (a b)"),
        ("n>x", "n>x"),
        ("n>", "n>"),
        ("-a=b", "-a=b"),
        ("a=b,c=$(x)", "c=$(x)"),
        ("A.example/x/y", "A.example/x/y"),
    ],
)
def test_what_is_no_selector_is_refused_from_where_it_goes_wrong(text: str, rest: str) -> None:
    with pytest.raises(SettingsError, match="not a label selector") as refused:
        parse_selector(text)
    assert f"from {rest!r} on" in str(refused.value)


def test_the_labels_it_looks_at_are_named_once() -> None:
    assert parse_selector("a=b,c,a!=d").keys == ("a", "c")
    assert EVERYTHING.keys == ()


@given(st.text(alphabet="ab/.-=!<>(), in", max_size=20))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        assert parse_selector(text).matches(LABELS) in (True, False)
    except SettingsError as refused:
        assert repr(text.rstrip()) in str(refused)  # noqa: PT017 - either end is right
