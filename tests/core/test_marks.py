from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.marks import dns_part, label_value, short_id
from runner_bridge.core.policy import forms
from tests.core.judge import reading

# As recorded in i-odd-values, where the configuration copies such texts into labels.
LONG = "plataforma-de-servicos-compartilhados/infraestrutura-e-redes/automacao-de-rede"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("infra-platform", "infra-platform"),
        ("deploy/prod: eu-west [1/3] 😀", "deploy_prod__eu-west__1_3"),
        ("_under/-dash.", "under_-dash"),
        (LONG, "plataforma-de-servicos-compartilhados_infraestrutura-e-redes_au"),
        ("😀", ""),
    ],
)
def test_label_values_are_made_as_the_runner_makes_them(text: str, label: str) -> None:
    assert label_value(text) == label


def test_the_recorded_runners_odd_name_is_made_alike() -> None:
    name = "Runner da Plataforma – produção (não apagar) with a name that is longer than sixty-three characters"
    pod = reading.pod(reading.sample("runner")["i-odd-values/merge-request"])
    assert pod.marks is not None
    assert pod.marks.manager == label_value(name)


def test_short_ids_stand_in_names_as_the_runner_writes_them() -> None:
    pod = reading.pod(reading.sample("runner")["a-plain/build"])
    assert pod.marks is not None
    assert pod.name.startswith(f"runner-{dns_part(pod.marks.short_id)}-project-")
    assert dns_part("aB_9-x") == "ab9-x"


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
