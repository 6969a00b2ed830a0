"""Doing as an administrator what a test needs to be done, in plain HTTP and without any code of the bridge."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PLURALS = {"NetworkPolicy": "networkpolicies"}
_GLOBAL = frozenset(
    {"Namespace", "Node", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "IPPool", "IPAMBlock"}
    | {"APIService"}
)


class Admin:
    """
    An administrator of an API server, real or pretended.

    Args of the constructor:
        token: empty where nobody has to show one.
        authority: a file with the certificates to trust.
    """

    def __init__(self, *, token: str = "", authority: Path | None = None) -> None:
        self._token = token
        self._authority = authority

    @property
    def url(self) -> str:
        """The server's address."""
        raise NotImplementedError

    def admin(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> Any:
        """Ask, and return the answer; 404 and 409 are answers like any other."""
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, context=self.tls(), timeout=30) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=str(self._authority)) if self._authority else None

    def create(self, manifest: dict[str, Any]) -> Any:
        """Create an object of any kind that a test needs, or replace the one that is there; its status too."""
        where = collection_of(manifest)
        path = f"{where}/{manifest['metadata']['name']}"
        made = self.admin("POST", where, manifest)
        if made.get("reason") == "AlreadyExists":
            version = self.admin("GET", path)["metadata"]["resourceVersion"]
            made = self.admin("PUT", path, manifest | {"metadata": manifest["metadata"] | {"resourceVersion": version}})
        if manifest["kind"] == "Pod" and "status" in manifest:
            status = {"status": manifest["status"]}
            made = self.admin("PATCH", f"{path}/status", status, kind="application/merge-patch+json")
        assert made.get("kind") != "Status", made
        return made

    def delete(self, manifest: dict[str, Any]) -> None:
        """Delete an object at once; one that is not there is fine."""
        path = f"{collection_of(manifest)}/{manifest['metadata']['name']}"
        self.admin("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})

    def apply(self, *files: Path) -> None:
        """Create or replace the objects of YAML files."""
        for file in files:
            for document in YAML(typ="safe").load_all(file):
                self.create(document)

    def wait(self, condition: Callable[[], bool], within_s: float = 20) -> None:
        until = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until, "it did not come true in time"
            time.sleep(0.05)


def collection_of(manifest: dict[str, Any]) -> str:
    """Return the path that an object of this kind is created at."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    if kind in _GLOBAL:
        return f"{base}/{plural}"
    return f"{base}/namespaces/{manifest['metadata'].get('namespace', 'default')}/{plural}"
