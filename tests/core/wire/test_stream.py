"""Pages and lines as an API server sends them, whole, odd, torn and hostile."""

from __future__ import annotations

import gzip
import json
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.cluster import Block, IPPool, Kind, Namespace, Node, Pod, SandboxFailure
from runner_bridge.core.wire.stream import ChangeType, Stream, problems_of

SAMPLES = Path(__file__).parent / "samples"


def line(kind: str, item: Any) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


def pod(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "ci", "resourceVersion": "7", "uid": "u"}, **more}


def bookmark(version: str) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"resourceVersion": version}}


def test_a_recorded_watch_is_read_in_one_batch_as_it_is_line_by_line() -> None:
    data = gzip.decompress((SAMPLES / "pods-watch.jsonl.gz").read_bytes())
    batch = Stream(Kind.PODS).lines(data)
    assert batch.lost == ()
    assert len(batch.changes) == len(data.splitlines())
    single = [Stream(Kind.PODS).lines(one).changes[0] for one in data.splitlines()[:20]]
    assert batch.changes[:20] == tuple(single)
    values = [one.seen.value for one in batch.changes if one.seen]
    assert all(isinstance(one, Pod) for one in values)


def test_a_recorded_list_is_a_page() -> None:
    data = gzip.decompress((SAMPLES / "pod-list.json.gz").read_bytes())
    page = Stream(Kind.PODS).page(data)
    assert page.lost == ()
    assert [one.key[1] for one in page.seen] == [one["metadata"]["name"] for one in json.loads(data)["items"]]
    assert all(one.version > 0 for one in page.seen)


def test_the_end_of_a_watch_names_its_code() -> None:
    (change,) = Stream(Kind.PODS).lines((SAMPLES / "too-old-resource-version.jsonl").read_bytes()).changes
    assert (change.type, change.code, change.seen) == (ChangeType.ERROR, 410, None)
    assert change.message == "Expired: too old resource version: 1 (2225)"


def test_a_bookmark_moves_on_and_shows_nothing() -> None:
    (change,) = Stream(Kind.PODS).lines(line("BOOKMARK", bookmark("99"))).changes
    assert (change.type, change.version, change.seen) == (ChangeType.BOOKMARK, "99", None)


def test_a_bad_line_loses_no_other() -> None:
    data = line("ADDED", pod("a")) + b'{"type":"ADDED","object":{"kind":"Po\n' + b"\n" + line("DELETED", pod("b"))
    lines = Stream(Kind.PODS).lines(data)
    assert [(one.type, one.seen and one.seen.key) for one in lines.changes] == [
        (ChangeType.ADDED, ("ci", "a")),
        (ChangeType.DELETED, ("ci", "b")),
    ]
    assert len(lines.lost) == 1


def test_a_pod_with_a_field_of_a_wrong_type_is_kept_with_its_problem() -> None:
    odd = pod(spec={"nodeName": 7, "hostNetwork": True})
    (change,) = Stream(Kind.PODS).lines(line("ADDED", odd)).changes
    assert change.seen is not None
    assert isinstance(change.seen.value, Pod)
    assert change.seen.value.host_network
    assert "spec.nodeName" in change.seen.value.problems[0]
    (seen,) = Stream(Kind.PODS).page(json.dumps({"items": [odd]}).encode()).seen
    assert seen == change.seen


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(line("ADDED", None), id="no object"),
        pytest.param(line("ADDED", {"kind": "Pod"}), id="no name"),
        pytest.param(line("ADDED", {"kind": "Pod", "metadata": {"name": None}}), id="null name"),
        pytest.param(line("INVENTED", pod()), id="unknown type"),
        pytest.param(line("ADDED", [1]), id="an array"),
        pytest.param(b'{"object":7}\n', id="no type"),
        pytest.param(line("ERROR", pod()), id="an error that is no status"),
        pytest.param(b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"\xff"}}}\n', id="not UTF-8"),
        pytest.param(b"[" * 100_000 + b"\n", id="nested without end"),
    ],
)
def test_a_line_that_says_nothing_is_counted(data: bytes) -> None:
    lines = Stream(Kind.PODS).lines(data)
    assert (lines.changes, len(lines.lost)) == ((), 1)


def test_what_an_item_lost_is_said_of_its_page() -> None:
    page = Stream(Kind.PODS).page(json.dumps({"items": [pod("a"), 7, {"metadata": {}}]}).encode())
    assert [one.key for one in page.seen] == [("ci", "a")]
    assert len(page.lost) == 2
    assert problems_of(page.lost).endswith(", and 1 more")
    assert problems_of(()) == ""


