"""Tiers, their rules and runners: from shape to values, with what makes a tier useless, unsafe or ambiguous."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy import forms
from runner_bridge.core.policy.model import (
    Egress,
    EgressKind,
    JobSettings,
    PoolClass,
    Rule,
    RuleKind,
    Runner,
    RunnerName,
    Scope,
    ScopeKind,
    Tier,
    TierEnforcement,
    TierName,
)
from runner_bridge.core.policy.report import Refused, listed, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_bridge.core.model import Finding, Place
    from runner_bridge.core.policy.model import Cluster, Pool
    from runner_bridge.core.policy.pools import Pools
    from runner_bridge.core.policy.report import Report
    from runner_bridge.core.policy.schema.tiers import RunnerShape, TierShape

FAMILIES = ("IPv4", "IPv6")
_USUAL_EGRESS = {
    PoolClass.NAT: EgressKind.NODE,
    PoolClass.ROUTABLE: EgressKind.POD,
    PoolClass.ISOLATED: EgressKind.NONE,
}


class Tiers:
    """Compiles tiers one after the other; what must be unique among all is kept here."""

    def __init__(self, pools: Pools, cluster: Cluster, report: Report, *, gitlab_com: bool) -> None:
        self._pools = pools
        self._cluster = cluster
        self._report = report
        self._gitlab_com = gitlab_com
        self.rules: list[Rule] = []
        """Of all tiers so far, even of one that is wrong otherwise."""
        self._runner_places: dict[str, Place] = {}
        self._short_ids: dict[str, Place] = {}
        self._job_namespace = next((name for name in cluster.namespaces if "*" not in name), "")

    def compile(self, name: str, shape: TierShape) -> Tier | None:
        """Return one tier; None where its pools cannot be known, which is then reported. Never raises."""
        if not forms.is_name(name):
            self._report.add(
                codes.INVALID_VALUE,
                "tiers",
                name,
                on_key=True,
                observed=shown(name),
                expected="at most 63 letters, digits, -, _ and ., with a letter or digit at both ends",
                cause="It becomes the value of a label.",
            )
        rules = self._rules(name, shape)
        runners = tuple(self._runner(name, number, runner) for number, runner in enumerate(shape.runners))
        keys = _Keys(name, self._report)
        labels, annotations = keys.labels(shape.labels), keys.annotations(shape.annotations)
        job = self._job(name, shape)
        pools = self._tier_pools(name, shape)
        egress = self._declared_egress(name, shape)
        if shape.projects and not shape.runners:
            self._report.add(codes.TIER_WITHOUT_RUNNER, "tiers", name, observed="rules, and no runners")
        if not pools:
            return None
        self._topics(name, shape, rules, pools[0].pool_class)
        return Tier(
            name=TierName(name),
            pools=pools,
            pin=shape.pin,
            families=self._families(name, shape, pools),
            egress=self._egress(name, egress, pools),
            rules=rules,
            runners=runners,
            labels=labels,
            annotations=annotations,
            os=shape.os or "",
            job=job,
            enforce=self._enforce(name, shape),
            place=self._report.place("tiers", name),
        )

    def _tier_pools(self, name: str, shape: TierShape) -> tuple[Pool, ...]:
        at = ("tiers", name, "pools")
        known = {}
        for number, wanted in enumerate(shape.pools):
            if wanted not in self._pools:
                self._report.unknown_name(
                    codes.UNKNOWN_NAME, *at, number, value=wanted, known=self._pools, what="pools"
                )
            elif wanted in known:
                self._report.add(codes.REPEATED_VALUE, *at, number, observed=shown(wanted))
            known[wanted] = self._pools.get(wanted)
        if not shape.pools:
            expected = f"one or more of {listed(self._pools)}" if self._pools else "at least one pool"
            self._report.add(codes.TIER_WITHOUT_POOL, *at, expected=expected)
        pools = tuple(pool for pool in known.values() if pool)
        if len(pools) < len(known):
            return ()
        if len({pool.pool_class for pool in pools}) > 1:
            told = listed((f"{pool.name} is {pool.pool_class}" for pool in pools), "and")
            self._report.add(codes.TIER_MIXES_CLASSES, *at, observed=told, expected="one class")
        return pools

    def _families(self, name: str, shape: TierShape, pools: tuple[Pool, ...]) -> tuple[str, ...]:
        covered = tuple(family for family in FAMILIES if any(pool.family == family for pool in pools))
        wanted: tuple[str, ...] = covered
        if shape.families is not None:
            wanted = tuple(family for family in FAMILIES if family in shape.families)
        elif self._cluster.dual_stack:
            wanted = FAMILIES
        if wanted != covered:
            self._report.add(
                codes.TIER_FAMILY_MISSING,
                "tiers",
                name,
                "pools" if shape.families is None else "families",
                observed=f"pools of {listed(covered, 'and')}",
                expected=listed(wanted, "and") or "at least one family",
            )
        return covered

    # --- where traffic appears to come from ---

    def _declared_egress(self, name: str, shape: TierShape) -> Egress | None:
        at = ("tiers", name, "egress")
        if shape.egress is None:
            return None
        try:
            egress = forms.egress(shape.egress)
        except Refused as refused:
            self._report.refused(refused, *at)
            return None
        if egress.gateway is not None and egress.gateway not in self._pools:
            self._report.unknown_name(codes.UNKNOWN_NAME, *at, value=egress.gateway, known=self._pools, what="pools")
        return egress

    def _egress(self, name: str, declared: Egress | None, pools: tuple[Pool, ...]) -> Egress:
        if declared is None:
            return Egress(kind=_USUAL_EGRESS[pools[0].pool_class])
        wrong = [pool for pool in pools if pool.nat_outgoing is (declared.kind is EgressKind.POD)]
        if declared.kind in {EgressKind.POD, EgressKind.NODE} and wrong:
            sees = "the node's address" if wrong[0].nat_outgoing else "the pod's own address"
            self._report.add(
                codes.EGRESS_CONTRADICTS_POOL,
                "tiers",
                name,
                "egress",
                observed=f"{declared.kind} with pool {wrong[0].name}",
                cause=f"nat_outgoing of {wrong[0].name} is {str(wrong[0].nat_outgoing).lower()}, so outside of every "
                f"pool a destination sees {sees}.",
            )
        return declared

    # --- rules ---

    def _rules(self, name: str, shape: TierShape) -> tuple[Rule, ...]:
        node = self._report.tree.node(("tiers", name, "projects")) if self._report.tree and shape.projects else None
        elements = node.elements if node else ()
        rules = []
        for number, text in enumerate(shape.projects):
            try:
                kind, value = forms.rule(text)
            except Refused as refused:
                self._report.refused(refused, "tiers", name, "projects", number)
                continue
            rules.append(Rule(kind=kind, tier=TierName(name), text=text, value=value, place=elements[number].place))
        self.rules += rules
        return tuple(rules)

    def _topics(self, name: str, shape: TierShape, rules: Sequence[Rule], pool_class: PoolClass) -> None:
        if shape.allow_topics or pool_class is not PoolClass.NAT:
            return
        for rule in rules:
            if rule.kind is RuleKind.TOPIC:
                self._report.add(
                    codes.TOPIC_NOT_ALLOWED,
                    "tiers",
                    name,
                    "projects",
                    place=rule.place,
                    observed=shown(rule.text),
                    expected="another kind of rule, or allow_topics: true",
                )

    # --- runners ---

    def _runner(self, tier: str, number: int, shape: RunnerShape) -> Runner:
        at = ("tiers", tier, "runners", number)
        scope = self._report.read(forms.scope, shape.scope, *at, "scope") or Scope(kind=ScopeKind.INSTANCE)
        place = self._report.place(*at, "name")
        self._runner_name(shape.name, place, at)
        if scope.kind is ScopeKind.INSTANCE and self._gitlab_com:
            self._report.add(
                codes.INVALID_VALUE,
                *at,
                "scope",
                observed=shape.scope,
                expected="group:PATH or project:PATH",
                cause="On GitLab.com only GitLab itself has instance runners.",
            )
        if shape.locked is not None and scope.kind is not ScopeKind.PROJECT:
            self._report.add(
                codes.INVALID_VALUE,
                *at,
                "locked",
                observed=f"{str(shape.locked).lower()}, for scope {scope}",
                expected="nothing, or scope: project:PATH",
                cause="Only project runners can be assigned to other projects.",
            )
        self._tags(shape, at)
        for position, short_id in enumerate(shape.short_ids):
            self._short_id(short_id, at, position)
        return Runner(
            name=RunnerName(shape.name),
            tier=TierName(tier),
            scope=scope,
            tags=tuple(shape.tags),
            run_untagged=shape.run_untagged,
            limit=shape.limit,
            locked=shape.locked,
            protected=shape.protected,
            paused=shape.paused,
            maximum_timeout_s=shape.maximum_timeout,
            short_ids=tuple(shape.short_ids),
            place=place,
        )

    def _runner_name(self, name: str, place: Place, at: tuple[str | int, ...]) -> None:
        if not forms.is_name(name):
            self._report.add(codes.RUNNER_NAME, *at, "name", observed=shown(name))
        # Names that differ in case only would be told apart by programs, but not by people.
        first = self._runner_places.setdefault(name.lower(), place)
        if first is not place:
            self._report.add(codes.RUNNER_REPEATED, *at, "name", observed=f"{shown(name)} here and at {first}")

    def _tags(self, shape: RunnerShape, at: tuple[str | int, ...]) -> None:
        if not shape.tags and not shape.run_untagged and self._report.is_whole(*at):
            self._report.add(codes.RUNNER_NEVER_USED, *at, "name", observed="no tags, and run_untagged: false")
        seen: set[str] = set()
        for position, tag in enumerate(shape.tags):
            if not tag.strip() or "," in tag:
                self._report.add(
                    codes.INVALID_VALUE,
                    *at,
                    "tags",
                    position,
                    observed=shown(tag),
                    expected="a tag, without a comma",
                    cause="GitLab takes a list of tags as one text with commas.",
                )
            elif tag in seen:
                self._report.add(codes.REPEATED_VALUE, *at, "tags", position, observed=shown(tag))
            seen.add(tag)

    def _short_id(self, short_id: str, at: tuple[str | int, ...], position: int) -> None:
        at = (*at, "short_ids", position)
        if len(short_id) != 9 or not all(one.isascii() and (one.isalnum() or one in "._-") for one in short_id):
            # Never quoted: it may well be a whole token.
            self._report.add(
                codes.INVALID_VALUE,
                *at,
                observed=f"{len(short_id)} characters",
                expected="nine letters, digits, ., - or _",
                remedy="Write only the nine characters after the token's prefix, never the token.",
            )
            return
        place = self._report.place(*at)
        first = self._short_ids.setdefault(short_id, place)
        if first is not place:
            self._report.add(codes.SHORT_ID_SHARED, *at, observed=f"{shown(short_id)} here and at {first}")

    # --- job settings ---

    def _job(self, name: str, shape: TierShape) -> JobSettings:
        at = ("tiers", name, "job")
        job = shape.job
        namespace = self._job_namespace if job.namespace is None else job.namespace
        if not namespace and shape.runners and self._cluster.namespaces:
            self._report.add(
                codes.INVALID_VALUE,
                "cluster",
                "namespaces",
                observed="only patterns",
                expected="a namespace without *, or job.namespace in every tier",
                cause="The runner has to be told where it makes job pods.",
            )
        elif namespace and not self._is_watched(namespace):
            self._report.add(
                codes.NAMESPACE_NOT_LISTED,
                *at,
                "namespace",
                observed=shown(namespace),
                expected=f"one of {listed(self._cluster.namespaces)}",
            )
        return JobSettings(
            namespace=namespace,
            service_account=job.service_account,
            image=job.image,
            poll_timeout_s=job.poll_timeout,
            annotation_overwrites=self._overwrites("annotation", job.annotation_overwrites, shape.annotations, at),
            label_overwrites=self._overwrites("label", job.label_overwrites, shape.labels, at),
        )

    def _enforce(self, name: str, shape: TierShape) -> TierEnforcement:
        enforce = shape.enforce
        if enforce.delete and not enforce.quarantine:
            self._report.add(
                codes.INVALID_VALUE,
                *("tiers", name, "enforce", "delete"),
                observed="true, without quarantine: true",
                expected="quarantine: true beside it",
                cause="A pod is deleted only after its quarantine has stood for a while.",
            )
        return TierEnforcement(quarantine=enforce.quarantine, delete=enforce.delete)

    def _is_watched(self, namespace: str) -> bool:
        return any(forms.namespace_matches(pattern, namespace) for pattern in self._cluster.namespaces)

    def _overwrites(self, what: str, pattern: str, keys: Mapping[str, str], at: tuple[str, ...]) -> str:
        """Return the pattern; report it unless a job provably can do no harm with it."""
        if pattern:
            for one in _harm(pattern, f"pod_{what}s_overwrite_allowed", tuple(keys)):
                self._report.add(
                    codes.OVERWRITE_NOT_PROVEN,
                    *at,
                    f"{what}_overwrites",
                    observed=one.observed,
                    expected="nothing, or an anchored list of keys",
                    cause=one.cause,
                    proof=one.proof,
                )
        return pattern


@cache
def _harm(pattern: str, setting: str, keys: tuple[str, ...]) -> tuple[Finding, ...]:
    # Few policies need it, and the automata with their replay are slow to import. Tiers often share a pattern.
    from runner_bridge.core import overwrites  # noqa: PLC0415

    return overwrites.findings(pattern, setting=setting, place=None, subject=setting, configured=keys)


class _Keys:
    """Checks the labels and annotations of one tier."""

    def __init__(self, tier: str, report: Report) -> None:
        self._tier = tier
        self._report = report

    def labels(self, labels: Mapping[str, str]) -> Mapping[str, str]:
        """Return the labels as they are."""
        for key, value in labels.items():
            # A value with a variable is known only when a job runs; the runner then makes it fit.
            fits = not value or "$" in value or forms.is_name(value)
            if self._key("labels", key) and not fits:
                self._report.add(
                    codes.INVALID_LABEL, "tiers", self._tier, "labels", key, observed=shown(value), expected=_VALUE
                )
        return MappingProxyType(dict(labels))

    def annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        """Return the annotations as they are."""
        for key in annotations:
            self._key("annotations", key)
        return MappingProxyType(dict(annotations))

    def _key(self, kind: str, key: str) -> bool:
        at = ("tiers", self._tier, kind, key)
        owner = forms.owner_of(key)
        if owner:
            self._report.add(codes.RESERVED_KEY, *at, on_key=True, observed=f"{shown(key)}, which belongs to {owner}")
        elif not forms.is_label_key(key):
            self._report.add(codes.INVALID_LABEL, *at, on_key=True, observed=shown(key), expected=_KEY)
        else:
            return True
        return False


_VALUE = "at most 63 letters, digits, -, _ and ., with a letter or digit at both ends, or nothing"
_KEY = "a name such as team or example.com/team"
