"""The network policies of quarantine: whom they select, and that they let nothing through."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.actions import LABELS, QUARANTINED
from runner_bridge.core.lint.selector import read
from runner_bridge.core.policy import model as p
from runner_bridge.core.policy.forms import namespace_matches
from runner_bridge.core.quarantine import NETWORK_POLICY
from runner_bridge.core.text import yaml
from runner_bridge.render.quarantine import render
from tests import make

if TYPE_CHECKING:
    from collections.abc import Callable

OPTED_IN = make.tier(enforce=p.TierEnforcement(quarantine=True))


def policy(*namespaces: str) -> p.Policy:
    return make.policy(OPTED_IN, cluster=replace(make.policy().cluster, namespaces=namespaces))


def documents(text: str) -> list[Any]:
    return [yaml.to_python(node) for node in yaml.parse(text, "test")]


def selector(*namespaces: str) -> str:
    (document,) = documents(render(policy(*namespaces))["quarantine/calico.yaml"])
    return str(document["spec"]["namespaceSelector"])


_TERM = re.compile(r"projectcalico\.org/name (==|starts with|ends with|contains) '([^']*)'")
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "==": lambda name, value: name == value,
    "starts with": lambda name, value: name.startswith(value),
    "ends with": lambda name, value: name.endswith(value),
    "contains": lambda name, value: value in name,
}


def selects(text: str, name: str) -> bool:
    """What Calico makes of such a selector (libcalico-go, lib/selector): each part alone, `&&` before `||`."""
    return any(all(_MATCHES[word](name, value) for word, value in _TERM.findall(part)) for part in text.split(" || "))


def test_where_no_tier_opts_in_there_is_nothing_to_act_on() -> None:
    assert render(make.policy()) == {}


def test_calico_denies_both_directions_before_any_other_policy() -> None:
    (document,) = documents(render(policy("ci"))["quarantine/calico.yaml"])
    assert document["metadata"] == {"name": NETWORK_POLICY}
    spec = document["spec"]
    assert (spec["order"], spec["types"]) == (1, ["Ingress", "Egress"])
    assert spec["ingress"] == spec["egress"] == [{"action": "Deny"}]
    assert spec["selector"] == f"{LABELS['quarantine']} == '{QUARANTINED}'"


def test_kubernetes_isolates_in_each_namespace_that_has_a_name() -> None:
    files = render(policy("ci", "job-*", "release"))
    found = documents(files["quarantine/kubernetes.yaml"])
    assert [one["metadata"]["namespace"] for one in found] == ["ci", "release"]
    assert {str(one["spec"]) for one in found} == {
        str({"podSelector": {"matchLabels": {LABELS["quarantine"]: "true"}}, "policyTypes": ["Ingress", "Egress"]})
    }
    assert "by a pattern are missing here" in files["quarantine/kubernetes.yaml"]
    assert "missing here" not in render(policy("ci"))["quarantine/kubernetes.yaml"]


def test_where_all_namespaces_are_patterns_only_calico_can_reach_them() -> None:
    assert list(render(policy("ci-*"))) == ["quarantine/calico.yaml"]


@pytest.mark.parametrize("file", ["quarantine/calico.yaml", "quarantine/kubernetes.yaml"])
def test_it_says_that_connections_which_stand_go_on(file: str) -> None:
    assert "Connections that stand when the label is laid go on" in render(policy("ci"))[file]


@pytest.mark.parametrize(
    ("pattern", "selector_of_it"),
    [
        ("ci", "projectcalico.org/name == 'ci'"),
        ("ci-job-*", "projectcalico.org/name starts with 'ci-job-'"),
        ("*-ci", "projectcalico.org/name ends with '-ci'"),
        ("a*b*", "(projectcalico.org/name starts with 'a' && projectcalico.org/name contains 'b')"),
        ("a*c", "(projectcalico.org/name starts with 'a' && projectcalico.org/name ends with 'c')"),
        ("*", "has(projectcalico.org/name)"),
        ("**", "has(projectcalico.org/name)"),
    ],
)
def test_a_pattern_is_a_selector_on_the_name(pattern: str, selector_of_it: str) -> None:
    assert selector(pattern) == selector_of_it


names = st.text("ab-", min_size=1, max_size=6)
patterns = st.lists(st.text("ab-*", min_size=1, max_size=5), min_size=1, max_size=3)


@given(patterns, names)
def test_every_namespace_that_the_policy_means_is_selected(patterns: list[str], name: str) -> None:
    text = selector(*patterns)
    assert read(text).is_well_formed
    if any(namespace_matches(pattern, name) for pattern in patterns):
        assert selects(text, name)
    elif all("*" not in pattern for pattern in patterns):
        assert not selects(text, name)
