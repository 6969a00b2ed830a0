from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt.metadata import clean_url, label_value, short_id, why_not
from runner_bridge.core.policy import forms


@pytest.mark.parametrize(
    ("token", "short"),
    [
        pytest.param("glrt-t1_4xYqA7pLwFAKETOKEN00", "4xYqA7pLw", id="runner token with partition"),
        pytest.param("glrt-4xYqA7pLwFAKETOKEN00", "4xYqA7pLw", id="runner token"),
        pytest.param("glrtr-4xYqA7pLwFAKE", "4xYqA7pLw", id="made by registration"),
        pytest.param("GR1348941abcdefghijk", "abcdefghi", id="old registration prefix"),
        pytest.param("abc", "abc", id="shorter than nine"),
        pytest.param("glrt-_xYqA7pL-FAKE", "xYqA7pL", id="marks at the ends are no part of a label"),
        pytest.param("$RUNNER_TOKEN", "", id="reference to a variable"),
        pytest.param("{{ .Values.token }}", "", id="template"),
    ],
)
def test_the_short_id_is_what_the_label_shows(token: str, short: str) -> None:
    assert short_id(token) == short


@given(st.text())
def test_what_a_label_shows_is_nothing_or_a_name_that_a_policy_takes(text: str) -> None:
    shown = label_value(text)
    assert not shown or forms.is_name(shown)
    assert label_value(shown) == shown


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
