from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt.policy_text import comments, scalar
from runner_bridge.core.text import yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(TEXTS | st.integers())
def test_every_scalar_is_read_back_as_what_it_was(value: str | int) -> None:
    (node,) = yaml.parse(f"key: {scalar(value)}\n", "t")
    assert yaml.to_python(node) == {"key": value}


@given(TEXTS)
def test_a_list_of_one_scalar_is_read_back_too(text: str) -> None:
    (node,) = yaml.parse(f"[{scalar(text)}]\n", "t")
    assert yaml.to_python(node) == [text]


@given(st.lists(TEXTS))
def test_whatever_a_comment_says_it_stays_a_comment(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in comments(lines))
    (node,) = yaml.parse(f"{text}key: 1\n", "t")
    assert yaml.to_python(node) == {"key": 1}
