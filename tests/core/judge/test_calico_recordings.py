"""
What the judge says about every step that a real Calico IPAM was recorded with.

Each recorded ADD becomes a job pod of the pinned tier: the recorded annotations, namespace, node and sandbox; the
address that Calico gave, or its refusal as kubelet would report it; the pools and, where recorded, the blocks.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from msgspec import structs

from runner_bridge.core.judge import judge
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.verdict import Grade, Judgement
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.judge import reading

RECORDED: dict[str, Any] = reading.sample("calico")
POOLS = '["infraestrutura"]'
SOON = make.NOW + timedelta(seconds=5)


def policy(
    infra: str = "172.16.0.0/16",
    default: str = "10.244.0.0/16",
    name: str = "default-ipv4-ippool",
    *,
    pinned: bool = True,
) -> p.Policy:
    """The recorded runner's short id belongs to the pinned tier, or to the one that is judged by class."""
    mine, others = ((make.SHORT_ID,), ("2bGnS8cXe",)) if pinned else (("2bGnS8cXe",), (make.SHORT_ID,))
    routable = make.pool(name, default, pool_class=p.PoolClass.ROUTABLE, generated=False)
    return make.policy(
        make.tier("infra", make.pool(cidr=infra), runners=(make.runner("k8s-infra", "infra", short_ids=mine),)),
        make.tier("default", routable, pin=False, runners=(make.runner("shared", "default", short_ids=others),)),
        cluster=p.Cluster(
            name="recorded", namespaces=(), pod_cidrs=(), calico_version=None, pools_owner=p.PoolsOwner.ADMIN
        ),
    )


def job(name: str, annotations: dict[str, str], addresses: list[str], **changes: Any) -> c.Pod:
    values = {"namespace": "ci-jobs", "name": name, "asked": reading.asked(annotations), "container_id": ""}
    return make.job_pod(" ".join(addresses), **(values | changes))


def refused(pod: c.Pod, message: str) -> c.SandboxFailure:
    text = f'Failed to create pod sandbox: ... plugin type="calico" failed (add): {message}'
    return c.SandboxFailure(namespace=pod.namespace, pod=pod.name, message=text, count=2)


def pools_of(found: list[dict[str, Any]]) -> tuple[c.IPPool, ...]:
    return tuple(reading.pool(one) for one in found)


def blocks_of(found: list[dict[str, Any]]) -> tuple[c.Block, ...]:
    return tuple(reading.block(one) for one in found)


def short(judgement: Judgement) -> str:
    """`outcome grade code code …` of the one pod."""
    (verdict,) = judgement.verdicts
    outcome = "pending" if verdict.pending else str(verdict.outcome)
    return " ".join([outcome, str(verdict.grade), *(finding.code.name for finding in verdict.findings)])


def replay(step: dict[str, Any], pools: list[dict[str, Any]], infra: str, usual: dict[str, str]) -> Judgement:
    annotations = step.get("podAnnotationsAfterAdd") or step.get("podAnnotations") or dict(usual)
    if "handed" in step:
        annotations["cni.projectcalico.org/ipv4pools"] = json.dumps(step["handed"])
    pod = job(
        step["pod"],
        annotations,
        step.get("addresses", []),
        namespace=step["namespace"],
        node=step["node"],
        container_id=step["sandbox"] if "addresses" in step else "",
    )
    namespace = c.Namespace(name=pod.namespace, asked=reading.asked(step.get("namespaceAnnotations", {})))
    snapshot = c.Snapshot(
        pods=(pod,),
        pools=pools_of(step.get("pools", pools)),
        blocks=blocks_of(step["blocks"]) if "blocks" in step else None,
        namespaces=(namespace,),
        failures=(refused(pod, step["refusal"]),) if "refusal" in step else (),
    )
    return judge(policy(infra), snapshot, now=SOON)


OVERWRITTEN = "breach address annotation-overwritten"
ROUTABLE = "breach address annotation-overwritten address-routable"
MISSING = "breach address annotation-missing address-routable"
MALFORMED = "breach address annotation-malformed"
NOTHING = "breach address annotation-asks-nothing address-routable"
NO_SUCH = "breach address annotation-overwritten pool-unknown"
FULL = "unknown address pool-exhausted"
FIXED = "breach address ip-addrs-requested annotation-missing"
SEEN = "pass address"
HELD = "pass block"

