"""What is written means the same to readers of YAML 1.1 (kubectl, Helm) and of YAML 1.2."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from runner_bridge.core.errors import RenderError
from runner_bridge.core.text import yaml
from runner_bridge.render import yaml_text

WORDS = "!all() on Yes NO y n null ~ 1 1e3 0x1 0o7 012 1_000 12:30 .inf = << 2001-01-01 true @a `a` %a &a *a | > ? a:"
TEXTS = ["", "a: b", "a #b", "- a", '["x"]', "it's", "'\"", "{a: b}", " a ", "a\r\nb", "\t", "\x7f\x85\u2028\ufeff😀"]
awkward = st.sampled_from([*WORDS.split(), *TEXTS])
text = awkward | st.text(st.characters(codec="utf-8"))
values = st.recursive(
    text | st.booleans() | st.integers(),
    lambda inner: (
        st.lists(inner.filter(lambda item: not isinstance(item, list) and item != {}), max_size=3)
        | st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=8,
)
tables = st.dictionaries(text, values, min_size=1, max_size=4)


def read(written: str, version: tuple[int, int]) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.version = version
    return reader.load(StringIO(written))


@given(tables)
def test_our_own_reader_sees_what_was_meant(table: dict[str, Any]) -> None:
    (node,) = yaml.parse(yaml_text.dump(table), "test")
    assert yaml.to_python(node) == table


@pytest.mark.parametrize("version", [(1, 1), (1, 2)], ids=str)
@given(table=tables)
def test_readers_of_either_version_see_what_was_meant(version: tuple[int, int], table: dict[str, Any]) -> None:
    assert read(yaml_text.dump(table), version) == table


@given(st.lists(tables, min_size=1, max_size=3))
def test_a_list_of_mappings_is_read_as_such(items: list[dict[str, Any]]) -> None:
    assert read(yaml_text.dump_list(items), (1, 2)) == items


def test_a_text_of_several_lines_stays_as_it_is() -> None:
    written = yaml_text.dump({"a": {"config.toml": yaml_text.Literal("[[x]]\n\n  y = 1\n")}, "b": 1})
    assert written == "a:\n  config.toml: |\n    [[x]]\n\n      y = 1\nb: 1\n"


@pytest.mark.parametrize("written", ["a: 2\n", "a: '1'\n", "a: 1\n---\na: 1\n", "a: [\n", ""])
def test_a_file_that_says_something_else_never_leaves(written: str) -> None:
    with pytest.raises(RenderError, match=r"^values.yaml: what was written .* nothing was written"):
        yaml_text.prove("values.yaml", written, {"a": 1})
