"""Every refusal that Calico is known to make has a name, and who must act is said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from runner_bridge.core.judge import Evidence, judge
from runner_bridge.core.judge.waiting import DEFAULT_POLL_TIMEOUT_S, PLATFORM, RUNNER_ADMIN, refusal_of
from runner_bridge.core.model import cluster as c
from runner_bridge.core.policy import model as p
from tests import make

NO_IPS = "failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; "

# Exact texts of the plugin, recorded where it was run, else from its source.
TEXTS = [
    ("invalid character 'i' looking for beginning of value", "annotation-malformed", RUNNER_ADMIN),
    ("invalid character ']' looking for beginning of value", "annotation-malformed", RUNNER_ADMIN),
    ("invalid character '\\'' looking for beginning of value", "annotation-malformed", RUNNER_ADMIN),
    ("invalid character '[' after top-level value", "annotation-malformed", RUNNER_ADMIN),
    ("unexpected end of JSON input", "annotation-malformed", RUNNER_ADMIN),
    ("json: cannot unmarshal string into Go value of type []string", "annotation-malformed", RUNNER_ADMIN),
    ('"fd00:172:16::" isn\'t a IPv4 address', "annotation-malformed", RUNNER_ADMIN),
    ('"172.16.0.0" isn\'t a IPv6 address', "annotation-malformed", RUNNER_ADMIN),
    ('error parsing pool "infra": invalid CIDR address: infra', "pool-unknown", RUNNER_ADMIN),
    (r"error parsing pool \"infra\": invalid CIDR address: infra", "pool-unknown", RUNNER_ADMIN),
    ("the given pool (172.16.0.0/16) does not exist, or is not enabled", "pool-disabled", PLATFORM),
    ("the given pool (172.16.4.0/24) does not exist, or is not enabled", "pool-unknown", RUNNER_ADMIN),
    ("cannot find a qualified ippool", "no-pool-of-family", PLATFORM),
    ("cannot find a qualified ippool, no pools match the required use (Workload)", "pool-not-for-workloads", PLATFORM),
    ("no configured Calico pools for node node-1", "no-pool-for-node", PLATFORM),
    (NO_IPS + "No IPs available in pools: [172.20.0.0/28]", "pool-exhausted", PLATFORM),
    (NO_IPS + "No more free affine blocks and strict affinity enabled", "pool-exhausted", PLATFORM),
    ("cannot allocate new block due to per host block limit", "block-limit-reached", PLATFORM),
    ("failed to find or claim a block", "block-allocation-off", PLATFORM),
    ("Max retries hit - excessive concurrent IPAM requests", "ipam-contention", PLATFORM),
    ("expected string", "pool-selector-unreadable", PLATFORM),
    ("unexpected token: TokEOF()", "pool-selector-unreadable", PLATFORM),
    ('resource does not exist: Node(node-9) with error: nodes "node-9" not found', "node-missing", PLATFORM),
    ("Calico is currently not ready to process requests", "calico-locked", PLATFORM),
    (
        "error getting IP from IPAM: The provided IP address is not in a configured pool\n",
        "ip-addrs-requested",
        RUNNER_ADMIN,
    ),
    (
        "resource already exists: 172.16.200.7 with error: Address already assigned in block",
        "ip-addrs-requested",
        RUNNER_ADMIN,
    ),
    (
        'IP address 172.16.5.5 is in IP pool "x", which is not allowed for use "Workload" (allowedUses: [Tunnel])',
        "ip-addrs-requested",
        RUNNER_ADMIN,
    ),
    ("Block host affinity does not match", "ip-addrs-requested", RUNNER_ADMIN),
    (
        'cannot have more than one IPv4 address for "cni.projectcalico.org/ipAddrs" annotation',
        "ip-addrs-requested",
        RUNNER_ADMIN,
    ),
    (
        (
            'failed to parse IPs 172.16.200.8 for annotation "cni.projectcalico.org/ipAddrs": failed to parse '
            "'172.16.200.8' as JSON: invalid character '.' after top-level value"
        ),
        "ip-addrs-requested",
        RUNNER_ADMIN,
    ),
    (
        "can't have both annotations: 'ipAddrs' and 'ipAddrsNoIpam' in use at the same time",
        "ip-addrs-requested",
        RUNNER_ADMIN,
    ),
    ("requested feature is not enabled: ip_addrs_no_ipam", "ip-addrs-no-ipam-requested", RUNNER_ADMIN),
    ("requested feature is not enabled: floating_ips", "floating-ips-requested", RUNNER_ADMIN),
    ('error parsing ipFamilies: ["ipv4"]', "ip-families-requested", RUNNER_ADMIN),
    ("IPAM plugin returned missing IP config", "ip-families-requested", RUNNER_ADMIN),
    ('namespaces "x" not found', "sandbox-failing", PLATFORM),
    ("no space left on device", "sandbox-failing", PLATFORM),
    ("", "sandbox-failing", PLATFORM),
]
KUBELET = 'Failed to create pod sandbox: rpc error: code = Unknown desc = plugin type="calico" failed (add): '


@pytest.mark.parametrize(("text", "code", "who"), TEXTS, ids=[row[0][:50] for row in TEXTS])
def test_each_text_of_the_plugin_has_its_name(text: str, code: str, who: str) -> None:
    evidence = Evidence.of(make.policy(), c.Snapshot())
    for message in (text, KUBELET + text):
        found, must_act = refusal_of(evidence, message)
        assert (found.name, must_act) == (code, who)


RETRY_S = 15
"""Kubelet tries a sandbox again about so often."""
POLICY = make.policy(
    make.tier(
        runners=(make.runner(short_ids=(make.SHORT_ID,)),),
        job=p.JobSettings(
            namespace="gitlab-runners",
            service_account=None,
            image=None,
            poll_timeout_s=DEFAULT_POLL_TIMEOUT_S,
            annotation_overwrites="",
            label_overwrites="",
        ),
    )
)


def said_after(seconds: int, text: str | None) -> str:
    """What is said of a pod that was bound so many seconds ago and has been refused at kubelet's pace."""
    pod = make.job_pod("")
    tries = seconds // RETRY_S
    reports: tuple[c.SandboxFailure, ...] = ()
    if text is not None and tries:
        first, last = (make.NOW + timedelta(seconds=RETRY_S * number) for number in (1, tries))
        report = c.SandboxFailure(namespace=pod.namespace, pod=pod.name, uid=pod.uid, message=KUBELET + text)
        reports = (structs.replace(report, count=tries, first_at=first, last_at=last),)
    snapshot = c.Snapshot(pods=(pod,), namespaces=(c.Namespace(name=pod.namespace),), failures=reports)
    (verdict,) = judge(POLICY, snapshot, now=make.NOW + timedelta(seconds=seconds)).verdicts
    (code,) = [one.code.name for one in verdict.findings if one.code.outcome]
    return code


@pytest.mark.parametrize(("text", "code", "who"), TEXTS, ids=[row[0][:50] for row in TEXTS])
def test_a_refused_pod_is_explained_long_before_the_runner_gives_up(text: str, code: str, who: str) -> None:
    """The runner waits three minutes, and then says only that it waited (common/consts.go)."""
    moments = {said_after(seconds, text): seconds for seconds in range(0, DEFAULT_POLL_TIMEOUT_S // 2, 5)[::-1]}
    assert set(moments) == {"address-pending", code}
    assert moments[code] <= (RETRY_S * 2 if code != "sandbox-failing" else RETRY_S * 5), who


def test_a_pod_of_which_nobody_reports_anything_is_named_in_half_the_runners_time() -> None:
    assert said_after(DEFAULT_POLL_TIMEOUT_S // 2, None) == "address-pending"
    assert said_after(DEFAULT_POLL_TIMEOUT_S // 2 + 1, None) == "pending-too-long"
