from __future__ import annotations

import pytest

from runner_bridge.core.judge.names import dns_part, label_value
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
