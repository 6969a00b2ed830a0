"""Any form of a dump gives the same snapshot; what cannot be read is said, and loses nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_bridge.core.errors import WireError
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.wire.selectors import parse_selector
from tests.core.wire.recorded import data, job_pod, kubectl, read, tree

if TYPE_CHECKING:
    import random

PODS = tree("pod-list.json.gz")["items"]
NAMES = {pod["metadata"]["name"] for pod in PODS}
POOL = {
    "apiVersion": "crd.projectcalico.org/v1",
    "kind": "IPPool",
    "metadata": {"name": "infraestrutura"},
    "spec": {"cidr": "172.16.0.0/16"},
}


def with_kind(pods: list[Any]) -> list[Any]:
    return [{"apiVersion": "v1", "kind": "Pod", **pod} for pod in pods]


def change(kind: str, item: Any) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


FORMS = {
    "list of the API server": data("pod-list.json.gz"),
    "list of kubectl": kubectl(*with_kind(PODS)),
    "list of kubectl in one line": json.dumps(json.loads(kubectl(*with_kind(PODS)))).encode(),
    "list without a kind": json.dumps({"items": with_kind(PODS)}).encode(),
    "array": json.dumps(PODS).encode(),
    "JSON lines": b"\n".join(json.dumps(pod).encode() for pod in with_kind(PODS)),
    "documents in a row": b"".join(json.dumps(pod, indent=4).encode() + b"\n" for pod in with_kind(PODS)),
    "two lists": kubectl(*with_kind(PODS[:3])) + kubectl(*with_kind(PODS[3:])),
    "the same list twice": kubectl(*with_kind(PODS)) * 2,
    "watch": b"".join(change("ADDED", pod) for pod in with_kind(PODS)),
    "watch of kubectl": b"".join(
        json.dumps({"type": "ADDED", "object": pod}, indent=4).encode() + b"\n" for pod in with_kind(PODS)
    ),
    "byte order mark": b"\xef\xbb\xbf" + data("pod-list.json.gz"),
    "carriage returns": kubectl(*with_kind(PODS)).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("dump", FORMS.values(), ids=FORMS)
def test_every_form_of_a_dump_gives_the_same_pods(dump: bytes) -> None:
    assert sorted(read(dump).pods, key=lambda pod: pod.name) == sorted(
        read(data("pod-list.json.gz")).pods, key=lambda pod: pod.name
    )
    assert read(dump).gaps == ()


def test_a_watch_with_initial_events_ends_in_the_pods_that_the_list_shows() -> None:
    assert {pod.name for pod in read(data("initial-events-watch.jsonl.gz")).pods} == NAMES


def test_a_recorded_watch_keeps_only_what_was_not_deleted() -> None:
    assert [pod.name for pod in read(data("pods-watch.jsonl.gz")).pods] == ["gitlab-runner-6d9c5f7b48-x2lqk"]


@settings(max_examples=30)
@given(st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(order: random.Random) -> None:
    lines = data("pods-watch.jsonl.gz").splitlines()[:40]
    shuffled = list(lines)
    order.shuffle(shuffled)
    by_name = {pod.name: pod for pod in read(b"\n".join(shuffled)).pods}
    assert by_name == {pod.name: pod for pod in read(b"\n".join(lines)).pods}


def test_without_comparable_versions_the_last_line_counts() -> None:
    first, second = ({"kind": "Pod", "metadata": {"name": "a", "namespace": "n"}, "status": {"phase": p}} for p in "XY")
    assert read(change("ADDED", first) + change("MODIFIED", second)).pods[0].phase == "Y"


def test_several_kinds_may_come_in_one_dump() -> None:
    event = {
        "kind": "Event",
        "metadata": {"name": "e"},
        "reason": "FailedCreatePodSandBox",
        "involvedObject": {"kind": "Pod", "namespace": "n", "name": "p"},
    }
    block = tree("raw-lists-v1.json.gz")["ipamblocks"]["items"][0]
    service = {"kind": "Service", "metadata": {"name": "s"}, "spec": {}}
    items = [*with_kind(PODS[:1]), POOL, block, event, {"kind": "Namespace", "metadata": {"name": "n"}}]
    for dump in (kubectl(*items), kubectl(*items, service), change("ADDED", items[0]) + change("ADDED", POOL)):
        seen = read(dump)
        assert seen.pools is not None
        assert [pool.name for pool in seen.pools] == ["infraestrutura"]
    seen = read(kubectl(*items, service))
    assert seen.blocks is not None
    assert seen.failures is not None
    assert seen.namespaces is not None
    assert (len(seen.pods), len(seen.blocks), len(seen.failures), len(seen.namespaces)) == (1, 1, 1, 1)


def test_a_kind_that_nobody_gave_is_none_and_an_empty_list_is_empty() -> None:
    assert read(kubectl()).pools is None
    assert read(kubectl()).pods == ()
    assert read({"kind": "IPPoolList", "items": []}, want="pools").pools == ()
    assert read(kubectl(), want="blocks").blocks == ()


def test_one_malformed_pod_loses_no_other_and_is_said() -> None:
    bad = job_pod(uid="u", name="bad", labels={"project.runner.gitlab.com/id": 4217, "pod": "x"})
    seen = read(kubectl(*with_kind(PODS), bad))
    assert {pod.name for pod in seen.pods} == {*NAMES, "bad"}
    assert [pod.problems for pod in seen.pods if pod.name == "bad"] == [
        ("metadata.labels.project.runner.gitlab.com/id cannot be read: expected str or null, got int",)
    ]
    assert seen.gaps == ()


def test_a_pod_whose_labels_are_lost_is_a_gap_for_it_may_be_a_job_pod() -> None:
    bad = {"kind": "Pod", "metadata": {"name": "bad", "namespace": "n", "labels": 5}}
    (gap,) = read(kubectl(*with_kind(PODS), bad)).gaps
    assert gap.kind is Kind.PODS
    assert "n/bad: metadata.labels cannot be read" in gap.reason


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "got null"),
        (7, "got int"),
        ({"kind": "Pod"}, "Pod number 1 has no name"),
        ({"kind": "Pod", "metadata": {"name": None}}, "has no name"),
        ({"kind": 7}, "got int"),
    ],
)
def test_objects_of_which_nothing_can_be_read_are_counted(item: Any, reason: str) -> None:
    (gap,) = read(kubectl(item, item, *with_kind(PODS))).gaps
    assert reason in gap.reason
    assert gap.reason.endswith("and 1 more")


def test_a_watch_cut_off_in_the_middle_of_a_line_keeps_its_other_lines() -> None:
    whole = FORMS["watch"]
    seen = read(whole[:-200])
    assert len(seen.pods) == len(PODS) - 1
    (gap,) = seen.gaps
    assert "input data was truncated" in gap.reason


def test_a_torn_line_in_the_middle_is_lost_alone() -> None:
    lines = FORMS["JSON lines"].splitlines()
    lines[2] = lines[2][:500]
    seen = read(b"\n".join(lines))
    assert len(seen.pods) == len(PODS) - 1
    assert len(seen.gaps) == 1


def test_a_line_nested_too_deep_among_others_is_lost_alone() -> None:
    deep = b'{"b": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    torn = b'{"kind": "Pod", "meta'
    seen = read(b"\n".join((torn, deep, *FORMS["JSON lines"].splitlines())))
    assert len(seen.pods) == len(PODS)
    assert "and 1 more" in seen.gaps[0].reason


def test_a_bad_pod_in_a_list_of_the_api_server_loses_no_other() -> None:
    bad = {"metadata": {"name": "bad", "labels": {"pod": 5, "manager.runner.gitlab.com/name": "m"}}}
    seen = read({"kind": "PodList", "items": [*PODS, bad]})
    assert {pod.name for pod in seen.pods} == {*NAMES, "bad"}


def test_the_end_of_a_watch_is_a_gap() -> None:
    (gap,) = read(FORMS["watch"] + data("too-old-resource-version.jsonl")).gaps
    assert gap.reason == "dump.json: the watch ended with '410 Expired: too old resource version: 1 (2225)'"


def test_a_bookmark_is_no_pod_and_a_line_without_an_object_is_nothing() -> None:
    bookmark = {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "997"}}
    assert read(change("BOOKMARK", bookmark)).pods == ()
    assert len(read(change("ADDED", with_kind(PODS)[0]) + b'{"type": "ADDED", "object": null}').pods) == 1


def test_a_watch_line_that_does_not_fit_loses_only_itself() -> None:
    bad = {"kind": "Pod", "metadata": {"name": "x", "uid": 5}}
    foreign = {"kind": "BlockAffinity", "metadata": {"name": "b"}}
    nothing = b'{"type": "ADDED", "object": 5}\n'
    status = {"kind": "Status", "message": "gone", "code": "410"}
    dump = FORMS["watch"] + change("ADDED", bad) + change("ADDED", foreign) + nothing + change("ERROR", status)
    seen = read(dump)
    assert {pod.name for pod in seen.pods} == {*NAMES, "x"}
    assert next(gap.reason for gap in seen.gaps) == "dump.json: the watch ended with 'gone'"
    assert len(seen.gaps) == 2


@pytest.mark.parametrize(
    ("dump", "words"),
    [
        (b"", "empty, expected JSON"),
        (b"[]", "holds an empty array, expected pods"),
        (b"{}", "holds 1 JSON object without a kind, expected pods"),
        (b"[{}, {}]", "holds 2 JSON objects without a kind, expected pods"),
        (b"[1, 2]", "holds nothing that can be read (expected object, got int)"),
        (b'{"kind": "ServiceList", "items": []}', "holds an empty list of Service, expected pods"),
        (kubectl({"kind": "Service"}, {"kind": "Service"}, POOL), "holds 2 Service, 1 IPPool, expected pods"),
        (kubectl(POOL), "holds 1 IPPool, expected pods"),
        (data("pod-list-metadata-only.json.gz"), "holds PartialObjectMetadata, which has no spec and no status"),
        (json.dumps([{"kind": "PartialObjectMetadata", "metadata": {}}]).encode(), "has no spec and no status"),
        (b'{"kind": "Status", "message": "pods is forbidden"}', "the API server refused: pods is forbidden"),
        (b'{"kind": "Status"}', "the API server refused: no reason given"),
        (data("too-old-resource-version.jsonl"), "holds only the end of a watch (410 Expired"),
        (data("pod-list.json.gz")[:50_000], "cut off: it ends at byte 50000 inside a JSON value"),
        (b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper than"),
        (b'{"a":1}\n{"b": ' + b'{"c":' * 10_000 + b"1" + b"}" * 10_001, "nested deeper than"),
        (b'{"kind": 7}', "holds nothing that can be read (expected str or null, got int)"),
        (b'{"kind": "PodList" "items"}', "not JSON at byte 19: "),
        (b"\xef\xbb\xbf{'kind'", "not JSON at byte 4: "),
        (b'{"a": 1}{"b": nope}', "not JSON at byte 15: "),
        (b'{"kind": "PodList",\n{"items"\n{"x', "not JSON at byte 20"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_no_dump_is_refused_in_one_line_with_the_command_that_makes_one(dump: bytes, words: str) -> None:
    with pytest.raises(WireError) as refused:
        read(dump)
    text = str(refused.value)
    assert words in text
    assert text.startswith("dump.json: ")
    assert text.endswith("Make it with: kubectl get pods -A -o json --show-managed-fields")
    assert "\n" not in text


def test_text_that_is_not_utf8_in_a_field_that_is_read_makes_a_problem() -> None:
    dump = kubectl(*with_kind(PODS)).replace(b"debug-shell", b"debug-\xff\xfehell", 1)
    assert len(read(dump).pods) + len(read(dump).gaps) == len(PODS)


def test_a_selector_keeps_the_pods_with_such_labels() -> None:
    for text, count in {
        "egress-profile=aplicacoes": 2,
        "project.runner.gitlab.com/id in (4218),egress-profile": 1,
        "run=debug-shell": 1,
        "!manager.runner.gitlab.com/id-short": 2,
        "no-such-label": 0,
        "": 7,
    }.items():
        assert len(read(data("pod-list.json.gz"), selector=parse_selector(text)).pods) == count, text
        assert len(read(FORMS["watch"], selector=parse_selector(text)).pods) == count, text


def test_a_selector_takes_a_pod_without_labels_for_one_without_any() -> None:
    bare = {"kind": "Pod", "metadata": {"name": "bare"}}
    assert read(kubectl(bare), selector=parse_selector("!a")).pods
    assert not read(kubectl(bare), selector=parse_selector("a")).pods


def test_a_namespace_keeps_its_own_pods() -> None:
    assert {pod.namespace for pod in read(data("pod-list.json.gz"), namespace="ci-team-b").pods} == {"ci-team-b"}


def strings(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif hasattr(value, "__struct_fields__"):
        yield from strings([getattr(value, name) for name in value.__struct_fields__])


def test_nothing_of_a_pods_environment_is_in_any_value() -> None:
    pod = job_pod()
    for container in pod["spec"]["containers"] + pod["spec"]["initContainers"]:
        container["env"] = [{"name": f"N_{n}", "value": f"hidden-{n}"} for n in range(50)]
        container["args"] = ["hidden-args"]
    for one in (pod, pod | {"status": 7}, pod | {"spec": pod["spec"] | {"nodeName": 7}}):
        seen = read(kubectl(one))
        assert not [text for text in strings(seen) if "hidden-" in text or "N_1" in text]
        assert "hidden-" not in repr(seen)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
RECORDED = [
    *with_kind(PODS),
    *tree("raw-lists-v1.json.gz")["ipamblocks"]["items"],
    *tree("raw-lists-v1.json.gz")["ippools"]["items"],
    *(event["object"] for event in tree("watch-one-pod.json.gz")["events"]),
]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value[:3]):
            yield from paths(inner, (*path, at))


def mutated(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = mutated(value[path[0]], path[1:], new)
    return copy


# Half of a pod is its environment and managedFields; mutations there prove little, so the others are drawn first.
SPOTS = [
    [path for path in paths(item) if "env" not in path and "managedFields" not in path]
    + [("metadata", "managedFields")]
    for item in RECORDED
]


@given(st.data())
def test_any_mutation_of_a_recorded_object_is_read_or_refused(draw: st.DataObject) -> None:
    which = draw.draw(st.integers(0, len(RECORDED) - 1))
    changed = mutated(
        RECORDED[which] | {"metadata": {"managedFields": []} | RECORDED[which]["metadata"]},
        draw.draw(st.sampled_from(SPOTS[which])),
        draw.draw(JSON),
    )
    form = draw.draw(st.sampled_from([kubectl(changed, PODS[0] | {"kind": "Pod"}), change("ADDED", changed)]))
    try:
        read(form)
    except WireError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - either end is right


@given(st.binary() | st.integers(0, 30_000).map(lambda end: data("pod-list.json.gz")[:end]))
def test_any_bytes_are_read_or_refused(dump: bytes) -> None:
    try:
        read(dump)
    except WireError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - either end is right
