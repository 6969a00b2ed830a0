"""The policy that `init` writes."""

from __future__ import annotations

from typing import Any

import pytest

from runner_bridge.core.policy import model as p
from runner_bridge.core.policy.starter import starter
from tests.core.policy.base import read, told


def written(**changes: Any) -> str:
    values: dict[str, Any] = {
        "gitlab_url": "https://gitlab.example.com",
        "root_groups": (),
        "workload_cidr": "10.10.0.0/16",
        "infra_cidr": "172.16.0.0/16",
        "namespace": "gitlab-runners",
    }
    return starter(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"gitlab_url": "https://gitlab.com", "root_groups": ("acme", "acme-2")}, id="gitlab-com"),
        pytest.param({"gitlab_url": "http://10.0.0.1:8080/git"}, id="address"),
        pytest.param({"workload_cidr": "fd00:1::/64", "infra_cidr": "fd00:2::/64"}, id="ipv6"),
        pytest.param({"infra_cidr": "172.16.0.0/24"}, id="small"),
        pytest.param({"namespace": "ci", "root_groups": ("1234",)}, id="number"),
    ],
)
def test_it_loads_without_a_word(changes: dict[str, Any]) -> None:
    assert told(written(**changes)) == ()


def test_what_was_given_is_in_it() -> None:
    policy = read(written(root_groups=("acme",), infra_cidr="172.20.0.0/20", namespace="ci"))
    infra = policy.tiers[p.TierName("infra")]
    assert (str(infra.pools[0].cidr), infra.job.namespace) == ("172.20.0.0/20", "ci")
    assert policy.place(p.Project(path=p.ProjectPath("acme/x"))).tier == "infra"


@pytest.mark.parametrize(
    "changes",
    [{"infra_cidr": "10.10.1.0/24"}, {"infra_cidr": "here"}, {"namespace": "a: b"}, {"gitlab_url": "x'\n- y"}],
    ids=["overlap", "range", "yaml-in-name", "yaml-in-url"],
)
def test_what_is_wrong_is_told_by_the_loader_and_breaks_no_yaml(changes: dict[str, Any]) -> None:
    assert {one.code.name for one in told(written(**changes))} <= {"policy-pools-overlap", "policy-invalid-value"}
    assert told(written(**changes))
