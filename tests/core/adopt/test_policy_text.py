from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt.policy_text import comments
from runner_bridge.core.text import yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(TEXTS))
def test_whatever_a_comment_says_it_stays_a_comment(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in comments(lines))
    (node,) = yaml.parse(f"{text}key: 1\n", "t")
    assert yaml.to_python(node) == {"key": 1}