def test_a_page_without_items_is_empty() -> None:
    assert Stream(Kind.PODS).page(b'{"items":null}').seen == ()


@pytest.mark.parametrize("data", [b"<html>", b"", b"[]", b'{"items":7}'])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(WireError, match="pods: the API server sent a list that cannot be read"):
        Stream(Kind.PODS).page(data)


def test_an_object_is_read_alone() -> None:
    seen = Stream(Kind.PODS).item(json.dumps(pod(status={"podIPs": [{"ip": "10.10.0.1"}]})).encode())
    assert (seen.key, seen.version, seen.uid) == (("ci", "a"), 7, "u")
    assert isinstance(seen.value, Pod)
    assert seen.value.addresses == (ip_address("10.10.0.1"),)


def test_an_odd_pod_is_read_alone_with_its_problem() -> None:
    seen = Stream(Kind.PODS).item(json.dumps(pod(status=7)).encode())
    assert isinstance(seen.value, Pod)
    assert seen.value.problems


@pytest.mark.parametrize("data", [b"7", b"{}", b'{"metadata":{}}'])
def test_an_object_that_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(WireError, match="pods: the API server sent an object that cannot be read"):
        Stream(Kind.PODS).item(data)


def test_a_block_without_a_range_is_refused() -> None:
    with pytest.raises(WireError, match=r"blocks: .*spec.cidr is missing"):
        Stream(Kind.BLOCKS).item(b'{"metadata":{"name":"b"}}')


@pytest.mark.parametrize("version", ["", "abc", "9" * 21])
def test_a_version_that_is_no_number_says_nothing_of_the_order(version: str) -> None:
    item = {"metadata": {"name": "a", "resourceVersion": version}}
    assert Stream(Kind.PODS).item(json.dumps(item).encode()).version == -1


@pytest.mark.parametrize(
    ("kind", "item", "expected"),
    [
        (Kind.NAMESPACES, {"metadata": {"name": "ci"}}, Namespace),
        (Kind.NODES, {"metadata": {"name": "node-1"}}, Node),
        (Kind.POOLS, {"metadata": {"name": "p"}, "spec": {"cidr": "10.10.0.0/16"}}, IPPool),
        (Kind.BLOCKS, {"metadata": {"name": "b"}, "spec": {"cidr": "10.10.0.0/26"}}, Block),
        (
            Kind.EVENTS,
            {
                "metadata": {"name": "e", "namespace": "ci"},
                "reason": "FailedCreatePodSandBox",
                "involvedObject": {"kind": "Pod", "name": "a", "namespace": "ci"},
            },
            SandboxFailure,
        ),
        (Kind.EVENTS, {"metadata": {"name": "e"}, "reason": "Pulled"}, type(None)),
    ],
)
def test_each_kind_becomes_its_value(kind: Kind, item: Any, expected: type) -> None:
    (seen,) = Stream(kind).page(json.dumps({"items": [item]}).encode()).seen
    assert isinstance(seen.value, expected)


@pytest.mark.parametrize("kind", [Kind.POOLS, Kind.BLOCKS])
def test_a_range_that_is_none_is_said(kind: Kind) -> None:
    page = Stream(kind).page(b'{"items":[{"metadata":{"name":"p"},"spec":{"cidr":"nowhere"}}]}')
    assert [one.value for one in page.seen] == [None]
    assert "no range of addresses" in page.seen[0].problem
    assert page.lost == ()


def test_what_is_odd_of_an_object_that_is_no_pod_is_said() -> None:
    page = Stream(Kind.NODES).page(b'{"items":[{"metadata":{"name":"n"},"status":7}]}')
    assert page.seen[0].problem.startswith("n: status cannot be read")


@given(
    st.binary(max_size=40),
    st.integers(0, 400),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 7)), max_size=8),
)
def test_no_bytes_break_the_reading(noise: bytes, cut: int, flips: list[tuple[int, int]]) -> None:
    data = bytearray(line("ADDED", pod("a", status={"podIP": "10.10.0.1"})) + line("BOOKMARK", bookmark("9")))
    for at, bit in flips:
        data[at % len(data)] ^= 1 << bit
    torn = bytes(data[: max(1, cut % len(data))]) + noise + b"\n" + line("ADDED", pod("last"))
    lines = Stream(Kind.PODS).lines(torn)
    assert lines.changes[-1].seen is not None
    assert lines.changes[-1].seen.key == ("ci", "last")
