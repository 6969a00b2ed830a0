"""Draws `[[runners]]` sections as admins write them, and walks parsed files."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from runner_bridge.core.redact import redact

KEYS = st.sampled_from(["team", "example.com/ref", "a.b", "x"])
VALUES = st.sampled_from(["infra", "$CI_PROJECT_PATH", "é", "", "a b"])


@st.composite
def sections(draw: Any) -> str:
    """One `[[runners]]` as admins write them: keys in any order, dotted, in tables or inline, with comments."""
    kubernetes = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "namespace": st.sampled_from(['"ci"', '"x"']),
                "service_account": st.just('"builder"'),
                "image": st.sampled_from(['"a"', '"b"']),
                "poll_timeout": st.integers(1, 600).map(str),
                "cpu_request": st.just('"1" # one'),
                "privileged": st.booleans().map(lambda value: str(value).lower()),
                "pod_annotations_overwrite_allowed": st.sampled_from(['""', '".*"', '"team=.*"']),
                "namespace_per_job": st.just("true"),
            },
        )
    )
    pools = draw(st.sampled_from(["", '["infraestrutura"]', '["edge", "infraestrutura"]', '["172.16.0.0/16"]', "[]"]))
    tables = {
        "pod_labels": draw(st.dictionaries(KEYS, VALUES, max_size=2)),
        "pod_annotations": draw(st.dictionaries(KEYS, VALUES, max_size=2)),
    }
    if pools:
        tables["pod_annotations"]["cni.projectcalico.org/ipv4pools"] = pools
    lines = [f"{key} = {value}" for key, value in draw(st.permutations(list(kubernetes.items())))]
    filled = {name: table for name, table in tables.items() if table}
    pairs = {name: [f"\"{key}\" = '{value}'" for key, value in table.items()] for name, table in filled.items()}
    head = draw(st.permutations(['url = "https://gitlab.example.com"', 'executor = "kubernetes"', "# a comment"]))
    match draw(st.sampled_from(["tables", "inline", "dotted"])):
        case "tables":
            body = ["  [runners.kubernetes]", *lines]
            for name, inner in pairs.items():
                body += [f"[runners.kubernetes.{name}] # here", *inner]
        case "inline":
            body = ["[runners.kubernetes]", *lines]
            body += [f"{name} = {{ {', '.join(inner)} }}" for name, inner in pairs.items()]
        case _:
            body = [f"kubernetes.{line}" for line in lines]
            body += [f"kubernetes.{name}.{line}" for name, inner in pairs.items() for line in inner]
    return "\n".join([*head, *body])


def leaves(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Every value of a parsed file by its path; an own walk, not the one under test."""
    if isinstance(tree, dict) and tree:
        parts = [(str(key), part) for key, part in tree.items()]
    elif isinstance(tree, list) and any(isinstance(one, dict) for one in tree):
        parts = [(str(at), part) for at, part in enumerate(tree)]
    else:
        return {path: redact(repr(tree))}
    return {at: value for key, part in parts for at, value in leaves(part, (*path, key)).items()}


def changed(before: Any, after: Any) -> set[tuple[str, ...]]:
    """The paths of all values that differ; an empty table that is filled is no value that goes."""
    old, new = leaves(before), leaves(after)
    filled = {path for path, value in old.items() if value == "{}" and path not in new}
    return {path for path in old | new if old.get(path) != new.get(path)} - filled
