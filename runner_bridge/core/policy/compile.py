"""
From shape to meaning: the whole policy, or every problem that keeps it from being one.

Nothing here stops at the first problem. What names each other is checked here; pools and tiers by themselves have
modules of their own.
"""

from __future__ import annotations

import re
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import REGISTRY
from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy import forms
from runner_bridge.core.policy.digest import digest_of
from runner_bridge.core.policy.installations import compile_installations
from runner_bridge.core.policy.model import (
    Cluster,
    Enforcement,
    GitLab,
    Manager,
    Policy,
    PoolName,
    TierName,
    Waiver,
    Workload,
)
from runner_bridge.core.policy.pools import compile_pools
from runner_bridge.core.policy.report import Refused, did_you_mean, shown
from runner_bridge.core.policy.rules import Index
from runner_bridge.core.policy.tiers import Tiers
from runner_bridge.core.policy.ties import MOST_STEPS, Entangled, Tie, find_ties

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.policy.model import Network, Rule, Tier
    from runner_bridge.core.policy.report import Report
    from runner_bridge.core.policy.schema import PolicyShape
    from runner_bridge.core.policy.schema.limits import WaiverShape
    from runner_bridge.core.policy.schema.tiers import WorkloadShape

UNLIMITED_COUNTS_AS = 10
"""Share of a runner without a limit in the `concurrent` of its manager."""

_ADDRESS = re.compile(r"(?:[^\s:]+|\[[0-9a-fA-F:]+\])?:[0-9]{1,5}")


def compile_policy(shape: PolicyShape, report: Report, *, today: date) -> Policy | None:
    """Return the policy; None where the report has errors. Never raises."""
    if shape.version != 1:
        report.add(codes.INVALID_VALUE, "version", observed=str(shape.version), expected="1")
    gitlab, host = _gitlab(shape, report)
    cluster = _cluster(shape, report)
    pools = compile_pools(shape.pools, cluster.pod_cidrs, report)
    compiler = Tiers(pools, cluster, report, gitlab_com=host == "gitlab.com")
    compiled = {name: compiler.compile(name, tier) for name, tier in shape.tiers.items()}
    if not shape.tiers:
        report.add(codes.MISSING_KEY, "tiers", expected="at least one tier")
    tiers = {TierName(name): tier for name, tier in compiled.items() if tier}
    index = _index(compiler.rules, report)
    workloads = _workloads(shape, tiers, report)
    _unreachable(shape, {one.tier for one in workloads}, report)
    installations = compile_installations(shape, report)
    waivers = _waivers(shape.waivers, shape, today, report)
    manager = _manager(shape, list(tiers.values()), report)
    if report.has_errors:
        return None
    kept_pools = {PoolName(name): pool for name, pool in pools.items() if pool}
    policy = Policy(
        gitlab=gitlab,
        cluster=cluster,
        manager=manager,
        pools=MappingProxyType(kept_pools),
        tiers=MappingProxyType(tiers),
        runners=MappingProxyType({one.name: one for tier in tiers.values() for one in tier.runners}),
        installations=MappingProxyType(installations),
        workloads=workloads,
        waivers=waivers,
        people=shape.privacy.people,
        enforce=Enforcement(
            quarantines_per_hour=shape.enforce.quarantines_per_hour,
            deletions_per_hour=shape.enforce.deletions_per_hour,
            delete_after_s=shape.enforce.delete_after,
            brake_percent=shape.enforce.brake_percent,
        ),
        digest="",
        warnings=report.findings(),
        index=index,
    )
    return digest_of(policy)


# --- gitlab, cluster, manager ---


def _gitlab(shape: PolicyShape, report: Report) -> tuple[GitLab, str]:
    url, host = report.read(forms.url, shape.gitlab.url, "gitlab", "url") or ("", "")
    for number, group in enumerate(shape.gitlab.root_groups):
        at = ("gitlab", "root_groups", number)
        if report.read(forms.group_path, group, *at) and "/" in group:
            report.add(
                codes.INVALID_VALUE,
                *at,
                observed=shown(group),
                expected="a top-level group",
                remedy=f"Write {group.split('/')[0]!r}.",
            )
    if host == "gitlab.com" and not shape.gitlab.root_groups:
        report.add(codes.ROOT_GROUPS_MISSING, "gitlab", "root_groups", observed="none")
    return GitLab(url=url, root_groups=tuple(shape.gitlab.root_groups)), host