EXPECTED: dict[str, dict[str, str]] = {
    "a-pool-by-annotation": {
        "pod annotation, pool name": HELD,
        "pool CIDR": SEEN,
        "non-canonical pool CIDR": SEEN,
        "CIDR inside the pool, no pool of its own": NO_SUCH,
        "single address as CIDR": NO_SUCH,
        "plain address": NO_SUCH,
        "name and CIDR of the same pool": SEEN,
        "two pools, infra first": OVERWRITTEN,
        "two pools, default first": OVERWRITTEN,
        "two pools, default first, on a node without blocks": ROUTABLE,
        "JSON escape in the name": SEEN,
        "JSON with white space and newline": SEEN,
        "calico-ipam called directly with ipam.ipv4_pools [name]": HELD,
        "calico-ipam directly, CIDR": SEEN,
        "calico-ipam directly, pod carries the annotation but stdin has no ipv4_pools: "
        "the annotation is not read; the address still comes from the infra pool, because that pool is Automatic, "
        "selects the node, and the node already owns a block of it": "breach address annotation-missing",
        "the same on a node that owns no block yet": MISSING,
        "calico-ipam directly, without any Pod object": SEEN,
        "calico (full plugin), Pod object missing": "breach address annotation-missing address-pending",
        "ADD twice with the same container ID: a second address under the same handle": HELD,
    },
    "b-namespace-annotation": {
        "namespace only": HELD,
        "namespace infra, pod default: pod wins": ROUTABLE,
        "namespace default, pod infra: pod wins": SEEN,
        "namespace infra, pod []: automatic selection": NOTHING,
        "namespace infra, pod null: automatic selection": NOTHING,
        "namespace infra, pod empty text: namespace wins": SEEN,
        "namespace empty text, no pod annotation: automatic": MISSING,
        "namespace infra, pod malformed: pod fails": MALFORMED,
        "namespace malformed, pod fine: pod wins": SEEN,
        "namespace malformed, no pod annotation": MALFORMED,
        "namespace unknown pool, pod fine": SEEN,
        "namespace infra, pod ipv6pools only (no effect on IPv4)": SEEN,
        "pod ipAddrs in infra pool, no pool annotation": "breach block ip-addrs-requested annotation-missing",
        "pod ipAddrs outside every pool": FIXED,
        "pod ipAddrs already taken": FIXED,
        "pod ipAddrs with two IPv4": FIXED,
        "pod ipAddrs malformed": FIXED,
        "pod ipAddrs in the default pool together with ipv4pools infra: ipAddrs wins": (
            "breach address ip-addrs-requested address-routable"
        ),
        "ipAddrs and ipAddrsNoIpam together": (
            "breach address ip-addrs-requested ip-addrs-no-ipam-requested annotation-missing"
        ),
        "ipAddrsNoIpam, feature off": "breach address ip-addrs-no-ipam-requested annotation-missing",
        "floatingIPs, feature off": "breach address floating-ips-requested",
        "ipFamilies unknown word": "breach address ip-families-requested",
        "forged podIP on creation is overwritten at ADD": MISSING,
        "annotation key with wrong case is ignored": MISSING,
        "annotation added after ADD: nothing changes": MISSING,
        "same pod, new sandbox (new container ID): now the annotation counts": HELD,
        "datastore locked (ClusterInformation datastoreReady false): ADD": (
            "breach address annotation-missing calico-locked"
        ),
        "datastore locked: calico-ipam directly does not look at it": MISSING,
    },
    "d-refusals": {
        "correct": SEEN,
        "bare word": MALFORMED,
        "JSON string": MALFORMED,
        "trailing comma": MALFORMED,
        "single quotes": MALFORMED,
        "missing closing bracket": MALFORMED,
        "two values": MALFORMED,
        "number in the list": MALFORMED,
        "object": MALFORMED,
        "nested list": MALFORMED,
        "null element": NO_SUCH,
        "empty string element": NO_SUCH,
        "empty list": NOTHING,
        "null": NOTHING,
        "white space only": MALFORMED,
        "unknown pool name": NO_SUCH,
        "wrong case": NO_SUCH,
        "trailing space in the name": NO_SUCH,
        "first element wrong, second right": NO_SUCH,
        "first element right, second wrong": NO_SUCH,
        "disabled pool": "breach address annotation-overwritten pool-disabled",
        "enabled pool first, disabled second": "breach address annotation-overwritten pool-disabled",
        "IPv6 pool name in ipv4pools": MALFORMED,
        "IPv6 CIDR in ipv4pools": MALFORMED,
        "IPv4 pool in ipv6pools; no IPv6 is requested, still refused": MALFORMED,
        "CIDR of no pool": NO_SUCH,
        "larger CIDR": NO_SUCH,
        "bad CIDR": NO_SUCH,
        "ipFamilies IPv6 only, pool v4 named: gets IPv6?": "breach address ip-families-requested no-pool-for-node",
        "ipFamilies IPv6 only, v6 pool named": (
            "breach address annotation-overwritten ip-families-requested annotation-missing family-undeclared"
        ),
        "ipFamilies []": "breach address ip-families-requested",
        "Node object missing": "unknown address node-missing",
        "Namespace object missing, calico-ipam directly": "pending address address-pending",
        "Namespace object missing, full plugin": "breach address annotation-missing address-pending",
        "no pool at all, no annotation": "breach address annotation-missing no-pool-of-family",
        "no pool at all, CIDR named": "breach address annotation-missing no-pool-of-family",
    },
    "e-exhaustion": {
        "node-1 takes the rest of its own second block": SEEN,
        "pool full: node-3 (no block)": FULL,
        "pool full: node-1 (owns blocks)": FULL,
        "pool full, second pool listed: spills over": ROUTABLE,
        "node-1 now borrows the address that became free": SEEN,
        "strict: a fifth node, 12 addresses free": FULL,
        "strict: node-5 can now claim it": SEEN,
        "capped node, ordinary pool still works": ROUTABLE,
        "an ordinary pod on that node: the empty Manual block stays": MISSING,
        "pool switched to !all(): the next ordinary pod on that node releases the empty infra block": MISSING,
        "after the cool-down: next job": HELD,
        "node-2 at once (strict)": FULL,
        "node-2 again 62 s later: takes over an empty block of node-1": HELD,
        "node-2 at once (not strict): borrows from an empty block of node-1": HELD,
    },
    "f-leaks-and-special-entries": {
        "ADD job-1 (full plugin)": SEEN,
        "ADD job-2 (full plugin)": SEEN,
        "ADD job-3 (full plugin)": SEEN,
        "same pod name again, new sandbox, old one never released: two addresses for one pod name": HELD,
        "ADD on node-1": SEEN,
        "ADD on node-2": SEEN,
        "ADD on node-3": SEEN,
        "explicit address inside the reservation": SEEN,
        "whole pool reserved, node owns a block with free addresses": FULL,
        "whole pool reserved, node owns no block": FULL,
        "ADD from the new pool": OVERWRITTEN,
        "ADD from the new pool on a node without blocks": OVERWRITTEN,
        "== one /26 pool with blockSize 28, one address used": (
            "breach address annotation-overwritten address-in-no-pool"
        ),
    },
    "g-dual-stack": {
        "dual-stack conf, both pools named": "breach block annotation-overwritten",
        "dual-stack conf, only ipv4pools named: IPv6 comes from the default pool": HELD,
        "dual-stack conf, no annotation": MISSING,
        "single-stack conf, ipv6pools named: IPv6 is not assigned": OVERWRITTEN,
        'single-stack conf, ipFamilies ["IPv4","IPv6"]': f"{OVERWRITTEN} ip-families-requested",
        'dual-stack conf, ipFamilies ["IPv4"]': SEEN,
        "dual-stack conf, IPv6 pool unknown": NO_SUCH,
        "dual-stack conf, no IPv6 pool selects the node, only ipv4pools named": "unknown address no-pool-for-node",
        "dual-stack, IPv6 pool of two addresses, pod 1": OVERWRITTEN,
        "dual-stack, IPv6 pool of two addresses, pod 2": OVERWRITTEN,
        "dual-stack, IPv6 pool exhausted: the IPv4 address is given back": f"{OVERWRITTEN} pool-exhausted",
    },
    "k-garbage-collection": {
        "ADD job-1 on node-1": SEEN,
        "ADD job-2 on node-1": SEEN,
        "ADD job-3 on node-1": SEEN,
        "ADD job-4 on node-1": SEEN,
        "ADD job-5 on node-2": SEEN,
    },
    "v3-group": {
        "both groups present, calico_api_group not set: the v1 group is used (pools are in v3, so nothing is found)": (
            "unknown address pool-unknown"
        ),
        "calico_api_group projectcalico.org/v3: ADD": HELD,
        "a second one, calico-ipam directly": SEEN,
        "ordinary pod": "breach block annotation-missing address-routable",
        "unknown pool": NO_SUCH,
    },
}
# What the plugin was handed in these steps is not in the recording of the step itself.
NAMED = {"cni.projectcalico.org/ipv4pools": POOLS}
USUAL = {
    "f-leaks-and-special-entries": NAMED,
    "k-garbage-collection": NAMED,
}
INFRA = {"e-exhaustion": "172.20.0.0/24"}


