"""A sandbox failure reads the same from both groups of events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runner_bridge.core.model.cluster import SandboxFailure
from runner_bridge.core.wire.events import Told, series_of
from tests.core.wire.recorded import kubectl, read

POD = {"kind": "Pod", "namespace": "ci", "name": "p", "uid": "u"}
TEXT = 'plugin type="calico" failed (add): error parsing pool "infra": invalid CIDR address: infra'


def at(second: int) -> str:
    return f"2026-11-23T17:00:{second:02}Z"


def instant(second: int) -> datetime:
    return datetime(2026, 11, 23, 17, 0, second, tzinfo=UTC)


def core(**changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "p.1", "namespace": "ci", "creationTimestamp": at(0)},
        "reason": "FailedCreatePodSandBox",
        "involvedObject": POD,
        "message": TEXT,
    } | changes


def failures(*events: Any) -> tuple[SandboxFailure, ...]:
    seen = read(kubectl(*events), want="events").failures
    assert seen is not None
    return seen


def test_both_groups_of_events_give_the_same_failure() -> None:
    old = core(count=4, firstTimestamp=at(1), lastTimestamp=at(9), eventTime=None)
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "p.1", "namespace": "ci"},
        "reason": "FailedCreatePodSandBox",
        "regarding": POD,
        "note": TEXT,
        "deprecatedCount": 4,
        "deprecatedFirstTimestamp": at(1),
        "deprecatedLastTimestamp": at(9),
    }
    wanted = SandboxFailure(
        namespace="ci", pod="p", uid="u", message=TEXT, count=4, first_at=instant(1), last_at=instant(9)
    )
    assert failures(old) == (wanted,)
    assert failures(new) == (wanted,)


def test_a_series_counts_and_its_last_time_is_the_last() -> None:
    series = {"count": 7, "lastObservedTime": "2026-11-23T17:00:40.000000Z"}
    (seen,) = failures(core(eventTime="2026-11-23T17:00:02.500000Z", count=1, series=series))
    assert (seen.count, seen.last_at) == (7, instant(40))
    assert seen.first_at == instant(2).replace(microsecond=500000)


def test_an_event_without_times_happened_when_it_was_written() -> None:
    (seen,) = failures(core())
    assert (seen.count, seen.first_at, seen.last_at) == (1, instant(0), instant(0))
    (bare,) = failures(core(metadata={"name": "p.1"}, message=None, count=-3, involvedObject={"name": "p"}))
    assert bare == SandboxFailure(namespace="", pod="p")


@pytest.mark.parametrize(
    "event",
    [
        core(reason="Pulled"),
        core(reason=None),
        core(involvedObject=None),
        core(involvedObject={"kind": "Node", "name": "n"}),
        core(involvedObject={"kind": "Pod"}),
    ],
)
def test_other_events_are_no_failure(event: Any) -> None:
    assert failures(event) == ()


@pytest.mark.parametrize(
    ("series", "told"),
    [
        pytest.param({}, Told(version="7", count=1, last_at=instant(5)), id="once"),
        pytest.param(
            {"series": {"count": 4, "lastObservedTime": at(9)}},
            Told(version="7", count=4, last_at=instant(9)),
            id="counted",
        ),
        pytest.param({"series": {"count": 0}}, Told(version="7", count=1, last_at=instant(5)), id="nonsense"),
    ],
)
def test_how_far_an_event_is_counted(series: dict[str, Any], told: Told) -> None:
    event = {"kind": "Event", "metadata": {"resourceVersion": "7"}, "eventTime": at(5), **series}
    assert series_of(json.dumps(event).encode()) == told


@pytest.mark.parametrize("body", [b"", b"{}", b'{"kind":"Event"}', b'{"kind":"Pod","metadata":{}}', b"\xff"])
def test_what_is_no_event_has_no_count(body: bytes) -> None:
    assert series_of(body) is None


def test_an_event_that_does_not_say_when_was_seen_at_no_known_moment() -> None:
    assert series_of(b'{"kind":"Event","metadata":{}}') == Told(version="", count=1, last_at=None)
