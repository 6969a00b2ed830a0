"""A cluster with two of Calico's pools, real or pretended: what both can serve is asserted of both."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from runner_bridge.simulate.cluster import Denial
from tests.cluster import calico
from tests.cluster.pretend import Pretend
from tests.cluster.server import READER, ApiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

World: TypeAlias = "ApiServer | Pretend"

DEPLOY = Path(__file__).parents[2] / "deploy"
POOLS = (
    calico.pool("default", "10.244.0.0/16", blockSize=26, ipipMode="Never"),
    calico.pool(
        "infraestrutura",
        "172.16.0.0/16",
        blockSize=26,
        ipipMode="Never",
        natOutgoing=True,
        nodeSelector="!all()",
        allowedUses=["Workload"],
    ),
)
_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


@contextmanager
def real_world(server: ApiServer) -> Iterator[ApiServer]:
    """Lend the real server: the reader has its role, and what a test leaves is removed."""
    server.apply(DEPLOY / "rbac-read-only.yaml")
    server.create(binding("reader", "runner-bridge-read", READER))
    clear(server)
    settle(server)
    try:
        yield server
    finally:
        clear(server)


def clear(server: ApiServer) -> None:
    """Remove every pool and block, and the pods of the namespace."""
    for path in ("ippools", "ipamblocks"):
        server.admin("DELETE", f"/apis/crd.projectcalico.org/v1/{path}")
    for one in server.admin("GET", "/api/v1/namespaces/ci-team-a/pods")["items"]:
        server.delete(one | {"apiVersion": "v1", "kind": "Pod"})


def settle(world: World) -> None:
    world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ci-team-a"}})
    for one in POOLS:
        world.create(one)


def binding(name: str, role: str, user: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }


def user_of(world: World) -> str:
    """Return as whom the reader comes; a pretended server knows nobody."""
    return READER if isinstance(world, ApiServer) else ""


def deny(world: World, plural: str, group: str, *, verb: str = "", role: str = "runner-bridge-read") -> None:
    """Take a verb on a resource, or every one, from a role; from everybody in a pretended cluster."""
    if isinstance(world, Pretend):
        world.cluster.access.denials.append(Denial(verb=verb, plural=plural, group=group))
        return
    changed = world.admin("GET", f"{_ROLES}/{role}")
    rules = []
    for rule in changed["rules"]:
        if group not in rule["apiGroups"] or plural not in rule["resources"]:
            rules.append(rule)
            continue
        others = [one for one in rule["resources"] if one != plural]
        verbs = [one for one in rule["verbs"] if verb and one != verb]
        rules += [rule | {"resources": others}] if others else []
        rules += [rule | {"resources": [plural], "verbs": verbs}] if verbs else []
    made = world.admin("PUT", f"{_ROLES}/{role}", changed | {"rules": rules})
    assert made["kind"] == "ClusterRole", made


def allow(world: World) -> None:
    """Give everything back."""
    if isinstance(world, Pretend):
        world.cluster.access.denials.clear()
    else:
        world.apply(DEPLOY / "rbac-read-only.yaml")
