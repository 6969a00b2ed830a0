"""
A pod without an address: still on its way, stuck, or refused by Calico with a reason.

Calico never falls back to another pool; it refuses and kubelet tries again. The reasons are Calico's own texts inside
Kubernetes events, read from the real plugin (projectcalico/calico, cni-plugin/pkg and libcalico-go/lib/ipam).
A single report is noise: it counts when Calico's refusal came twice, or any failure three times over a minute.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.judge.problem import Problem, quote
from runner_bridge.core.model.codes import job_pods as codes

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.judge.evidence import Evidence
    from runner_bridge.core.judge.ground import TierView
    from runner_bridge.core.model import Code
    from runner_bridge.core.model.cluster import Pod, SandboxFailure

ENOUGH_REFUSALS = 2
ENOUGH_FAILURES = 3
LONG_ENOUGH = timedelta(minutes=1)
DEFAULT_POLL_TIMEOUT_S = 180
"""Of GitLab Runner, common/consts.go."""
_AN_HOUR = 3600

PLATFORM = "The platform's administrator must act"
RUNNER_ADMIN = "The administrator of the runner must act"


class _Refusal(Struct, frozen=True):
    """One of Calico's texts, what it is called here, and who must act."""

    pattern: re.Pattern[str]
    code: Code
    who: str


def _refusal(pattern: str, code: Code, who: str = PLATFORM) -> _Refusal:
    return _Refusal(re.compile(pattern), code, who)


# First match wins: the texts about fixed addresses also hold the JSON decoder's words.
_REFUSALS = (
    _refusal(r"is not in a configured pool", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"Address already assigned in block", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"which is not allowed for use \"?Workload", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"Block host affinity does not match", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"'ipAddrs' and 'ipAddrsNoIpam' in use at the same time", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"more than one IPv[46] address for", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"failed to parse IPs ", codes.IP_ADDRS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"requested feature is not enabled: ip_addrs_no_ipam", codes.IP_ADDRS_NO_IPAM_REQUESTED, RUNNER_ADMIN),
    _refusal(r"requested feature is not enabled: floating_ips", codes.FLOATING_IPS_REQUESTED, RUNNER_ADMIN),
    _refusal(r"error parsing ipFamilies", codes.IP_FAMILIES_REQUESTED, RUNNER_ADMIN),
    _refusal(r"IPAM plugin returned missing IP config", codes.IP_FAMILIES_REQUESTED, RUNNER_ADMIN),
    _refusal(r"No IPs available in pools", codes.POOL_EXHAUSTED),
    _refusal(r"No more free affine blocks and strict affinity enabled", codes.POOL_EXHAUSTED),
    _refusal(r"per host block limit", codes.BLOCK_LIMIT_REACHED),
    _refusal(r"failed to find or claim a block", codes.BLOCK_ALLOCATION_OFF),
    _refusal(r"excessive concurrent IPAM requests", codes.IPAM_CONTENTION),
    _refusal(r"error parsing pool \\?\"(?P<pool>.*?)\\?\": invalid CIDR address", codes.POOL_UNKNOWN, RUNNER_ADMIN),
    _refusal(r"the given pool \((?P<cidr>[^)]*)\) does not exist, or is not enabled", codes.POOL_DISABLED),
    _refusal(r"no pools match the required use", codes.POOL_NOT_FOR_WORKLOADS),
    _refusal(r"cannot find a qualified ippool", codes.NO_POOL_OF_FAMILY),
    _refusal(r"no configured Calico pools for node", codes.NO_POOL_FOR_NODE),
    _refusal(r"isn't a IPv[46] address", codes.ANNOTATION_MALFORMED, RUNNER_ADMIN),
    _refusal(r"json: cannot unmarshal", codes.ANNOTATION_MALFORMED, RUNNER_ADMIN),
    _refusal(r"unexpected end of JSON input", codes.ANNOTATION_MALFORMED, RUNNER_ADMIN),
    _refusal(r"invalid character '.{1,4}' (?:looking for|after|in) ", codes.ANNOTATION_MALFORMED, RUNNER_ADMIN),
    _refusal(r"resource does not exist: Node\(", codes.NODE_MISSING),
    _refusal(r"Calico is currently not ready to process requests", codes.CALICO_LOCKED),
    _refusal(r"(?:expected string|unexpected token: \S+)\s*$", codes.POOL_SELECTOR_UNREADABLE),
)


def refusal_of(evidence: Evidence, message: str) -> tuple[Code, str]:
    """Return the code of a failure and who must act; `sandbox-failing` for what is not Calico's. Never raises."""
    for refusal in _REFUSALS:
        found = refusal.pattern.search(message)
        if found is None:
            continue
        if refusal.code is codes.POOL_DISABLED and not _is_pool(evidence, found["cidr"]):
            return codes.POOL_UNKNOWN, RUNNER_ADMIN
        return refusal.code, refusal.who
    return codes.SANDBOX_FAILING, PLATFORM


def _is_pool(evidence: Evidence, cidr: str) -> bool:
    try:
        return ip_network(cidr, strict=False) in evidence.ground.pool_by_cidr
    except ValueError:
        return False


