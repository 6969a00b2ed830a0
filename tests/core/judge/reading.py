"""
Reads the cut recordings in `samples/` into values, apart from `core.wire`: two readers that agree are worth more.

`samples/README.md` says how they were cut.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from runner_bridge.core.model import cluster as c

SAMPLES = Path(__file__).parent / "samples"
CNI = "cni.projectcalico.org/"
KEYS = {
    "ipv4_pools": "ipv4pools",
    "ipv6_pools": "ipv6pools",
    "ip_families": "ipFamilies",
    "ip_addrs": "ipAddrs",
    "ip_addrs_no_ipam": "ipAddrsNoIpam",
    "floating_ips": "floatingIPs",
    "allowed_source_prefixes": "allowedSourcePrefixes",
}


@cache
def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def when(text: str | None) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None


def asked(annotations: dict[str, str]) -> c.Asked:
    return c.Asked(**{field: annotations.get(CNI + key) for field, key in KEYS.items()})


def annotated(annotations: dict[str, str]) -> tuple[c.Address, ...] | None:
    text = annotations.get(CNI + "podIPs", annotations.get(CNI + "podIP"))
    if text is None:
        return None
    return tuple(ip_address(part.partition("/")[0]) for part in text.split(",") if part)


def pod(found: dict[str, Any], **changes: Any) -> c.Pod:
    """Read one pod as the API server stored it."""
    metadata, spec, status = found["metadata"], found["spec"], found["status"]
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    bound = [one for one in status.get("conditions", ()) if one["type"] == "PodScheduled" and one["status"] == "True"]
    values: dict[str, Any] = {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "created_at": when(metadata["creationTimestamp"]),
        "deleting": "deletionTimestamp" in metadata,
        "phase": status["phase"],
        "host_network": spec.get("hostNetwork", False),
        "node": spec.get("nodeName", ""),
        "addresses": tuple(ip_address(one["ip"]) for one in status.get("podIPs", ())),
        "annotated": annotated(annotations),
        "container_id": annotations.get(CNI + "containerID", ""),
        "asked": asked(annotations),
        "marks": marks(labels, annotations),
        "scheduled_at": when(bound[0]["lastTransitionTime"]) if bound else None,
        "service_account": spec.get("serviceAccountName", ""),
        "privileged": any("securityContext" in one for one in spec["containers"]),
    }
    return c.Pod(**(values | changes))


def marks(labels: dict[str, str], annotations: dict[str, str]) -> c.Marks | None:
    found = c.Marks(
        project=labels.get("project.runner.gitlab.com/id", ""),
        project_name=labels.get("project.runner.gitlab.com/name", ""),
        manager=labels.get("manager.runner.gitlab.com/name", ""),
        short_id=labels.get("manager.runner.gitlab.com/id-short", ""),
        job_pod=labels.get("job.runner.gitlab.com/pod", ""),
        pod=labels.get("pod", ""),
        pause=labels.get("runner.gitlab.com/pause-pod") == "true",
        job=annotations.get("job.runner.gitlab.com/id", ""),
        job_url=annotations.get("job.runner.gitlab.com/url", ""),
        job_name=annotations.get("job.runner.gitlab.com/name", ""),
        job_ref=annotations.get("job.runner.gitlab.com/ref", ""),
        claimed_project=annotations.get("project.runner.gitlab.com/id", ""),
    )
    return None if found == c.Marks() else found


def pool(found: dict[str, Any]) -> c.IPPool:
    conditions = [one for one in found.get("conditions") or () if one["type"] == "Allocatable"]
    return c.IPPool(
        name=found["name"],
        cidr=ip_network(found["cidr"]),
        disabled=found.get("disabled", False),
        deleting=found.get("deleting", False),
        allocatable=conditions[0]["status"] == "True" if conditions else None,
        reason=conditions[0]["reason"] if conditions else "",
        nat_outgoing=found.get("natOutgoing", False),
        block_size=found.get("blockSize", 0),
        assignment_mode=found.get("assignmentMode", ""),
        node_selector=found.get("nodeSelector", ""),
        groups=(found["group"],),
    )


def block(found: dict[str, Any]) -> c.Block:
    sequences = found.get("sequenceNumberForAllocation", {})
    allocations = {}
    for ordinal, index in enumerate(found["allocations"]):
        if index is None:
            continue
        attribute = found["attributes"][index]
        more = attribute.get("secondary") or {}
        allocations[ordinal] = c.Allocation(
            handle=attribute.get("handle_id", ""),
            pod=more.get("pod", ""),
            namespace=more.get("namespace", ""),
            node=more.get("node", ""),
            sequence=sequences.get(str(ordinal)),
            released_at=when(attribute["releasedAt"]) if "releasedAt" in attribute else None,
            use=more.get("type", ""),
        )
    affinity = found.get("affinity", "")
    return c.Block(
        cidr=ip_network(found["cidr"]),
        node=affinity.removeprefix("host:") if affinity.startswith("host:") else "",
        allocations=allocations,
        deleted=found.get("deleted", False),
    )
