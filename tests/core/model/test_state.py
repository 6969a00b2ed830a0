from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from runner_bridge.core.model.cluster import Gap, Kind
from runner_bridge.core.model.state import BridgeState, CalicoState, WatchState
from tests import make

STALE = WatchState(kind=Kind.PODS, trouble="the stream was torn")
ABSENT = "the cluster: Calico does not give the addresses."


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"watches": (STALE,)}, id="a needed watch is stale"),
        pytest.param({"gaps": (Gap(kind=Kind.PODS, reason="pods: not listed"),)}, id="a gap"),
        pytest.param({"calico": CalicoState(explanation="none", is_judgeable=False)}, id="no Calico"),
        pytest.param({"calico": CalicoState(explanation="x", is_judgeable=True, finding=ABSENT)}, id="Calico unused"),
    ],
)
def test_verdicts_are_of_now_only_where_nothing_is_in_the_way(changes: dict[str, Any]) -> None:
    assert make.state().is_whole
    assert not make.state(**changes).is_whole


def test_a_watch_that_only_helps_may_be_stale() -> None:
    assert make.state(watches=(replace(STALE, kind=Kind.NODES, is_needed=False),)).is_whole


def test_the_whole_state_survives_the_wire() -> None:
    state = make.state(gaps=(Gap(kind=Kind.PODS, reason="pods: not listed"),))
    assert msgspec.json.decode(msgspec.json.encode(state), type=BridgeState) == state
