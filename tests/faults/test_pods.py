"""Pods, addresses and blocks that somebody forged or that nobody should send, under a running bridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.core.chain import canonical
from runner_bridge.core.model.finding import Outcome
from runner_bridge.simulate.cluster import Cluster, Fault
from runner_bridge.simulate.cluster.resources import PODS
from tests.flow.bridge import Book, running
from tests.flow.world import CALICO, INFRA, NAMESPACE, World, pod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BLOCK = f"{CALICO}/ipamblocks/172-16-0-0-25"


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with Cluster() as started:
        yield started


@pytest.fixture
async def world(cluster: Cluster) -> AsyncIterator[World]:
    async with aiohttp.ClientSession(cluster.url) as session:
        made = World(session)
        await made.furnish()
        yield made


WHOLE = json.dumps({"type": "ADDED", "object": pod("ghost")}).encode()


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(WHOLE[:-40], id="cut off"),
        pytest.param(WHOLE.replace(b"{", b"\x00", 1), id="a zero byte"),
        pytest.param(bytes(range(128, 256)) * 8, id="no text"),
        pytest.param(b'{"type":"ADDED","object":' * 10_000, id="nested too deep"),
        pytest.param(b"x" * 2_000_000, id="two megabytes of nothing"),
        pytest.param(b'{"type":"ADDED"}', id="no object"),
        pytest.param(b'{"type":"ADDED","object":{"metadata":{}}}', id="no name"),
        pytest.param(b'{"type":"NEWS","object":{"metadata":{"name":"ghost"}}}', id="an unknown type"),
        pytest.param(b"[]", id="a list"),
    ],
)
async def test_a_damaged_line_is_counted_and_a_list_makes_up_for_it(
    cluster: Cluster, world: World, damaged: bytes
) -> None:
    await world.job_pod("bad", asked='["workload"]')
    await world.give("bad", "10.10.0.1", "workload")
    cluster.faults.add(Fault(verbs=frozenset({"watch"}), path="/pods", inserted=damaged + b"\n"))
    async with running(cluster.url, Book()) as bridge:
        await bridge.until(lambda: bridge.observer.bad_lines and bridge.said.doubts[-1:] == [()])
        await bridge.until(lambda: bridge.proven("bad"))
        await world.job_pod("next")
        await bridge.until(lambda: bridge.verdict("next"))
        assert bridge.observer.bad_lines == 1
        assert "lines of the watch could not be read" in str(bridge.said.doubts[0])
        assert {one.outcome for one in bridge.said.verdicts if one.pod == "bad"} == {Outcome.BREACH}
        assert bridge.verdict("ghost") is None


async def test_an_annotation_of_a_megabyte_is_judged_and_not_passed_on(cluster: Cluster, world: World) -> None:
    """No API server takes more than 256 KiB today; what it asks for goes into causes, Events and entries."""
    huge = pod("huge", asked=json.dumps(["infraestrutura", *(f"pool-{number}" for number in range(90_000))]))
    huge["metadata"] |= {"namespace": NAMESPACE, "uid": "uid-of-huge"}
    huge["metadata"]["annotations"]["notes"] = "y" * 1_000_000
    assert len(json.dumps(huge)) > 2_000_000
    book = Book()
    async with running(cluster.url, book) as bridge:
        cluster.objects.force(PODS, NAMESPACE, "huge", {"kind": "Pod", "apiVersion": "v1", **huge})
        await bridge.until(lambda: bridge.codes("huge"))
        assert bridge.outcome("huge") is Outcome.BREACH
        assert "annotation-overwritten" in bridge.codes("huge")
        await world.job_pod("small")
        await world.give("small", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("small"))
        verdict = bridge.verdict("huge")
        assert verdict is not None
        assert max(len(finding.headline + finding.cause + finding.what_to_do) for finding in verdict.findings) < 4000
    assert ("huge", "AnnotationOverwritten") in await world.told()
    assert max(len(canonical(entry)) for entry in book.entries) < 4000


@pytest.mark.parametrize(
    "text", ["172.16.0.256", "172.16.0.999/32", "::ffff:zz", "172.16.0.0.1", "x" * 5000, "[]", "172.016.0.1"]
)
@pytest.mark.parametrize("where", ["status", "annotation"])
async def test_an_address_that_is_none_proves_nothing(cluster: Cluster, world: World, where: str, text: str) -> None:
    await world.job_pod("good")
    await world.give("good", "172.16.1.1", "infraestrutura")  # so that Calico is seen to be in use
    odd = pod("odd", asked=INFRA) | {"kind": "Pod", "apiVersion": "v1"}
    odd["metadata"] |= {"namespace": NAMESPACE, "uid": "uid-of-odd"}
    address = text if where == "status" else "172.16.0.1"
    odd["status"] = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    if where == "annotation":
        odd["metadata"]["annotations"] |= {f"cni.projectcalico.org/{key}": text for key in ("podIP", "podIPs")}
    cluster.objects.force(PODS, NAMESPACE, "odd", odd)
    # Without any block in the cluster Calico's IPAM would not be in use at all.
    await world.allocate("somebody-else", "172.16.9.9", "infraestrutura", "node-1")
    book = Book()
    async with running(cluster.url, book) as bridge:
        await bridge.until(lambda: any(one.pod == "odd" for one in bridge.said.verdicts))
        assert bridge.outcome("odd") is Outcome.UNKNOWN
        assert {one.outcome for one in bridge.said.verdicts if one.pod == "odd"} == {Outcome.UNKNOWN}
    assert not [one for one in book.intervals.values() if one.address == text]


async def test_of_two_pods_that_claim_one_address_the_block_says_whose_it_is(cluster: Cluster, world: World) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        for name in ("holder", "thief"):
            await world.job_pod(name)
        await world.give("holder", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("holder"))
        await world.give("thief", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: bridge.outcome("thief") is Outcome.UNKNOWN)
        await bridge.until(lambda: bridge.proven("holder"))
        assert bridge.outcome("holder") is Outcome.PASS
        assert Outcome.PASS not in {one.outcome for one in bridge.said.verdicts if one.pod == "thief" and one.assigned}
        await world.remove("holder")
        await world.allocate("thief", "172.16.0.1", "infraestrutura", "node-1")
        bridge.controller.sweep()
        await bridge.until(lambda: bridge.outcome("thief") is Outcome.PASS)
    assert [(one.pod, one.outcome) for one in book.open] == [("thief", Outcome.PASS)]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"allocations": [None, 7]}, id="an attribute that is not there"),
        pytest.param({"allocations": [None, -1]}, id="a negative attribute"),
        pytest.param({"allocations": [None] * 5000 + [0]}, id="an ordinal behind the end"),
        pytest.param({"allocations": [None, "0"]}, id="a number that is text"),
        pytest.param({"allocations": {"1": 0}}, id="a map"),
        pytest.param({"allocations": [None, 10**30]}, id="a number of thirty digits"),
        pytest.param({"attributes": None}, id="no attributes"),
        pytest.param({"cidr": "172.16.0.128/25"}, id="the range behind its own"),
        pytest.param({"cidr": "10.10.0.0/26"}, id="the range of another"),
        pytest.param({"cidr": "0.0.0.0/0"}, id="all addresses there are"),
    ],
)
async def test_a_block_with_impossible_ordinals_proves_nothing(
    cluster: Cluster, world: World, spec: dict[str, Any]
) -> None:
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a")
        await world.allocate("a", "172.16.0.1", "infraestrutura", "node-1")
        await world.merge(BLOCK, {"spec": spec})
        await world.give("a", "172.16.0.1", "infraestrutura", block=False)
        await bridge.until(lambda: (one := bridge.verdict("a")) and one.assigned)
        bridge.controller.sweep()
        await world.job_pod("b")
        await world.give("b", "172.16.1.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("b"))
        await bridge.until(lambda: bridge.outcome("a") is Outcome.UNKNOWN or bridge.said.notes)
        assert not bridge.proven("a"), bridge.verdict("a")


async def test_a_forged_address_of_a_neighbour_wins_nothing_and_costs_the_neighbour_nothing(
    cluster: Cluster, world: World
) -> None:
    """A pod whose own address is routable claims, in the annotation that Calico writes, the address of another."""
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("honest")
        await world.give("honest", "172.16.0.1", "infraestrutura")
        await world.job_pod("forger")
        await world.give("forger", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("honest", "forger"))
        notes = {f"cni.projectcalico.org/{key}": "172.16.0.1/32" for key in ("podIP", "podIPs")}
        await world.merge(world.path("forger"), {"metadata": {"annotations": notes}})
        await bridge.until(lambda: bridge.outcome("forger") is not Outcome.PASS and bridge.proven("honest"))
        bridge.controller.sweep()
        await bridge.until(lambda: bridge.proven("honest"))
        assert bridge.outcome("honest") is Outcome.PASS
        assert "address-routable" in bridge.codes("forger")
        assert {one.outcome for one in bridge.said.verdicts if one.pod == "forger" and one.assigned} == {Outcome.BREACH}
    assert ("honest", "172.16.0.1") in {(one.pod, one.address) for one in book.open}
    assert ("forger", "10.10.0.1") in {(one.pod, one.address) for one in book.open}


@pytest.mark.parametrize(
    "claim",
    ["7311001", "1; DROP TABLE entry", "7311000\n\x1b[2Jbreach", "glpat-AAAAAAAAAAAAAAAAAAAA", "9" * 40_000, ""],
)
async def test_a_forged_job_id_is_a_claim_that_changes_no_verdict(cluster: Cluster, world: World, claim: str) -> None:
    book = Book()
    async with running(cluster.url, book) as bridge:
        forged = pod("a")
        forged["metadata"]["annotations"]["job.runner.gitlab.com/id"] = claim
        forged["metadata"]["annotations"]["job.runner.gitlab.com/url"] = f"https://evil.example/{claim}"
        await world.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", forged)
        await world.give("a", "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven("a"))
        assert bridge.outcome("a") is Outcome.PASS
        verdict = bridge.verdict("a")
        assert verdict is not None
        assert verdict.project == "4217", "the project is the label's, which a job cannot forge"
    texts = [canonical(entry) for entry in book.entries]
    assert max(map(len, texts)) < 5000
    assert not any("glpat-AAAA" in text or "\x1b" in text for text in texts)


async def test_our_labels_are_put_right_after_a_hand_has_changed_or_removed_them(
    cluster: Cluster, world: World
) -> None:
    async with running(cluster.url, Book()) as bridge:
        await world.job_pod("a", asked='["workload"]')
        await world.give("a", "10.10.0.1", "workload")
        await bridge.until(lambda: bridge.proven("a"))
        right = await world.labels("a")
        for forged in ({"verdict": "pass", "tier": "gold"}, dict.fromkeys(right)):
            done = bridge.act.done
            labels = {f"runner-bridge.dev/{key}": one for key, one in forged.items()}
            await world.merge(world.path("a"), {"metadata": {"labels": labels}})
            await bridge.until(lambda done=done: bridge.act.done > done)  # type: ignore[misc]
            assert await world.labels("a") == right
    assert right["verdict"] == "breach"


LABELS = ("manager.runner.gitlab.com/id-short", "project.runner.gitlab.com/id")


@pytest.mark.parametrize("taken", [LABELS[:1], LABELS[1:], LABELS, (*LABELS, "manager.runner.gitlab.com/name")])
async def test_a_pod_that_lost_its_runners_labels_is_no_pass_and_still_holds_its_address(
    cluster: Cluster, world: World, taken: tuple[str, ...]
) -> None:
    """The runner never takes them away: somebody who may patch pods did."""
    book = Book()
    async with running(cluster.url, book) as bridge:
        await world.job_pod("runner-4xyqa7plw-project-4217-concurrent-0-abc")
        name = "runner-4xyqa7plw-project-4217-concurrent-0-abc"
        await world.give(name, "172.16.0.1", "infraestrutura")
        await bridge.until(lambda: bridge.proven(name))
        await world.merge(world.path(name), {"metadata": {"labels": dict.fromkeys(taken)}})
        await bridge.until(lambda: bridge.outcome(name) is not Outcome.PASS)
        await bridge.until(lambda: bridge.outcome(name) is Outcome.UNKNOWN)
        assert (await world.labels(name))["verdict"] == "unknown"
    assert [(one.pod, one.address, one.outcome) for one in book.open] == [(name, "172.16.0.1", Outcome.UNKNOWN)]