def _cluster(shape: PolicyShape, report: Report) -> Cluster:
    cluster = shape.cluster
    if not cluster.name.strip():
        report.add(codes.INVALID_VALUE, "cluster", "name", observed="an empty text", expected="a name")
    for key, values in (("namespaces", cluster.namespaces), ("pod_cidrs", cluster.pod_cidrs)):
        if not values:
            report.add(codes.INVALID_VALUE, "cluster", key, observed="an empty list", expected="at least one")
    for number, namespace in enumerate(cluster.namespaces):
        if not forms.is_namespace_pattern(namespace):
            report.add(
                codes.INVALID_VALUE,
                "cluster",
                "namespaces",
                number,
                observed=shown(namespace),
                expected="a namespace, or a pattern such as ci-job-*",
            )
    version = None
    if cluster.calico.version is not None:
        version = report.read(forms.calico_version, cluster.calico.version, "cluster", "calico", "version")
    return Cluster(
        name=cluster.name,
        namespaces=tuple(cluster.namespaces),
        pod_cidrs=_pod_cidrs(cluster.pod_cidrs, report),
        calico_version=version,
        pools_owner=cluster.calico.pools_owner,
    )


def _pod_cidrs(texts: Sequence[str], report: Report) -> tuple[Network, ...]:
    read = (report.read(forms.network, text, "cluster", "pod_cidrs", number) for number, text in enumerate(texts))
    cidrs = tuple(cidr for cidr in read if cidr is not None)
    # With one range unknown, a pool may well lie in it.
    return cidrs if len(cidrs) == len(texts) else ()


def _manager(shape: PolicyShape, tiers: Sequence[Tier], report: Report) -> Manager:
    manager = shape.manager
    if manager.listen_address is not None and not _ADDRESS.fullmatch(manager.listen_address):
        report.add(
            codes.INVALID_VALUE,
            "manager",
            "listen_address",
            observed=shown(manager.listen_address),
            expected="an address and port such as :9252",
        )
    limits = [runner.limit or UNLIMITED_COUNTS_AS for tier in tiers for runner in tier.runners]
    return Manager(
        concurrent=manager.concurrent or max(1, sum(limits)),
        check_interval_s=manager.check_interval,
        shutdown_timeout_s=manager.shutdown_timeout,
        log_level=manager.log_level,
        log_format=manager.log_format,
        listen_address=manager.listen_address,
    )


# --- rules against each other ---


def _index(rules: Sequence[Rule], report: Report) -> Index:
    index = Index(rules)
    for pair in index.repeated:
        first, again = sorted(pair, key=lambda rule: report.order(rule.place))
        if first.tier == again.tier:
            report.add(
                codes.RULE_REPEATED,
                *("tiers", again.tier, "projects"),
                place=again.place,
                observed=f"{shown(again.text)} here and {shown(first.text)} at {first.place}",
            )
        else:
            _tie(first, again, again.value, "", report)
    for tie in _ties(index, report):
        first, again = sorted((tie.one, tie.other), key=lambda rule: report.order(rule.place))
        _tie(first, again, tie.example, f"or add a rule {tie.both} to the tier that is meant", report)
    return index


def _ties(index: Index, report: Report) -> list[Tie]:
    try:
        return find_ties(index.paths)
    except Entangled:
        report.add(codes.RULES_ENTANGLED, "tiers", observed=f"more than {MOST_STEPS:,} pairs to compare")
        return []


def _tie(first: Rule, again: Rule, example: str, way_out: str, report: Report) -> None:
    example = example.replace("**", "some-name").replace("*", "some-name")
    cause = f"{example} satisfies both, and neither is more specific." if way_out else f"{example} satisfies both."
    report.add(
        codes.RULES_TIE,
        *("tiers", again.tier, "projects"),
        place=again.place,
        observed=f"{shown(again.text)} of {again.tier}, and {shown(first.text)} of {first.tier} at {first.place}",
        cause=cause,
        remedy=f"Make one of them more specific, {way_out}." if way_out else "Keep it in one tier.",
    )


def _unreachable(shape: PolicyShape, with_workload: set[TierName], report: Report) -> None:
    for name, tier in shape.tiers.items():
        if not tier.projects and name not in with_workload:
            report.add(codes.TIER_WITHOUT_RULE, "tiers", name, observed="no projects")


# --- workloads ---


