"""
`probe` against a real API server, RBAC on, with exactly the rights of `deploy/rbac-probe.yaml`.

Scheduler, CNI plugin and kubelet are the test: it binds the pod, writes block and status, and serves the log over TLS
on the port that the node names, where the API server fetches it.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from runner_bridge.cli import run
from runner_bridge.simulate import recorded
from tests.cluster import calico
from tests.cluster.server import BRIDGE, ApiServer
from tests.cluster.worlds import DEPLOY, clear, settle
from tests.flow.node import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
NAMESPACE = "gitlab-runners"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
ROLE = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles/runner-bridge-probe"
ADDRESS = "172.16.84.130"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(recorded.text("policy.yaml").replace("ci-team-a", NAMESPACE), encoding="utf-8")


@contextmanager
def kubelet(server: ApiServer) -> Iterator[int]:
    """Serve every container's log, as kubelet does to the API server."""

    class Log(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (json.dumps(GOOD, separators=(",", ":")) + "\n").encode()
            found = self.path.startswith(f"/containerLogs/{NAMESPACE}/") and "/probe" in self.path
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    service = ThreadingHTTPServer(("127.0.0.1", 0), Log)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server.authority, server.authority.with_suffix(".key"))
    service.socket = tls.wrap_socket(service.socket, server_side=True)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    try:
        yield service.server_address[1]
    finally:
        service.shutdown()
        service.server_close()
        thread.join(5)


@pytest.fixture
def server(api_server: ApiServer) -> Iterator[ApiServer]:
    """Two pools, a node, the namespace of the jobs, and the documented rights for the account of the tests."""
    clear(api_server)
    settle(api_server)
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    documents = list(YAML(typ="safe").load_all(DEPLOY / "rbac-probe.yaml"))
    for document in documents:
        for subject in document.get("subjects", ()):
            subject |= {"kind": "User", "name": BRIDGE}
        kinds = {"Role": "roles", "RoleBinding": "rolebindings"}
        if document["kind"] in kinds:
            where = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/{kinds[document['kind']]}"
            api_server.admin("POST", where, document)
        else:
            api_server.create(document)
    with kubelet(api_server) as port:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"}}
        api_server.create(node)
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        api_server.admin(
            "PATCH", "/api/v1/nodes/worker-1/status", {"status": status}, kind="application/merge-patch+json"
        )
        yield api_server
        api_server.delete(node)
    for one in api_server.admin("GET", PODS)["items"]:
        api_server.delete(one | {"apiVersion": "v1", "kind": "Pod"})
    for kind in ("rolebindings", "roles"):
        where = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/{kind}"
        api_server.admin("DELETE", f"{where}/runner-bridge-probe")
    for kind in ("clusterrolebindings", "clusterroles"):
        api_server.admin("DELETE", f"/apis/rbac.authorization.k8s.io/v1/{kind}/runner-bridge-probe")
    clear(api_server)


