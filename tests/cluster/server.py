"""
A real kube-apiserver with its etcd, for the time of a test session: RBAC on, audit on, nothing else of a cluster.

No controller manager and no kubelet: nothing collects garbage, nobody makes service accounts, a pod moves only when a
test moves it. Tokens are fixed ones; one that names a service account's user is that account to RBAC.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.cluster.admin import Admin

CACHE = Path(__file__).parents[2] / ".cache" / "cluster"
CRDS = Path(__file__).parent / "crds"
READY_WITHIN_S = 60
ADMIN = "admin-of-the-tests"

AUDIT = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, userGroups: ["system:masters"]}
  - {level: Metadata}
"""


def missing() -> str:
    """Return what is missing to start a server, empty text for nothing."""
    absent = [name for name in ("etcd", "kube-apiserver") if not program(name).exists()]
    if not shutil.which("openssl"):
        absent.append("openssl")
    return ", ".join(absent)


def program(name: str) -> Path:
    return Path(os.environ.get("KUBEBUILDER_ASSETS") or CACHE) / name


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """Have the kernel end a server whose tests were killed before they could."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)


class ApiServer(Admin):
    """
    An API server that can be started, killed and started again.

    Args of the constructor:
        folder: where it keeps everything; its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = folder / "certs" / "apiserver.crt"  # made by the server for itself
        self.port, self.etcd_port, self.peer_port = free_port(), free_port(), free_port()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        super().__init__(token=ADMIN, authority=self.authority)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        key = self.folder / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        (self.folder / "audit.yaml").write_text(AUDIT)
        (self.folder / "tokens.csv").write_text(
            f'{ADMIN},admin,admin,"system:masters"\n'
            + "".join(f"{token_of(user)},{user},{user},system:authenticated\n" for user in ACCOUNTS)
        )
        self._run(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls=http://127.0.0.1:{self.etcd_port}",
            f"--advertise-client-urls=http://127.0.0.1:{self.etcd_port}",
            f"--listen-peer-urls=http://127.0.0.1:{self.peer_port}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{self.peer_port}",
            f"--initial-cluster=default=http://127.0.0.1:{self.peer_port}",
            "--unsafe-no-fsync",
            "--log-level=error",
        )
        self.start_api()

    def start_api(self) -> None:
        """Start the API server and wait until it is ready; after `kill_api` on the same address."""
        key = self.folder / "service-accounts.key"
        self._run(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.folder / 'certs'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--anonymous-auth=false",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={key}",
            f"--service-account-key-file={key}",
            "--api-audiences=kubernetes.default",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount",
            "--enable-priority-and-fairness=false",
            "--max-requests-inflight=0",
            "--max-mutating-requests-inflight=0",
            f"--audit-policy-file={self.folder / 'audit.yaml'}",
            f"--audit-log-path={self.folder / 'audit.log'}",
            "--audit-log-mode=blocking",
        )
        until = time.monotonic() + READY_WITHIN_S
        while not self._is_ready():
            if self._running["kube-apiserver"].poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"kube-apiserver is not ready: {self._log('kube-apiserver')}")
            time.sleep(0.1)

    def kill_api(self) -> None:
        """End the API server at once, as a crash does; etcd keeps what it had."""
        self._end("kube-apiserver", signal.SIGKILL)

    def compact(self) -> int:
        """Have etcd forget all history up to now, as it does every five minutes; return the revision of now."""
        now = int(self._etcd("kv/range", {"key": "AA=="})["header"]["revision"])
        self._etcd("kv/compaction", {"revision": str(now), "physical": True})
        return now

    def _etcd(self, path: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.etcd_port}/v3/{path}", data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())

    def stop(self) -> None:
        for name in reversed(list(self._running)):
            self._end(name, signal.SIGTERM)

    def install(self, *names: str) -> None:
        """Install CRDs of `crds/` and wait until they are served."""
        self.apply(*(CRDS / f"{name}.yaml" for name in names))
        for name in names:
            spec = YAML(typ="safe").load(CRDS / f"{name}.yaml")["spec"]
            where = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            self.wait(partial(self._is_served, where))

    def _is_served(self, where: str) -> bool:
        return "items" in self.admin("GET", where)

    def kubeconfig(self, user: str = "", **entries: Any) -> Path:
        """Write a kubeconfig for an account of `ACCOUNTS`, or the administrator; `entries` replace its user's."""
        who = entries or {"token": token_of(user) if user else ADMIN}
        path = self.folder / f"kubeconfig-{len(list(self.folder.iterdir()))}.yaml"
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "tests",
                    "clusters": [
                        {"name": "c", "cluster": {"server": self.url, "certificate-authority": str(self.authority)}}
                    ],
                    "users": [{"name": "u", "user": who}],
                    "contexts": [{"name": "tests", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )
        return path

    def audited(self, user: str) -> list[tuple[str, str]]:
        """Return verb and path of everything that an account asked so far."""
        log = self.folder / "audit.log"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [(one["verb"], one["requestURI"]) for one in lines if one["user"].get("username") == user]

    def _run(self, name: str, *flags: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [str(program(name)), *flags],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
            )

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._running.pop(name)
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {ADMIN}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, context=self.tls(), timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, ssl.SSLError):
            return False

    def _log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


READER, BRIDGE, NOBODY = (f"system:serviceaccount:runner-bridge:{name}" for name in ("reader", "bridge", "nobody"))
ACCOUNTS = (READER, BRIDGE, NOBODY)
"""Users with tokens; which may do what is for the tests to say with RBAC. NOBODY is never given anything."""


def token_of(user: str) -> str:
    return f"token-of-{user.rpartition(':')[2]}"
