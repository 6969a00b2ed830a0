"""
What the API server does to objects as they come in: names, versions, validation, deletion with grace.

The rules are those of Kubernetes' API concepts and API conventions; only what a client can see of them is here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from runner_bridge.simulate.cluster import patches, status
from runner_bridge.simulate.cluster.events import as_core, as_events
from runner_bridge.simulate.cluster.resources import EVENTS, LEASES, NAMESPACES, PODS, Resource

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import Object
    from runner_bridge.simulate.cluster.store import Key, Store

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""The alphabet of generated names (k8s.io/apimachinery, util/rand): no vowels, nothing that looks like another."""
_ANNOTATIONS_LIMIT = 256 * 1024
_FIXED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")

_PRECONDITIONS = (
    ("uid", "UID", "deleted and then recreated"),
    ("resourceVersion", "ResourceVersion", "modified"),
)

Now = Callable[[], datetime]


def instant(moment: datetime) -> str:
    """Return a moment as `metav1.Time` writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Objects:
    """Create, read, change and delete, as the API server's registry does; every refusal is a `StatusError`."""

    def __init__(self, store: Store, now: Now) -> None:
        self.store = store
        self._now = now

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """
        Return an object as its resource shows it.

        Raises:
            StatusError: 404.
        """
        found = self.store.get(resource.storage, (namespace, name))
        if found is None:
            raise status.not_found(resource, name)
        return as_events(found) if resource is EVENTS else found

    def create(self, resource: Resource, namespace: str, sent: Object) -> Object:
        """
        Store a new object.

        Raises:
            StatusError: 400, 404 for its namespace, 409 for a taken name, 422.
        """
        meta = dict(sent.get("metadata") or {})
        name = meta.get("name") or self._generate(resource, meta)
        if meta.get("resourceVersion"):
            raise status.StatusError(500, "", "resourceVersion should not be set on objects to be created")
        if namespace and self.store.get(NAMESPACES.storage, ("", namespace)) is None:
            raise status.not_found(NAMESPACES, namespace)
        if meta.get("namespace", namespace) != namespace:
            raise status.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        meta |= {"name": name, "uid": str(uuid4()), "creationTimestamp": instant(self._now())}
        if namespace:
            meta["namespace"] = namespace
        if resource.has_generation:
            meta["generation"] = 1
        obj = {**sent, "kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        obj = _with_defaults(resource, obj)
        _validate(resource, obj)
        if self.store.get(resource.storage, (namespace, name)) is not None:
            raise status.already_exists(resource, name)
        return self._put(resource, (namespace, name), obj)

    def _generate(self, resource: Resource, meta: Object) -> str:
        if not meta.get("generateName"):
            what = "name or generateName is required"
            raise status.invalid(resource, "", "metadata.name", f"Required value: {what}", cause="FieldValueRequired")
        return str(meta["generateName"]) + "".join(secrets.choice(_SUFFIX) for _ in range(5))

    def replace(self, resource: Resource, namespace: str, name: str, sent: Object, *, subresource: str = "") -> Object:
        """
        Change an object as a whole; a resource version in it has to be the current one.

        Raises:
            StatusError: 404, 409, 422.
        """
        old = self.get(resource, namespace, name)
        return self._change(resource, (namespace, name), old, sent, subresource)

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        sent: object,
        *,
        is_strategic: bool = False,
        subresource: str = "",
    ) -> Object:
        """
        Change an object by a merge patch. A patch that changes nothing writes nothing.

        Raises:
            StatusError: 400, 404, 409 for a resource version in the patch that is not the current one, 422.
        """
        if not isinstance(sent, dict):
            raise status.bad_request(
                "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}"
            )
        old = self.get(resource, namespace, name)
        new = patches.strategic(old, sent) if is_strategic else patches.merge(old, sent)
        return self._change(resource, (namespace, name), old, new, subresource)

    def _change(self, resource: Resource, key: Key, old: Object, new: Object, subresource: str) -> Object:
        before, meta = old["metadata"], dict(new.get("metadata") or {})
        if meta.get("resourceVersion", before["resourceVersion"]) != before["resourceVersion"]:
            raise status.conflict(resource, key[1])
        if meta.get("uid", before["uid"]) != before["uid"]:
            what = f'Invalid value: "{meta["uid"]}": field is immutable'
            raise status.invalid(resource, key[1], "metadata.uid", what)
        if meta.get("name", key[1]) != key[1]:
            raise status.bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL ({key[1]})"
            )
        for field in (*_FIXED, "name", "namespace", "resourceVersion"):
            meta.pop(field, None)
            if field in before:
                meta[field] = before[field]
        kept = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        if subresource == "status":
            result = {**old, **kept}
            _take(result, new, "status")
        else:
            result = {**new, **kept}
            if resource.has_status:
                _take(result, old, "status")
        _validate(resource, result)
        if resource.has_generation and result.get("spec") != old.get("spec"):
            meta["generation"] = before.get("generation", 1) + 1
        if result == old:
            return old
        if _is_over(resource, meta):
            return self._remove(resource, key, result)
        return self._put(resource, key, result)

    def bind(self, namespace: str, name: str, node: str) -> Object:
        """
        Put a pod on a node, as the scheduler does through the subresource `binding`: one write for both marks.

        Raises:
            StatusError: 404, 409 for a pod that is on a node already.
        """
        old = self.get(PODS, namespace, name)
        if old["spec"].get("nodeName"):
            raise status.conflict(PODS, f"{name}/binding", f"pod {name} is already assigned to node")
        moment = instant(self._now())
        bound = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": moment}
        state = {**old["status"], "conditions": [*old["status"].get("conditions", ()), bound]}
        return self._put(PODS, (namespace, name), {**old, "spec": {**old["spec"], "nodeName": node}, "status": state})

    def delete(
        self, resource: Resource, namespace: str, name: str, options: Object | None = None
    ) -> tuple[Object, bool]:
        """
        Delete an object, or begin to; return its last state and whether it is gone.

        A pod that runs on a node keeps existing for its grace period (nobody but a kubelet ends it), an object with
        finalizers until they are taken away, a namespace for ever: there is no controller manager.

        Raises:
            StatusError: 404, 409 for a precondition that does not hold.
        """
        options = options or {}
        old = self.get(resource, namespace, name)
        meta = dict(old["metadata"])
        for field, label, why in _PRECONDITIONS:
            wanted = (options.get("preconditions") or {}).get(field)
            if wanted not in (None, meta[field]):
                what = (
                    f"the {label} in the precondition ({wanted}) does not match the {label} in record ({meta[field]})"
                )
                raise status.conflict(resource, name, f"{what}. The object might have been {why}", of=resource.kind)
        grace = _grace(resource, old, options)
        if grace == 0 and not meta.get("finalizers") and resource not in {NAMESPACES, PODS}:
            return self._remove(resource, (namespace, name), old), True
        if "deletionTimestamp" in meta and grace >= meta.get("deletionGracePeriodSeconds", 0) > 0:
            return old, False
        meta |= {
            "deletionTimestamp": instant(self._now() + timedelta(seconds=grace)),
            "deletionGracePeriodSeconds": grace,
        }
        new = {**old, "metadata": meta}
        if resource is NAMESPACES:
            new["status"] = {**old.get("status", {}), "phase": "Terminating"}
        new = self._put(resource, (namespace, name), new)
        if resource is PODS and _is_over(resource, meta):  # its last grace is told before its end
            return self._remove(resource, (namespace, name), new), True
        return new, False

    def force(self, resource: Resource, namespace: str, name: str, obj: Object) -> Object:
        """Store an object as it is given, with nothing checked: what a client may meet all the same."""
        meta = obj.get("metadata")
        given = {**obj, "metadata": meta if isinstance(meta, dict) else {}}
        return self._put(resource, (namespace, name), given)

    def _remove(self, resource: Resource, key: Key, obj: Object) -> Object:
        last = self._stamp(obj)
        self.store.remove(resource.storage, key, as_core(last) if resource is EVENTS else last)
        return last

    def _put(self, resource: Resource, key: Key, obj: Object) -> Object:
        new = self._stamp(obj)
        self.store.put(resource.storage, key, as_core(new) if resource is EVENTS else new)
        return new

    def _stamp(self, obj: Object) -> Object:
        return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.store.next_version())}}