def begun(server: ApiServer, *more: str) -> subprocess.Popen[str]:
    path = str(server.kubeconfig(BRIDGE))
    arguments = ["probe", "infra", "--policy", "policy.yaml", "--kubeconfig", path, "--timeout", "60", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "runner_bridge", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def made(server: ApiServer) -> dict[str, Any]:
    server.wait(lambda: bool(server.admin("GET", PODS)["items"]))
    pod: dict[str, Any] = server.admin("GET", PODS)["items"][0]
    return pod


def bound(server: ApiServer, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    target = {"apiVersion": "v1", "kind": "Node", "name": "worker-1"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
    server.admin("POST", f"{PODS}/{name}/binding", binding)


def given_an_address(server: ApiServer, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    notes = {
        "cni.projectcalico.org/containerID": "5a9d",
        "cni.projectcalico.org/podIP": f"{ADDRESS}/32",
        "cni.projectcalico.org/podIPs": f"{ADDRESS}/32",
    }
    status = {
        "phase": "Running",
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "hostIP": "127.0.0.1",
        "containerStatuses": [
            {
                "name": "probe",
                "state": {"running": {}},
                "ready": True,
                "restartCount": 0,
                "image": "busybox",
                "imageID": "",
            }
        ],
    }
    held = pod | {"status": status, "spec": {"nodeName": "worker-1"}}
    held["metadata"] = pod["metadata"] | {"annotations": notes}
    server.create(calico.block("172.16.84.128/26", held))
    merge = "application/merge-patch+json"
    server.admin("PATCH", f"{PODS}/{name}/status", {"metadata": {"annotations": notes}, "status": status}, kind=merge)


def ended(server: ApiServer, pod: dict[str, Any]) -> None:
    """Wait until the pod is to go, with its uid asked for, and let it go as kubelet does."""
    path = f"{PODS}/{pod['metadata']['name']}"
    server.wait(lambda: "deletionTimestamp" in server.admin("GET", path)["metadata"])
    server.delete({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]})


def test_the_documented_rights_are_enough_and_nothing_more_is_asked(server: ApiServer) -> None:
    before = len(server.audited(BRIDGE))
    process = begun(server)
    pod = made(server)
    bound(server, pod)
    given_an_address(server, pod)
    ended(server, pod)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, out + err
    assert f"address    {ADDRESS} in infraestrutura, its block names the pod\nverdict    pass, evidence block\n" in out
    assert "not allowed" not in err
    asked = server.audited(BRIDGE)[before:]
    assert {verb for verb, _ in asked} <= {"create", "get", "list", "delete"}
    assert [verb for verb, uri in asked if verb not in {"get", "list"}] == ["create", "delete"]
    assert any("/log?" in uri for _, uri in asked)


def test_its_pod_is_one_that_the_standard_restricted_takes(server: ApiServer) -> None:
    """The API server's own admission enforces Pod Security Standards by a label of the namespace."""
    path = f"/api/v1/namespaces/{NAMESPACE}"
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    merge = "application/merge-patch+json"
    server.admin("PATCH", path, {"metadata": {"labels": label}}, kind=merge)
    try:
        refused = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}}
        refused |= {"spec": {"containers": [{"name": "a", "image": "busybox"}]}}
        assert server.admin("POST", PODS, refused)["code"] == 403
        process = begun(server)
        pod = made(server)
        bound(server, pod)
        given_an_address(server, pod)
        ended(server, pod)
        assert process.communicate(timeout=30)
    finally:
        server.admin("PATCH", path, {"metadata": {"labels": dict.fromkeys(label)}}, kind=merge)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("verb", "resource"),
    [("create", "pods"), ("delete", "pods"), ("get", "pods/log"), ("list", "events")],
)
def test_doctor_names_the_verb_that_is_missing(
    server: ApiServer, verb: str, resource: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> list[str]:
        arguments = ["--policy", "policy.yaml", "--kubeconfig", str(server.kubeconfig(BRIDGE))]
        run(["doctor", *arguments, "--for", "probe", "-o", "json"])
        told = json.loads(capsys.readouterr().out)["findings"]
        return [one["subject"] for one in told if one["code"] == "right-missing"]

    assert missing() == []
    role = server.admin("GET", ROLE)
    for rule in role["rules"]:
        if resource in rule["resources"]:
            rule["verbs"].remove(verb)
    role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
    server.admin("PUT", ROLE, role)
    assert missing() == [f"{verb} {resource} in namespace {NAMESPACE}"]


def test_who_may_not_create_pods_is_told_so(server: ApiServer) -> None:
    role = server.admin("GET", ROLE)
    role["rules"] = [rule for rule in role["rules"] if rule["resources"] != ["pods"]]
    server.admin("PUT", ROLE, role)
    process = begun(server)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (3, "")
    assert f"create pods in namespace {NAMESPACE}: 403, not allowed" in err
    assert "Traceback" not in err