def adds(file: str) -> list[dict[str, Any]]:
    return [step for step in RECORDED[file]["steps"] if step.get("command") == "ADD"]


@pytest.mark.parametrize(
    ("file", "step"),
    [(file, step) for file in EXPECTED for step in adds(file)],
    ids=lambda one: one if isinstance(one, str) else one["step"][:60],
)
def test_each_recorded_add_has_its_verdict(file: str, step: dict[str, Any]) -> None:
    infra = INFRA.get(file, "172.16.0.0/16")
    pools = [one | ({"cidr": infra} if one["name"] == "infraestrutura" else {}) for one in RECORDED[file]["pools"]]
    judgement = replay(step, pools, infra, USUAL.get(file, {}))
    assert short(judgement) == EXPECTED[file][step["step"]]


@pytest.mark.parametrize("file", EXPECTED)
def test_no_recorded_add_is_left_out(file: str) -> None:
    assert {step["step"] for step in adds(file)} == set(EXPECTED[file])


# c: 31 settings of the pool, each with the same pods, straight from the IPAM plugin.
REFUSALS = {
    "no configured Calico pools for node node-1": "no-pool-for-node",
    "the given pool (172.16.0.0/16) does not exist, or is not enabled": "pool-disabled",
    "the given pool (10.244.0.0/16) does not exist, or is not enabled": "pool-disabled",
    "cannot find a qualified ippool, no pools match the required use (Workload)": "pool-not-for-workloads",
    "cannot find a qualified ippool": "no-pool-of-family",
    'error parsing pool "infraestrutura": invalid CIDR address: infraestrutura': "pool-unknown",
    "expected string": "pool-selector-unreadable",
    "unexpected token: TokEOF()": "pool-selector-unreadable",
}
SETTINGS = [
    (step["setting"], pod)
    for step in RECORDED["c-pool-selection"]["steps"]
    for pod in step.get("pods", ())
    if "pod" in pod
]


