"""
What the judge says about every pod that a real GitLab Runner made and recorded.

The runner's recordings had no CNI plug-in, so each annotation is joined with what Calico's recordings gave for it: an
address, or a refusal in Calico's own words.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from msgspec import structs

from runner_bridge.core.judge import judge
from runner_bridge.core.model import cluster as c
from runner_bridge.core.model.verdict import Counts
from runner_bridge.core.policy import model as p
from tests import make
from tests.core.judge import reading

INFRA_ADDRESS = "172.16.84.128"  # a-pool-by-annotation: ["infraestrutura"]
DEFAULT_ADDRESS = "10.244.84.128"  # c-pool-selection: no annotation; b-namespace-annotation: ["default-ipv4-ippool"]
APPS_ADDRESS = "172.20.0.8"  # e-exhaustion, whose pool stands for the second one here

DEFAULT = make.pool("default", "10.244.0.0/16", pool_class=p.PoolClass.ROUTABLE, automatic=True, generated=False)
APPS = make.pool("aplicacoes", "172.20.0.0/16")
NAMESPACES = ("ci-team-a", "ci-team-b", "ci-job-*")


def policy(**short_ids: str) -> p.Policy:
    """Three tiers; each short id, given by its first character, is a runner's of the named tier or tiers."""
    full = {"s4": "4xYqA7pLw", "s9": "9mZrT5kQx", "s2": "2bGnS8cXe", "s5": "5wEtY1jMu", "s7": "7hDsQ3vBn"}
    known = {
        tier: tuple(full[key] for key, value in short_ids.items() if tier in value.split("+"))
        for tier in ("infra", "apps", "default")
    }
    tiers = (
        make.tier("infra", make.pool(), runners=(make.runner("k8s-infra", "infra", short_ids=known["infra"]),)),
        make.tier("apps", APPS, runners=(make.runner("k8s-apps", "apps", short_ids=known["apps"]),)),
        make.tier(
            "default", DEFAULT, pin=False, runners=(make.runner("shared", "default", short_ids=known["default"]),)
        ),
    )
    cluster = p.Cluster(
        name="recorded", namespaces=NAMESPACES, pod_cidrs=(), calico_version=None, pools_owner=p.PoolsOwner.ADMIN
    )
    return make.policy(*tiers, cluster=cluster)


# What Calico's recordings gave for each annotation: an address, or the refusal.
CALICO: dict[str | None, str] = {
    None: DEFAULT_ADDRESS,
    '["infraestrutura"]': INFRA_ADDRESS,
    '["default"]': DEFAULT_ADDRESS,
    '["aplicacoes"]': APPS_ADDRESS,
    '["default","team="]': 'error parsing pool "team=": invalid CIDR address: team=',
    '["first-listed-last"]': 'error parsing pool "first-listed-last": invalid CIDR address: first-listed-last',
}
FLOATING_OFF = "requested feature is not enabled: floating_ips"
KUBELET = 'Failed to create pod sandbox: rpc error: ... plugin type="calico" failed (add): '


def joined(found: dict[str, Any]) -> tuple[c.Pod, tuple[c.SandboxFailure, ...]]:
    """Put on a recorded pod the address that Calico gave for its annotation, or the events of its refusal."""
    pod = reading.pod(found)
    answer = FLOATING_OFF if pod.asked.floating_ips else CALICO[pod.asked.ipv4_pools]
    if pod.host_network or not pod.addresses:
        return pod, ()
    if re.fullmatch(r"[0-9.]+", answer):
        given = (ip_address(answer),)
        return reading.pod(found, addresses=given, annotated=given), ()
    failure = c.SandboxFailure(namespace=pod.namespace, pod=pod.name, uid=pod.uid, message=KUBELET + answer, count=7)
    return reading.pod(found, addresses=(), phase="Pending"), (failure,)


