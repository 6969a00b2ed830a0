"""Alive: the process is at work. Ready: what it says can be relied on, and what it sees is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from runner_bridge.ask.answers.health import alive, ready
from runner_bridge.core.model.cluster import Gap, Kind
from runner_bridge.core.model.state import CalicoState, LedgerState, PolicyState, Role, WatchState
from tests import make

WELL = make.state()
FULL = LedgerState(name="l", is_writable=False, trouble="l: database or disk is full.")


def watch(minutes: int, **changes: Any) -> WatchState:
    return WatchState(kind=Kind.PODS, tried_at=make.NOW - timedelta(minutes=minutes), **changes)


def test_a_bridge_that_is_well_is_alive_and_ready() -> None:
    assert alive(WELL).ok
    assert ready(WELL).ok


@pytest.mark.parametrize(
    ("one", "ok"),
    [
        pytest.param(watch(4), True, id="asks an API server that is down"),
        pytest.param(watch(9, heard_at=make.NOW), True, id="hears a long watch"),
        pytest.param(watch(6, is_fresh=True), False, id="does nothing any more, whatever it says of itself"),
        pytest.param(WatchState(kind=Kind.PODS), False, id="never began"),
    ],
)
def test_it_is_alive_as_long_as_each_watch_hears_or_asks(one: WatchState, *, ok: bool) -> None:
    assert alive(make.state(watches=(one,))).ok is ok


def test_a_watch_that_has_not_begun_has_its_time() -> None:
    assert alive(make.state(started_at=make.NOW, watches=(WatchState(kind=Kind.PODS),))).ok


def test_what_is_stuck_is_named() -> None:
    (check,) = alive(make.state(watches=(watch(6, namespace="ci"),))).troubles
    assert (check.name, check.text) == ("watch pods of ci", "neither heard nor asked for 360 s")


@pytest.mark.parametrize(
    ("changes", "name", "text"),
    [
        ({"gaps": (Gap(kind=Kind.PODS, reason="pods: torn"),)}, "picture", "pods: torn"),
        ({"watches": (WatchState(kind=Kind.PODS),)}, "picture", "pods not listed yet"),
        ({"watches": (WatchState(kind=Kind.PODS, trouble="torn"),)}, "picture", "torn"),
        (
            {"calico": CalicoState(explanation="nobody serves pools", is_judgeable=False)},
            "calico",
            "nobody serves pools",
        ),
        ({"calico": CalicoState(explanation="x", is_judgeable=True, finding="unused.")}, "calico", "unused"),
        ({"ledger": FULL}, "ledger", "l: database or disk is full"),
        ({"ledger": replace(FULL, trouble="")}, "ledger", "it cannot be written"),
        ({"ledger": None}, "ledger", "nothing is recorded"),
        ({"policy": PolicyState(digest="", file="p", loaded_at=make.NOON)}, "policy", "none is loaded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_not_ready_for_a_reason_that_is_said(changes: dict[str, Any], name: str, text: str) -> None:
    (check,) = ready(make.state(**changes)).troubles
    assert (check.name, check.text) == (name, text)


def test_of_several_reasons_one_is_told_and_the_others_are_counted() -> None:
    gaps = (Gap(kind=Kind.PODS, reason="pods: torn"), Gap(kind=Kind.POOLS, reason="pools: torn"))
    assert ready(make.state(gaps=gaps)).troubles[0].text == "pods: torn; and 1 more"


def test_a_standby_is_ready_without_a_ledger() -> None:
    assert ready(make.state(role=Role.STANDBY, ledger=None)).ok


def test_a_policy_that_was_refused_leaves_the_one_before_in_force() -> None:
    assert ready(make.state(policy=replace(WELL.policy, trouble="policy.yaml:3: unknown key"))).ok


def test_a_watch_that_only_helps_does_not_count() -> None:
    assert ready(make.state(watches=(WatchState(kind=Kind.NODES, is_needed=False),))).ok