@pytest.mark.parametrize(("setting", "found"), SETTINGS, ids=[f"{one[:50]}: {pod['pod']}" for one, pod in SETTINGS])
def test_pods_under_each_setting_of_the_pool(setting: str, found: dict[str, Any]) -> None:
    # Two settings have another default pool, named `workload`; their title holds its range.
    other = re.search(r"same pools \((\S+)\)", setting)
    default, name = (other[1], "workload") if other else ("10.244.0.0/16", "default-ipv4-ippool")
    names = found["pod"].removeprefix("names ")
    asks = {"cni.projectcalico.org/ipv4pools": json.dumps([names])} if names != found["pod"] else {}
    given = [one.partition("/")[0] for one in found["result"]] if isinstance(found["result"], list) else []
    pod = job("job", asks, given)
    failures = () if given else (refused(pod, found["result"]),)
    snapshot = c.Snapshot(pods=(pod,), failures=failures, namespaces=(c.Namespace(name="ci-jobs"),))
    # Whoever names the infra pool is a job of its tier; all others are jobs of the tier that is judged by class.
    infra = names == "infraestrutura"
    result = short(judge(policy(default=default, name=name, pinned=infra), snapshot, now=SOON))
    if not given:
        assert result == f"unknown address {REFUSALS[found['result']]}"
    elif infra or ip_address(given[0]) in ip_network(default):
        assert result == SEEN
    else:
        assert result == "breach address address-outside-tier-pools"


