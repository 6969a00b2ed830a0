"""A probe on the pretend cluster: what it says, that its pod is as a runner's, and that it is gone in the end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner_bridge.core.errors import DeniedError, StaleError, UnavailableError
from runner_bridge.core.judge import judge
from runner_bridge.core.model import Outcome
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.verdict import Grade
from runner_bridge.core.policy import model as p
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.probe import Probe, Tools, Wanted
from runner_bridge.ports.kube import Patience, discover_calico, open_cluster, plain_access
from runner_bridge.simulate.cluster import Cluster, Denial, Fault
from runner_bridge.simulate.cluster.resources import PODS
from tests import make
from tests.flow.node import GOOD, NAMESPACE, NODE_ADDRESS, Node, working

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner_bridge.core.policy.model import Policy
    from runner_bridge.core.probe import Probed

POLICY = make.policy(
    make.tier(annotations={"team": "infra"}, labels={"cost-centre": "infra", "ref": "$CI_COMMIT_REF_SLUG"}),
    make.tier("typo", make.pool("infraestructura", "172.20.0.0/16"), runners=(make.runner("other", "typo"),)),
)
ECHO = "https://echo.example.com/"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as one:
        yield one


@pytest.fixture
async def node(cluster: Cluster) -> AsyncIterator[Node]:
    async with working(cluster) as one:
        yield one


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds / 20)


class Told:
    """What a person is told on the way."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        self.lines.append(text)

    async def until(self, words: str) -> None:
        async with asyncio.timeout(10):
            while not any(words in line for line in self.lines):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)


async def probe(cluster: Cluster, told: Told | None = None, *, meant: Policy = POLICY, **wanted: Any) -> Probed:
    tier = meant.tiers[p.TierName(wanted.pop("tier", "infra"))]
    values: dict[str, Any] = {"policy": meant, "tier": tier, "image": "busybox", "suffix": "x7k2q", "timeout_s": 20}
    patience = Patience(attempts=2, sleep=pause)
    async with open_cluster(plain_access(cluster.url), patience=patience) as opened:
        tools = Tools(
            reads=opened.reader,
            writes=opened.writer,
            calico=await discover_calico(opened.reader),
            clock=lambda: datetime.now(tz=UTC),
            pause=pause,
            says=told or Told(),
        )
        return await Probe(Wanted(**(values | wanted)), tools).run()


def codes(probed: Probed) -> list[str]:
    of_address = probed.verdict.findings if probed.verdict else ()
    return [one.code.name for one in (*of_address, *probed.findings)]


async def gone(node: Node) -> bool:
    async with asyncio.timeout(5):
        while node.pods:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    return node.allocated == 0


async def test_a_tier_that_is_as_declared(cluster: Cluster, node: Node) -> None:
    told = Told()
    probed = await probe(cluster, told)
    assert codes(probed) == []
    assert probed.verdict is not None
    assert (probed.verdict.outcome, probed.verdict.grade) == (Outcome.PASS, Grade.BLOCK)
    assert [(one.name, str(one.state)) for one in probed.checks] == [
        ("name", "yes"),
        ("api-server", "yes"),
        ("gitlab", "yes"),
        ("echo", "not-asked"),
    ]
    assert probed.is_proven
    assert not probed.is_wrong
    assert await gone(node)
    assert told.lines[0] == f"pod {NAMESPACE}/runner-bridge-probe-infra-x7k2q made, image busybox"
    assert told.lines[-1] == f"pod {NAMESPACE}/runner-bridge-probe-infra-x7k2q deleted"


