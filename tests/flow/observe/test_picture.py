"""
The picture is what the cluster is, whatever way led there.

`test_path_free` plays random histories of a small cluster and hands them to the reducer repeated, reordered, torn by
lists that are read again, and with lines lost before such a list: pods, gaps, verdicts and labels are always the same.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from runner_bridge.core.actions import Mode, plan
from runner_bridge.core.judge import Evidence, judge_pod
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.wire.stream import Change, ChangeType, Key, Seen
from runner_bridge.flow.observe.by_address import ByAddress
from runner_bridge.flow.observe.picture import MOST_TOMBSTONES, NOT_LISTED, Picture, Source
from tests import make
from tests.flow.bridge import policy

if TYPE_CHECKING:
    from collections.abc import Collection

PODS = Source(Kind.PODS, "ci")
POOLS = Source(Kind.POOLS)
NAMESPACES = Source(Kind.NAMESPACES)
EVENTS = Source(Kind.EVENTS, "ci")
NODES = Source(Kind.NODES)
SOURCES = (PODS, POOLS, NAMESPACES, EVENTS, NODES)
POLICY = policy()


def seen(value: Any, version: int, *, name: str = "", uid: str = "") -> Seen:
    key = (getattr(value, "namespace", ""), name or value.name)
    return Seen(key, version, uid or getattr(value, "uid", ""), value)


def pod(name: str = "a", address: str = "172.16.0.1", **changes: Any) -> c.Pod:
    return make.job_pod(address, **{"namespace": "ci", "name": name, "uid": f"uid-{name}"} | changes)


def added(value: Any, version: int, **more: Any) -> Change:
    return Change(ChangeType.ADDED, seen(value, version, **more))


def gone(value: Any, version: int, **more: Any) -> Change:
    return Change(ChangeType.DELETED, seen(value, version, **more))


def failure(name: str = "a", count: int = 2) -> c.SandboxFailure:
    return c.SandboxFailure(namespace="ci", pod=name, message="No IPs available in pools: []", count=count)


def test_a_picture_that_was_not_listed_says_so_of_every_source() -> None:
    picture = Picture(SOURCES)
    assert [gap.kind for gap in picture.gaps] == sorted(source.kind for source in SOURCES)
    assert all(gap.reason.endswith(NOT_LISTED) for gap in picture.gaps)
    for source in SOURCES:
        picture.replace(source, ())
    assert picture.gaps == ()


def test_a_list_replaces_what_vanished_while_nobody_watched() -> None:
    picture = Picture(SOURCES)
    picture.replace(PODS, [seen(pod("a"), 1), seen(pod("b", "172.16.0.2"), 2)])
    touched = picture.replace(PODS, [seen(pod("b", "172.16.0.2"), 2), seen(pod("c", "172.16.0.3"), 3)])
    assert touched.pods == {("ci", "a"), ("ci", "c")}
    assert [key for key, _ in picture.pods()] == [("ci", "b"), ("ci", "c")]


def test_items_that_could_not_be_read_leave_a_gap_until_the_next_list() -> None:
    picture = Picture([PODS])
    picture.replace(PODS, (), ["an object without a name"])
    assert [gap.reason for gap in picture.gaps] == ["pods of ci: could not be read: an object without a name"]
    assert picture.doubts == ()
    picture.replace(PODS, ())
    assert picture.gaps == ()


def test_an_object_that_is_odd_leaves_a_gap_until_it_is_mended_or_gone() -> None:
    picture = Picture([POOLS])
    picture.replace(POOLS, ())
    odd = Seen(("", "p"), 1, "", None, "p: spec.cidr is missing")
    for last in (
        added(c.IPPool(name="p", cidr=make.pool().cidr), 3),
        Change(ChangeType.DELETED, structs.replace(odd, version=4)),
    ):
        picture.apply(POOLS, [Change(ChangeType.ADDED, odd)])
        assert [gap.reason for gap in picture.gaps] == ["pools: could not be read: p: spec.cidr is missing"]
        picture.apply(POOLS, [last])
        assert picture.gaps == ()
        odd = structs.replace(odd, version=4)


def test_a_doubt_is_said_until_the_next_list() -> None:
    picture = Picture([PODS])
    picture.replace(PODS, ())
    picture.doubt(PODS, "the stream broke off")
    assert [gap.reason for gap in picture.doubts] == ["pods of ci: the stream broke off"]
    assert picture.gaps == picture.doubts
    picture.replace(PODS, ())
    assert picture.gaps == ()


def test_a_late_line_brings_nothing_back() -> None:
    picture = Picture([PODS])
    picture.apply(PODS, [added(pod(), 1), gone(pod(), 3), added(pod(), 2)])
    assert picture.pod(("ci", "a")) is None
    picture.apply(PODS, [added(pod(uid="new"), 4)])
    again = picture.pod(("ci", "a"))
    assert again is not None
    assert again.uid == "new"


def test_without_a_number_the_last_word_counts() -> None:
    picture = Picture([PODS])
    picture.apply(PODS, [added(pod(phase="Pending"), 9), added(pod(phase="Running"), -1)])
    found = picture.pod(("ci", "a"))
    assert found is not None
    assert found.phase == "Running"


def test_deletions_are_not_remembered_for_ever() -> None:
    picture = Picture([PODS])
    picture.apply(PODS, (gone(pod(f"p{number}"), number) for number in range(MOST_TOMBSTONES + 5)))
    picture.apply(PODS, [added(pod("p0"), 0)])
    assert picture.pod(("ci", "p0")) is not None  # so late that no server sends it


def test_whoever_shows_the_same_address_is_looked_at_too() -> None:
    picture = Picture([PODS])
    picture.replace(PODS, [seen(pod("a"), 1), seen(pod("far", "172.16.0.9"), 1)])
    assert picture.apply(PODS, [added(pod("b"), 2)]).pods == {("ci", "a"), ("ci", "b")}
    assert picture.apply(PODS, [gone(pod("b"), 3)]).pods == {("ci", "a"), ("ci", "b")}
    assert picture.apply(PODS, [added(pod("c", phase="Succeeded"), 4)]).pods == {("ci", "c")}


def test_what_bears_on_a_pod_is_itself_its_rivals_and_its_place() -> None:
    picture = Picture(SOURCES)
    picture.replace(PODS, [seen(pod("a"), 1), seen(pod("b"), 1), seen(pod("far", "172.16.0.9"), 1)])
    picture.replace(NAMESPACES, [seen(c.Namespace(name=name), 1) for name in ("ci", "other")])
    picture.replace(EVENTS, [seen(failure("b"), 1, name="e1"), seen(failure("far"), 1, name="e2")])
    snapshot = picture.about([pod("a")])
    assert [one.name for one in snapshot.pods] == ["a", "b"]
    assert [one.name for one in snapshot.namespaces or ()] == ["ci"]
    assert [one.pod for one in snapshot.failures or ()] == ["b"]


class Counted(ByAddress):
    """Counts how many members of its values are handed out."""

    __slots__ = ("members",)

    def __init__(self) -> None:
        super().__init__()
        self.members = 0

    def all(self, number: int) -> Collection[Key]:
        found = super().all(number)
        self.members += len(found)
        return found


def test_that_many_pods_show_one_address_costs_each_of_them_one_look() -> None:
    picture, many = Picture(SOURCES), 500
    index = picture._by_address = Counted()  # what is counted is how often it is gone through
    pods = [pod(f"p{number}") for number in range(many)]
    touched = picture.replace(PODS, [seen(one, 1) for one in pods])
    assert touched.pods == {("ci", one.name) for one in pods}
    assert len(picture.about(pods).pods) == many
    assert index.members <= 2 * many


def test_a_kind_that_nobody_asked_for_is_not_the_same_as_none() -> None:
    snapshot = Picture([PODS]).snapshot()
    assert (snapshot.pools, snapshot.namespaces, snapshot.failures) == (None, None, None)


def test_what_changed_is_told_for_whom_it_matters() -> None:
    picture = Picture(SOURCES)
    pool = c.IPPool(name="p", cidr=make.pool().cidr)
    assert picture.apply(POOLS, [added(pool, 1)]).everything
    assert not picture.apply(POOLS, [added(pool, 2)]).everything
    assert picture.apply(NAMESPACES, [added(c.Namespace(name="ci"), 3)]).namespaces == {"ci"}
    assert picture.apply(EVENTS, [added(failure("a"), 4, name="e")]).pods == {("ci", "a")}
    assert picture.apply(EVENTS, [added(failure("b"), 5, name="e")]).pods == {("ci", "a"), ("ci", "b")}
    assert picture.apply(EVENTS, [gone(failure("b"), 6, name="e")]).pods == {("ci", "b")}
    assert picture.apply(NODES, [added(c.Node(name="n"), 7)]).pods == set()
    assert picture.apply(PODS, [Change(ChangeType.BOOKMARK, version="9")]).pods == set()


def test_a_node_is_found_by_its_name() -> None:
    picture = Picture([NODES])
    picture.replace(NODES, [seen(c.Node(name="n", addresses=(ip_address("192.0.2.1"),)), 1)])
    assert picture.node("n") == c.Node(name="n", addresses=(ip_address("192.0.2.1"),))
    assert picture.node("other") is None


States = dict[Source, dict[Key, Seen]]


def histories() -> st.SearchStrategy[list[tuple[Source, Change]]]:
    """What may happen in a small cluster, in the order in which it happens, numbered as an API server does."""
    addresses = st.sampled_from(["", "172.16.0.1", "172.16.0.2", "10.10.0.1"])
    pods = st.builds(
        lambda name, address, phase, later: pod(
            name, address, phase=phase, uid=f"{name}-{later}", scheduled_at=make.NOW - timedelta(hours=later)
        ),
        st.sampled_from("abc"),
        addresses,
        st.sampled_from(["Pending", "Running", "Succeeded"]),
        st.integers(0, 1),
    )
    pools = st.builds(
        lambda pool, disabled: c.IPPool(name=pool.name, cidr=pool.cidr, disabled=disabled),
        st.sampled_from([make.pool(), make.WORKLOAD]),
        st.booleans(),
    )
    asked = st.sampled_from([c.NOTHING_ASKED, c.Asked(ipv6_pools='["x"]')])
    namespaces = st.builds(lambda asks: c.Namespace(name="ci", asked=asks), asked)
    events = st.builds(failure, st.sampled_from("abc"), st.integers(1, 3))
    happening = st.one_of(
        st.tuples(st.just(PODS), pods),
        st.tuples(st.just(POOLS), pools),
        st.tuples(st.just(NAMESPACES), namespaces),
        st.tuples(st.just(EVENTS), events),
    )
    return st.lists(st.tuples(happening, st.integers(0, 4)), max_size=14).map(_numbered)


def _numbered(happened: list[tuple[tuple[Source, Any], int]]) -> list[tuple[Source, Change]]:
    history = []
    for version, ((source, value), dice) in enumerate(happened, 1):
        name = f"event-{value.pod}" if source is EVENTS else ""
        kind = ChangeType.DELETED if dice == 0 else ChangeType.MODIFIED
        history.append((source, Change(kind, seen(value, version, name=name))))
    return history


def after(history: list[tuple[Source, Change]]) -> States:
    """The cluster after a history, as an API server would list it."""
    states: States = {source: {} for source in SOURCES}
    for source, change in history:
        assert change.seen is not None
        states[source].pop(change.seen.key, None)
        if change.type is not ChangeType.DELETED:
            states[source][change.seen.key] = change.seen
    return states


def listed(states: States) -> Picture:
    picture = Picture(SOURCES)
    for source in SOURCES:
        picture.replace(source, states[source].values())
    return picture


def told(picture: Picture) -> Any:
    """Everything that is said of a picture: verdicts with their words, and what is due."""
    evidence = Evidence.of(POLICY, picture.snapshot())
    found = {}
    for key, one in picture.pods():
        verdict = judge_pod(evidence, one, now=make.NOW)
        alone = Evidence.of(POLICY, picture.about([one]))
        again = judge_pod(alone, one, now=make.NOW)
        assert verdict is not None
        assert again is not None
        assert again.outcome is verdict.outcome  # what bears on it is all that matters
        found[key] = (one, _words(verdict), plan(verdict, one, (), Mode.LABEL))
    return found, picture.gaps


def _words(verdict: Any) -> Any:
    return structs.replace(verdict, findings=tuple(sorted(verdict.findings, key=repr)))


@given(history=histories(), seed=st.integers(0, 1 << 16))
def test_path_free(history: list[tuple[Source, Change]], seed: int) -> None:
    dice = Random(seed)  # noqa: S311 - a story, not a secret
    picture = listed(after([]))
    played = 0
    while played < len(history):
        step = dice.randint(1, 4)
        part = history[played : played + step]
        shuffled = [one for one in part for _ in range(dice.randint(1, 2))]
        dice.shuffle(shuffled)
        if dice.random() < 0.25:  # torn: some lines never came, and then everything is listed
            shuffled = [one for one in shuffled if dice.random() < 0.5]
            _play(picture, shuffled)
            states = after(history[: played + step])
            for source in dice.sample(SOURCES, len(SOURCES)):
                picture.replace(source, dice.sample(list(states[source].values()), len(states[source])))
        else:
            _play(picture, shuffled)
        if dice.random() < 0.25:  # told once more, much later
            _play(picture, history[: played + step])
        played += step
    assert told(picture) == told(listed(after(history)))


def _play(picture: Picture, changes: list[tuple[Source, Change]]) -> None:
    for source, change in changes:
        picture.apply(source, [change])
