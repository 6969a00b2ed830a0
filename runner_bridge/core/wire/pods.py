"""
Pods, namespaces and nodes as they lie on the wire → `model.cluster`.

Never raises: what cannot be read becomes a problem of the pod, and a pod with a problem is unknown.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from sys import intern
from typing import TYPE_CHECKING

from runner_bridge.core.model import cluster
from runner_bridge.core.redact import redact
from runner_bridge.core.wire import objects

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


_NO_METADATA = objects.PodMetadata()
_NO_LABELS = objects.RunnerLabels()
_NO_NOTES = objects.PodAnnotations()
_NO_MARKS = cluster.Marks()
_OWNS_NONE = objects.OwnedAsks()
_NONE = ()
_OCTETS = {str(number): number for number in range(256)}


def pod_of(wire: objects.Pod, problems: tuple[str, ...] = ()) -> cluster.Pod:
    """
    Return the narrow value of a pod.

    Args:
        wire: as decoded.
        problems: what could not be decoded, one sentence each.
    """
    meta, spec, status = wire.metadata or _NO_METADATA, wire.spec, wire.status
    found = list(problems)
    notes = meta.annotations
    asked = cluster.NOTHING_ASKED if notes is None else asked_of(notes)
    owner_kind, owner = _owner(meta.owner_references)
    addresses = _addresses(status, found) if status else _NONE
    annotated = _annotated(notes, found) if notes else None
    scheduled_at = _scheduled_at(status) if status else None
    return cluster.Pod(
        namespace=intern(meta.namespace or ""),
        name=meta.name or "",
        uid=meta.uid or "",
        created_at=_moment(meta.creation_timestamp),
        deleting=meta.deletion_timestamp is not None,
        phase=intern((status and status.phase) or ""),
        host_network=bool(spec and spec.host_network),
        node=intern((spec and spec.node_name) or ""),
        addresses=addresses,
        # What is equal is kept once: of tens of thousands of pods that is a third of all.
        annotated=addresses if annotated == addresses else annotated,
        container_id=(notes and notes.container_id) or "",
        asked=asked,
        set_later=_set_later(meta, asked),
        marks=_marks(meta),
        labels=_our_labels(meta.labels),
        scheduled_at=scheduled_at,
        waiting=_waiting(status) if status else (),
        privileged=_owns_node(spec) if spec else False,
        service_account=intern((spec and spec.service_account_name) or ""),
        owner_kind=owner_kind,
        owner=owner,
        problems=tuple(found),
    )


def node_of(wire: objects.Node) -> cluster.Node:
    """Return the narrow value of a node; an address that is none is left out."""
    meta, status = wire.metadata, wire.status
    texts = [
        one.address
        for one in (status and status.addresses) or _NONE
        if one.type in ("InternalIP", "ExternalIP") and one.address
    ]
    return cluster.Node(
        name=intern((meta and meta.name) or ""),
        uid=(meta and meta.uid) or "",
        addresses=_parsed(texts, "status.addresses", []),
    )


def namespace_of(wire: objects.Namespace) -> cluster.Namespace:
    """Return the narrow value of a namespace."""
    meta = wire.metadata
    notes = meta and meta.annotations
    return cluster.Namespace(name=(meta and meta.name) or "", asked=asked_of(notes) if notes else cluster.NOTHING_ASKED)


def asked_of(notes: objects.Asks) -> cluster.Asked:
    """Return what annotations ask for; one shared value where they ask nothing."""
    return _asked(
        notes.ipv4_pools,
        notes.ipv6_pools,
        notes.ip_families,
        notes.ip_addrs,
        notes.ip_addrs_no_ipam,
        notes.floating_ips,
        notes.allowed_source_prefixes,
    )


# All job pods of a tier ask with the same text: one value serves them all.
@lru_cache(maxsize=256)
def _asked(*values: str | None) -> cluster.Asked:
    if all(value is None for value in values):
        return cluster.NOTHING_ASKED
    keys = cluster.Asked.__struct_fields__
    return cluster.Asked(**dict(zip(keys, values, strict=True)))


def _our_labels(labels: objects.RunnerLabels | None) -> cluster.Labels:
    if labels is None:
        return cluster.NOT_LABELLED
    return _labelled(labels.our_tier, labels.our_pool, labels.our_verdict, labels.our_quarantine, labels.our_probe)


# A handful of tiers, pools and outcomes: one value serves all pods with the same ones.
@lru_cache(maxsize=256)
def _labelled(*values: str | None) -> cluster.Labels:
    if not any(values):
        return cluster.NOT_LABELLED
    keys = cluster.Labels.__struct_fields__
    return cluster.Labels(**dict(zip(keys, [value or "" for value in values], strict=True)))


def _marks(meta: objects.PodMetadata) -> cluster.Marks | None:
    labels, notes = meta.labels or _NO_LABELS, meta.annotations or _NO_NOTES
    found = cluster.Marks(
        project=intern(labels.project or ""),
        project_name=intern(labels.project_name or ""),
        manager=intern(labels.manager or ""),
        short_id=intern(labels.short_id or ""),
        job_pod=intern(labels.job_pod or ""),
        pod=intern(labels.pod or ""),
        pause=labels.pause == "true",
        job=notes.job or "",
        job_url=notes.job_url or "",
        job_name=intern(notes.job_name or ""),
        job_ref=intern(notes.job_ref or ""),
        claimed_project=intern(notes.claimed_project or ""),
        stamp=intern(notes.stamp or ""),
    )
    # A label `pause-pod` that says anything is a mark, whatever it says.
    return None if found == _NO_MARKS and not labels.pause else found


def _addresses(status: objects.PodStatus, problems: list[str]) -> tuple[cluster.Address, ...]:
    texts = [entry.ip for entry in status.pod_ips if entry.ip] if status.pod_ips else []
    if not texts and status.pod_ip:
        texts = [status.pod_ip]
    return _parsed(texts, "status.podIPs", problems)


def _annotated(notes: objects.PodAnnotations, problems: list[str]) -> tuple[cluster.Address, ...] | None:
    """Read what Calico wrote; empty text means that the address was given back, which is not the same as absent."""
    text = notes.pod_ip if notes.pod_ips is None else notes.pod_ips
    if text is None:
        return None
    if not text:
        return ()
    texts = [part.strip().partition("/")[0] for part in text.split(",")]
    # Text of which nothing can be read is no release: a pod must not vanish behind a forged annotation.
    return _parsed(texts, "cni.projectcalico.org/podIPs", problems) or None


def _parsed(texts: Iterable[str], where: str, problems: list[str]) -> tuple[cluster.Address, ...]:
    found: list[cluster.Address] = []
    for text in texts:
        try:
            found.append(_address(text))
        except ValueError:
            problems.append(f"{where} holds {redact(text[:60])!r}, which is no address")
    return tuple(found)


# Status and annotation of a pod hold the same text; a small cache saves the second parse.
@lru_cache(maxsize=16)
def _address(text: str) -> cluster.Address:
    """Return what `ip_address` returns, at a quarter of its cost for IPv4 as it is commonly written."""
    try:
        first, second, third, fourth = text.split(".")
        number = _OCTETS[first] << 24 | _OCTETS[second] << 16 | _OCTETS[third] << 8 | _OCTETS[fourth]
    except (ValueError, KeyError):
        return ip_address(text)
    return IPv4Address(number)


# The API server writes whole seconds, and many pods come in one.
@lru_cache(maxsize=4096)
def _moment(at: datetime | None) -> datetime | None:
    return at


def _scheduled_at(status: objects.PodStatus) -> datetime | None:
    for condition in status.conditions or _NONE:
        if condition.type == "PodScheduled" and condition.status == "True":
            return _moment(condition.last_transition_time)
    return None


def _waiting(status: objects.PodStatus) -> tuple[str, ...]:
    reasons = [
        intern(one.state.waiting.reason)
        for statuses in (status.init_container_statuses, status.container_statuses)
        for one in statuses or _NONE
        if one.state and one.state.waiting and one.state.waiting.reason
    ]
    return tuple(dict.fromkeys(reasons)) if reasons else _NONE


def _owns_node(spec: objects.PodSpec) -> bool:
    """Tell whether the pod's job could act as its node."""
    if spec.host_pid or spec.host_ipc:
        return True
    for containers in (spec.containers, spec.init_containers, spec.ephemeral_containers):
        for one in containers or _NONE:
            if one.security_context and one.security_context.privileged:
                return True
    for volume in spec.volumes or _NONE:  # noqa: SIM110 - a generator costs as much as all of the above
        if volume.host_path is not None:
            return True
    return False


def _owner(references: list[objects.Owner] | None) -> tuple[str, str]:
    for one in references or _NONE:
        if one.controller:
            return intern(one.kind or ""), one.name or ""
    return "", ""


def _set_later(meta: objects.PodMetadata, asked: cluster.Asked) -> bool | None:
    """
    Tell whether an asking annotation was written after the pod was created.

    The server stamps the entry of whoever creates an object before it stamps the object itself, so an owner with a
    later time wrote later; a subresource such as `status` cannot create at all.
    """
    if meta.managed_fields is None or meta.creation_timestamp is None:
        return None
    if asked is cluster.NOTHING_ASKED:
        return False
    owned = False
    for entry in meta.managed_fields:
        fields = entry.fields and entry.fields.metadata and entry.fields.metadata.annotations
        if not fields or fields == _OWNS_NONE:
            continue
        owned = True
        if entry.subresource or (entry.time is not None and entry.time > meta.creation_timestamp):
            return True
    return False if owned else None
