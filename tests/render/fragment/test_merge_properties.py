"""Whatever an admin wrote survives, and the result is the input with what is governed."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.render import toml_text
from runner_bridge.render.fragment import merge
from runner_bridge.render.fragment.governed import canonical, complete, governed
from tests import make

POLICY = make.policy(
    make.tier(runners=(make.runner("a"), make.runner("b"))),
    make.tier("default", pin=False, runners=(make.runner("c", "default"),)),
)

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)
# Keys of the admin: none that is governed, and none that differs from one only by case.
names = st.sampled_from(
    ["alpha", "x y", "b.c", "d/e", "é", "", '"', "'", "\\", "helper_image", "privileged"]
) | text.map("k".__add__)
scalars = st.one_of(
    text,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.lists(st.integers(0, 3) | text, max_size=3),
)
trees = st.recursive(
    st.dictionaries(names, scalars, max_size=3),
    lambda inner: st.dictionaries(names, inner | scalars, max_size=3),
    max_leaves=8,
)
flags = st.dictionaries(st.sampled_from(["FF_X", "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"]), st.booleans())
maps = st.dictionaries(
    st.sampled_from(["cni.projectcalico.org/ipv4pools", "cni.projectcalico.org/ipAddrs", "example.com/a", "plain"]),
    text,
)


@st.composite
def sections(draw: st.DrawFn) -> dict[str, Any]:
    """One `[[runners]]` in any order of keys, with governed keys set to anything of their type."""
    kubernetes = draw(trees) | draw(
        st.fixed_dictionaries(
            {},
            optional={
                "namespace": text,
                "pod_annotations_overwrite_allowed": text,
                "poll_timeout": st.integers(0, 999),
                "pod_annotations": maps,
                "pod_labels": maps,
            },
        )
    )
    section = draw(trees) | draw(
        st.fixed_dictionaries(
            {"name": st.sampled_from(["a", "b", "c", "stranger"])},
            optional={
                "kubernetes": st.just(kubernetes),
                "feature_flags": flags,
                "limit": st.integers(0, 99),
                "id": st.integers(1, 99),
            },
        )
    )
    return dict(draw(st.permutations(list(section.items()))))


@st.composite
def files(draw: st.DrawFn) -> str:
    """A config.toml with every way to write a table, comments between and behind, and either line end."""
    found = draw(st.lists(sections(), max_size=4, unique_by=lambda section: section["name"]))
    lines = list(_table((), {"check_interval": 1} | draw(trees), draw))
    for section in found:
        lines += ["[[runners]]", *_table(("runners",), section, draw)]
    comment = st.text(st.characters(min_codepoint=32, max_codepoint=0x2000, exclude_categories=["Cc"]), max_size=8)
    spaced = []
    for line in lines:
        if draw(st.integers(0, 5)) == 0:
            spaced.append(draw(st.sampled_from(["", "  "])) + "#" + draw(comment))
        spaced.append(line + (" # " + draw(comment) if draw(st.integers(0, 5)) == 0 else ""))
    return draw(st.sampled_from(["\n", "\r\n"])).join([*spaced, *([""] if draw(st.booleans()) else [])])


def _table(path: tuple[str, ...], table: dict[str, Any], draw: st.DrawFn) -> list[str]:
    """Write the tables in `table` as headers, dotted keys or inline tables, as drawn."""
    here: list[str] = []
    below: list[str] = []
    indent = draw(st.sampled_from(["", "  ", "\t"]))
    for key, item in table.items():
        way = draw(st.sampled_from(["header", "dotted", "inline"])) if isinstance(item, dict) else "value"
        if way == "header":
            below += [f"{indent}[{toml_text.header((*path, key))}]", *_table((*path, key), item, draw)]
        elif way == "dotted" and item and not any(isinstance(each, dict) for each in item.values()):
            here += [
                f"{indent}{toml_text.header((key, name))} = {toml_text.value(each)}" for name, each in item.items()
            ]
        else:
            here.append(f"{indent}{toml_text.key(key)} = {toml_text.value(item)}")
    return here + below


@given(files())
def test_the_result_is_the_input_with_the_governed_keys(file: str) -> None:
    merged = merge(file, POLICY)
    parsed, expected = tomllib.loads(merged), tomllib.loads(file)
    found = {section["name"]: section for section in expected.get("runners", [])}
    for runner in POLICY.runners.values():
        whole = complete(found.get(runner.name, {}), governed(POLICY, runner))
        if runner.name in found:
            found[runner.name].clear()
            found[runner.name].update(whole)
        else:
            expected.setdefault("runners", []).append(whole)
    assert canonical(parsed) == canonical(expected)


@given(files())
def test_it_is_idempotent(file: str) -> None:
    merged = merge(file, POLICY)
    assert merge(merged, POLICY) == merged


@given(files())
def test_every_line_that_holds_no_governed_value_survives(file: str) -> None:
    kept = iter(merge(file, POLICY).splitlines())
    for line in file.splitlines():
        if line.lstrip(" \t").startswith("#"):
            assert any(line == each for each in kept), line