def why_no_address(
    evidence: Evidence, pod: Pod, view: TierView | None, pools: tuple[str, ...], now: datetime
) -> Problem:
    """
    Return why a pod that holds no address has none. Never raises.

    Args:
        evidence: what may be looked at.
        pod: the pod.
        view: its tier, where that is known.
        pools: names of the pools that it asks for, known ones and others.
        now: an aware instant.
    """
    if pod.finished:
        return Problem(codes.FINISHED_WITHOUT_ADDRESS, f"phase {quote(pod.phase)}, no address")
    # Calico empties its annotation after a failed attempt, too; only one that gave an address has left a container id.
    if pod.deleting:
        return Problem(codes.POD_LEAVING, "no address, being deleted", "the pod to go")
    if pod.annotated == () and (pod.container_id or pod.addresses):
        return Problem(codes.POD_LEAVING, "its address given back", "the pod to go, or to get an address again")
    failures = evidence.failures.get((pod.namespace, pod.name), [])
    reported = _reported(evidence, [one for one in failures if not one.uid or not pod.uid or one.uid == pod.uid])
    return reported or _by_pools(evidence, pools) or _by_clock(evidence, pod, view, now)


def _reported(evidence: Evidence, failures: list[SandboxFailure]) -> Problem | None:
    """Return the failure that counts: Calico's refusals before others, the most frequent first."""
    by_code: dict[str, list[SandboxFailure]] = {}
    known: dict[str, tuple[Code, str]] = {}
    for failure in failures:
        code, who = refusal_of(evidence, failure.message)
        known[code.name] = (code, who)
        by_code.setdefault(code.name, []).append(failure)
    for name in sorted(by_code, key=lambda name: (-sum(one.count for one in by_code[name]), name)):
        code, who = known[name]
        if code is not codes.SANDBOX_FAILING and sum(one.count for one in by_code[name]) >= ENOUGH_REFUSALS:
            return _told(code, who, by_code[name])
    if sum(one.count for one in failures) >= ENOUGH_FAILURES and _span(failures) >= LONG_ENOUGH:
        return _told(codes.SANDBOX_FAILING, PLATFORM, failures)
    return None


def _told(code: Code, who: str, failures: list[SandboxFailure]) -> Problem:
    times = sum(one.count for one in failures)
    message = max(one.message for one in failures)
    return Problem(
        code,
        observed=f"refused {times} times: {quote(_core(message))}",
        expected="an address",
        cause=f"{who}: kubelet keeps trying, so the pod starts by itself once it is mended.",
    )


def _core(message: str) -> str:
    """Return the part of kubelet's text that the plugin wrote."""
    return message.rpartition("failed (add): ")[2].strip()


def _span(failures: list[SandboxFailure]) -> timedelta:
    firsts = [one.first_at for one in failures if one.first_at is not None]
    lasts = [one.last_at for one in failures if one.last_at is not None]
    return max(lasts) - min(firsts) if firsts and lasts else timedelta(0)


def _by_pools(evidence: Evidence, pools: tuple[str, ...]) -> Problem | None:
    """Find a pool that cannot give an address before anybody reports it; one of a list is enough for a refusal."""
    if not evidence.ground.pools_complete:
        return None
    for name in pools:
        seen = evidence.ground.pool_named(name)
        expected = f"pool {quote(name)}, enabled"
        if seen is None:
            return Problem(codes.POOL_UNKNOWN, f"no pool {quote(name)} in the cluster", expected)
        if not seen.enabled:
            reason = "disabled" if seen.disabled else "being deleted" if seen.deleting else seen.reason
            return Problem(codes.POOL_DISABLED, f"pool {quote(name)}: {quote(reason)}", expected)
    return None


def _by_clock(evidence: Evidence, pod: Pod, view: TierView | None, now: datetime) -> Problem:
    """Judge by the time since the pod was bound to a node: images come later than the address."""
    if pod.scheduled_at is None:
        return Problem(codes.ADDRESS_PENDING, "not bound to a node yet", "an address")
    limit = timedelta(seconds=(view.tier.job.poll_timeout_s if view else DEFAULT_POLL_TIMEOUT_S) / 2)
    waited = now - pod.scheduled_at
    seconds = int(waited.total_seconds())
    observed = f"no address {_waited(seconds)} after it was bound to {quote(pod.node) or 'a node'}"
    if waited <= limit:
        return Problem(codes.ADDRESS_PENDING, observed, f"an address within {int(limit.total_seconds())} s")
    cause = ""
    if evidence.failures_given:
        cause = "No event tells of enough refusals: look at the kubelet and the Calico pods of the node."
    elif seconds >= _AN_HOUR:
        cause = "Its network is stuck, or the dump is older than its file: then say with `--now` when it was taken."
    return Problem(codes.PENDING_TOO_LONG, observed, f"an address within {int(limit.total_seconds())} s", cause)


def _waited(seconds: int) -> str:
    return f"{seconds} s" if seconds < _AN_HOUR else f"{seconds // _AN_HOUR} h"
