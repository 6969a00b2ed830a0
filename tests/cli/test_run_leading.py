"""Real processes: two of which one leads, one whose cluster hangs, one that is asked over HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from runner_bridge.cli import CLEAN, INTERRUPTED, UNPROVEN
from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate.cluster.faults import Fault
from tests.cli.test_run_bridge import POLICY, add
from tests.cluster.pretend import Pretend, pretending
from tests.cluster.server import BRIDGE, ApiServer, free_port
from tests.flow.world import NAMESPACE, calico
from tests.patience import allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(120)
RBAC = Path(__file__).parents[2] / "deploy" / "rbac-run.yaml"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/runner-bridge/leases/runner-bridge"
ROLES = "/apis/rbac.authorization.k8s.io/v1"


class Process:
    """`run`, and what it has printed so far."""

    def __init__(self, kubeconfig: Path, folder: Path, *args: str) -> None:
        flags = ["--kubeconfig", str(kubeconfig), "--policy", str(folder / "policy.yaml")]
        ledger = ["--ledger", f"sqlite:///{folder / 'ledger.db'}", "-o", "json"]
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "runner_bridge", "run", *flags, *ledger, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[dict[str, Any]] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.popen.stdout, self.popen.stderr)
        ]
        for one in self._readers:
            one.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.said.append(json.loads(line) if line.startswith("{") else {"event": line})

    def events(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.said if one["event"] == event]

    def end(self, number: signal.Signals) -> float:
        """Send a signal, and return how long it took to end."""
        began = time.monotonic()
        self.popen.send_signal(number)
        self.popen.wait(20)
        for one in self._readers:
            one.join(5)
        return time.monotonic() - began

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait()
        for one in self._readers:
            one.join(5)
        for stream in (self.popen.stdout, self.popen.stderr):
            assert stream is not None
            stream.close()


@contextmanager
def started(kubeconfig: Path, folder: Path, *args: str) -> Iterator[Process]:
    process = Process(kubeconfig, folder, *args)
    try:
        yield process
    finally:
        process.close()


@pytest.fixture
def pretend(tmp_path: Path) -> Iterator[Pretend]:
    (tmp_path / "policy.yaml").write_text(POLICY)
    with pretending(tmp_path) as made:
        furnish(made)
        yield made


@pytest.fixture
def real(api_server: ApiServer, tmp_path: Path) -> Iterator[ApiServer]:
    """With RBAC as documented, for the account of the tests."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    furnish(api_server)
    rules = [one for one in YAML(typ="safe").load_all(RBAC) if one["kind"] != "ServiceAccount"]
    for document in rules:
        for subject in document.get("subjects", ()):
            subject["name"] = BRIDGE.rpartition(":")[2]
        api_server.create(document)
    yield api_server
    for document in rules:
        api_server.delete(document)
    for path in ("crd.projectcalico.org/v1/ipamblocks", "crd.projectcalico.org/v1/ippools"):
        api_server.admin("DELETE", f"/apis/{path}")
    api_server.admin("DELETE", LEASE)
    api_server.admin("DELETE", "/api/v1/nodes/node-1")
    for pod in api_server.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]:
        api_server.delete(pod | {"apiVersion": "v1", "kind": "Pod"})


def furnish(server: Pretend | ApiServer) -> None:
    for name, cidr, size in (("infraestrutura", "172.16.0.0/16", 25), ("workload", "10.10.0.0/16", 26)):
        server.create(calico("IPPool", name, {"cidr": cidr, "blockSize": size}))
    for name in (NAMESPACE, "runner-bridge"):
        server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    server.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})


def verdict_of(server: Pretend | ApiServer, name: str) -> str:
    seen = server.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}")
    return str(seen.get("metadata", {}).get("labels", {}).get("runner-bridge.dev/verdict", ""))


def take_turns(server: Pretend | ApiServer, kubeconfig: Path, folder: Path) -> None:
    """Two that elect: the one that leads is killed, the next one is told to end, and another takes over each time."""
    args = ("--mode", "label", "--lease", "runner-bridge/runner-bridge")
    with started(kubeconfig, folder, *args) as first:
        server.wait(lambda: bool(first.events("term-begun")))
        add(server, "p1", "172.16.0.1")
        server.wait(lambda: verdict_of(server, "p1") == "pass")
        with started(kubeconfig, folder, *args) as second:
            server.wait(lambda: bool(second.events("verdict")))
            assert second.events("term-begun") == []
            first.popen.kill()
            add(server, "p2", "10.10.0.1", '["workload"]')
            server.wait(lambda: verdict_of(server, "p2") == "breach", 30)
            assert len(second.events("term-begun")) == 1
            with started(kubeconfig, folder, *args) as third:
                server.wait(lambda: len({one["pod"] for one in third.events("verdict")}) == 2)
                began = time.monotonic()
                took = second.end(signal.SIGTERM)
                server.wait(lambda: bool(third.events("term-begun")))
                assert time.monotonic() - began - took <= allowed(2)
                assert (took < allowed(5), second.popen.returncode) == (True, CLEAN)
                add(server, "p3", "172.16.2.1")
                server.wait(lambda: verdict_of(server, "p3") == "pass")
                assert third.end(signal.SIGTERM) < allowed(5)
    events = server.admin("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")["items"]
    ours = [(one["regarding"]["name"], one["reason"]) for one in events if "reportingController" in one]
    assert sorted(one for one in ours if one[0] == "p2") == [("p2", "AddressRoutable"), ("p2", "AnnotationOverwritten")]
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", read_only=True)
    try:
        assert ledger.verify() == []
        assert len(ledger.segments()) == 3
        assert {one.pod for one in ledger.open_intervals("prod-1")} == {"p1", "p2", "p3"}
        assert ledger.unsettled("prod-1") == []
    finally:
        ledger.close()


