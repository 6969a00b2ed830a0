"""What is taken out of pods before they are decoded changes nothing of what is decoded."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import Decoder

from runner_bridge.core.model.cluster import Kind, Pod
from runner_bridge.core.wire import objects
from runner_bridge.core.wire.shorten import LEARN_EVERY, MOST_KNOWN, Shortener
from runner_bridge.core.wire.stream import Stream
from tests.core.wire import recorded

CHANGES: Decoder[Any] = Decoder(objects.Change[objects.Pod])
WATCH = recorded.data("pods-watch.jsonl.gz")
LINES = WATCH.splitlines(keepends=True)
BIG = max(LINES, key=len)


def pods(count: int, **changes: Any) -> bytes:
    """A page of pods of one configuration, as the API server writes it; created a second apart."""
    items = []
    for number in range(count):
        pod = recorded.job_pod(name=f"pod-{number}", **deepcopy(changes))
        pod["metadata"]["managedFields"][0]["time"] = f"2026-11-23T18:00:{number % 60:02}Z"
        items.append(pod)
    for one in items:
        one["metadata"]["managedFields"] = one["metadata"].pop("managedFields")  # written last
    return json.dumps({"kind": "PodList", "items": items}, separators=(",", ":")).encode()


def asking(count: int) -> bytes:
    """Pods whose creator owns a pool annotation."""
    owned = recorded.job_pod()["metadata"]["managedFields"]
    owned[0]["fieldsV1"]["f:metadata"]["f:annotations"]["f:cni.projectcalico.org/ipv4pools"] = {}
    notes = {"cni.projectcalico.org/ipv4pools": '["infraestrutura"]'}
    return pods(count, managedFields=owned, annotations=notes, creationTimestamp="2026-11-23T18:00:02Z")


def test_a_recorded_watch_is_decoded_alike_and_is_a_third_shorter() -> None:
    shortener = Shortener()
    first, second = shortener.shortened(WATCH), shortener.shortened(WATCH)
    assert CHANGES.decode_lines(first) == CHANGES.decode_lines(second) == CHANGES.decode_lines(WATCH)
    assert len(second) < len(WATCH) * 2 / 3


def test_pods_of_one_configuration_are_recognised_from_the_second_on() -> None:
    data = pods(50)
    short = Shortener().shortened(data)
    assert len(short) < len(data) * 0.6
    page: Decoder[Any] = Decoder(objects.Listed[objects.Pod])
    assert page.decode(short) == page.decode(data)


def test_who_wrote_an_annotation_later_than_the_pod_is_seen_in_the_short_form() -> None:
    seen = [one.value for one in Stream(Kind.PODS).page(asking(5)).seen]
    assert [one.set_later for one in seen if isinstance(one, Pod)] == [False, False, False, True, True]


def test_as_many_configurations_as_are_remembered_are_recognised_in_any_order() -> None:
    shortener = Shortener()
    kinds = [pods(2).replace(b"CI_JOB_ID", b"CI_JOB_%d" % number) for number in range(MOST_KNOWN)]
    for data in kinds:
        shortener.shortened(data)
    assert all(len(shortener.shortened(data)) < len(data) * 0.6 for data in kinds)
    others = [pods(1).replace(b"CI_JOB_ID", b"CI_JOB_ANOTHER_%d" % number) for number in range(LEARN_EVERY * 2)]
    assert [len(shortener.shortened(one)) for one in others] == [len(one) for one in others]
    assert shortener.shortened(kinds[0]) == kinds[0]  # forgotten, and not learnt again at once


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"time":"2026-', '"time":"2126?'),
        ('"time":"', '"when":"'),
        ('"time":', '"time":"2026-11-23T18:00:00Z","time":'),
        ('"fieldsType"', '"time":"x","fieldsType"'),
        ('"manager"', '"fieldsV1":{},"manager"'),
        ('"managedFields":[', '"managedFields":[],"managedFields":['),
        ('"managedFields":[', '"managedFields":[7,'),
        ("f:name", "f:na\\u006de"),
    ],
    ids=["no moment", "no time", "two times", "a time that is none", "fields first", "empty", "a number", "escaped"],
)
def test_what_is_not_as_the_server_writes_it_is_read_as_ever(was: str, becomes: str) -> None:
    data = b"".join(one.replace(was.encode(), becomes.encode()) for one in [BIG] * 3)
    remembering = Stream(Kind.PODS)
    remembering.lines(BIG + BIG)
    assert remembering.lines(data) == Stream(Kind.PODS)._each(data)


def test_short_pods_between_long_ones_are_passed_over_or_not_and_read_alike() -> None:
    short = json.dumps({"type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": "a", "managedFields": []}}})
    data = b"".join([BIG, BIG, *[short.replace(": ", ":").encode() + b"\n"] * 9, BIG, b" " * 40_000, BIG, BIG])
    shortener = Shortener()
    shortener.shortened(BIG)
    assert CHANGES.decode_lines(shortener.shortened(data)) == CHANGES.decode_lines(data)


@given(st.data())
def test_a_torn_or_flipped_line_says_the_same_to_who_remembers_and_who_does_not(data: st.DataObject) -> None:
    broken = bytearray(BIG)
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    end = data.draw(st.one_of(st.just(len(broken)), st.integers(0, len(broken))))
    batch = BIG + bytes(broken[:end]).replace(b"\n", b" ") + b"\n" + BIG
    remembering = Stream(Kind.PODS)
    remembering.lines(BIG + BIG)
    assert remembering.lines(batch) == Stream(Kind.PODS)._each(batch)
