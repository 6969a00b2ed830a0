"""What verdicts stand on besides the pods."""

from __future__ import annotations

from runner_bridge.core.judge.ground import MOST_PLACED, Ground
from tests import make


def test_a_project_has_its_place_however_many_were_asked_for_before() -> None:
    ground = Ground(make.policy(), None)
    before = ground.place("42")
    for number in range(MOST_PLACED):
        ground.place(str(1_000_000 + number))
    assert ground.place("42") == before