def test_the_next_takes_over_from_a_killed_leader_and_from_one_that_ends(pretend: Pretend, tmp_path: Path) -> None:
    take_turns(pretend, pretend.kubeconfig(), tmp_path)


@pytest.mark.real
def test_so_it_does_with_a_real_api_server_and_the_rights_of_the_docs(real: ApiServer, tmp_path: Path) -> None:
    take_turns(real, real.kubeconfig(BRIDGE), tmp_path)


def hang(pretend: Pretend, fault: Fault) -> None:
    pretend.cluster.faults.clear()
    pretend.cluster.faults.add(fault)


def is_hit(pretend: Pretend) -> bool:
    return any(hits for _, hits in pretend.cluster.faults._on)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_time_while_the_cluster_hangs(pretend: Pretend, tmp_path: Path, number: signal.Signals) -> None:
    with started(pretend.kubeconfig(), tmp_path, "--mode", "label", "--lease", "runner-bridge/runner-bridge") as one:
        pretend.wait(lambda: bool(one.events("term-begun")))
        hang(pretend, Fault(verbs=frozenset({"patch"}), path="/pods/p1$", times=None, delay_s=60))
        add(pretend, "p1", "172.16.0.1")
        pretend.wait(lambda: is_hit(pretend))
        hang(pretend, Fault(times=None, delay_s=60))  # the Lease and the watches, too
        assert one.end(number) < allowed(5)
    assert one.popen.returncode == (CLEAN if number is signal.SIGTERM else INTERRUPTED)
    pretend.cluster.faults.clear()


@pytest.mark.parametrize(("flags", "code"), [([], CLEAN), (["--once"], UNPROVEN)], ids=["run", "once"])
def test_it_ends_in_time_before_the_cluster_has_answered_at_all(
    pretend: Pretend, tmp_path: Path, flags: list[str], code: int
) -> None:
    """One look that was not taken has proven nothing."""
    hang(pretend, Fault(times=None, delay_s=60))
    with started(pretend.kubeconfig(), tmp_path, *flags) as one:
        pretend.wait(lambda: is_hit(pretend))
        assert one.end(signal.SIGTERM) < allowed(5)
    assert one.popen.returncode == code


def test_it_answers_over_http_and_counts_what_happened(pretend: Pretend, tmp_path: Path) -> None:
    add(pretend, "p1", "172.16.0.1")
    port = free_port()
    with started(pretend.kubeconfig(), tmp_path, "--mode", "label", "--listen", f"127.0.0.1:{port}") as one:
        pretend.wait(lambda: verdict_of(pretend, "p1") == "pass")

        def asked(path: str) -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())

        pretend.wait(lambda: 'runner_bridge_acts_total{kind="label-pod",outcome="done"} 1.0' in asked("/metrics"))
        text = asked("/metrics")
        assert 'runner_bridge_jobs_observed_total{pool="infraestrutura",tier="infra",verdict="pass"} 1.0' in text
        assert "runner_bridge_ready 1.0" in text
        assert "runner_bridge_leader 1.0" in text
        assert asked("/readyz")
        (tmp_path / "policy.yaml").write_text("version: 1")
        one.popen.send_signal(signal.SIGHUP)
        pretend.wait(lambda: 'runner_bridge_policy_reloads_total{result="refused"} 1.0' in asked("/metrics"))
        assert one.events("policy-refused")
        assert one.end(signal.SIGTERM) < allowed(5)


def test_a_lease_that_may_not_be_read_is_said_at_once(pretend: Pretend, tmp_path: Path) -> None:
    from runner_bridge.simulate.cluster import Denial

    pretend.cluster.access.denials.append(Denial(verb="", plural="leases", group="coordination.k8s.io"))
    with started(pretend.kubeconfig(), tmp_path, "--lease", "runner-bridge/runner-bridge") as one:
        one.popen.wait(20)
        time.sleep(0.2)
    assert one.popen.returncode == UNPROVEN
    assert any("Grant the verb get on leases.coordination.k8s.io" in said["event"] for said in one.said)
