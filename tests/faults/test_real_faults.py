"""What only a real API server with a real etcd can show: history that is compacted, a token that has been revoked."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.errors import StaleError
from runner_bridge.core.model.cluster import Kind
from runner_bridge.flow.observe.picture import Picture, Source
from runner_bridge.flow.observe.watching import Watching
from runner_bridge.ports.kube import open_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from runner_bridge.ports.kube import Reader
    from tests.cluster.server import ApiServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
NAMESPACE = "faults"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
def server(api_server: ApiServer) -> ApiServer:
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    return api_server


def pod(name: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": NAMESPACE}
    spec = {"containers": [{"name": "build", "image": "none"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


async def test_history_that_etcd_has_compacted_is_stale_and_a_new_list_makes_up_for_it(server: ApiServer) -> None:
    """A version from before, to go on from with a watch or with the next page: 410, in whatever form it comes."""
    for name in ("a", "b"):
        server.create(pod(name))
    async with open_cluster(kubeconfig=str(server.kubeconfig())) as cluster:
        pages = cluster.reader.pages(PODS, limit=1)
        first = await anext(pages)
        server.delete(pod("a"))
        server.create(pod("c"))
        server.compact()
        server.kill_api()  # what it keeps in memory itself goes too
        server.start_api()
        with pytest.raises(StaleError, match="410"):
            await anext(pages)
        with pytest.raises(StaleError, match="no longer has that version"):
            async for _ in cluster.reader.watch(PODS, resource_version=first.resource_version, timeout_s=5):
                pass

        # The same under a running watch: it begins at the version of before, and ends in a list.
        source = Source(Kind.PODS, NAMESPACE)
        picture = Picture([source])
        doubts: list[str] = []

        class Late:
            """Begins its first watch at a version from before the compaction."""

            versions = iter([first.resource_version])

            def pages(self, path: str, **how: Any) -> AsyncGenerator[Any]:
                return cluster.reader.pages(path, **how)

            def watch(self, path: str, *, resource_version: str, **how: Any) -> AsyncGenerator[bytes]:
                return cluster.reader.watch(path, resource_version=next(self.versions, resource_version), **how)

        reads: Reader = Late()  # type: ignore[assignment]

        def tell(_touched: object) -> None:
            doubts.extend(gap.reason for gap in picture.doubts)

        watching = Watching(
            source,
            PODS,
            reads=reads,
            picture=picture,
            turn=asyncio.Lock(),
            tell=tell,
            pause=asyncio.sleep,
            jitter=lambda: 0.5,
        )
        task = asyncio.create_task(watching.run())
        try:
            async with asyncio.timeout(20):
                while not any("no longer has that version" in one for one in doubts) or picture.doubts:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.02)
                server.create(pod("d"))
                while {name for (_, name), _ in picture.pods()} != {"b", "c", "d"}:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    for name in "bcd":
        server.delete(pod(name))


def token_bound_to(server: ApiServer, secret: str) -> str:
    """Return a token of a service account that is good as long as a Secret exists."""
    accounts = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    server.admin("POST", accounts, {"metadata": {"name": "bridge"}})
    server.admin("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", {"metadata": {"name": secret}})
    uid = server.admin("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{secret}")["metadata"]["uid"]
    bound = {"kind": "Secret", "apiVersion": "v1", "name": secret, "uid": uid}
    made = server.admin("POST", f"{accounts}/bridge/token", {"spec": {"boundObjectRef": bound}})
    return str(made["status"]["token"])


async def test_a_token_that_was_revoked_is_read_again_from_its_file(server: ApiServer, tmp_path: Path) -> None:
    """As kubelet rotates a projected one; the server answers 401 to the old one as soon as its own cache is over."""
    path = tmp_path / "token"
    path.write_text(token_bound_to(server, "first"))
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "lists-pods"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bridge", "namespace": NAMESPACE},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "lists-pods"},
        "subjects": [{"kind": "ServiceAccount", "name": "bridge", "namespace": NAMESPACE}],
    }
    server.create(role)
    server.create(binding)
    kubeconfig = str(server.kubeconfig(tokenFile=str(path)))
    async with open_cluster(kubeconfig=kubeconfig) as cluster:
        assert await cluster.reader.get(PODS)
        fresh = token_bound_to(server, "second")
        path.write_text(fresh)
        server.admin("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/first")
        async with asyncio.timeout(30):
            while await cluster.access.authorization("") != f"Bearer {fresh}":
                answer = await cluster.reader.get(PODS)
                assert json.loads(answer or b"")["kind"] == "PodList", "no read was refused"
                await asyncio.sleep(0.2)
