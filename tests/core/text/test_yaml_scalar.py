"""Whatever is written on one line is read back as the same value, by readers of both versions of YAML."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from runner_bridge.core.text.yaml_scalar import scalar

values = st.one_of(
    st.booleans(),
    st.integers(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(
        ["yes", "0x1f", "1e3", "1:30", ".inf", "~", "2001-01-01", "010", "!all()", "- a", "a: b", "#", "a #b"]
    ),
    st.from_regex(r"[a-z0-9:/._-]{1,12}", fullmatch=True),
)


@pytest.mark.parametrize("version", [(1, 1), (1, 2)], ids=str)
@given(value=values)
def test_a_value_survives(version: tuple[int, int], value: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version

    assert yaml.load(f"[{scalar(value)}, {{a: {scalar(value)}}}]") == [value, {"a": value}]