def _take(target: Object, source: Object, field: str) -> None:
    target.pop(field, None)
    if field in source:
        target[field] = source[field]


def _is_over(resource: Resource, meta: Object) -> bool:
    if resource is NAMESPACES or "deletionTimestamp" not in meta:
        return False
    return not meta.get("finalizers") and not meta.get("deletionGracePeriodSeconds")


def _grace(resource: Resource, obj: Object, options: Object) -> int:
    if resource is not PODS:
        return 0
    is_over = obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    if is_over or not obj.get("spec", {}).get("nodeName"):
        return 0
    asked = options.get("gracePeriodSeconds")
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30)) if asked is None else int(asked)


def _with_defaults(resource: Resource, obj: Object) -> Object:
    if resource is PODS:
        spec = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, **(obj.get("spec") or {})}
        return {**obj, "spec": spec, "status": {"phase": "Pending", "qosClass": "BestEffort"}}
    if resource is NAMESPACES:
        meta = obj["metadata"]
        labels = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta["name"]}
        return {
            **obj,
            "metadata": {**meta, "labels": labels},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
    if resource.custom and resource.has_status:
        return {key: value for key, value in obj.items() if key != "status"}
    return obj


def _validate(resource: Resource, obj: Object) -> None:
    meta = obj["metadata"]
    name = meta["name"]
    if not _NAME.fullmatch(name) or len(name) > 253:
        what = f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case characters'
        raise status.invalid(resource, name, "metadata.name", what)
    for key, value in (meta.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(key):
            raise status.invalid(
                resource,
                name,
                "metadata.labels",
                f'Invalid value: "{key}": name part must consist of alphanumeric characters',
            )
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            raise status.invalid(
                resource,
                name,
                "metadata.labels",
                f'Invalid value: "{value}": a valid label must be an empty string or alphanumeric',
            )
    annotations = meta.get("annotations") or {}
    if sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        what = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
        raise status.invalid(resource, name, "metadata.annotations", what, cause="FieldValueTooLong")
    for field, what in _missing(resource, obj):
        raise status.invalid(resource, name, field, f"Required value{what}", cause="FieldValueRequired")


def _missing(resource: Resource, obj: Object) -> list[tuple[str, str]]:
    if resource is PODS and not obj.get("spec", {}).get("containers"):
        return [("spec.containers", "")]
    if resource is EVENTS:
        needed = ("eventTime", "reportingController", "reportingInstance", "action", "reason")
        return [(field, "") for field in needed if not obj.get(field)]
    if resource is LEASES:
        duration = obj.get("spec", {}).get("leaseDurationSeconds")
        return (
            [("spec.leaseDurationSeconds", ": must be greater than 0")]
            if duration is not None and duration <= 0
            else []
        )
    return []
