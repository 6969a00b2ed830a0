"""Run the automata of the decision on single texts, the slow and obvious way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.overwrites.goal import BEYOND, BIT

if TYPE_CHECKING:
    from runner_bridge.core.overwrites.goal import Machine


def accepts(machine: Machine, text: str) -> bool:
    states = {machine.start}
    for char in text:
        bit = BIT.get(char, BEYOND)
        states = {edge.target for state in states for edge in machine.edges[state] if edge.chars & bit}
    return bool(states & machine.accepting)
