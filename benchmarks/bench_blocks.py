"""
The promise about `run --blocks watch`: 7 kB of memory for a full block, less than half of what it takes as a value.

20,000 blocks of 64 addresses come in pages as the watch lists them and are kept as the picture keeps them, with 30 of
their addresses in use and with all. The peer keeps the values that reading on demand makes of the same bytes. Each has
a process of its own; memory is what the process has gained, so that nothing that was freed before is given again.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from datetime import date
from ipaddress import ip_address
from random import Random
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import msgspec

from runner_bridge.core.model.cluster import Kind, PackedBlock
from runner_bridge.core.occupancy import look
from runner_bridge.core.policy import Source, load
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.observe.watching import PAGE_OF_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.wire.stream import Key, Seen

BLOCKS = 20_000
SIZE = 64
PROMISED_BYTES = {30: 4_000, 64: 7_000}
PROMISED_RATIO = 0.5
STATM = "/proc/self/statm"
POLICY = """
version: 1
gitlab: {url: https://gitlab.example.com}
cluster: {name: prod-1, namespaces: [ci], pod_cidrs: [10.0.0.0/8]}
pools: {infra: {cidr: 10.0.0.0/16, class: nat, block_size: 26, nat_outgoing: true, automatic: false}}
tiers:
  infra: {pools: [infra], egress: node, projects: ["**"], runners: [{name: a, scope: instance, tags: [infra]}]}
"""


def main() -> None:
    if len(sys.argv) > 1:
        keep(packed=sys.argv[1] == "packed", used=int(sys.argv[2]))
        return
    broken = []
    for used, promised in PROMISED_BYTES.items():
        packed, value = (measure(kind, used) for kind in ("packed", "value"))
        ratio = packed["bytes"] / value["bytes"]
        print(f"{BLOCKS:,} blocks of {SIZE} addresses, {used} of them in use")
        for name, one in (("packed", packed), ("values", value)):
            page = f"p99 of a page {one['page_ms']:.1f} ms"
            print(f"  {name:8} {one['bytes']:8,.0f} bytes a block; {one['us']:.0f} µs of CPU a block, {page}")
        print(f"  {ratio:.2f} x the values (promised ≤ {PROMISED_RATIO:g}, and ≤ {promised:,} bytes)")
        print(f"  an audit of all, the 1,024 of a pool of CI unpacked: {packed['audit_ms']:.0f} ms, in a thread")
        if packed["bytes"] > promised or ratio > PROMISED_RATIO:
            broken.append(f"{used} in use")
    if broken:
        sys.exit(f"more than promised: {', '.join(broken)}")


def measure(kind: str, used: int) -> dict[str, float]:
    told = subprocess.run([sys.executable, __file__, kind, str(used)], check=True, capture_output=True).stdout
    return msgspec.json.decode(told, type=dict[str, float])


def keep(*, packed: bool, used: int) -> None:
    stream = Stream(Kind.BLOCKS, packed=packed)
    stream.page(next(pages(used, 1)))  # what is built once is not a block's
    gc.collect()
    before = resident()
    kept: dict[Key, Seen] = {}
    took: list[float] = []
    for page in pages(used, BLOCKS):
        began = time.process_time()
        for seen in stream.page(page).seen:
            kept[seen.key] = seen
        took.append(time.process_time() - began)
    gc.collect()
    gained = resident() - before
    blocks = [one.value for one in kept.values() if isinstance(one.value, PackedBlock)]
    policy = load([Source(name="policy.yaml", text=POLICY)], today=date(2026, 11, 20))
    began = time.process_time()
    look(policy, blocks, lambda _: None)
    found = {
        "bytes": gained / BLOCKS,
        "us": 1e6 * sum(took) / BLOCKS,
        "page_ms": 1e3 * quantiles(took, n=100)[-1],
        "audit_ms": 1e3 * (time.process_time() - began),
    }
    print(msgspec.json.encode(found).decode())


def pages(used: int, blocks: int) -> Iterator[bytes]:
    random = Random(7)  # noqa: S311 - names, not secrets
    for start in range(0, blocks, PAGE_OF_BLOCKS):
        numbers = range(start, min(start + PAGE_OF_BLOCKS, blocks))
        yield msgspec.json.encode({"items": [block(random, number, used) for number in numbers]})


def block(random: Random, number: int, used: int) -> dict[str, Any]:
    """Return a block in the form that Calico writes, with names as long as they are in clusters."""
    cidr = f"{ip_address('10.0.0.0') + number * SIZE}/26"
    node = f"node-{number // 2}.example.internal"
    ordinals = sorted(random.sample(range(SIZE), used))
    index = {ordinal: position for position, ordinal in enumerate(ordinals)}
    attributes = [
        {
            "handle_id": f"k8s-pod-network.{random.randbytes(32).hex()}",
            "secondary": {
                "namespace": f"team-{random.randrange(200)}",
                "node": node,
                "pod": f"service-{random.randrange(500)}-{random.randbytes(5).hex()}-{random.randbytes(3).hex()[:5]}",
                "timestamp": f"2026-11-20 12:33:{random.randrange(60):02}.{random.randrange(10**9):09} +0000 UTC",
            },
        }
        for _ in ordinals
    ]
    sequences = {str(one): 1_764_000_000_000_000_000 + random.randrange(10**9) for one in ordinals}
    meta = {
        "name": cidr.replace(".", "-").replace("/", "-"),
        "uid": f"{number:08x}-0000-4000-8000-{number:012x}",
        "resourceVersion": str(100_000 + number),
    }
    spec = {
        "cidr": cidr,
        "affinity": f"host:{node}",
        "allocations": [index.get(one) for one in range(SIZE)],
        "unallocated": [one for one in range(SIZE) if one not in index],
        "attributes": attributes,
        "sequenceNumberForAllocation": sequences,
    }
    return {"apiVersion": "crd.projectcalico.org/v1", "kind": "IPAMBlock", "metadata": meta, "spec": spec}


def resident() -> int:
    with open(STATM, encoding="ascii") as file:  # noqa: PTH123 - one word of a pseudo file
        return int(file.read().split()[1]) * 4096


if __name__ == "__main__":
    main()
