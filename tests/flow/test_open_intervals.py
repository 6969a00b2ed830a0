"""What is kept of open intervals is narrow; what is said of them is what their entries say."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.intervals import OF_INTERVALS, carry, fold
from runner_bridge.core.model import Outcome
from runner_bridge.core.model.ledger import Entry, EntryKind, Interval, IntervalKey
from runner_bridge.core.model.verdict import Grade
from runner_bridge.flow.controller.intervals import OpenIntervals
from tests.make import NOON, entry


def entries() -> st.SearchStrategy[Entry]:
    """Entries of two pods, one of which comes again under its name, with two addresses each."""
    return st.builds(
        lambda kind, second, **told: entry(kind, at=NOON + timedelta(seconds=second), **told),
        st.sampled_from([EntryKind.OPENED, EntryKind.JUDGED, EntryKind.CLOSED, EntryKind.ACTED]),
        st.integers(0, 5),
        pod=st.sampled_from(["a", "b"]),
        pod_uid=st.sampled_from(["u1", "u2"]),
        address=st.sampled_from(["172.16.12.2", "172.16.12.3"]),
        node_addresses=st.sampled_from([(), ("10.0.0.1",)]),
        handle=st.sampled_from(["", "k8s-pod-network.5b"]),
        outcome=st.sampled_from([None, *Outcome]),
        grade=st.sampled_from([None, Grade.BLOCK]),
        findings=st.sampled_from([(), ("address-routable",)]),
        job_url=st.sampled_from(["", "https://gitlab.example.com/a/-/jobs/1"]),
    )


def folded(told: list[Entry]) -> dict[tuple[str, str], dict[IntervalKey, Interval]]:
    """Fold entries by what they are about, forgetting what is over, as the ledger's reader of open intervals would."""
    found: dict[tuple[str, str], dict[IntervalKey, Interval]] = {}
    for one in told:
        if one.kind not in OF_INTERVALS:
            continue
        of_pod = found.setdefault((one.namespace, one.pod), {})
        key = IntervalKey(one.cluster, one.pod_uid, one.address)
        interval = fold(of_pod.pop(key, None), one)
        if interval.open:
            of_pod[key] = interval
    return {key: intervals for key, intervals in found.items() if intervals}


@given(told=st.lists(entries(), max_size=8))
def test_each_is_what_its_entries_fold_to(told: list[Entry]) -> None:
    intervals = OpenIntervals(())
    intervals.take(told)

    assert {key: intervals.of(key) for key in intervals} == folded(told)


@given(told=st.lists(entries(), max_size=8))
def test_those_of_the_term_before_are_kept_as_they_were(told: list[Entry]) -> None:
    found = folded(told)
    before = [one for of_pod in found.values() for one in of_pod.values()]

    intervals = OpenIntervals(before)

    assert [carry(one, NOON) for key in intervals for one in intervals.of(key).values()] == [
        carry(one, NOON) for one in before
    ]


def test_of_a_pod_that_nobody_told_there_is_none() -> None:
    assert OpenIntervals(()).of(("ci-infra", "a")) == {}
