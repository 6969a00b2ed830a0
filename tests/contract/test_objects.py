"""Creating, reading, changing and deleting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.cluster.server import NOBODY
from tests.contract.asking import MERGE, METADATA_ONLY, STRATEGIC

if TYPE_CHECKING:
    from tests.contract.asking import Api


async def test_a_created_object_gets_what_only_the_server_can_say(api: Api) -> None:
    made = await api.pod("a")
    meta = made["metadata"]
    assert (made["kind"], made["apiVersion"], meta["namespace"]) == ("Pod", "v1", api.namespace)
    assert len(meta["uid"]) == 36
    assert meta["creationTimestamp"].endswith("Z")
    assert int(meta["resourceVersion"]) > 0
    assert meta["generation"] == 1
    assert made["status"]["phase"] == "Pending"


async def test_a_generated_name_is_the_prefix_and_five_letters(api: Api) -> None:
    made = await api.make("configmaps", {"metadata": {"generateName": "job-"}})
    name = made["metadata"]["name"]
    assert name.startswith("job-")
    assert len(name) == 9


async def test_a_missing_object_is_a_status_that_names_it(api: Api) -> None:
    assert await api.ask("GET", api.path("pods", "gone")) == (
        404,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'pods "gone" not found',
            "reason": "NotFound",
            "details": {"name": "gone", "kind": "pods"},
            "code": 404,
        },
    )


async def test_a_missing_object_of_a_group_is_named_with_its_group(api: Api) -> None:
    path = api.path("leases", "gone", root="/apis/coordination.k8s.io/v1")
    status, body = await api.ask("GET", path)
    assert (status, body["message"]) == (404, 'leases.coordination.k8s.io "gone" not found')
    assert body["details"] == {"name": "gone", "group": "coordination.k8s.io", "kind": "leases"}


async def test_a_namespace_has_to_be_there_first(api: Api) -> None:
    status, body = await api.ask("POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}})
    assert (status, body["message"]) == (404, 'namespaces "nowhere" not found')


async def test_a_name_is_given_once(api: Api) -> None:
    await api.config_map("a")
    status, body = await api.ask("POST", api.path("configmaps"), {"metadata": {"name": "a"}})
    assert (status, body["reason"], body["message"]) == (409, "AlreadyExists", 'configmaps "a" already exists')


async def test_a_write_based_on_an_older_version_is_refused(api: Api) -> None:
    old = await api.config_map("a")
    await api.ask("PATCH", api.path("configmaps", "a"), {"data": {"a": "2"}}, headers=MERGE)
    status, body = await api.ask("PUT", api.path("configmaps", "a"), {**old, "data": {"a": "3"}})
    assert (status, body["reason"]) == (409, "Conflict")
    assert body["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_a_patch_may_name_the_version_it_is_based_on(api: Api) -> None:
    old = await api.pod("a")
    version = old["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version, "labels": {"x": "1"}}}
    assert (await api.ask("PATCH", api.path("pods", "a"), patch, headers=MERGE))[0] == 200
    assert (await api.ask("PATCH", api.path("pods", "a"), patch, headers=MERGE))[0] == 409


async def test_a_patch_for_another_uid_is_refused(api: Api) -> None:
    await api.pod("a")
    patch = {"metadata": {"uid": "00000000-0000-4000-8000-000000000000", "labels": {"x": "1"}}}
    status, body = await api.ask("PATCH", api.path("pods", "a"), patch, headers=MERGE)
    assert (status, body["details"]["causes"][0]["field"]) == (422, "metadata.uid")
    _, pod = await api.ask("GET", api.path("pods", "a"))
    assert "labels" not in pod["metadata"]


async def test_null_in_a_merge_patch_takes_a_key_away_and_leaves_the_others(api: Api) -> None:
    await api.pod("a", labels={"keep": "1", "drop": "2"})
    patch = {"metadata": {"labels": {"drop": None, "new": "3", "absent": None}}}
    status, pod = await api.ask("PATCH", api.path("pods", "a"), patch, headers=MERGE)
    assert (status, pod["metadata"]["labels"]) == (200, {"keep": "1", "new": "3"})


async def test_a_patch_that_changes_nothing_writes_nothing(api: Api) -> None:
    old = await api.pod("a", labels={"x": "1"})
    _, new = await api.ask("PATCH", api.path("pods", "a"), {"metadata": {"labels": {"x": "1"}}}, headers=MERGE)
    assert new["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]


async def test_a_patch_of_another_kind_is_refused(api: Api) -> None:
    await api.pod("a")
    status, body = await api.ask("PATCH", api.path("pods", "a"), {}, headers={"Content-Type": "text/plain"})
    assert (status, body["reason"]) == (415, "UnsupportedMediaType")


async def test_labels_have_to_be_valid(api: Api) -> None:
    await api.pod("a")
    patch = {"metadata": {"labels": {"x": "no spaces please"}}}
    status, body = await api.ask("PATCH", api.path("pods", "a"), patch, headers=MERGE)
    assert (status, body["reason"], body["details"]["kind"]) == (422, "Invalid", "Pod")
    assert body["details"]["causes"][0]["field"] == "metadata.labels"
    assert body["message"].startswith('Pod "a" is invalid: metadata.labels: Invalid value: "no spaces please"')


async def test_annotations_have_a_size(api: Api) -> None:
    sent = {"metadata": {"name": "a", "annotations": {"big": "x" * 300_000}}}
    status, body = await api.ask("POST", api.path("configmaps"), sent)
    assert (status, body["details"]["causes"][0]["field"]) == (422, "metadata.annotations")


async def test_only_metadata_comes_back_when_only_metadata_is_wanted(api: Api) -> None:
    await api.pod("a")
    headers = {**MERGE, **METADATA_ONLY}
    _, pod = await api.ask("PATCH", api.path("pods", "a"), {"metadata": {"labels": {"x": "1"}}}, headers=headers)
    assert (pod["kind"], pod["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert pod["metadata"]["labels"] == {"x": "1"}
    assert "spec" not in pod


async def test_status_has_a_door_of_its_own(api: Api) -> None:
    await api.pod("a")
    both = {"metadata": {"annotations": {"seen": "1"}}, "status": {"podIP": "10.10.0.7"}}
    _, by_main = await api.ask("PATCH", api.path("pods", "a"), both, headers=MERGE)
    assert "podIP" not in by_main["status"]
    _, by_status = await api.ask("PATCH", api.path("pods", "a") + "/status", both, headers=STRATEGIC)
    assert by_status["status"]["podIP"] == "10.10.0.7"


async def test_a_strategic_patch_merges_conditions_by_their_type(api: Api) -> None:
    await api.pod("a")
    for kind in ("PodScheduled", "Ready"):
        patch = {"status": {"conditions": [{"type": kind, "status": "True"}]}}
        _, pod = await api.ask("PATCH", api.path("pods", "a") + "/status", patch, headers=STRATEGIC)
    assert {each["type"] for each in pod["status"]["conditions"]} == {"PodScheduled", "Ready"}


async def test_a_pod_without_a_node_is_gone_at_once(api: Api) -> None:
    await api.pod("a")
    assert (await api.ask("DELETE", api.path("pods", "a")))[0] == 200
    assert (await api.ask("GET", api.path("pods", "a")))[0] == 404


async def test_a_pod_on_a_node_stays_for_its_grace_period(api: Api) -> None:
    containers = [{"name": "build", "image": "registry.example.com/build:1"}]
    spec = {"containers": containers, "nodeName": "node-1", "terminationGracePeriodSeconds": 7}
    await api.make("pods", {"metadata": {"name": "a"}, "spec": spec})
    _, pod = await api.ask("DELETE", api.path("pods", "a"))
    assert pod["metadata"]["deletionGracePeriodSeconds"] == 7
    assert pod["metadata"]["deletionTimestamp"] > pod["metadata"]["creationTimestamp"]
    assert (await api.ask("DELETE", api.path("pods", "a"), {"gracePeriodSeconds": 0}))[0] == 200
    assert (await api.ask("GET", api.path("pods", "a")))[0] == 404


async def test_an_object_with_a_finalizer_stays_until_it_is_taken_away(api: Api) -> None:
    await api.config_map("a", finalizers=["example.com/hold"])
    await api.ask("DELETE", api.path("configmaps", "a"))
    _, held = await api.ask("GET", api.path("configmaps", "a"))
    assert "deletionTimestamp" in held["metadata"]
    await api.ask("PATCH", api.path("configmaps", "a"), {"metadata": {"finalizers": None}}, headers=MERGE)
    assert (await api.ask("GET", api.path("configmaps", "a")))[0] == 404


async def test_a_deletion_can_be_tied_to_one_uid(api: Api) -> None:
    await api.config_map("a")
    stale = "00000000-0000-4000-8000-000000000000"
    status, body = await api.ask("DELETE", api.path("configmaps", "a"), {"preconditions": {"uid": stale}})
    assert (status, body["reason"]) == (409, "Conflict")
    what = f'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition ({stale}) does not match'
    assert body["message"].startswith(what)


async def test_a_deletion_is_answered_with_what_is_gone(api: Api) -> None:
    made = await api.config_map("a")
    status, body = await api.ask("DELETE", api.path("configmaps", "a"))
    details = {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert (status, body["kind"], body["status"], body["details"]) == (200, "Status", "Success", details)


async def test_a_new_object_has_no_version_yet(api: Api) -> None:
    sent = {"metadata": {"name": "a", "resourceVersion": "1"}}
    status, body = await api.ask("POST", api.path("configmaps"), sent)
    assert (status, body["message"]) == (500, "resourceVersion should not be set on objects to be created")
    assert "reason" not in body


async def test_of_two_that_take_a_lease_one_is_refused(api: Api) -> None:
    root = "/apis/coordination.k8s.io/v1"
    spec = {"holderIdentity": "nobody", "leaseDurationSeconds": 15}
    lease = await api.make("leases", {"metadata": {"name": "leader"}, "spec": spec}, root=root)
    path = api.path("leases", "leader", root=root)
    wishes = [{**lease, "spec": {**spec, "holderIdentity": who}} for who in ("a", "b")]
    answers = await asyncio.gather(*(api.ask("PUT", path, wish) for wish in wishes))
    assert sorted(status for status, _ in answers) == [200, 409]


async def test_a_lease_keeps_its_microseconds(api: Api) -> None:
    root = "/apis/coordination.k8s.io/v1"
    moment = "2026-11-25T10:00:00.123456Z"
    lease = await api.make("leases", {"metadata": {"name": "leader"}, "spec": {"renewTime": moment}}, root=root)
    assert lease["spec"]["renewTime"] == moment


def _event(name: str, **more: object) -> dict[str, object]:
    return {
        "metadata": {"name": name},
        "eventTime": "2026-11-25T10:00:00.000000Z",
        "reportingController": "runner-bridge.dev/bridge",
        "reportingInstance": "bridge-0",
        "action": "Judge",
        "reason": "AddressRoutable",
        "type": "Warning",
        "note": "seen",
        **more,
    }


async def test_an_event_counts_by_its_series_and_both_groups_show_it(api: Api) -> None:
    root = "/apis/events.k8s.io/v1"
    regarding = {"apiVersion": "v1", "kind": "Pod", "name": "a", "namespace": api.namespace}
    await api.make("events", _event("e", regarding=regarding), root=root)
    series = {"count": 2, "lastObservedTime": "2026-11-25T10:01:00.000000Z"}
    status, _ = await api.ask("PATCH", api.path("events", "e", root=root), {"series": series}, headers=MERGE)
    assert status == 200
    _, shown = await api.ask("GET", api.path("events", "e"))
    assert (shown["apiVersion"], shown["message"], shown["involvedObject"]["name"]) == ("v1", "seen", "a")
    assert (shown["series"]["count"], shown["reportingComponent"]) == (2, "runner-bridge.dev/bridge")


@pytest.mark.parametrize("field", ["action", "reason", "reportingController", "reportingInstance", "eventTime"])
async def test_an_event_needs(api: Api, field: str) -> None:
    root = "/apis/events.k8s.io/v1"
    event = {key: value for key, value in _event("e").items() if key != field}
    status, body = await api.ask("POST", api.path("events", root=root), event)
    assert (status, body["reason"]) == (422, "Invalid")


async def test_an_access_review_says_yes(api: Api) -> None:
    attributes = {"verb": "list", "resource": "pods", "namespace": api.namespace}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    sent = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    status, body = await api.ask("POST", path, {**sent, "spec": {"resourceAttributes": attributes}})
    assert (status, body["status"]["allowed"]) == (201, True)


async def test_discovery_names_groups_and_resources(api: Api) -> None:
    _, groups = await api.ask("GET", "/apis")
    names = {group["name"]: group["preferredVersion"]["groupVersion"] for group in groups["groups"]}
    assert names["coordination.k8s.io"] == "coordination.k8s.io/v1"
    _, core = await api.ask("GET", "/api/v1")
    pods = next(each for each in core["resources"] if each["name"] == "pods")
    assert (pods["kind"], pods["namespaced"]) == ("Pod", True)
    assert {"list", "watch", "patch"} <= set(pods["verbs"])
    assert any(each["name"] == "pods/status" for each in core["resources"])


async def test_a_path_that_nobody_serves_is_not_json(api: Api) -> None:
    async with api.session.get("/apis/nobody.example.com/v1/things") as answer:
        assert (answer.status, await answer.text()) == (404, "404 page not found\n")


async def test_who_is_unknown_is_told_no_more_than_that(api: Api) -> None:
    status, body = await api.ask("GET", api.path("pods"), headers={"Authorization": "Bearer nobody-knows-this"})
    assert (status, body["reason"], body["message"]) == (401, "Unauthorized", "Unauthorized")


@pytest.mark.parametrize(
    ("method", "name", "verb", "what"),
    [("GET", "", "list", "pods is"), ("GET", "a", "get", 'pods "a" is'), ("PATCH", "a", "patch", 'pods "a" is')],
)
async def test_who_may_not_is_told_what_is_missing(api: Api, method: str, name: str, verb: str, what: str) -> None:
    status, body = await api.ask(method, api.path("pods", name), {}, headers={**MERGE, **api.stranger})
    assert (status, body["reason"], body["details"]["kind"]) == (403, "Forbidden", "pods")
    assert body["message"] == (
        f'{what} forbidden: User "{NOBODY}" cannot {verb} resource "pods" in API group "" '
        f'in the namespace "{api.namespace}"'
    )


async def test_at_the_scope_of_the_cluster_too(api: Api) -> None:
    status, body = await api.ask("GET", "/api/v1/nodes", headers=api.stranger)
    assert status == 403
    assert body["message"].endswith('cannot list resource "nodes" in API group "" at the cluster scope')


async def test_a_review_says_no_to_who_may_not(api: Api) -> None:
    attributes = {"verb": "list", "resource": "pods", "namespace": api.namespace}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    sent = {"spec": {"resourceAttributes": attributes}}
    _, body = await api.ask("POST", path, sent, headers=api.stranger)
    assert body["status"]["allowed"] is False
