"""
Job pods as a real runner made them and a real API server wrote them: 29 kB each, `managedFields` included.

Five recorded pods of two runners and three projects serve in turn; each copy has its own name, uid, version, job,
sandbox and address, wherever they stand. Calico's own annotations are added, for the recorded cluster had no plugin at
work. With the policy below all of them pass.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_bridge.core.policy import Source, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_bridge.core.policy.model import Policy

SAMPLE = Path(__file__).parents[1] / "tests/core/wire/samples/pod-list.json.gz"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
POOLS = {"infraestrutura": "172.16.0.0", "aplicacoes": "172.17.0.0"}
RUN = 20
"""So many pods of one project come one after the other, as in a list, which is in the order of names."""
NAMESPACES = ("ci-team-a", "ci-team-b")
POLICY = """
version: 1
gitlab: {url: "https://gitlab.example.com"}
cluster: {name: prod-1, namespaces: [ci-team-a, ci-team-b], pod_cidrs: [10.10.0.0/16, 172.16.0.0/15]}
pools:
  workload: {cidr: 10.10.0.0/16, class: routable}
  infraestrutura: {cidr: 172.16.0.0/16, class: nat, block_size: 26, nat_outgoing: true, automatic: false}
  aplicacoes: {cidr: 172.17.0.0/16, class: nat, block_size: 26, nat_outgoing: true, automatic: false}
tiers:
  infra:
    pools: [infraestrutura]
    projects: ["infra/**"]
    runners: [{name: k8s-infra, scope: "group:infra", tags: [infra], short_ids: [4xYqA7pLw]}]
  apps:
    pools: [aplicacoes]
    projects: ["plataforma/**"]
    runners: [{name: k8s-apps, scope: "group:plataforma", tags: [apps], short_ids: [9mZrT5kQx]}]
  default:
    pools: [workload]
    pin: false
    projects: ["**"]
    runners: [{name: shared, scope: instance, run_untagged: true}]
"""

_CNI = "cni.projectcalico.org/"
_ASKS = f"{_CNI}ipv4pools"


def policy() -> Policy:
    return load([Source(name="policy.yaml", text=POLICY)], today=date(2026, 11, 23))


class JobPods:
    """Writes as many pods as are asked for; the same number gives the same pod."""

    def __init__(self) -> None:
        items = json.loads(gzip.decompress(SAMPLE.read_bytes()))["items"]
        self._shapes = [_shape(one) for one in items if _ASKS in one["metadata"].get("annotations", {})]

    def pod(self, number: int, version: int = 0, labels: Mapping[str, str] | None = None) -> bytes:
        """Return a pod as an item of a list; `version` is its resourceVersion, else it is its number's."""
        shape = self._shape(number)
        values = {
            "suffix": f"{number:08x}",
            "uid": f"{number:012x}",
            "sandbox": f"{number:064x}",
            "job": str(7_400_000 + number),
            "version": str(version or 1_000_000 + number),
            "address": str(IPv4Address(POOLS[shape.pool]) + number),
            "created": f"2026-11-23T16:{number // 60 % 60:02}:{number % 60:02}Z",
            "labels": "".join(f'"{key}":"{value}",' for key, value in (labels or {}).items()),
        }
        return "".join(values.get(part, part) for part in shape.parts).encode()

    def page(
        self,
        numbers: Iterable[int],
        *,
        version: int = 7,
        more: str = "",
        labels: Mapping[int, Mapping[str, str]] | None = None,
    ) -> bytes:
        """Return a page of a list."""
        head = {"resourceVersion": str(version), **({"continue": more} if more else {})}
        start = json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": head}, separators=(",", ":")).encode()
        items = b",".join(self.pod(number, labels=(labels or {}).get(number)) for number in numbers)
        return start[:-1] + b',"items":[' + items + b"]}"

    def line(
        self, number: int, type_: str = "ADDED", version: int = 0, labels: Mapping[str, str] | None = None
    ) -> bytes:
        """Return a line of a watch."""
        item = self.pod(number, version, labels)
        return b'{"type":"%s","object":{"kind":"Pod","apiVersion":"v1",%s}\n' % (type_.encode(), item[1:])

    def name(self, number: int) -> str:
        return f"{self._shape(number).stem}{number:08x}"

    def namespace(self, number: int) -> str:
        return self._shape(number).namespace

    def pool(self, number: int) -> str:
        return self._shape(number).pool

    def node(self, number: int) -> str:
        return self._shape(number).node

    def _shape(self, number: int) -> _Shape:
        return self._shapes[number // RUN % len(self._shapes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A recorded pod."""

    parts: list[str]
    """Its text, cut where copies differ."""
    stem: str
    namespace: str
    node: str
    pool: str


def _shape(pod: dict[str, Any]) -> _Shape:
    meta, status = pod["metadata"], pod["status"]
    address = f"{status['podIP']}/32"
    notes = {f"{_CNI}containerID": "@SANDBOX", f"{_CNI}podIP": address, f"{_CNI}podIPs": address}
    meta["annotations"] = notes | meta["annotations"]
    owned = {
        "manager": "calico",
        "operation": "Update",
        "apiVersion": "v1",
        "time": meta["creationTimestamp"],
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{key}": {} for key in notes}}},
        "subresource": "status",
    }
    meta["managedFields"].insert(1, owned)
    version = f'"resourceVersion":"{meta["resourceVersion"]}"'
    text = json.dumps(pod, separators=(",", ":")).replace(version, '"resourceVersion":"@VERSION"')
    text = text.replace('"labels":{', '"labels":{@LABELS', 1)
    cut = {
        meta["name"].rpartition("-")[2]: "suffix",
        meta["uid"].rpartition("-")[2]: "uid",
        meta["annotations"]["job.runner.gitlab.com/id"]: "job",
        meta["creationTimestamp"]: "created",
        status["podIP"]: "address",
        "@SANDBOX": "sandbox",
        "@VERSION": "version",
        "@LABELS": "labels",
    }
    parts = re.split("(" + "|".join(map(re.escape, cut)) + ")", text)
    (pool,) = json.loads(meta["annotations"][_ASKS])
    return _Shape(
        parts=[cut.get(part, part) for part in parts],
        stem=f"{meta['name'].rpartition('-')[0]}-",
        namespace=meta["namespace"],
        node=pod["spec"]["nodeName"],
        pool=pool,
    )
