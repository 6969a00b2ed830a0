"""What a pod on the wire says, in the judge's words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.model.cluster import NOTHING_ASKED, Asked, Labels, Marks
from runner_bridge.render.fragment.governed import STAMP
from tests.core.wire.recorded import job_pod, kubectl, only_pod, read, tree

CNI = "cni.projectcalico.org/"
ADDRESS = ip_address("172.16.37.55")


def pod(*, metadata: Any = (), spec: Any = (), status: Any = ()) -> Any:
    return {
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", **dict(metadata)},
        "spec": dict(spec),
        "status": dict(status),
    }


def test_a_recorded_job_pod_keeps_what_the_judge_needs() -> None:
    seen = only_pod(job_pod())
    assert seen.name == "runner-4xyqa7plw-project-4217-concurrent-0-m83eneg4"
    assert (seen.namespace, seen.phase, seen.node, seen.service_account) == (
        "ci-team-a",
        "Running",
        "worker-2",
        "default",
    )
    assert seen.addresses == (ADDRESS,)
    assert seen.created_at == datetime(2026, 11, 23, 17, 32, 47, tzinfo=UTC)
    assert seen.scheduled_at == datetime(2026, 11, 23, 17, 32, 48, tzinfo=UTC)
    assert seen.asked is NOTHING_ASKED
    assert seen.set_later is False
    assert not seen.privileged
    assert not seen.host_network
    assert not seen.deleting
    assert not seen.finished
    assert seen.marks == Marks(
        project="4217",
        project_name="api",
        manager="k8s-team-a",
        short_id="4xYqA7pLw",
        job_pod="runner-4xyqa7plw-project-4217-concurrent-0",
        pod="runner-4xyqa7plw-project-4217-concurrent-0",
        job="7311000",
        job_url="https://gitlab.example.com/plataforma/pagamentos/api/-/jobs/7311000",
        job_name="build",
        job_ref="main",
        claimed_project="4217",
    )


def test_nulls_everywhere_are_a_pod_that_says_nothing() -> None:
    bare = only_pod({"kind": "Pod", "metadata": {"name": "p", "labels": None, "annotations": None}, "spec": None})
    assert bare == only_pod({"kind": "Pod", "metadata": {"name": "p"}, "spec": {}, "status": {}})
    assert (bare.marks, bare.annotated, bare.addresses, bare.problems) == (None, None, (), ())


def test_the_seven_annotations_are_kept_as_written() -> None:
    keys = ("ipv4pools", "ipv6pools", "ipFamilies", "ipAddrs", "ipAddrsNoIpam", "floatingIPs", "allowedSourcePrefixes")
    asked = only_pod(pod(metadata={"annotations": {f"{CNI}{key}": f" {key}" for key in keys}})).asked
    assert asked == Asked(**dict(zip(Asked.__struct_fields__, (f" {key}" for key in keys), strict=True)))


def test_an_empty_annotation_asks_and_an_absent_one_does_not() -> None:
    assert only_pod(pod(metadata={"annotations": {f"{CNI}ipv4pools": ""}})).asked.ipv4_pools == ""
    assert only_pod(pod(metadata={"annotations": {"x": "y"}})).asked is NOTHING_ASKED


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({}, None),
        ({"podIP": "172.16.37.55/32"}, (ADDRESS,)),
        ({"podIP": "10.0.0.1/32", "podIPs": "172.16.37.55/32"}, (ADDRESS,)),
        ({"podIPs": "172.16.37.55/32,fd00::1/128"}, (ADDRESS, ip_address("fd00::1"))),
        ({"podIP": "", "podIPs": ""}, ()),
        ({"podIP": "172.16.37.55"}, (ADDRESS,)),
    ],
)
def test_what_calico_wrote_is_read_without_prefix_and_empty_text_is_a_release(notes: Any, expected: Any) -> None:
    seen = only_pod(pod(metadata={"annotations": {"x": "y"} | {f"{CNI}{key}": text for key, text in notes.items()}}))
    assert seen.annotated == expected


def test_a_released_address_of_a_recorded_pod_reads_as_released() -> None:
    lines = [json.dumps(event).encode() for event in tree("watch-one-pod.json.gz")["events"]]
    (held,) = read(b"\n".join(lines[:7])).pods
    (released,) = read(b"\n".join(lines)).pods
    assert held.annotated == (ip_address("172.16.84.128"),)
    assert released.annotated == ()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, []),
        ({"podIP": "10.10.0.1"}, ["10.10.0.1"]),
        ({"podIP": "10.10.0.1", "podIPs": []}, ["10.10.0.1"]),
        ({"podIP": "10.10.0.1", "podIPs": [{"ip": "10.10.0.1"}, {"ip": "fd00::1"}]}, ["10.10.0.1", "fd00::1"]),
        ({"podIPs": [{}, {"ip": ""}]}, []),
    ],
)
def test_all_addresses_of_the_status_count(status: Any, expected: list[str]) -> None:
    assert [str(one) for one in only_pod(pod(status=status)).addresses] == expected


def octets() -> st.SearchStrategy[str]:
    return st.integers(-1, 257).map(str) | st.sampled_from(["", "00", "01", "0x1", " 1", "1 ", "+1", "1_0", "é"])


@given(text=st.lists(octets(), min_size=3, max_size=5).map(".".join))
def test_dotted_text_is_the_address_that_the_standard_library_reads_or_none(text: str) -> None:
    try:
        expected = [ip_address(text)]
    except ValueError:
        expected = []

    found = only_pod(pod(status={"podIP": text}))

    assert (list(found.addresses), len(found.problems)) == (expected, 1 - len(expected))


def test_what_is_equal_in_many_pods_or_twice_in_one_is_kept_once() -> None:
    notes = {f"{CNI}podIP": "172.16.37.55/32", "job.runner.gitlab.com/ref": "main"}
    one, other = (only_pod(job_pod(annotations=notes)) for _ in range(2))

    assert one.annotated is one.addresses
    assert one.marks is not None
    assert other.marks is not None
    assert one.marks.job_pod is one.marks.pod is other.marks.pod
    assert one.marks.job_ref is other.marks.job_ref


def test_text_that_is_no_address_is_a_problem_of_the_pod() -> None:
    seen = only_pod(pod(metadata={"annotations": {f"{CNI}podIP": "nowhere/32"}}, status={"podIP": "glrt-" + "x" * 20}))
    assert seen.problems == (
        "status.podIPs holds '[secret]', which is no address",
        "cni.projectcalico.org/podIPs holds 'nowhere', which is no address",
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, False),
        ({"containers": [{"securityContext": {"privileged": False}}, {}], "volumes": [{"emptyDir": {}}]}, False),
        ({"containers": [{}, {"securityContext": {"privileged": True}}]}, True),
        ({"initContainers": [{"securityContext": {"privileged": True}}]}, True),
        ({"ephemeralContainers": [{"securityContext": {"privileged": True}}]}, True),
        ({"hostPID": True}, True),
        ({"hostIPC": True}, True),
        ({"volumes": [{"hostPath": {"path": "/var/run/docker.sock"}}]}, True),
    ],
)
def test_a_pod_that_could_act_as_its_node_is_privileged(spec: Any, expected: bool) -> None:
    assert only_pod(pod(spec=spec)).privileged is expected


def test_host_network_phase_and_deletion_are_seen() -> None:
    seen = only_pod(
        pod(
            metadata={"deletionTimestamp": "2026-11-23T17:32:47Z"},
            spec={"hostNetwork": True},
            status={"phase": "Failed"},
        )
    )
    assert seen.host_network
    assert seen.deleting
    assert seen.finished


def test_reasons_of_waiting_containers_come_once_each() -> None:
    waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    status = {
        "initContainerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}, {"state": {"running": {}}}],
        "containerStatuses": [waiting, waiting, {"state": {"waiting": {}}}, {}],
    }
    assert only_pod(pod(status=status)).waiting == ("PodInitializing", "ContainerCreating")


def test_only_a_condition_that_is_true_starts_the_pending_clock() -> None:
    at = "2026-11-23T17:32:47Z"
    no = {"type": "PodScheduled", "status": "False", "lastTransitionTime": at}
    assert only_pod(pod(status={"conditions": [{"type": "Ready"}, no]})).scheduled_at is None
    assert only_pod(pod(status={"conditions": [no | {"status": "True"}]})).scheduled_at is not None


def test_only_a_controlling_owner_counts() -> None:
    owners = [{"kind": "Node", "name": "n"}, {"kind": "DaemonSet", "name": "logs", "controller": True}]
    seen = only_pod(pod(metadata={"ownerReferences": owners}))
    assert (seen.owner_kind, seen.owner) == ("DaemonSet", "logs")
    assert only_pod(pod(metadata={"ownerReferences": owners[:1]})).owner == ""


def test_the_stamp_is_read_under_the_name_that_render_writes() -> None:
    seen = only_pod(pod(metadata={"annotations": {STAMP: "abc"}}))
    assert seen.marks == Marks(stamp="abc")


def test_marks_of_a_pause_pod_and_of_ours_are_read() -> None:
    labels = {"runner.gitlab.com/pause-pod": "true", "runner-bridge.dev/tier": "infra"}
    isolated = only_pod(pod(metadata={"labels": {"runner-bridge.dev/quarantine": "true"}}))
    assert isolated.labels == Labels(quarantine="true")
    seen = only_pod(pod(metadata={"labels": labels, "annotations": {"runner-bridge.dev/generation": "abc"}}))
    assert seen.marks == Marks(pause=True, stamp="abc")
    assert seen.labels == Labels(tier="infra")
    claims = only_pod(pod(metadata={"annotations": {"job.runner.gitlab.com/id": "9223372036854775807"}})).marks
    assert claims == Marks(job="9223372036854775807")
    other = only_pod(pod(metadata={"labels": {"pod": "x", "job.runner.gitlab.com/pod": "y"}})).marks
    assert other == Marks(pod="x", job_pod="y")


CREATED = datetime(2026, 11, 23, 17, 32, 47, tzinfo=UTC)


def managed(seconds: int, *, key: str = "ipv4pools", **changes: Any) -> dict[str, Any]:
    time = (CREATED + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"time": time, "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{CNI}{key}": {}}}}} | changes


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, None),
        ([], None),
        ([managed(0)], False),
        ([managed(-1)], False),
        ([managed(1)], True),
        ([managed(0), managed(60)], True),
        ([managed(0, subresource="status")], True),
        ([managed(0), managed(9, key="podIP", subresource="status")], False),
        ([managed(9, key="podIP")], None),
        ([managed(0, time=None)], False),
        ([{"time": None}, {"fieldsV1": {"f:metadata": {}}}, {"fieldsV1": {}}], None),
    ],
)
def test_managed_fields_tell_whether_an_annotation_came_later(fields: Any, expected: bool | None) -> None:
    notes = {f"{CNI}ipv4pools": '["infraestrutura"]'}
    meta = {"creationTimestamp": "2026-11-23T17:32:47Z", "managedFields": fields, "annotations": notes}
    assert only_pod(pod(metadata=meta)).set_later is expected


def test_managed_fields_of_a_pod_that_asks_nothing_or_has_no_age_tell_nothing_bad() -> None:
    created = "2026-11-23T17:32:47Z"
    assert only_pod(pod(metadata={"creationTimestamp": created, "managedFields": [managed(9)]})).set_later is False
    assert only_pod(pod(metadata={"managedFields": [managed(9)]})).set_later is None


def test_a_time_without_a_zone_is_a_problem_and_never_a_naive_time() -> None:
    seen = only_pod(pod(metadata={"creationTimestamp": "2026-11-23T17:32:47"}))
    assert seen.created_at is None
    assert "metadata.creationTimestamp cannot be read" in seen.problems[0]


def test_a_namespace_keeps_what_it_asks_for() -> None:
    asks = {"kind": "Namespace", "metadata": {"name": "ci", "annotations": {f"{CNI}ipv4pools": '["infraestrutura"]'}}}
    bare = {"kind": "Namespace", "metadata": {"name": "other"}}
    seen = read(kubectl(asks, bare), want="namespaces").namespaces
    assert seen is not None
    assert [(one.name, one.asked.ipv4_pools) for one in seen] == [("ci", '["infraestrutura"]'), ("other", None)]