def test_an_annotation_added_after_the_network_was_made_does_not_hide_the_address() -> None:
    steps = {step["step"]: step for step in RECORDED["b-namespace-annotation"]["steps"]}
    add = steps["annotation added after ADD: nothing changes"]
    pod = job(add["pod"], add["podAnnotationsAfterEdit"], add["addresses"])
    (verdict,) = judge(policy(), c.Snapshot(pods=(pod,)), now=SOON).verdicts
    (finding,) = verdict.findings
    assert finding.code.name == "address-routable"
    assert "added later" in finding.cause


def test_a_released_address_is_history() -> None:
    steps = {step["step"]: step for step in RECORDED["a-pool-by-annotation"]["steps"]}
    emptied = steps["CNI DEL"]["podAnnotationsAfterDel"]
    blocks = blocks_of(steps["CNI DEL"]["blocks"])
    pod = job("job-name", emptied, ["172.16.84.128"], annotated=reading.annotated(emptied), deleting=True)
    assert short(judge(policy(), c.Snapshot(pods=(pod,), blocks=blocks), now=SOON)) == SEEN


def test_the_old_sandbox_does_not_confirm_the_new_one() -> None:
    step = RECORDED["f-leaks-and-special-entries"]["steps"][5]
    address = ip_address(step["addresses"][0])
    before = c.Snapshot(
        pods=(job(step["pod"], NAMED, [str(address)], container_id="the sandbox before"),),
        blocks=blocks_of(step["blocks"]),
    )
    assert short(judge(policy(), before, now=SOON)) == "unknown address block-disagrees"


def test_a_succeeded_pod_that_still_stands_in_its_block_is_judged_by_its_history() -> None:
    step = RECORDED["f-leaks-and-special-entries"]["steps"][3]
    pod = job("job-3", NAMED, ["172.16.93.66"], phase="Succeeded")
    (verdict,) = judge(policy(), c.Snapshot(pods=(pod,), blocks=blocks_of(step["blocks"])), now=SOON).verdicts
    assert (verdict.outcome, verdict.finished) == ("pass", True)


SPECIAL = [
    step
    for file in ("e-exhaustion", "f-leaks-and-special-entries", "k-garbage-collection")
    for step in RECORDED[file]["steps"]
    if "blocks" in step and step["blocks"] and "affinity" in step["blocks"][0] and "allocations" in step["blocks"][0]
]


@pytest.mark.parametrize("step", SPECIAL, ids=lambda step: step["step"][:60])
def test_no_entry_of_a_recorded_block_confirms_a_pod_that_it_does_not_name(step: dict[str, Any]) -> None:
    # Tunnel addresses, Windows reservations, services, cooling and leaked addresses are among them.
    for block in blocks_of(step["blocks"]):
        for ordinal in range(min(200, block.cidr.num_addresses)):
            pod = job("job-of-mine", NAMED, [str(block.cidr[ordinal])])
            (verdict,) = judge(policy("172.0.0.0/8"), c.Snapshot(pods=(pod,), blocks=(block,)), now=SOON).verdicts
            assert "block-disagrees" in [finding.code.name for finding in verdict.findings]


def test_cooling_addresses_are_nobodys() -> None:
    steps = {step["step"]: step for step in RECORDED["e-exhaustion"]["steps"]}
    blocks = blocks_of(
        steps["three lone jobs one after the other: distinct addresses, block survives with cooling entries"]["blocks"]
    )
    cooling = [
        block.cidr[ordinal]
        for block in blocks
        for ordinal, entry in block.allocations.items()
        if entry.released_at is not None
    ]
    assert cooling
    pod = job("job", NAMED, [str(cooling[0])])
    (verdict,) = judge(policy("172.20.0.0/24"), c.Snapshot(pods=(pod,), blocks=blocks), now=SOON).verdicts
    assert verdict.findings[0].observed.startswith(f"{cooling[0]} cooling down in block")


