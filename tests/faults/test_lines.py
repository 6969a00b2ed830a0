"""Damaged lines of a watch, and objects that nobody should send: never a traceback, never a pass that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.wire.stream import Stream
from runner_bridge.simulate.story import Twist
from tests.core.wire.recorded import data as recorded
from tests.faults.damaged import BREACHES, MISSING, Watched, changed, line, paths, running, short, spots

LINES = {twist: line(running(twist)) for twist in (Twist.NONE, *BREACHES)}
SPOTS = {twist: spots(one) for twist, one in LINES.items()}
RECORDED = recorded("pods-watch.jsonl.gz").splitlines(keepends=True)
WRONG: tuple[Any, ...] = (MISSING, None, 7, -1.5, True, "x", "", [], [None], {}, {"x": None})


def outcomes(data: bytes) -> set[Outcome]:
    return {one.outcome for one in Watched().take(data)}


def test_undamaged_they_are_what_the_damage_is_measured_against() -> None:
    assert {twist: outcomes(one) for twist, one in LINES.items()} == {
        Twist.NONE: {Outcome.PASS},
        **{twist: {Outcome.BREACH} for twist in BREACHES},
    }


@pytest.mark.parametrize("twist", BREACHES)
@given(draw=st.data())
@settings(max_examples=150)
def test_no_flipped_bits_make_a_breach_pass(twist: Twist, draw: st.DataObject) -> None:
    damaged = bytearray(LINES[twist])
    for at in draw.draw(st.lists(st.sampled_from(SPOTS[twist]), min_size=1, max_size=6)):
        damaged[at] ^= 1 << draw.draw(st.integers(0, 7))
    watched = Watched()
    assert Outcome.PASS not in {one.outcome for one in watched.take(bytes(damaged))}
    assert watched.lost or any(True for _ in watched.picture.pods()), "a line is read or counted, never passed over"


@pytest.mark.parametrize("twist", [Twist.NONE, *BREACHES])
@given(draw=st.data())
@settings(max_examples=60)
def test_half_a_line_is_counted_and_says_nothing(twist: Twist, draw: st.DataObject) -> None:
    whole = LINES[twist]
    watched = Watched()
    said = watched.take(
        whole[: draw.draw(st.integers(1, len(whole) - 2))] + b"\n" + line(running(Twist.MISSING), "ADDED")
    )
    assert [one.outcome for one in said] == [Outcome.BREACH], "the line behind it is read all the same"
    assert len(watched.lost) == 1


@given(draw=st.data())
@settings(max_examples=150)
def test_recorded_lines_are_read_or_counted_whatever_happens_to_them(draw: st.DataObject) -> None:
    one = draw.draw(st.sampled_from(RECORDED))
    damaged = bytearray(one)
    for at in draw.draw(st.lists(st.integers(0, len(one) - 2), min_size=1, max_size=8)):
        damaged[at] ^= 1 << draw.draw(st.integers(0, 7))
    end = draw.draw(st.integers(1, len(damaged)))
    watched = Watched()
    said = watched.take(bytes(damaged[:end]) + b"\n" + LINES[Twist.OVERWRITTEN])
    assert Outcome.BREACH in {one.outcome for one in said}


@pytest.mark.parametrize("twist", [Twist.NONE, *BREACHES])
def test_no_field_that_is_missing_null_or_of_a_wrong_type_makes_a_pass(twist: Twist) -> None:
    """Each place of a recorded pod, one after the other. A good pod passes only with an address of its pool."""
    pod = short(running(twist))
    wrong = []
    places = list(paths(pod))
    for path in places:
        for new in WRONG:
            said = Watched().take(line(changed(pod, path, new)))
            passes = [one for one in said if one.outcome is Outcome.PASS]
            if any(twist is not Twist.NONE or {at.pool for at in one.assigned} != {"infraestrutura"} for one in passes):
                wrong.append((path, new))
    assert len(places) > 150
    assert not wrong


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PODS])
def test_no_field_of_another_object_breaks_the_reading(kind: Kind) -> None:
    lists = json.loads(recorded("raw-lists-v1.json.gz"))
    items = {
        Kind.POOLS: lists["ippools"]["items"][0],
        Kind.BLOCKS: lists["ipamblocks"]["items"][0],
        Kind.NAMESPACES: {"metadata": {"name": "ci", "annotations": {"cni.projectcalico.org/ipv4pools": "[]"}}},
        Kind.NODES: {
            "metadata": {"name": "n", "uid": "u"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]},
        },
        Kind.EVENTS: {
            "metadata": {"name": "e", "namespace": "ci", "creationTimestamp": "2026-11-25T11:59:00Z"},
            "reason": "FailedCreatePodSandBox",
            "involvedObject": {"kind": "Pod", "name": "a", "namespace": "ci", "uid": "u"},
            "message": "No IPs available",
            "count": 3,
            "series": {"count": 4, "lastObservedTime": "2026-11-25T11:59:00.000000Z"},
            "firstTimestamp": "2026-11-25T11:59:00Z",
        },
    }
    item = items[kind]
    for path in paths(item):
        for new in WRONG:
            lines = Stream(kind).lines(line(changed(item, path, new)))
            assert lines.lost or any(one.seen and one.seen.key[1] for one in lines.changes), (path, new)
