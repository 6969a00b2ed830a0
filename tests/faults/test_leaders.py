"""
Two bridges on one cluster and one ledger, of which one leads; then the leader stands still, or its Lease is stolen.

However it changes hands: no pod is labelled or told of twice, no row of the ledger is lost or there twice.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.model.ledger import EntryKind, Step
from tests.cli.test_run_bridge import POLICY, add, cluster  # noqa: F401 - a fixture among them
from tests.faults.process import Running, bridge, files, recorded
from tests.faults.test_ledger import labelled
from tests.flow.world import NAMESPACE
from tests.ports.ledger.conftest import (  # noqa: F401 - fixtures
    postgresql_database,
    postgresql_server,
    url,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.pretend import Pretend

pytestmark = pytest.mark.timeout(120)
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/bridge"
REASONS = ("AddressRoutable", "AnnotationOverwritten")
PODS = [f"p-{number}" for number in range(12)]


def holder(cluster: Pretend) -> str:  # noqa: F811 - the fixture's value
    return str(cluster.admin("GET", LEASE).get("spec", {}).get("holderIdentity", ""))


async def come(cluster: Pretend, names: list[str]) -> None:  # noqa: F811 - the fixture's value
    """Pods that are breaches, so that each is labelled and told of with two Events."""
    for name in names:
        await asyncio.to_thread(add, cluster, name, f"10.10.{PODS.index(name)}.1", '["workload"]')


async def the_leader_stands_still(cluster: Pretend, first: Running, second: Running) -> None:  # noqa: F811
    """Until the other one leads; then it goes on where it stood."""
    before = holder(cluster)
    first.process.send_signal(signal.SIGSTOP)
    await come(cluster, PODS[4:8])
    await second.until(lambda: labelled(cluster) >= set(PODS[:8]), 60)
    assert holder(cluster) != before
    first.process.send_signal(signal.SIGCONT)


async def the_lease_is_stolen(cluster: Pretend, first: Running, second: Running) -> None:  # noqa: F811
    """By somebody who then does nothing with it; the leader ceases, and whoever comes first goes on."""
    cluster.admin("PATCH", LEASE, {"spec": {"holderIdentity": "thief"}}, kind="application/merge-patch+json")
    await first.until(lambda: "lease-lost" in first.text, 10)
    await come(cluster, PODS[4:8])
    await second.until(lambda: labelled(cluster) >= set(PODS[:8]), 60)
    assert holder(cluster) != "thief"


@pytest.mark.parametrize(
    ("change", "url"),
    [
        pytest.param(the_leader_stands_still, "postgresql", marks=pytest.mark.real),
        (the_lease_is_stolen, "sqlite"),
    ],
    indirect=["url"],  # most of it is waiting for the Lease, so each back end has one
)
async def test_whoever_leads_nothing_is_done_twice_and_no_row_is_lost(
    cluster: Pretend,  # noqa: F811 - the fixture
    tmp_path: Path,
    url: str,  # noqa: F811 - the fixture
    change: object,
) -> None:
    _, flags = files(tmp_path, cluster.kubeconfig(), POLICY)
    flags += ["--ledger", url, "--mode", "label", "--lease", f"{NAMESPACE}/bridge"]
    async with bridge(*flags) as first:
        await come(cluster, PODS[:4])
        await first.until(lambda: labelled(cluster) == set(PODS[:4]))
        async with bridge(*flags) as second:
            await second.until(lambda: set(PODS[:4]) <= set(second.said))  # it stands by, with the picture
            await change(cluster, first, second)  # type: ignore[operator]
            await come(cluster, PODS[8:])
            await second.until(lambda: labelled(cluster) == set(PODS), 60)
            await asyncio.sleep(1)
            assert await second.end() == 0, second.text
        assert await first.end() == 0, first.text
    assert "Traceback" not in first.text + second.text

    events = cluster.admin("GET", f"/apis/events.k8s.io/v1/namespaces/{NAMESPACE}/events")["items"]
    told = Counter((one["regarding"]["name"], one["reason"]) for one in events)
    assert told == Counter(
        {(pod, reason): 1 for pod in PODS for reason in ("AddressRoutable", "AnnotationOverwritten")}
    )
    assert not [one for one in events if one.get("series")], "none was counted on as if it had come again"

    kept = recorded(url)
    assert (kept.findings, kept.unsettled) == ([], [])
    assert sorted(one.pod for one in kept.open) == sorted(PODS)
    opened = Counter(one.pod for one in kept.entries if one.kind is EntryKind.OPENED)
    assert opened == Counter(PODS)
    done = Counter((one.pod, one.text) for one in kept.entries if one.step is Step.DONE)
    assert set(done.values()) == {1}
    assert {pod for pod, _ in done} == set(PODS)
