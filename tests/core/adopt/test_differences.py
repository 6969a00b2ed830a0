from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt.differences import IN_FORCE, compare, describe

NAMES = {"0": "infra", "1": "apps"}


def changes(before: str, after: str) -> list[tuple[str, str | None, str | None]]:
    found = compare(tomllib.loads(before), tomllib.loads(after))
    return [(".".join(one.path), one.before, one.after) for one in found]


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        pytest.param("a = 1", "a = 1 # a comment", [], id="comments are no difference"),
        pytest.param("a = 1\nb = 2", "b = 2\na = 1", [], id="order is no difference"),
        pytest.param("a = 1", "a = 2", [("a", "1", "2")], id="changed"),
        pytest.param("a = 1", "a = true", [("a", "1", "true")], id="another type"),
        pytest.param("", 'a = "x"', [("a", None, '"x"')], id="new"),
        pytest.param("a = [1]", "", [("a", "[1]", None)], id="gone"),
        pytest.param("a = [1, 2]", "a = [1, 3]", [("a", "[1, 2]", "[1, 3]")], id="a list of values is one value"),
        pytest.param("", "[t.u]\na = 1\nb = 2", [("t.u.a", None, "1"), ("t.u.b", None, "2")], id="a table, key by key"),
        pytest.param("[t]\na = 1", "t = 5", [("t", None, "5"), ("t.a", "1", None)], id="a table becomes a value"),
        pytest.param("", "[t]", [("t", None, "{}")], id="an empty table"),
        pytest.param("[t]", "[t]\na = 1", [("t.a", None, "1")], id="an empty table is filled"),
        pytest.param("[[r]]\na = 1", "[[r]]\na = 1\n[[r]]", [("r.1", None, "{}")], id="one more in a list of tables"),
        pytest.param("[[r]]\na = 1", "[[r]]\na = 2", [("r.0.a", "1", "2")], id="in a list of tables"),
        pytest.param("a = 07:32:00", "", [("a", '"07:32:00"', None)], id="a time"),
    ],
)
def test_each_key_that_differs_is_named_once(before: str, after: str, named: list[tuple[str, str, str]]) -> None:
    assert changes(before, after) == named


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 1) | st.sampled_from([0.0, 1.0, "", "x"]) | st.lists(st.booleans()),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(TREES, TREES)
def test_two_trees_have_no_difference_exactly_when_they_are_the_same(one: Any, other: Any) -> None:
    def same(left: Any, right: Any) -> bool:
        if type(left) is not type(right):
            return False
        if isinstance(left, dict):
            return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
        if isinstance(left, list):
            return len(left) == len(right) and all(map(same, left, right))
        return bool(left == right)

    assert (list(compare({"t": one}, {"t": other})) == []) == same(one, other)


def told(before: str, after: str, width: int = 80) -> str:
    return "\n".join(describe(tuple(compare(tomllib.loads(before), tomllib.loads(after))), NAMES, width=width))


TWO = "[[runners]]\n{}\n[[runners]]\n{}\n"


def test_what_is_the_same_for_all_runners_is_said_once() -> None:
    text = told(TWO.format("", ""), TWO.format("limit = 0", "limit = 0"))
    assert text.splitlines()[:2] == ["Every runner:", "  + limit = 0"]


def test_what_concerns_some_runners_names_them() -> None:
    text = told(TWO.format("limit = 1", ""), TWO.format("limit = 2", ""))
    assert text == "Runner infra:\n  ~ limit = 2 (was 1)"


def test_our_own_marks_are_told_once_though_their_values_differ() -> None:
    mark = '"runner-bridge.dev/generation" = "{}"'
    text = told(TWO.format("", ""), TWO.format(mark.format("a"), mark.format("b")))
    assert text.splitlines()[:2] == ["Every runner:", '  + "runner-bridge.dev/generation" = (one value for each)']


def test_a_key_of_a_runner_is_not_mixed_up_with_a_global_one() -> None:
    text = told("[[runners]]", "x = 1\n[[runners]]\nx = 1")
    assert text == "Runner infra:\n  + x = 1\nOutside of runners:\n  + x = 1"


def test_what_belongs_to_no_runner_stands_apart_and_what_goes_is_marked() -> None:
    assert told("log_level = 'debug'", "") == 'Outside of runners:\n  - log_level (was "debug")'


def test_keys_that_need_quotes_have_them() -> None:
    assert '"a.b/c".d' in told("", '["a.b/c"]\nd = 1')


def test_no_line_is_longer_than_asked() -> None:
    lines = told(
        "", "[a]\nnamespace_overwrite_allowed = 'a b c d e f g h i j k l m n o p q r s t'", width=60
    ).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 60


def test_changes_come_first_and_what_is_in_force_today_comes_last_on_few_lines() -> None:
    text = told("x = 1\ny = 1", "limit = 0\nnamespace_overwrite_allowed = ''\nnew = 1\nx = 2")
    assert text.splitlines() == [
        "Outside of runners:",
        "  ~ x = 2 (was 1)",
        "  - y (was 1)",
        "  + new = 1",
        '  + limit = 0, namespace_overwrite_allowed = ""',
        "    (in force today already, and now written down)",
    ]


def test_a_reason_that_several_keys_share_is_given_once() -> None:
    assert told("", "FF_A = false\nFF_B = false").splitlines()[1:] == [
        "  + FF_A = false",
        "  + FF_B = false",
        "    (pinned, so that no job can switch it by a variable)",
    ]


def test_a_long_list_of_runners_is_folded() -> None:
    names = {str(at): f"runner-{at}" for at in range(20)}
    before: dict[str, Any] = {"runners": [{} for _ in names]}
    after = {"runners": [{"x": at % 2} for at in range(20)]}
    lines = describe(tuple(compare(before, after)), names, width=60)
    assert max(map(len, lines)) <= 60
    assert lines[0].startswith("Runners runner-0, runner-2")
    assert lines[1].startswith("  runner-")


def test_no_secret_is_told() -> None:
    assert "FAKETOKEN" not in told('token = "glrt-4xYqA7pLwFAKETOKEN00"', 'x = "glrt-9mZrT5kQxFAKETOKEN00"')


@pytest.mark.parametrize(
    ("key", "before", "said"),
    [
        ("FF_USE_X", None, "pinned"),
        ("pod_annotations_overwrite_allowed", ".*", "chooses its own pool"),
        ("pod_annotations_overwrite_allowed", None, IN_FORCE),
        ("limit", None, IN_FORCE),
        ("cni.projectcalico.org/ipAddrs", None, "the pools of its tier"),
    ],
)
def test_the_reason_is_told(key: str, before: str | None, said: str) -> None:
    (one,) = compare({} if before is None else {key: before}, {key: ""})
    assert said in one.why


def test_a_key_that_is_not_known_here_is_named_without_a_reason() -> None:
    (one,) = compare({}, {"something_new": 5})
    assert one.why == ""
