"""What the recordings do not show, and what a watch sees of it."""

from __future__ import annotations

from dataclasses import replace as changed

import pytest

from runner_bridge.simulate.cluster.resources import (
    AFFINITIES_V1,
    BLOCKS_V1,
    HANDLES_V1,
    NAMESPACES,
    NODES,
    PODS,
)
from runner_bridge.simulate.ipam import IpamError, Sandbox, go_json
from runner_bridge.simulate.ipam.selectors import selects
from tests.simulate.ipam.replay import NAMESPACE, PREFIX, Replay

INFRA = {"name": "infra", "spec": {"cidr": "172.16.0.0/16", "blockSize": 26, "nodeSelector": "!all()"}}
DEFAULT = {"name": "default", "spec": {"cidr": "10.244.0.0/16", "blockSize": 26, "nodeSelector": "all()"}}


@pytest.fixture
def replay() -> Replay:
    replay = Replay()
    replay.play([{"do": "setup", "pools": [DEFAULT, INFRA]}])
    return replay


def sandbox(replay: Replay, name: str, annotations: dict[str, str] | None = None) -> Sandbox:
    texts = {PREFIX + key: value for key, value in (annotations or {}).items()}
    pod = {"metadata": {"name": name, "annotations": texts}, "spec": {"containers": [{}]}}
    replay.objects.create(PODS, NAMESPACE, pod)
    return Sandbox(namespace=NAMESPACE, pod=name, container_id=f"id-{name}", node="node-1")


def noted(replay: Replay, name: str) -> dict[str, str]:
    found: dict[str, str] = replay.objects.get(PODS, NAMESPACE, name)["metadata"]["annotations"]
    return found


def test_the_pod_carries_its_address_and_at_the_end_an_empty_one(replay: Replay) -> None:
    box = sandbox(replay, "a", {"ipv4pools": '["infra"]'})
    assert str(replay.calico.add(box)[0]) == "172.16.84.128"
    assert noted(replay, "a")[PREFIX + "podIP"] == "172.16.84.128/32"
    assert noted(replay, "a")[PREFIX + "containerID"] == "id-a"
    replay.calico.delete(box)
    assert noted(replay, "a")[PREFIX + "podIP"] == ""


def test_the_end_of_an_older_sandbox_leaves_the_annotations_of_the_newer(replay: Replay) -> None:
    box = sandbox(replay, "a", {"ipv4pools": '["infra"]'})
    newer = changed(box, container_id="id-newer")
    replay.calico.add(box)
    second = replay.calico.add(newer)
    replay.calico.delete(box)
    assert noted(replay, "a")[PREFIX + "podIP"] == f"{second[0]}/32"


def test_a_pod_that_never_had_an_address_carries_an_empty_one(replay: Replay) -> None:
    box = sandbox(replay, "a", {"ipv4pools": '["nope"]'})
    with pytest.raises(IpamError):
        replay.calico.add(box)
    replay.calico.delete(box)
    assert noted(replay, "a")[PREFIX + "podIP"] == ""
    assert PREFIX + "containerID" not in noted(replay, "a")


def test_a_watch_sees_a_block_marked_before_it_goes(replay: Replay) -> None:
    box = sandbox(replay, "a", {"ipv4pools": '["infra"]'})
    before = replay.objects.store.version
    replay.calico.add(box)
    replay.calico.delete(box)
    for resource in (BLOCKS_V1, HANDLES_V1, AFFINITIES_V1):
        changes = replay.objects.store.since(resource.storage, before)
        assert changes[0].old is None
        assert changes[-1].new is None
        assert changes[-2].shown["spec"]["deleted"] in {True, "true"}


def test_a_block_stays_where_its_node_is_gone(replay: Replay) -> None:
    box = sandbox(replay, "a", {"ipv4pools": '["infra"]'})
    replay.calico.add(box)
    replay.objects.delete(NODES, "", "node-1")
    replay.calico.delete(box)
    assert replay.objects.get(BLOCKS_V1, "", "172-16-84-128-26")["spec"]["attributes"] == []


@pytest.mark.parametrize(
    ("of_pod", "expected"), [(None, "172.16."), ("", "172.16."), ("[]", "10.244."), ('["default"]', "10.244.")]
)
def test_the_namespace_decides_where_the_pod_says_nothing(replay: Replay, of_pod: str | None, expected: str) -> None:
    patch = {"metadata": {"annotations": {PREFIX + "ipv4pools": '["infra"]'}}}
    replay.objects.patch(NAMESPACES, "", NAMESPACE, patch)
    box = sandbox(replay, "a", {} if of_pod is None else {"ipv4pools": of_pod})
    assert str(replay.calico.add(box)[0]).startswith(expected)


def test_an_unknown_family_is_refused_as_it_was_written(replay: Replay) -> None:
    with pytest.raises(IpamError, match=r'error parsing ipFamilies: \["ipv4"\]'):
        replay.calico.add(sandbox(replay, "a", {"ipFamilies": '["ipv4"]'}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected end of JSON input"),
        ('["a', "unexpected end of JSON input"),
        ('["a" "b"]', "invalid character '\"' after array element"),
        ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a": 1 "b"}', "invalid character '\"' after object key:value pair"),
        ('{"a": 1, "b": {}}', "json: cannot unmarshal object into Go value of type []string"),
        ("{}", "json: cannot unmarshal object into Go value of type []string"),
        ("12.5e3", "json: cannot unmarshal number into Go value of type []string"),
        ("[true]", "json: cannot unmarshal bool into Go value of type string"),
        ("nul", "invalid character 'n' looking for beginning of value"),
    ],
)
def test_json_is_refused_in_the_words_of_go(text: str, message: str) -> None:
    with pytest.raises(IpamError) as refused:
        go_json.strings(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("all()", True),
        ("!all()", False),
        ("has(ci)", True),
        ("!has(gpu)", True),
        ('ci == "yes" && zone != "b"', True),
        ("ci == 'no' || zone in {'a', 'b'}", True),
        ("zone not in {'a'}", False),
        ("zone contains 'a' && zone starts with 'a' && zone ends with 'a'", True),
        ("(ci == 'no' || has(ci)) && !(zone == 'b')", True),
        ("gpu != 'x'", True),
    ],
)
def test_a_selector_selects(selector: str, expected: bool) -> None:
    assert selects(selector, {"ci": "yes", "zone": "a"}) is expected


@pytest.mark.parametrize(
    "selector", ["ci ==", "ci = 'x'", "((", "(all()", "all() all()", "a in {'b'", "a starts 'b'", "a in b", "&&", "§"]
)
def test_a_broken_selector_is_an_error(selector: str) -> None:
    with pytest.raises(IpamError):
        selects(selector, {})