def overlapping() -> c.Snapshot:
    """A pool was deleted raw and made again with another block size; one address was given out twice."""
    step = RECORDED["f-leaks-and-special-entries"]["steps"][38]
    (address,) = step["heldTwice"]
    pods = tuple(job(name, NAMED, [address], node="") for _, name in step["heldTwice"][address])
    return c.Snapshot(pods=pods, blocks=blocks_of(step["blocks"]))


def test_overlapping_blocks_and_the_address_given_twice_are_seen() -> None:
    judgement = judge(policy("172.22.0.0/26"), overlapping(), now=SOON)
    assert [finding.code.name for finding in judgement.findings] == ["blocks-overlap", "project-unchecked"]
    assert {verdict.outcome for verdict in judgement.verdicts} == {"unknown"}
    for verdict in judgement.verdicts:
        assert {finding.code.name for finding in verdict.findings} == {"address-given-twice"}


def test_one_holder_alone_is_enough_to_see_it() -> None:
    both = overlapping()
    judgement = judge(policy("172.22.0.0/26"), structs.replace(both, pods=both.pods[:1]), now=SOON)
    assert short(judgement) == "unknown address address-given-twice"


def test_an_address_of_a_pool_that_was_deleted_raw_is_in_no_pool() -> None:
    recorded = RECORDED["j-calicoctl"]
    pod = job("o1", NAMED, ["172.21.0.240"])
    snapshot = c.Snapshot(pods=(pod,), pools=pools_of(recorded["pools"]), blocks=blocks_of(recorded["blocks"]))
    assert short(judge(policy("172.20.0.0/29"), snapshot, now=SOON)) == "breach block address-in-no-pool"


BORROWED = {"a1": "node-1", "a2": "node-1", "b1": "node-2", "c1-borrows": "node-3", "c2-borrows": "node-3"}


@pytest.mark.parametrize(("name", "node"), BORROWED.items())
def test_a_borrowed_address_is_as_good_as_an_own_one(name: str, node: str) -> None:
    recorded = RECORDED["j-calicoctl"]
    address = recorded["pods"][name][0].partition("/")[0]
    pod = job(name, NAMED, [address], node=node)
    assert short(
        judge(policy("172.20.0.0/29"), c.Snapshot(pods=(pod,), blocks=blocks_of(recorded["blocks"])), now=SOON)
    )


def test_a_second_family_that_nobody_declared_is_said_once_for_the_cluster() -> None:
    step = next(step for step in adds("g-dual-stack") if "only ipv4pools named: IPv6 comes" in step["step"])
    pods = tuple(
        job(f"job-{n}", NAMED, [f"172.16.93.{n}", step["addresses"][1][:-1] + str(n)], container_id=f"s{n}")
        for n in range(3)
    )
    judgement = judge(policy(), c.Snapshot(pods=pods), now=SOON)
    assert judgement.counts.passed == 3
    (family,) = [finding for finding in judgement.findings if finding.code.name == "family-undeclared"]
    assert "3 job pods" in family.observed
    assert judgement.outcome == "unknown"


def test_fifty_pods_that_started_at_once_are_all_confirmed() -> None:
    recorded = RECORDED["h-concurrency"]
    blocks = blocks_of(recorded["blocks"])
    held = {entry.pod: (block.cidr[n], entry.node) for block in blocks for n, entry in block.allocations.items()}
    pods = tuple(job(name, NAMED, [str(address)], node=node) for name, (address, node) in held.items())
    judgement = judge(policy(), c.Snapshot(pods=pods, blocks=blocks), now=SOON, strict=True)
    assert (judgement.counts.passed, len(pods)) == (50, 50)
    assert {verdict.grade for verdict in judgement.verdicts} == {Grade.BLOCK}


@pytest.mark.parametrize("message", sorted({one for step in RECORDED["i-capacity"]["steps"] for one in step["errors"]}))
def test_a_full_node_is_told_from_a_full_pool(message: str) -> None:
    pod = job("job", NAMED, [])
    code = "block-limit-reached" if "block limit" in message else "pool-exhausted"
    snapshot = c.Snapshot(pods=(pod,), failures=(refused(pod, message),))
    assert short(judge(policy(), snapshot, now=SOON)) == f"unknown address {code}"