def _workloads(shape: PolicyShape, tiers: dict[TierName, Tier], report: Report) -> tuple[Workload, ...]:
    seen: dict[tuple[str, str, str], str] = {}
    kept = []
    for number, one in enumerate(shape.workloads):
        at = ("workloads", number)
        _workload_names(one, at, report)
        if one.tier not in shape.tiers:
            report.unknown_name(codes.UNKNOWN_NAME, *at, "tier", value=one.tier, known=shape.tiers, what="tiers")
        elif not shape.tiers[one.tier].pin:
            report.add(codes.WORKLOAD_UNPINNED, *at, "tier", observed=f"{one.tier}, with pin: false")
        if one.kind == "Namespace":
            _job_namespace(one, at, tiers, report)
        key = (one.namespace, one.kind, one.name)
        if key in seen:
            report.add(codes.REPEATED_VALUE, *at, observed=f"{one.kind} {one.namespace}/{one.name} for {seen[key]} too")
        seen[key] = one.tier
        kept.append(
            Workload(
                tier=TierName(one.tier),
                namespace=one.namespace,
                kind=one.kind,
                name=one.name,
                place=report.place(*at),
            )
        )
    return tuple(kept)


def _workload_names(one: WorkloadShape, at: tuple[str | int, ...], report: Report) -> None:
    if not forms.is_namespace_pattern(one.namespace) or "*" in one.namespace:
        report.add(codes.INVALID_VALUE, *at, "namespace", observed=shown(one.namespace), expected="a namespace")
    if not report.is_whole(*at, "kind"):
        return
    if one.kind == "Namespace" and one.name:
        report.add(codes.INVALID_VALUE, *at, "name", observed=shown(one.name), expected="no name for kind Namespace")
    elif one.kind != "Namespace" and not forms.is_object_name(one.name):
        report.add(codes.INVALID_VALUE, *at, "name", observed=shown(one.name), expected=f"the name of the {one.kind}")


def _job_namespace(one: WorkloadShape, at: tuple[str | int, ...], tiers: dict[TierName, Tier], report: Report) -> None:
    others = [tier for tier in tiers.values() if tier.job.namespace == one.namespace and not tier.pin and tier.runners]
    if others:
        report.add(
            codes.WORKLOAD_JOB_NAMESPACE,
            *at,
            "namespace",
            observed=f"{one.namespace}, where jobs of {others[0].name} run",
        )


# --- waivers ---


def _waivers(shapes: Sequence[WaiverShape], shape: PolicyShape, today: date, report: Report) -> tuple[Waiver, ...]:
    kept = []
    for number, one in enumerate(shapes):
        at = ("waivers", number)
        if one.code not in REGISTRY:
            report.add(
                codes.WAIVER_UNKNOWN_CODE,
                *at,
                "code",
                observed=shown(one.code),
                remedy=did_you_mean(one.code, REGISTRY),
            )
        if not one.reason.strip():
            report.add(
                codes.INVALID_VALUE, *at, "reason", observed="an empty text", expected="why, and who approved it"
            )
        _match(one, at, shape, report)
        until = report.read(_day, one.until, *at, "until")
        if until is None:
            continue
        if until < today:
            report.add(codes.WAIVER_EXPIRED, *at, "until", observed=f"{until}, and today is {today}")
        kept.append(
            Waiver(
                code=one.code,
                until=until,
                reason=one.reason,
                project=one.match.project,
                tier=one.match.tier,
                namespace=one.match.namespace,
                pool=one.match.pool,
                place=report.place(*at),
            )
        )
    return tuple(kept)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused(codes.INVALID_VALUE, observed=shown(text), expected="a day such as 2027-03-31") from error


def _match(one: WaiverShape, at: tuple[str | int, ...], shape: PolicyShape, report: Report) -> None:
    match = one.match
    some_projects = bool(match.project) and not set(match.project.split("/")) <= {"*", "**"}
    some_namespaces = bool(match.namespace.strip("*"))
    if not (some_projects or match.tier or some_namespaces or match.pool):
        report.add(
            codes.INVALID_VALUE,
            *at,
            "match",
            observed=shown(match.project or match.namespace) if match.project or match.namespace else "nothing",
            expected="a project, tier, namespace or pool",
            cause="A finding is never waived everywhere.",
        )
    if some_projects:
        report.read(forms.path_pattern, match.project, *at, "match", "project")
    if match.tier and match.tier not in shape.tiers:
        report.unknown_name(codes.UNKNOWN_NAME, *at, "match", "tier", value=match.tier, known=shape.tiers, what="tiers")
    if match.pool and match.pool not in shape.pools:
        report.unknown_name(codes.UNKNOWN_NAME, *at, "match", "pool", value=match.pool, known=shape.pools, what="pools")
    if match.namespace and not forms.is_namespace_pattern(match.namespace):
        report.add(
            codes.INVALID_VALUE, *at, "match", "namespace", observed=shown(match.namespace), expected="a namespace"
        )
