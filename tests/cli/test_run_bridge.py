"""`run` as a user starts it: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import CLEAN, FINDINGS, INTERRUPTED, LEDGER, UNPROVEN, USAGE
from runner_bridge.core.model.ledger import EntryKind
from runner_bridge.ports.ledger import Ledger
from tests.cluster.pretend import Pretend, pretending
from tests.flow.world import INFRA, NAMESPACE, block_spec, calico, pod
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.admin import Admin

POLICY = """
version: 1
gitlab: {url: https://gitlab.example.com}
cluster: {name: prod-1, namespaces: [gitlab-runners], pod_cidrs: [10.10.0.0/16, 172.16.0.0/16]}
pools:
  workload: {cidr: 10.10.0.0/16, class: routable}
  infraestrutura: {cidr: 172.16.0.0/16, class: nat, block_size: 25, nat_outgoing: true, automatic: false}
tiers:
  infra:
    pools: [infraestrutura]
    egress: node
    projects: ["platform/**"]
    runners: [{name: infra-platform, scope: "group:platform", tags: [infra], limit: 20, short_ids: [4xYqA7pLw]}]
  default:
    pools: [workload]
    pin: false
    projects: ["**"]
    runners: [{name: shared, scope: instance, run_untagged: true, short_ids: [2bGnS8cXe]}]
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Pretend]:
    with pretending(tmp_path) as started:
        for name, cidr, size in (("infraestrutura", "172.16.0.0/16", 25), ("workload", "10.10.0.0/16", 26)):
            started.create(calico("IPPool", name, {"cidr": cidr, "blockSize": size}))
        started.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        started.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})
        (tmp_path / "policy.yaml").write_text(POLICY)
        yield started


def add(cluster: Admin, name: str, address: str, asked: str = INFRA) -> None:
    """A running job pod with an address, and the block that says so."""
    manifest = pod(name, asked=asked) | {"apiVersion": "v1", "kind": "Pod"}
    manifest["metadata"] |= {"namespace": NAMESPACE}
    notes = {"podIP": f"{address}/32", "podIPs": f"{address}/32", "containerID": f"sandbox-{name}"}
    manifest["metadata"]["annotations"] |= {f"cni.projectcalico.org/{key}": one for key, one in notes.items()}
    base, _, last = address.rpartition(".")
    size = 128 if base.startswith("172") else 64
    cidr = f"{base}.0/{25 if size == 128 else 26}"
    spec = block_spec(cidr, size, "node-1", {int(last): (name, "node-1", f"sandbox-{name}")})
    cluster.create(calico("IPAMBlock", cidr.replace(".", "-").replace("/", "-"), spec))
    cluster.create(manifest | {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}})


def command(cluster: Pretend, *args: str) -> list[str]:
    folder = cluster.kubeconfig().parent
    flags = ["--kubeconfig", str(cluster.kubeconfig()), "--policy", str(folder / "policy.yaml")]
    ledger = ["--ledger", f"sqlite:///{folder / 'ledger.db'}"]
    return [sys.executable, "-m", "runner_bridge", "run", *flags, *ledger, *args]


def run(cluster: Pretend, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(cluster, *args), capture_output=True, text=True, timeout=50, check=False)


def labels(cluster: Pretend, name: str) -> dict[str, str]:
    seen = cluster.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}")["metadata"]["labels"]
    return {key: one for key, one in seen.items() if key.startswith("runner-bridge.dev/")}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_looking_once_observes_records_and_writes_nothing(cluster: Pretend, tmp_path: Path) -> None:
    add(cluster, "good", "172.16.0.1")
    done = run(cluster, "--once")
    assert (done.returncode, lines(done.stdout)[-1]["pass"]) == (CLEAN, 1), done.stderr
    assert [one["evidence"] for one in lines(done.stdout) if one["event"] == "verdict"][-1] == "block"
    assert labels(cluster, "good") == {}
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", read_only=True)
    assert [(one.pod, one.address) for one in ledger.open_intervals("prod-1")] == [("good", "172.16.0.1")]
    ledger.close()


def test_a_breach_is_labelled_where_that_is_wanted_and_is_the_exit_code(cluster: Pretend) -> None:
    add(cluster, "bad", "10.10.0.1", '["workload"]')
    done = run(cluster, "--once", "--mode", "label", "-o", "text")
    assert done.returncode == FINDINGS, done.stderr
    assert labels(cluster, "bad")["runner-bridge.dev/verdict"] == "breach"
    assert (
        "breach   gitlab-runners/bad  10.10.0.1 workload [block]  infra  annotation-overwritten, address-routable"
        in (done.stdout)
    )
    assert "1 job pod: 1 breach, 0 unknown, 0 pending, 0 pass. To the cluster: 3 label patches and Events written" in (
        done.stderr
    )


def test_quarantine_takes_consent_and_a_new_process_begins_no_new_hour(cluster: Pretend, tmp_path: Path) -> None:
    for name, address in (("bad-1", "10.10.0.1"), ("bad-2", "10.10.1.1")):
        add(cluster, name, address, '["workload"]')

    def isolated(mode: str) -> int:
        assert run(cluster, "--once", "--mode", mode).returncode == FINDINGS
        key = "runner-bridge.dev/quarantine"
        return sum(labels(cluster, name).get(key) == "true" for name in ("bad-1", "bad-2"))

    consent = POLICY.replace("    egress: node\n", "    egress: node\n    enforce: {quarantine: true}\n")
    (tmp_path / "policy.yaml").write_text(f"{consent}enforce: {{quarantines_per_hour: 1}}\n")
    assert [isolated("enforce"), isolated("enforce"), isolated("label")] == [1, 1, 0]


