"""
`check` on a dump of 10,000 job pods as a real runner makes them: decoding and judging, and memory at the peak.

The pod is a recorded one (28 kB on the wire, `managedFields` included; names, uids and addresses vary), written as
kubectl prints it. The peer is msgspec decoding the same bytes into the same narrow structs and nothing else. Printing
is measured beside it. Memory is the peak of a process that decodes and judges, less what it takes to import all;
pages of a mapped file count, though the system may take them back.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare import compare
from msgspec.json import Decoder

from runner_bridge.ask.answers.check import answer
from runner_bridge.ask.views import verdict_data, verdict_table
from runner_bridge.core.judge import judge
from runner_bridge.core.policy import Source, load
from runner_bridge.core.wire import objects
from runner_bridge.core.wire.reader import Reader
from runner_bridge.ports.dumps import read_dump

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Judgement

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "tests/core/wire/samples/pod-build.json.gz"
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
PODS = 10_000
MEMORY_PROMISE = 1.3

POLICY = """
version: 1
gitlab: {url: "https://gitlab.example.com"}
cluster: {name: prod-1, namespaces: [ci-team-a], pod_cidrs: [10.10.0.0/16, 172.16.0.0/16]}
pools:
  workload: {cidr: 10.10.0.0/16, class: routable}
  infraestrutura: {cidr: 172.16.0.0/16, class: nat, block_size: 26, nat_outgoing: true, automatic: false}
tiers:
  infra:
    pools: [infraestrutura]
    projects: ["platform/**"]
    runners: [{name: k8s-team-a, scope: "group:platform", tags: [infra], short_ids: [4xYqA7pLw]}]
  default:
    pools: [workload]
    pin: false
    projects: ["**"]
    runners: [{name: shared, scope: instance, run_untagged: true}]
"""


def write_dump(path: Path, pods: int = PODS) -> int:
    """Write a list as kubectl prints it, one pod in a hundred outside its pool; return its size in bytes."""
    recorded = json.loads(gzip.decompress(SAMPLE.read_bytes()))
    recorded["metadata"]["annotations"]["cni.projectcalico.org/ipv4pools"] = '["infraestrutura"]'
    name, uid, address = (recorded["metadata"]["name"], recorded["metadata"]["uid"], recorded["status"]["podIP"])
    item = json.dumps(recorded, indent=4, sort_keys=True).replace("\n", "\n        ")
    pool, other = IPv4Address("172.16.0.0"), IPv4Address("10.10.0.0")
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n    "apiVersion": "v1",\n    "items": [\n        ')
        for number in range(pods):
            fresh = (
                item.replace(name, f"{name[:-8]}{number:08d}")
                .replace(uid, f"{uid[:-8]}{number:08x}")
                .replace(address, str((other if number % 100 == 0 else pool) + number))
            )
            file.write((",\n        " if number else "") + fresh)
        file.write('\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')
    return path.stat().st_size


def judged(data: memoryview) -> Judgement:
    """Do what `check` does between reading the file and printing."""
    reader = Reader()
    reader.read(data, name="pods.json", want="pods")
    policy = load([Source(name="policy.yaml", text=POLICY)], today=NOW.date())
    return judge(policy, reader.snapshot(), now=NOW)


def peak_mib(*arguments: str, pipe: str | None = None) -> float:
    """Return the peak of a fresh process that imports all, then decodes and judges the dumps it is given."""
    script = (
        "import sys, bench_check as b; [b.judged(b.read_dump(path, want='pods')) for path in sys.argv[1:]]; b.report()"
    )
    command = [sys.executable, "-c", script, *arguments]
    with open(pipe or os.devnull, "rb") as file:  # noqa: PTH123 - either a dump or nothing
        source = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        done = subprocess.run(command, cwd=HERE, stdin=source.stdout, stdout=subprocess.PIPE, text=True, check=True)
        source.wait()
    return float(done.stdout) / 1024


def report() -> None:
    """Print this process's peak of resident memory in KiB, the mapped pages of the dump among it."""
    # Not getrusage: its peak outlives exec, so a child would report that of this process.
    (line,) = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:")]
    print(line.split()[1])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pods.json"
        size = write_dump(path)
        data = read_dump(str(path), want="pods")
        decoder: Decoder[Any] = Decoder(objects.Listed[objects.Pod])
        ready = answer(judged(data), source="", judged_at=NOW)
        assert (ready.job_pods, ready.exit_code) == (PODS, 1)
        compare(
            f"check, {PODS:,} pods, {size / 1024**2:,.0f} MiB as kubectl prints them",
            {
                "msgspec into the narrow structs": lambda: decoder.decode(data),
                "decode and judge": lambda: judged(data),
                "print: table": lambda: "".join(verdict_table.render(ready, colour=False, width=80)),
                "print: wide": lambda: "".join(verdict_table.render(ready, colour=False, width=80, wide=True)),
                "print: json": lambda: verdict_data.render_json(ready),
            },
            peer="msgspec into the narrow structs",
            rounds=5,
            at_most={"decode and judge": 2.0},
        )
        imports = peak_mib()
        peaks = {"from a file": peak_mib(str(path)), "from a pipe": peak_mib("-", pipe=str(path))}
        ratios = {how: (peak - imports) * 1024**2 / size for how, peak in peaks.items()}
        for how, ratio in ratios.items():
            print(f"  peak memory {how:20} {ratio:7.2f} x the dump   promised ≤ {MEMORY_PROMISE}")
        if max(ratios.values()) > MEMORY_PROMISE:
            sys.exit("more memory than promised")


if __name__ == "__main__":
    main()
