"""Lines of a watch as the API server sent them, and as they may arrive: for the tests of what is read from them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from runner_bridge.core.judge import judge
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.policy import Source as File
from runner_bridge.core.policy import load
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.observe.picture import Picture, Source
from runner_bridge.simulate.runner import job_pod
from runner_bridge.simulate.story import Twist, day
from tests.cluster.calico import pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model.verdict import Verdict

STORY = day(1, jobs=0)
POLICY = load([File(name="policy.yaml", text=STORY.policy)], today=date(2026, 11, 25))
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ADDRESS: Final = {Twist.NONE: "172.16.0.7", Twist.HOST_NETWORK: "10.20.0.11"}
"""Every other one has a routable address."""
BREACHES = (Twist.OVERWRITTEN, Twist.MISSING, Twist.HOST_NETWORK)
_PODS, _POOLS, _NAMESPACES = Source(Kind.PODS, STORY.namespace), Source(Kind.POOLS), Source(Kind.NAMESPACES)


def running(twist: Twist, **changes: Any) -> dict[str, Any]:
    """A recorded job pod that runs and has an address: routable, but for a good one."""
    job = replace(next(one for one in STORY.jobs if one.twist is Twist.OVERWRITTEN), twist=twist)
    made = job_pod(job, STORY.namespace)
    address = ADDRESS.get(twist, "10.10.0.7")
    made["metadata"] |= {
        "uid": f"uid-of-{twist}",
        "resourceVersion": "100",
        "creationTimestamp": "2026-11-25T11:59:00Z",
    }
    if twist is not Twist.HOST_NETWORK:
        made["metadata"]["annotations"] |= {
            "cni.projectcalico.org/containerID": "c0ffee",
            "cni.projectcalico.org/podIP": f"{address}/32",
            "cni.projectcalico.org/podIPs": f"{address}/32",
        }
    made["spec"]["nodeName"] = "worker-1"
    made["status"] = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": "10.20.0.11"}
    return made | changes


def short(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod with one variable and one managed field, so that a thousand copies of it are soon read."""
    cut = [one | {"env": one.get("env", [])[:1]} for one in pod["spec"]["containers"]]
    meta = pod["metadata"] | {"managedFields": [one | {"fieldsV1": {}} for one in pod["metadata"]["managedFields"][:1]]}
    return pod | {"metadata": meta, "spec": pod["spec"] | {"containers": cut}}


def line(pod: Any, kind: str = "MODIFIED") -> bytes:
    return json.dumps({"type": kind, "object": pod}, separators=(",", ":")).encode() + b"\n"


def spots(data: bytes) -> list[int]:
    """Places in a line but those of variables and managed fields, which are two thirds of it and are not looked at."""
    passed_over = [found.span() for found in re.finditer(rb'"(?:env|managedFields)":\[.*?\]', data)]
    return [at for at in range(len(data) - 1) if not any(first < at < last for first, last in passed_over)]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree; of lists the first two items."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths(one, (*path, key))


MISSING: Final = object()


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The tree with another value at one place, or without it."""
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    key, rest = path[0], path[1:]
    if rest:
        copy[key] = changed(value[key], rest, new)
    elif new is MISSING:
        del copy[key]
    else:
        copy[key] = new
    return copy


class Watched:
    """What the bridge would know after some bytes of a watch, beginning with the cluster of the story without pods."""

    def __init__(self) -> None:
        self.picture = Picture((_PODS, _POOLS, _NAMESPACES))
        self.lost: list[str] = []
        pools = [pool(one.name, **one.spec) for one in STORY.pools]
        for source, items in ((_POOLS, pools), (_NAMESPACES, [{"metadata": {"name": STORY.namespace}}]), (_PODS, [])):
            self.picture.replace(source, Stream(source.kind).page(json.dumps({"items": items}).encode()).seen)

    def take(self, data: bytes) -> tuple[Verdict, ...]:
        """Return what is said of the pods then."""
        lines = Stream(Kind.PODS).lines(data)
        self.lost += lines.lost
        self.picture.apply(_PODS, [one for one in lines.changes if one.seen])
        return judge(POLICY, self.picture.snapshot(), now=NOW).verdicts
