"""Which file is what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.lint.kinds import (
    POLICY_KEYS,
    Kind,
    is_policy_part,
    is_whole_policy,
    kinds_of,
    only_wraps_values,
    unreadable,
)
from runner_bridge.core.policy import json_schema

POOL = "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: a}\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\ndata:\n  config.toml: |\n    concurrent = 4\n"
VALUES = '{runners: {config: "[[runners]]"}}'
PATCH = "    kind: ConfigMap\n    data:\n      config.toml: |\n        [[runners]]\n"


@pytest.mark.parametrize(
    ("text", "name", "kinds"),
    [
        pytest.param("version: 1\ntiers: {}\n", "a.yaml", ["policy"], id="a policy"),
        pytest.param("tiers: {}\n", "tiers.yaml", ["policy"], id="a part of a policy"),
        pytest.param("pools: {a: {cidr: 10.0.0.0/8}}\n", "pools.yaml", ["policy"], id="pools of a policy"),
        pytest.param("pools: {a: {size: 1}}\n", "pools.yaml", [], id="pools of something else"),
        pytest.param("waivers: []\n", "waivers.yaml", [], id="a part that could be anybody's"),
        pytest.param("version: 1\nprivacy: {people: off}\n", "a.yaml", ["policy"], id="a mild part with a version"),
        pytest.param("privacy: {people: off}\n", "a.yaml", [], id="... and without one"),
        pytest.param("version: 1\nservices: {}\n", "compose.yaml", [], id="a version of something else"),
        pytest.param("concurrent = 4\n", "-", ["runner-config"], id="TOML from standard input"),
        pytest.param("# mine\n[[runners]]\n  name = 'x'\n", "<stdin>", ["runner-config"], id="only a runner"),
        pytest.param("", "config.toml", ["runner-config"], id="an empty config.toml"),
        pytest.param("[project]\nname = 'x'\n", "pyproject.toml", [], id="another TOML file"),
        pytest.param("concurrent = 4\n[[runners]]\nname: x: y\n", "-", ["runner-config"], id="broken TOML"),
        pytest.param("gitlabUrl: x\n", "values.yaml", ["helm-values"], id="Helm values"),
        pytest.param("runners: {config: x}\n", "values.yaml", ["helm-values"], id="Helm values by their runners"),
        pytest.param("gitlab-runner: {}\n", "values.yaml", ["helm-values"], id="values of the umbrella chart"),
        pytest.param("runners: [a]\n", "values.yaml", [], id="a list of runners is another's"),
        pytest.param(CONFIG_MAP, "a.yaml", ["config-map"], id="a ConfigMap"),
        pytest.param("kind: ConfigMap\ndata:\n  x: |\n    [[runners]]\n", "a.yaml", ["config-map"], id="by its text"),
        pytest.param("kind: ConfigMap\ndata: {a: b}\n", "a.yaml", [], id="another ConfigMap"),
        pytest.param("kind: ConfigMap\n", "a.yaml", [], id="an empty ConfigMap"),
        pytest.param("kind: Secret\nstringData: {config.toml: x}\n", "a.yaml", ["config-map"], id="a Secret"),
        pytest.param("apiVersion: apps.gitlab.com/v1beta2\nkind: Runner\n", "a.yaml", ["config-map"], id="a Runner"),
        pytest.param("apiVersion: actions.github.com/v1\nkind: Runner\n", "a.yaml", [], id="a Runner of another"),
        pytest.param(POOL, "a.yaml", ["ip-pools"], id="a pool"),
        pytest.param("kind: IPPoolList\nitems: [{}]\n", "a.yaml", ["ip-pools"], id="a list of pools"),
        pytest.param("apiVersion: operator.tigera.io/v1\nkind: Installation\n", "a.yaml", ["ip-pools"], id="operator"),
        pytest.param(
            "- {path: /spec/calicoNetwork/ipPools/-, value: {}}", "a.yaml", ["ip-pools"], id="a patch of the operator's"
        ),
        pytest.param("kind: Installation\n", "a.yaml", [], id="another Installation"),
        pytest.param(f"{CONFIG_MAP}---\n{POOL}---\n{POOL}", "a.yaml", ["config-map", "ip-pools"], id="two kinds"),
        pytest.param("kind: List\nitems: [{kind: Pod}, 5]\n", "a.yaml", [], id="a list of pods"),
        pytest.param("items: [{a: b}]\nkind: List\n", "a.yaml", [], id="a list of objects without a kind"),
        pytest.param("kind: Deployment\n", "a.yaml", [], id="a Deployment"),
        pytest.param(
            f"kind: Application\nspec: {{helm: {{valuesObject: {VALUES}}}}}", "a.yaml", ["helm-values"], id="Argo"
        ),
        pytest.param(f"kind: HelmChart\nspec: {{valuesContent: '{VALUES}'}}", "a.yaml", ["helm-values"], id="k3s"),
        pytest.param("kind: Application\nspec: {helm: {values: 'a: b'}}", "a.yaml", [], id="Argo, of another chart"),
        pytest.param(f"patches:\n- patch: |\n{PATCH}", "a.yaml", ["config-map"], id="an inline patch"),
        pytest.param("kind: ConfigMap\ndata: {a.sh: '[[runners]]'}", "a.yaml", [], id="a script in a ConfigMap"),
        pytest.param("just text\n", "a.yaml", [], id="text"),
        pytest.param("- 1\n", "a.yaml", [], id="a list"),
        pytest.param("", "a.yaml", [], id="nothing"),
        pytest.param("kind: IPPool\nspec: {{ .x }}/16\n", "a.yaml", ["ip-pools"], id="a template of a pool"),
        pytest.param("kind: Pod\nspec: {{ .x }}/16\n", "a.yaml", [], id="a template of a pod"),
        pytest.param("runners: {{ .x }}/16\n", "a.yaml", ["helm-values"], id="a template of values"),
        pytest.param("tiers:\n\t- x\n", "a.yaml", ["policy"], id="a policy with a tab"),
        pytest.param("gitlabUrl: [\n", "a.yaml", ["helm-values"], id="broken values"),
        pytest.param("kind: IPPool\nspec: [\n", "a.yaml", ["ip-pools"], id="a broken pool"),
        pytest.param('{"kind": "IPPool", "spec": [', "a.json", ["ip-pools"], id="a pool in JSON that was cut off"),
        pytest.param("kind: Pod\nspec: [\n", "a.yaml", [], id="a broken pod"),
        pytest.param("a: [\n", "a.yaml", [], id="broken YAML of something else"),
    ],
)
def test_the_kind_is_told_from_the_content(text: str, name: str, kinds: list[str]) -> None:
    assert kinds_of(text, name) == tuple(map(Kind, kinds))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("tiers: {}\npools: {}\n", True),
        ("tiers: {}\n", False),
        ("", False),
        ("tiers: [", True),
    ],
)
def test_a_policy_stands_by_itself_or_is_a_part(text: str, whole: bool) -> None:
    assert is_whole_policy(text, "a.yaml") is whole


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("waivers: []\n", True),
        ("cluster: {}\nprivacy: {}\n", True),
        ("cluster: {}\nx: 1\n", False),
        ("- 1\n", False),
        ("a: [", False),
    ],
)
def test_a_part_of_a_policy_has_only_keys_of_a_policy(text: str, part: bool) -> None:
    assert is_policy_part(text, "a.yaml") is part


PIECES = [
    "kind: ",
    "IPPool",
    "List",
    "\n",
    "items: ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "data:",
    "  ",
    "[[runners]]",
    "tiers:",
    "x",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_has_some_kinds_or_none(text: str) -> None:
    assert set(kinds_of(text, "a.yaml")) <= set(Kind)


@pytest.mark.parametrize(("text", "said"), [("a: [\n", "a.yaml:2:1: "), ("a: b\n", ""), ("a: {{ .x }}/16\n", "")])
def test_why_a_file_is_no_yaml_is_said_with_its_place(text: str, said: str) -> None:
    why = unreadable(text, "a.yaml")
    assert why.startswith(said)
    assert bool(why) is bool(said)


@pytest.mark.parametrize(
    ("text", "wraps"),
    [
        pytest.param(f"kind: HelmRelease\nspec: {{values: {VALUES}}}", True, id="Flux"),
        pytest.param(f"releases: [{{values: [{VALUES}]}}]", True, id="helmfile"),
        pytest.param(VALUES, False, id="values"),
        pytest.param(f"gitlab-runner: {VALUES}", False, id="values of an umbrella chart"),
        pytest.param("kind: Deployment", False, id="another object"),
        pytest.param("a: [", False, id="no YAML"),
    ],
)
def test_a_file_around_values_is_no_values_file(text: str, wraps: bool) -> None:
    assert only_wraps_values(text, "a.yaml") is wraps


def test_every_key_at_the_top_of_a_policy_tells_a_policy() -> None:
    assert set(json_schema()["properties"]) == POLICY_KEYS