def test_after_garbage_collection_the_blocks_confirm_who_is_left() -> None:
    recorded = RECORDED["k-garbage-collection"]
    blocks = blocks_of(recorded["finalBlocks"])
    left = {entry.pod for block in blocks for entry in block.allocations.values()}
    assert left == {"job-1", "job-4"}
    alive = job("job-1", NAMED, ["172.16.93.64"], node="node-1")
    lost = job("job-2", NAMED, ["172.16.93.65"], node="node-1")
    pending = job("job-4", NAMED, [], phase="Running", annotated=(ip_address("172.16.93.67"),), node="node-1")
    judgement = judge(policy(), c.Snapshot(pods=(alive, lost, pending), blocks=blocks), now=SOON)
    assert {verdict.pod: (str(verdict.outcome), str(verdict.grade)) for verdict in judgement.verdicts} == {
        "job-1": ("pass", "block"),
        "job-2": ("unknown", "address"),
        "job-4": ("pass", "block"),  # no address in its status yet: the block confirms Calico's annotation
    }


def test_the_same_pools_through_both_api_groups_do_not_overlap() -> None:
    v1 = pools_of(RECORDED["raw-lists-v1"]["pools"])
    v3 = tuple(structs.replace(pool, groups=("projectcalico.org",)) for pool in v1)
    pod = job("job", NAMED, ["172.16.84.128"])
    judgement = judge(policy(), c.Snapshot(pods=(pod,), pools=v1 + v3), now=SOON)
    assert [finding.code.name for finding in judgement.findings] == ["project-unchecked"]


def test_recorded_blocks_of_both_api_groups_confirm() -> None:
    for file, step in (("v3-group", RECORDED["v3-group"]["steps"][1]), ("raw-lists-v1", RECORDED["raw-lists-v1"])):
        for block in blocks_of(step["blocks"]):
            for ordinal, entry in block.allocations.items():
                named = NAMED if block.cidr.version == 4 and str(block.cidr).startswith("172") else {}
                pod = job(entry.pod, named, [str(block.cidr[ordinal])], node=entry.node)
                (verdict,) = judge(
                    policy(pinned=bool(named)), c.Snapshot(pods=(pod,), blocks=(block,)), now=SOON
                ).verdicts
                assert (verdict.outcome, verdict.grade) == ("pass", "block"), file


VERSIONS = [
    (version, case, result)
    for version, results in RECORDED["versions"].items()
    for case, result in results.items()
    if isinstance(result, dict) and result.get("exitCode") == 1
]


@pytest.mark.parametrize(("version", "case", "result"), VERSIONS, ids=[f"{one[:7]} {two}" for one, two, _ in VERSIONS])
def test_every_supported_version_refuses_in_words_that_are_known(
    version: str, case: str, result: dict[str, Any]
) -> None:
    pod = job("job", NAMED, [])
    (verdict,) = judge(policy(), c.Snapshot(pods=(pod,), failures=(refused(pod, result["result"]),)), now=SOON).verdicts
    assert not verdict.pending
    assert verdict.findings[0].code.name != "sandbox-failing"


def test_one_pods_life_ends_as_it_began_with_no_wrong_word_in_between() -> None:
    said: list[str] = []
    pod: c.Pod | None = None
    blocks: dict[str, c.Block] = {}
    for change in RECORDED["watch-one-pod"]:
        if change["kind"] == "Pod":
            annotations = change["object"]["metadata"]["annotations"]
            addresses = reading.annotated(annotations)
            pod = job(
                "job-name",
                annotations,
                [],
                annotated=addresses,
                node="node-1",
                container_id=annotations.get("cni.projectcalico.org/containerID", ""),
                deleting=addresses == (),
            )
        else:
            blocks[change["object"]["cidr"]] = reading.block(change["object"])
        if pod is not None:
            said.append(short(judge(policy(), c.Snapshot(pods=(pod,), blocks=tuple(blocks.values())), now=SOON)))
    pending, leaving = "pending address address-pending", "pending address pod-leaving"
    assert said == [pending, pending, pending, HELD, leaving, leaving]
