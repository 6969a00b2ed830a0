"""What people are told to do about a runner that is in use and cannot stay."""

from __future__ import annotations

from typing import Any

import pytest

from runner_bridge.core.edits.replacing import kept_or_replaced, replaced
from runner_bridge.core.policy import model as p
from tests.core.edits.base import infra, installation, policy

NAME = p.RunnerName("infra-platform")
VALUES = p.Store(kind=p.StoreKind.VALUES, path="release.yaml")
END = "1. In GitLab, pause runner #17, wait until its jobs have ended, and delete it.\n"
APPLY = "runner-bridge apply --target runner.infra-platform\n"


@pytest.mark.parametrize(
    ("home", "steps"),
    [
        pytest.param(
            {"ci-main": installation()},
            f"2. In {installation().configuration}, take `id` and `token` out of the section infra-platform.\n"
            f"3. {APPLY}",
            id="section",
        ),
        pytest.param(
            {"ci-main": installation(configuration=VALUES)},
            f"2. {APPLY}3. Give the release of release.yaml the new token, which is kept by then.\n",
            id="values",
        ),
        pytest.param(
            {},
            f"2. In the policy, say under `installations` where its managers are installed.\n3. {APPLY}",
            id="nowhere",
        ),
    ],
)
def test_another_runner_is_put_in_its_place_step_by_step(home: dict[str, Any], steps: str) -> None:
    assert replaced(policy(installations=home), NAME, infra()) == END + steps


def test_a_token_that_somebody_knows_is_kept_where_there_is_a_place_for_it() -> None:
    said = kept_or_replaced(policy(), NAME, infra())
    assert said.startswith("Where its token is known, keep it in gitlab-runners/runner-tokens, under the name infra-pl")
    assert said.endswith(f". Else:\n{replaced(policy(), NAME, infra())}")

    for home in ({}, {"ci-main": installation(tokens=None)}):
        bare = policy(installations=home)
        assert kept_or_replaced(bare, NAME, infra()) == replaced(bare, NAME, infra())
