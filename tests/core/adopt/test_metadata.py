from __future__ import annotations

import pytest

from runner_bridge.core.adopt.metadata import clean_url, why_not


@pytest.mark.parametrize("tail", ["", "/", "/ci", "/ci/", "//"])
def test_the_end_of_a_url_that_the_runner_drops_does_not_count(tail: str) -> None:
    assert clean_url(f"https://gitlab.example.com{tail}") == "https://gitlab.example.com"


@pytest.mark.parametrize(
    ("key", "value", "word", "said"),
    [
        ("team", "infra", "label", ""),
        ("team", "$CI_PROJECT_PATH x", "label", ""),
        ("team", "a b", "annotation", ""),
        ("team", "a b", "label", "no label can hold the value"),
        ("team", "{{ .Values.team }}", "annotation", "only Helm knows"),
        ("bad key", "", "annotation", "Kubernetes refuses such a key"),
        ("pod.runner.gitlab.com/x", "", "label", "belongs to GitLab Runner"),
        ("cni.projectcalico.org/ipAddrs", "[]", "annotation", "belongs to Calico"),
        ("runner-bridge.dev/tier", "x", "label", "belongs to runner-bridge"),
    ],
)
def test_what_a_policy_cannot_say_has_a_reason(key: str, value: str, word: str, said: str) -> None:
    found = why_not(key, value, word)
    assert said in found
    assert bool(found) == bool(said)