def judged(found: dict[str, Any], meant: p.Policy) -> tuple[str, list[str]]:
    pod, failures = joined(found)
    namespaces = tuple(c.Namespace(name=name) for name in ("ci-team-a", "ci-team-b", pod.namespace))
    snapshot = c.Snapshot(pods=(pod,), failures=failures, namespaces=namespaces)
    now = pod.scheduled_at or pod.created_at
    assert now is not None
    (verdict,) = judge(meant, snapshot, now=now + timedelta(seconds=5)).verdicts
    outcome = "pending" if verdict.pending else str(verdict.outcome)
    return outcome, [finding.code.name for finding in verdict.findings]


ALL_INFRA = policy(s4="infra", s9="infra", s2="infra", s5="infra", s7="infra")
BY_TOKEN = policy(s4="infra", s9="apps", s2="default")
UNPINNED = policy(s4="default", s9="default", s2="default")
SHARED_TOKEN = policy(s4="infra+apps")

MISSING = ("breach", ["annotation-missing", "address-routable"])
PASS: tuple[str, list[str]] = ("pass", [])
HOST = ("breach", ["host-network"])
PENDING = ("pending", ["address-pending"])

CASES: list[tuple[str, p.Policy, tuple[str, list[str]]]] = [
    # a: the runner's section has no annotation
    ("a-plain/build-as-created", ALL_INFRA, ("breach", ["annotation-missing", "address-pending"])),
    ("a-plain/build", ALL_INFRA, MISSING),
    ("a-plain/build", UNPINNED, PASS),
    # b: nothing may be overwritten; what a job redefines reaches labels and other annotations only
    ("b-annotations-labels/plain", ALL_INFRA, PASS),
    ("b-annotations-labels/job-redefines-variables", ALL_INFRA, PASS),
    ("b-annotations-labels/overwrite-not-allowed", ALL_INFRA, PASS),
    # c: everything may be overwritten
    ("c-overwrite-any/no-overwrite", ALL_INFRA, PASS),
    ("c-overwrite-any/overwrite-pool", ALL_INFRA, ("breach", ["annotation-overwritten", "address-routable"])),
    ("c-overwrite-any/by-variable-expansion", ALL_INFRA, ("breach", ["annotation-overwritten", "address-routable"])),
    (
        "c-overwrite-any/overwrite-address",
        ALL_INFRA,
        ("breach", ["ip-addrs-requested", "floating-ips-requested"]),
    ),
    ("c-overwrite-any/overwrite-runner-own-keys", ALL_INFRA, ("unknown", ["claim-contradicted"])),
    ("c-overwrite-any/twice-the-same-key", ALL_INFRA, ("breach", ["annotation-overwritten", "pool-unknown"])),
    # d: an unanchored pattern lets the pool through when its words stand somewhere in the text
    ("d-overwrite-regexp/allowed-key", ALL_INFRA, PASS),
    ("d-overwrite-regexp/anchored-allowed-key", ALL_INFRA, PASS),
    ("d-overwrite-regexp/broken-regexp-nothing-asked", ALL_INFRA, PASS),
    (
        "d-overwrite-regexp/other-key-with-the-words-in-the-value",
        ALL_INFRA,
        ("breach", ["annotation-overwritten", "pool-unknown"]),
    ),
    # e: patches of the pod's specification reach the host's network, never its annotations
    ("e-pod-spec-patches/strategic", ALL_INFRA, HOST),
    ("e-pod-spec-patches/strategic-job-turns-flag-off", ALL_INFRA, HOST),
    ("e-pod-spec-patches/merge-metadata", ALL_INFRA, PASS),
    ("e-pod-spec-patches/json-host-network", ALL_INFRA, HOST),
    ("e-pod-spec-patches/flag-not-set", ALL_INFRA, PASS),
    ("e-pod-spec-patches/flag-not-set-job-turns-it-on", ALL_INFRA, HOST),
    ("e-pod-spec-strategic-metadata/strategic-metadata", ALL_INFRA, PASS),
    # f: other namespaces; an unpinned tier has nothing to ask for
    ("f-namespace-nodes-services/as-configured", UNPINNED, PASS),
    ("f-namespace-nodes-services/other-namespace", UNPINNED, PASS),
    ("f-namespace-nodes-services/namespace-per-job", UNPINNED, PASS),
    ("f-namespace-nodes-services/disruption-budget", UNPINNED, PASS),
    ("f-namespace-nodes-services/image-and-service-ports", UNPINNED, PASS),
    # h: one token in two sections
    *((f"h-same-token-twice/job-{n}", SHARED_TOKEN, ("unknown", ["runner-ambiguous"])) for n in range(1, 9)),
    # i: odd names; the runner's name is cut and its characters replaced
    ("i-odd-values/deploy-prod-eu-west-1-3-", UNPINNED, PASS),
    ("i-odd-values/merge-request", UNPINNED, PASS),
    ("i-odd-values/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", UNPINNED, PASS),
    # j: failed pulls have no address here, because the stand-in gave none before the pull
    ("j-pull-failure-eviction-deletion/image-not-found", UNPINNED, PENDING),
    ("j-pull-failure-eviction-deletion/image-not-found-two-policies", UNPINNED, PENDING),
    ("j-pull-failure-eviction-deletion/image-not-found-two-policies-2", UNPINNED, PENDING),
    ("j-pull-failure-eviction-deletion/service-image-not-found", UNPINNED, PENDING),
    ("j-pull-failure-eviction-deletion/get-sources-attempts-3-pull-fails", UNPINNED, PENDING),
    ("j-pull-failure-eviction-deletion/evicted", UNPINNED, PASS),
    ("j-pull-failure-eviction-deletion/section-attempts-3-evicted", UNPINNED, PASS),
    ("j-pull-failure-eviction-deletion/pod-deleted-from-outside", UNPINNED, PASS),
    # k: an admission policy lets the right pod through
    ("k-admission-policy/keeps-the-pool", ALL_INFRA, PASS),
    # n: pause pods are a Deployment, of which no controller made pods here
    ("n-pause-pods/with-idle-capacity", ALL_INFRA, PASS),
]