async def test_its_pod_is_made_as_a_runner_would(cluster: Cluster, node: Node) -> None:
    await probe(cluster, image="registry.example.com/tools:1", timeout_s=30)
    (pod,) = node.made
    assert pod["metadata"]["labels"] == {
        "cost-centre": "infra",
        "runner-bridge.dev/tier": "infra",
        "runner-bridge.dev/probe": "infra",
    }
    asked = {key: text for key, text in pod["metadata"]["annotations"].items() if "podIP" not in key}
    assert asked == {"team": "infra", "cni.projectcalico.org/ipv4pools": '["infraestrutura"]'}
    assert pod["spec"]["activeDeadlineSeconds"] == 90
    assert pod["spec"]["automountServiceAccountToken"] is False


async def test_the_bridge_and_check_know_it_for_a_probe(cluster: Cluster, node: Node) -> None:
    """And a job pod with that label stays a job pod."""
    node.deletes = False
    await probe(cluster)
    bodies = [cluster.objects.get(PODS, NAMESPACE, pod["metadata"]["name"]) for pod in node.pods]
    seen = Stream(c.Kind.PODS).page(msgspec.json.encode({"items": bodies})).seen
    (pod,) = (one.value for one in seen)
    assert isinstance(pod, c.Pod)
    forged = make.job_pod(labels=c.Labels(probe="infra"))
    judgement = judge(POLICY, c.Snapshot(pods=(pod, forged)), now=make.NOW)
    assert (judgement.counts.probes, judgement.counts.unmanaged, judgement.counts.other) == (1, 0, 0)
    assert judgement.counts.job_pods == 1


@pytest.mark.parametrize(
    ("egress", "seen", "expected"),
    [
        (p.Egress(kind=p.EgressKind.NODE), NODE_ADDRESS, []),
        (p.Egress(kind=p.EgressKind.NODE), "172.16.84.128", ["egress-differs"]),
        (p.Egress(kind=p.EgressKind.NODE), "203.0.113.7", ["egress-differs"]),
        (p.Egress(kind=p.EgressKind.POD), NODE_ADDRESS, ["egress-differs"]),
    ],
    ids=["the node's", "its own", "a stranger's", "the node's, declared its own"],
)
async def test_what_a_destination_saw_is_compared_with_the_declared_egress(
    cluster: Cluster, node: Node, egress: p.Egress, seen: str, expected: list[str]
) -> None:
    node.report = GOOD | {"echo": {"state": "yes", "said": f'{{"origin": "{seen}"}}'}}
    probed = await probe(cluster, meant=make.policy(make.tier(egress=egress)), echo=ECHO)
    assert codes(probed) == expected
    assert str(probed.seen) == seen
    assert probed.verdict is not None
    assert probed.verdict.grade is (Grade.BLOCK if expected else Grade.PROBED)
    assert await gone(node)


async def test_a_pod_that_gets_no_address_is_explained_from_its_events(cluster: Cluster, node: Node) -> None:
    started = asyncio.get_running_loop().time()
    probed = await probe(cluster, tier="typo", timeout_s=30)
    assert codes(probed) == ["pool-unknown"]
    assert asyncio.get_running_loop().time() - started < 5
    assert not probed.is_proven
    assert await gone(node)


async def test_a_full_pool_is_explained_before_the_runners_own_time_out(cluster: Cluster, node: Node) -> None:
    """From Calico's text, once kubelet has reported it twice."""
    node.gives = False
    told = Told()
    work = asyncio.ensure_future(probe(cluster, told, timeout_s=30))
    await told.until("no address yet")
    (pod,) = node.pods
    full = "No IPs available in pools: [172.16.0.0/16]"
    node.refuse(pod["metadata"]["name"], pod["metadata"]["uid"], full, count=2)
    probed = await work
    assert codes(probed) == ["pool-exhausted"]
    assert await gone(node)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (GOOD | {"name": {"state": "no", "said": "NXDOMAIN"}}, ["probe-name-unresolved"]),
        (GOOD | {"gitlab": {"state": "no", "said": "refused"}}, ["probe-gitlab-unreachable"]),
        (GOOD | {"api": {"state": "no", "said": ""}}, ["probe-api-server-unreachable"]),
        (GOOD | {"name": {"state": "no-tool", "said": "nslookup, getent"}}, ["probe-tool-missing"]),
        (GOOD | {"echo": {"state": "no", "said": "timed out"}}, ["probe-echo-unanswered"]),
        (GOOD | {"echo": {"state": "yes", "said": "hello"}}, ["probe-echo-unreadable"]),
        (GOOD | {"echo": {"state": "yes", "said": "192.0.2.1, 192.0.2.2"}}, ["probe-echo-unreadable"]),
        ('{"probe":1,"name":7}\n', ["probe-report-missing"]),
    ],
    ids=["name", "gitlab", "api server", "tool", "no echo", "odd echo", "two addresses", "unreadable"],
)
async def test_what_it_met_is_a_finding(cluster: Cluster, node: Node, report: Any, expected: list[str]) -> None:
    node.report = report
    probed = await probe(cluster, echo=ECHO)
    assert codes(probed) == expected
    assert await gone(node)


