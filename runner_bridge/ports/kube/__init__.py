"""
The Kubernetes API: raw bytes over one session, set up as kubectl would be; errors translated once.

`open_cluster` is the way in. Whoever only looks gets a `Reader`; the `Writer` goes to `flow.act` alone, so that "only
act writes" holds by construction. Nothing here reads an object: that is `core.wire`.
Importing this package costs no more than aiohttp; `kubeconfig` imports `kubernetes.aio` (a third of a second), and is
itself imported when a cluster is really looked for.
"""

from __future__ import annotations

from runner_bridge.ports.kube.access import Access, plain_access
from runner_bridge.ports.kube.calico import CalicoApi, discover_calico
from runner_bridge.ports.kube.cluster import Cluster, open_cluster
from runner_bridge.ports.kube.reader import Page, Reader
from runner_bridge.ports.kube.writer import Writer
from runner_bridge.ports.patience import Patience

__all__ = [
    "Access",
    "CalicoApi",
    "Cluster",
    "Page",
    "Patience",
    "Reader",
    "Writer",
    "discover_calico",
    "open_cluster",
    "plain_access",
]