@pytest.mark.parametrize(("name", "meant", "expected"), CASES, ids=[case[0] for case in CASES])
def test_each_recorded_case_has_its_verdict(name: str, meant: p.Policy, expected: tuple[str, list[str]]) -> None:
    assert judged(reading.sample("runner")[name], meant) == expected


def test_no_recorded_case_is_left_out() -> None:
    recorded = {name for name in reading.sample("runner") if not name.startswith(("watch/", "list/"))}
    assert recorded == {name for name, _, _ in CASES}


# The watch: 14 jobs of two runners, one of which overwrote its pool.
OVERWROTE = "runner-4xyqa7plw-project-4218-concurrent-0-21sujyb2"
STRANGERS = {"debug-shell", "gitlab-runner-6d9c5f7b48-x2lqk"}
STATES = [name for name in reading.sample("runner") if name.startswith(("watch/", "list/"))]


@pytest.mark.parametrize("name", [name for name in STATES if name.split("/")[1] not in STRANGERS])
def test_each_state_in_the_recorded_watch_and_list_has_its_verdict(name: str) -> None:
    found = reading.sample("runner")[name]
    has_address = "podIPs" in found["status"]
    expected = PASS if has_address else PENDING
    if name.split("/")[1] == OVERWROTE:
        last = "address-routable" if has_address else "address-pending"
        expected = ("breach", ["annotation-overwritten", last])
    assert judged(found, BY_TOKEN) == expected


@pytest.mark.parametrize("name", [name for name in STATES if name.split("/")[1] in STRANGERS])
def test_the_managers_pod_and_a_shell_are_no_job_pods(name: str) -> None:
    pod = reading.pod(reading.sample("runner")[name])
    judgement = judge(BY_TOKEN, c.Snapshot(pods=(pod,)), now=make.NOW)
    assert judgement.verdicts == ()
    assert judgement.counts == Counts(other=1)


def test_the_recorded_list_is_judged_as_a_whole() -> None:
    found = [joined(one)[0] for name, one in reading.sample("runner").items() if name.startswith("list/")]
    pods = tuple(
        structs.replace(pod, addresses=(pod.addresses[0] + n,), annotated=(pod.addresses[0] + n,))
        for n, pod in enumerate(found)
    )
    judgement = judge(BY_TOKEN, c.Snapshot(pods=pods), now=make.NOW)
    assert judgement.counts == Counts(passed=5, other=2)