def test_what_is_not_proven_is_no_pass(cluster: Pretend) -> None:
    add(cluster, "good", "172.16.0.1")
    spec = block_spec("172.16.0.0/25", 128, "node-1", {1: ("other", "node-1", "x")})
    cluster.create(calico("IPAMBlock", "172-16-0-0-25", spec))
    done = run(cluster, "--once")
    assert done.returncode == UNPROVEN
    assert [one["code"] for one in lines(done.stdout)[-2]["findings"]] == ["block-disagrees"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, CLEAN), (signal.SIGINT, INTERRUPTED)])
def test_it_ends_soon_when_it_is_told_to(cluster: Pretend, number: signal.Signals, code: int, tmp_path: Path) -> None:
    add(cluster, "good", "172.16.0.1")
    process = subprocess.Popen(
        command(cluster, "--mode", "label"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        while '"block"' not in process.stdout.readline():
            assert process.poll() is None
        cluster.wait(lambda: bool(labels(cluster, "good")))
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - began < allowed(5)
    finally:
        process.kill()
    assert process.returncode == code, err
    assert lines(out)[-1]["event"] == "summary"
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", read_only=True)
    kinds = [one.entry.kind for one in ledger.entries()]
    assert ledger.unsettled("prod-1") == []
    ledger.close()
    assert kinds[0] is EntryKind.OPENED


@pytest.mark.parametrize(("flags", "code"), [((), CLEAN), (("--once",), UNPROVEN)], ids=["for ever", "once"])
def test_sighup_ends_nothing_while_the_cluster_does_not_answer(
    cluster: Pretend, tmp_path: Path, flags: tuple[str, ...], code: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = cluster.kubeconfig().read_text()
        assert cluster.cluster.url in text
        away = tmp_path / "away.yaml"
        away.write_text(text.replace(cluster.cluster.url, f"http://127.0.0.1:{silent.getsockname()[1]}"))
        full = [*command(cluster, *flags), "--kubeconfig", str(away)]
        process = subprocess.Popen(full, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            silent.settimeout(allowed(20))
            with silent.accept()[0]:
                process.send_signal(signal.SIGHUP)
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(0.5)
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == code, err


def test_after_a_kill_the_next_one_goes_on(cluster: Pretend, tmp_path: Path) -> None:
    add(cluster, "stays", "172.16.0.1")
    add(cluster, "goes", "172.16.1.1")
    process = subprocess.Popen(command(cluster, "--mode", "label"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        cluster.wait(lambda: bool(labels(cluster, "stays") and labels(cluster, "goes")))
    finally:
        process.kill()
        process.communicate()
    cluster.delete({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "goes", "namespace": NAMESPACE}})
    done = run(cluster, "--once", "--mode", "label")
    assert done.returncode == CLEAN, done.stderr
    assert lines(done.stdout)[-1]["written"] == 0
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", read_only=True)
    found = {one.pod: one for one in ledger.intervals()}
    assert ledger.unsettled("prod-1") == []
    ledger.close()
    assert found["stays"].open
    assert not found["goes"].open


def test_a_ledger_that_cannot_be_written_is_exit_4(cluster: Pretend, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("this is no database, and long enough to be taken for one" * 20)
    done = run(cluster, "--once")
    assert done.returncode == LEDGER
    assert "Traceback" not in done.stderr


def test_a_cluster_without_calico_is_said_and_not_judged(cluster: Pretend) -> None:
    for name in ("infraestrutura", "workload"):
        cluster.delete(calico("IPPool", name, {}))
    add(cluster, "good", "172.16.0.1")
    done = run(cluster, "--once", "-o", "text")
    assert done.returncode == UNPROVEN
    assert "calico-ipam-absent" in done.stderr
    assert done.stdout == ""


def test_a_cluster_that_is_not_there_is_exit_3(cluster: Pretend, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.yaml"
    nowhere.write_text(cluster.cluster.kubeconfig().replace(str(cluster.cluster.port), "1"))
    done = run(cluster, "--once", "--kubeconfig", str(nowhere))
    assert done.returncode == UNPROVEN
    assert "cannot be reached" in done.stderr


def test_wrong_words_are_exit_2(cluster: Pretend) -> None:
    assert run(cluster, "--mode", "ban").returncode == USAGE
    assert run(cluster, "--ledger", "mysql://x").returncode == USAGE


def test_nothing_of_the_live_bridge_is_loaded_for_its_help() -> None:
    code = "import sys; from runner_bridge.cli import run; run(['run', '--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    loaded = done.stdout.rpartition("\n[")[2]
    assert not [name for name in ("aiohttp", "kubernetes", "sqlalchemy", "pydantic", "rich") if f"'{name}'" in loaded]


def test_a_witness_saw_what_the_ledger_holds(cluster: Pretend, tmp_path: Path) -> None:
    add(cluster, "good", "172.16.0.1")
    done = run(cluster, "--once", "--witness", str(tmp_path / "witness.log"))
    assert done.returncode == CLEAN, done.stderr
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    verify = [sys.executable, "-m", "runner_bridge", "ledger", "verify", "--ledger", url, "--witness"]
    told = subprocess.run([*verify, str(tmp_path / "witness.log")], capture_output=True, text=True, check=False)
    assert told.returncode == CLEAN, told.stdout
    assert "of the witness agree" in told.stdout
    assert run(cluster, "--once", "--witness", str(tmp_path / "none" / "log")).returncode == USAGE
    assert '{"ledger":"' in run(cluster, "--once", "--witness", "-").stdout
