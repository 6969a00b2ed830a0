"""What a real API server, GitLab Runner and Calico sent, as bytes and as trees; and dumps put together from it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_bridge.core.wire.reader import Reader

if TYPE_CHECKING:
    from runner_bridge.core.model.cluster import Pod, Snapshot

SAMPLES = Path(__file__).parent / "samples"


def data(name: str) -> bytes:
    """The bytes of a sample, unpacked."""
    path = SAMPLES / name
    return gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()


def tree(name: str) -> Any:
    return json.loads(data(name))


def job_pod(**metadata: Any) -> dict[str, Any]:
    """One recorded job pod, with `managedFields`."""
    pod: dict[str, Any] = tree("pod-build.json.gz")
    pod["metadata"] |= metadata
    return pod


def kubectl(*items: Any, **changes: Any) -> bytes:
    """The output of `kubectl get … -o json`: four blanks, keys in alphabetical order."""
    body = {"apiVersion": "v1", "items": list(items), "kind": "List", "metadata": {"resourceVersion": ""}} | changes
    return (json.dumps(body, indent=4) + "\n").encode()


def read(*dumps: bytes | Any, want: str = "pods", **options: Any) -> Snapshot:
    """The snapshot of dumps; what is not bytes yet is written as JSON."""
    reader = Reader(**options)
    for dump in dumps:
        reader.read(dump if isinstance(dump, bytes) else json.dumps(dump).encode(), name="dump.json", want=want)
    return reader.snapshot()


def only_pod(*items: Any, **options: Any) -> Pod:
    """The one pod of a list."""
    (pod,) = read(kubectl(*items), **options).pods
    return pod
