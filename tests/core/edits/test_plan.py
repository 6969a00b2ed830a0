"""All edits together: their order, and what keeps them from being applied."""

from __future__ import annotations

from runner_bridge.core.edits.live import Known, LiveConfiguration
from runner_bridge.core.edits.marker import marker
from runner_bridge.core.edits.plan import plan
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.edits.base import SHARED, infra, live, live_runners, policy

CHANGED = {"ci-main": LiveConfiguration(before="x = 1\n", after="x = 2\n")}
ONLY_SHARED = live_runners(SHARED, known={p.RunnerName("shared"): Known(id=3, is_signed_in=True)})


def test_what_is_as_declared_is_an_empty_plan() -> None:
    found = plan(policy(), live(), with_pools=True)
    assert found.is_empty
    assert found.unseen == ()


def test_a_new_runner_is_seen_to_from_its_pool_to_its_service_and_what_goes_goes_last() -> None:
    old = infra(id=20, maintenance_note=marker("prod-1", "old"))
    runners = live_runners(SHARED, old, known=ONLY_SHARED.known)
    found = plan(policy(), live(runners=runners, pools=(), configurations=CHANGED), with_pools=True)
    assert [f"{one.deed} {one.address}" for one in found.edits] == [
        "create pool.infraestrutura",
        "create runner.infra-platform",
        "create token.infra-platform",
        "update configuration.ci-main",
        "update service.infra-platform",
        "delete runner.#20",
    ]
    assert found.unseen == ()
    assert not found.is_empty


def test_a_runner_that_is_to_stay_paused_is_not_put_into_service() -> None:
    found = plan(policy(make.runner(paused=True)), live(runners=ONLY_SHARED), with_pools=False)
    assert [one.address for one in found.edits] == ["runner.infra-platform", "token.infra-platform"]


def test_a_pool_that_is_not_to_be_made_stands_in_the_way_once() -> None:
    found = plan(policy(), live(pools=()), with_pools=False)
    assert [(one.code.name, one.subject) for one in found.unseen] == [("pool-not-ready", "pool infraestrutura")]
    assert found.is_empty


def test_what_could_not_be_read_is_said_and_the_rest_holds() -> None:
    unread = {"ci-main": LiveConfiguration(before=None, after="", trouble="no right to read it")}
    found = plan(
        policy(),
        live(runners=None, runners_trouble="no token", pools=None, pools_trouble="no cluster", configurations=unread),
        with_pools=True,
    )
    assert {one.code.name: one.cause for one in found.unseen} == {
        "runners-unseen": "no token",
        "configuration-unseen": "no right to read it",
        "pools-unseen": "no cluster",
    }


def test_no_runner_is_made_while_its_configuration_cannot_be_read_because_that_may_name_one() -> None:
    unread = {"ci-main": LiveConfiguration(before=None, after="", trouble="no right to read it")}
    assert plan(policy(), live(runners=live_runners(), configurations=unread), with_pools=False).is_empty
