"""What `--target` names, and what it needs."""

from __future__ import annotations

import pytest

from runner_bridge.core.edits.plan import plan
from runner_bridge.core.edits.targets import Targets
from runner_bridge.core.errors import SettingsError
from runner_bridge.core.policy import model as p
from tests.core.edits.base import SHARED, installation, live, live_runners, policy
from tests.core.edits.test_plan import CHANGED


def addresses(*targets: str) -> list[str]:
    meant = Targets(policy(), targets)
    found = plan(meant.policy, live(runners=live_runners(SHARED), pools=(), configurations=CHANGED), with_pools=True)
    return [one.address for one in meant.of(found).edits]


def test_nothing_named_is_everything() -> None:
    assert Targets(policy()).policy == policy()
    assert Targets(policy()).asks_gitlab
    assert addresses()[0] == "pool.infraestrutura"


@pytest.mark.parametrize("address", ["runner.infra-platform", "token.infra-platform", "service.infra-platform"])
def test_a_runner_comes_with_its_token_its_configuration_and_its_service(address: str) -> None:
    parts = ["runner.infra-platform", "token.infra-platform", "configuration.ci-main", "service.infra-platform"]
    assert addresses(address) == parts
    meant = Targets(policy(), [address])
    assert list(meant.policy.runners) == ["infra-platform"]
    assert meant.policy.installations["ci-main"].runners == ("infra-platform",)
    assert (meant.asks_gitlab, meant.names_pools) == (True, False)


def test_a_configuration_is_meant_whole_and_alone() -> None:
    two = {"ci-main": installation(), "other": installation(name="other", runners=())}
    meant = Targets(policy(installations=two), ["configuration.ci-main"])
    assert meant.policy.installations == {"ci-main": two["ci-main"]}
    assert not meant.asks_gitlab
    assert addresses("configuration.ci-main") == ["configuration.ci-main"]
    empty = Targets(policy(installations=two), ["configuration.other"])
    assert (dict(empty.policy.runners), list(empty.policy.installations)) == ({}, ["other"])


def test_a_pool_is_meant_alone() -> None:
    meant = Targets(policy(), ["pool.infraestrutura"])
    assert (meant.policy.runners, meant.names_pools, meant.asks_gitlab) == ({}, True, False)


def test_a_runner_without_a_name_is_named_by_its_number() -> None:
    assert Targets(policy(), ["runner.#20"]).asks_gitlab


def test_an_address_that_names_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'pool\.workload': names nothing of the policy, expected one of runner"):
        Targets(policy(), ["pool.workload"])
    assert p.RunnerName("shared") in policy().runners
