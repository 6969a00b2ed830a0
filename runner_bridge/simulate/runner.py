"""The pods of GitLab Runner: managers, and what they make: a recorded pod, with the marks of another job on it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

from runner_bridge.simulate import recorded
from runner_bridge.simulate.story.model import Job, Manager, Twist

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import Object

POOLS = "cni.projectcalico.org/ipv4pools"
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


@cache
def _recorded() -> Object:
    pod: Object = json.loads(recorded.text("job-pod.json"))
    return pod


def pod_name(job: Job) -> str:
    """Return the name of a job's pod; the same every time, for the same job."""
    return f"{_prefix(job)}-{_digits(str(job.number), 8)}"


def _digits(of: str, count: int) -> str:
    suffix, rest = "", crc32(of.encode())
    for _ in range(count):
        rest, digit = divmod(rest * 31 + 7, len(_ALPHABET))
        suffix += _ALPHABET[digit]
    return suffix


def _prefix(job: Job) -> str:
    return f"runner-{job.tier.short_id.lower()}-project-{job.project[0]}-concurrent-{job.number % 8}"


def manager_pod(manager: Manager, namespace: str) -> Object:
    """Return the pod of a manager, as its Deployment makes it (gitlab-runner's Helm chart, deployment.yaml)."""
    release = f"{manager.runner}-gitlab-runner"
    replica_set = f"{release}-{crc32(release.encode()):x}"
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "controller": True}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": f"{replica_set}-{_digits(replica_set, 5)}",
            "namespace": namespace,
            "labels": {"app": release, "chart": "gitlab-runner-0.83.0", "release": manager.runner, "heritage": "Helm"},
            "ownerReferences": [owner | {"uid": str(uuid5(NAMESPACE_URL, replica_set))}],
        },
        "spec": {
            "serviceAccountName": release,
            "containers": [{"name": release, "image": "gitlab/gitlab-runner:alpine-v18.5.0"}],
        },
    }


def job_pod(job: Job, namespace: str, *, managed_fields: bool = True) -> Object:
    """
    Return the pod as the runner sends it: about 25 KB, 12 of them managed fields.

    All pods share one recorded `spec`; what its variables say of the job is the recorded job's.
    """
    pod = _recorded()
    meta = pod["metadata"]
    number, path = job.project
    root, _, rest = path.partition("/")
    labels = meta["labels"] | {
        "job.runner.gitlab.com/pod": _prefix(job),
        "manager.runner.gitlab.com/id-short": job.tier.short_id,
        "manager.runner.gitlab.com/name": job.tier.runner,
        "pod": _prefix(job),
        "project.runner.gitlab.com/id": str(number),
        "project.runner.gitlab.com/name": path.rpartition("/")[2],
        "project.runner.gitlab.com/namespace": path.rpartition("/")[0].replace("/", "_"),
        "project.runner.gitlab.com/root-namespace": root,
    }
    annotations = meta["annotations"] | {
        "job.runner.gitlab.com/id": str(job.number),
        "job.runner.gitlab.com/url": f"https://gitlab.example.com/{root}/{rest}/-/jobs/{job.number}",
        "project.runner.gitlab.com/id": str(number),
    }
    if asked := _asked(job):
        annotations[POOLS] = asked
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": pod_name(job),
            "namespace": namespace,
            "labels": labels,
            "annotations": annotations,
            **({"managedFields": meta["managedFields"]} if managed_fields else {}),
        },
        "spec": pod["spec"] | ({"hostNetwork": True} if job.twist is Twist.HOST_NETWORK else {}),
    }


def _asked(job: Job) -> str:
    match job.twist:
        case Twist.OVERWRITTEN:
            return '["workload"]'
        case Twist.MISTYPED:
            return '["infraestructura"]'
        case Twist.MISSING:
            return ""
        case _:
            return job.tier.annotation
