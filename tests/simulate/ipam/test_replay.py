"""
The pretend Calico answers what the real one answered: block, ordinal, sequence and error text, step by step.

Deviation, the only one: where a block is a single address, upstream seeds its walk with the clock, so *which* address
of such a pool is given is luck. There only the pool is compared, and everything else about the block.

Not replayed: container ids (the pod's name takes their place), and the first sequence number of a block, which is a
time; all others are compared by their distance from the block's own.
"""

from __future__ import annotations

import json
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.simulate.ipam.replay import Replay

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "samples" / "calico.json").read_text(encoding="utf-8")
)


def lucky_pool(address: str, pools: set[str]) -> str:
    """Return the pool of single-address blocks that an address is of, or nothing."""
    found = ip_interface(address).ip
    return next((cidr for cidr in sorted(pools) if found in ip_network(cidr)), "")


def apart_from_luck(answer: Any, pools: set[str]) -> Any:
    """Return an answer with lucky addresses replaced by their pool, and blocks of those by what they are like."""
    match answer:
        case list() if answer and all(isinstance(each, str) and "/" in each for each in answer):
            return [lucky_pool(each, pools) or each for each in answer]
        case dict():
            lucky = {cidr: lucky_pool(cidr, pools) for cidr in answer}
            alike = sorted((pool, json.dumps(answer[cidr])) for cidr, pool in lucky.items() if pool)
            named = sorted(text.split('"attributes"')[-1] for _, text in alike)
            rest = {cidr: answer[cidr] for cidr, pool in lucky.items() if not pool}
            return rest, [(pool, text.split('"attributes"')[0]) for pool, text in alike], named
        case _:
            return answer


@pytest.mark.parametrize("scenario", sorted(RECORDED))
def test_every_step_has_the_recorded_answer(scenario: str) -> None:
    replay = Replay()
    for step in RECORDED[scenario]:
        for recorded, ours in replay.play(step["ops"]):
            pools = replay.lucky_pools
            assert apart_from_luck(ours, pools) == apart_from_luck(recorded, pools), step["step"]


def test_luck_excuses_only_single_address_blocks() -> None:
    assert apart_from_luck(["172.16.0.1/26"], {"172.20.0.0/30"}) == ["172.16.0.1/26"]
    assert apart_from_luck(["172.20.0.1/32"], {"172.20.0.0/30"}) == ["172.20.0.0/30"]


def test_the_sample_has_answers_of_every_kind() -> None:
    ops = [op for steps in RECORDED.values() for step in steps for op in step["ops"] if "answer" in op]
    assert len(ops) > 370
    assert len({op["answer"] for op in ops if isinstance(op["answer"], str)}) > 25