async def test_an_image_that_cannot_be_pulled_leaves_the_address_judged(cluster: Cluster, node: Node) -> None:
    node.waiting = "ImagePullBackOff"
    probed = await probe(cluster)
    assert codes(probed) == ["probe-not-started"]
    assert probed.verdict is not None
    assert probed.verdict.outcome is Outcome.PASS
    assert await gone(node)


async def test_when_its_time_is_up_it_says_what_it_knows(cluster: Cluster, node: Node) -> None:
    node.report = "nothing yet\n"
    probed = await probe(cluster, timeout_s=3)
    assert codes(probed) == ["probe-report-missing"]
    assert await gone(node)


async def test_a_probe_that_is_cancelled_deletes_its_pod(cluster: Cluster, node: Node) -> None:
    node.report = "nothing yet\n"
    told = Told()
    work = asyncio.ensure_future(probe(cluster, told, timeout_s=60))
    await told.until("asking from inside")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await gone(node)


async def test_a_probe_that_is_cancelled_while_the_pod_is_made_deletes_it(cluster: Cluster, node: Node) -> None:
    """The answer to the create is on its way; the pod is found by its name."""
    cluster.faults.add(Fault(verbs=frozenset({"create"}), delay_s=0.2))
    work = asyncio.ensure_future(probe(cluster, timeout_s=60))
    await asyncio.sleep(0.1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await asyncio.sleep(0.3)
    assert await gone(node)


async def test_an_error_in_the_middle_deletes_the_pod(cluster: Cluster, node: Node) -> None:
    told = Told()
    node.gives = False
    work = asyncio.ensure_future(probe(cluster, told, timeout_s=60))
    await told.until("no address yet")
    cluster.access.denials.append(Denial(verb="get", plural="pods"))
    with pytest.raises(DeniedError):
        await work
    assert await gone(node)


async def test_a_pod_that_somebody_else_deleted_is_said(cluster: Cluster, node: Node) -> None:
    told = Told()
    node.gives = False
    work = asyncio.ensure_future(probe(cluster, told, timeout_s=60))
    await told.until("no address yet")
    (pod,) = node.pods
    cluster.objects.delete(PODS, NAMESPACE, pod["metadata"]["name"], {"gracePeriodSeconds": 0})
    with pytest.raises(StaleError, match="deleted by somebody else"):
        await work


async def test_a_pod_that_cannot_be_deleted_is_said(cluster: Cluster, node: Node) -> None:
    cluster.access.denials.append(Denial(verb="delete", plural="pods"))
    told = Told()
    probed = await probe(cluster, told)
    assert codes(probed) == ["probe-pod-left"]
    assert probed.is_wrong
    assert "kubectl delete pod -n gitlab-runners runner-bridge-probe-infra-x7k2q" in told.lines[-1]
    assert len(node.pods) == 1


async def test_a_namespace_that_is_not_there_leaves_nothing(cluster: Cluster, node: Node) -> None:
    elsewhere = make.tier(
        job=p.JobSettings(
            namespace="nowhere",
            service_account=None,
            image=None,
            poll_timeout_s=360,
            annotation_overwrites="",
            label_overwrites="",
        )
    )
    with pytest.raises(Exception, match="nowhere"):
        await probe(cluster, meant=make.policy(elsewhere))
    assert node.pods == []


@pytest.mark.parametrize(
    ("tier", "phase", "age", "stays"),
    [
        ("infra", "Running", 0, False),
        ("other", "Running", 0, True),
        ("other", "Failed", 0, False),
        ("other", "Running", 3600, False),
    ],
    ids=["of this tier", "of another, at work", "of another, over", "of another, past its time"],
)
async def test_what_a_killed_probe_left_is_removed_by_the_next(
    cluster: Cluster, node: Node, tier: str, phase: str, age: int, stays: bool
) -> None:
    labels = {"runner-bridge.dev/probe": tier}
    spec = {"containers": [{"name": "probe", "image": "busybox"}]}
    cluster.objects.create(PODS, NAMESPACE, {"metadata": {"name": "left", "labels": labels}, "spec": spec})
    pod = cluster.objects.get(PODS, NAMESPACE, "left")
    created = (datetime.now(tz=UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = pod["metadata"] | {"creationTimestamp": created}
    cluster.objects.force(PODS, NAMESPACE, "left", pod | {"metadata": meta, "status": {"phase": phase}})
    await probe(cluster)
    await asyncio.sleep(0.05)
    assert [one["metadata"]["name"] for one in node.pods if one["metadata"]["name"] == "left"] == ["left"] * stays


async def test_a_job_pod_with_the_label_of_a_probe_is_never_removed(cluster: Cluster, node: Node) -> None:
    labels = {"runner-bridge.dev/probe": "infra", "project.runner.gitlab.com/id": "4217"}
    spec = {"containers": [{"name": "build", "image": "busybox"}]}
    cluster.objects.create(PODS, NAMESPACE, {"metadata": {"name": "job", "labels": labels}, "spec": spec})
    await probe(cluster)
    assert "job" in [one["metadata"]["name"] for one in node.pods]


@pytest.mark.parametrize(
    ("denial", "grade"),
    [
        (Denial(verb="get", plural="ipamblocks"), Grade.ADDRESS),
        (Denial(verb="list", plural="ippools"), Grade.ADDRESS),
        (Denial(verb="get", plural="nodes"), Grade.BLOCK),
        (Denial(verb="list", plural="events"), Grade.BLOCK),
        (Denial(verb="get", plural="namespaces"), Grade.BLOCK),
        (Denial(verb="list", plural="pods"), Grade.BLOCK),
    ],
    ids=["blocks", "pools", "nodes", "events", "namespaces", "left-overs"],
)
async def test_with_a_right_missing_it_proves_less_and_works_on(
    cluster: Cluster, node: Node, denial: Denial, grade: Grade
) -> None:
    cluster.access.denials.append(denial)
    probed = await probe(cluster)
    assert probed.verdict is not None
    assert (probed.verdict.outcome, probed.verdict.grade) == (Outcome.PASS, grade)
    assert await gone(node)


async def test_without_the_right_to_read_logs_it_says_which(cluster: Cluster, node: Node) -> None:
    cluster.access.denials.append(Denial(verb="get", plural="pods/log"))
    probed = await probe(cluster)
    assert codes(probed) == ["probe-report-missing"]
    assert "pods/log" in probed.findings[0].observed
    assert await gone(node)


async def test_an_api_server_that_goes_away_is_said_and_the_pod_ends_by_itself(cluster: Cluster, node: Node) -> None:
    told = Told()
    node.gives = False
    work = asyncio.ensure_future(probe(cluster, told, timeout_s=60))
    await told.until("no address yet")
    await cluster.stop()
    with pytest.raises(UnavailableError):
        await work
    assert "could not be deleted" in told.lines[-1]
