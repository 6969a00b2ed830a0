"""The only builders of values in tests: valid by default, one argument per thing that matters."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Any

from runner_bridge.core.model import Code, Family, Finding, Outcome, Place, Severity, cluster
from runner_bridge.core.model import state as st
from runner_bridge.core.model.ledger import Entry, EntryKind
from runner_bridge.core.model.verdict import Assigned, Counts, Grade, JobClaim, Judgement, Origin, Requested, Verdict
from runner_bridge.core.policy import model as p
from runner_bridge.core.policy.rules import Index

HERE = Place(file="policy.yaml", line=1, column=1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pool(name: str = "infraestrutura", cidr: str = "172.16.0.0/16", **changes: Any) -> p.Pool:
    values: dict[str, Any] = {
        "name": p.PoolName(name),
        "cidr": ip_network(cidr),
        "pool_class": p.PoolClass.NAT,
        "generated": True,
        "block_size": 25,
        "nat_outgoing": True,
        "automatic": False,
        "encapsulation": p.Encapsulation.IPIP_CROSS_SUBNET,
    }
    return p.Pool(**(values | changes))


WORKLOAD = pool(
    "workload",
    "10.10.0.0/16",
    pool_class=p.PoolClass.ROUTABLE,
    generated=False,
    block_size=26,
    nat_outgoing=False,
    automatic=True,
)


def runner(name: str = "infra-platform", tier: str = "infra", **changes: Any) -> p.Runner:
    values: dict[str, Any] = {
        "name": p.RunnerName(name),
        "tier": p.TierName(tier),
        "scope": p.Scope(kind=p.ScopeKind.GROUP, target="platform"),
        "tags": ("infra",),
        "run_untagged": False,
        "limit": 20,
        "short_ids": (),
        "place": HERE,
    }
    return p.Runner(**(values | changes))


def tier(name: str = "infra", *pools: p.Pool, **changes: Any) -> p.Tier:
    chosen = pools or (pool(),)
    values: dict[str, Any] = {
        "name": p.TierName(name),
        "pools": chosen,
        "pin": True,
        "families": tuple(sorted({one.family for one in chosen})),
        "egress": p.Egress(kind=p.EgressKind.NODE),
        "rules": (),
        "runners": (runner(tier=name),),
        "labels": MappingProxyType({}),
        "annotations": MappingProxyType({}),
        "os": "",
        "job": p.JobSettings(
            namespace="gitlab-runners",
            service_account=None,
            image=None,
            poll_timeout_s=360,
            annotation_overwrites="",
            label_overwrites="",
        ),
        "place": HERE,
    }
    return p.Tier(**(values | changes))


def rules(tiers: dict[str, str]) -> Index:
    """The index of rules, by their text: `{"platform/**": "infra", "id:7": "infra", "topic:x": "infra", "**": "d"}`."""
    kinds = {"id": p.RuleKind.ID, "attribute": p.RuleKind.ATTRIBUTE, "topic": p.RuleKind.TOPIC}
    found = []
    for text, tier_name in tiers.items():
        word, colon, value = text.partition(":")
        kind = kinds[word] if colon else p.RuleKind.CATCH_ALL if text == "**" else p.RuleKind.PATH
        rule = p.Rule(kind=kind, tier=p.TierName(tier_name), text=text, value=value if colon else text, place=HERE)
        found.append(rule)
    return Index(found)


def policy(*tiers: p.Tier, **changes: Any) -> p.Policy:
    """The blog's cluster, built without the policy file; use `load` in tests of the policy itself."""
    chosen = tiers or (
        tier(),
        tier("default", WORKLOAD, pin=False, runners=(runner("shared", "default", tags=(), run_untagged=True),)),
    )
    pools = {one.name: one for each in chosen for one in each.pools}
    values: dict[str, Any] = {
        "gitlab": p.GitLab(url="https://gitlab.example.com", root_groups=()),
        "cluster": p.Cluster(
            name="prod-1",
            namespaces=("gitlab-runners",),
            pod_cidrs=(ip_network("10.10.0.0/16"), ip_network("172.16.0.0/16")),
            calico_version=None,
            pools_owner=p.PoolsOwner.ADMIN,
        ),
        "manager": p.Manager(
            concurrent=20,
            check_interval_s=None,
            shutdown_timeout_s=None,
            log_level=None,
            log_format=None,
            listen_address=None,
        ),
        "pools": MappingProxyType(pools),
        "tiers": MappingProxyType({one.name: one for one in chosen}),
        "runners": MappingProxyType({one.name: one for each in chosen for one in each.runners}),
        "workloads": (),
        "waivers": (),
        "people": p.People.OFF,
        "digest": "0" * 64,
        "warnings": (),
        "index": rules({}),
    }
    return p.Policy(**(values | changes))


def code(name: str = "pool-overlap", **changes: Any) -> Code:
    values: dict[str, Any] = {
        "name": name,
        "family": Family.IP_POOLS,
        "severity": Severity.ERROR,
        "title": "two pools share addresses",
        "page": "Calico does not check it.",
        "remedy": "Make them disjoint.",
    }
    return Code(**(values | changes))


def finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {"code": code(), "subject": "pools.a", "place": Place(file="pools.yaml", line=3, column=9)}
    return Finding(**(values | changes))


NOW = datetime(2026, 11, 23, 17, 40, tzinfo=UTC)
SHORT_ID = "4xYqA7pLw"


def marks(**changes: Any) -> cluster.Marks:
    values = {"project": "4217", "manager": "infra-platform", "short_id": SHORT_ID, "job": "7311000"}
    return cluster.Marks(**(values | {"claimed_project": changes.get("project", "4217")} | changes))


def job_pod(address: str = "172.16.84.128", **changes: Any) -> cluster.Pod:
    """A running job pod of tier `infra` that asked for its pool and got it; an empty address: none yet."""
    addresses = tuple(ip_address(one) for one in address.split())
    values: dict[str, Any] = {
        "namespace": "gitlab-runners",
        "name": "runner-4xyqa7plw-project-4217-concurrent-0-m83eneg4",
        "uid": "84ae378d-5d44-499e-bc92-7e6b26657ec2",
        "phase": "Running" if addresses else "Pending",
        "node": "node-1",
        "addresses": addresses,
        "annotated": addresses or None,
        "container_id": "71fd75da" if addresses else "",
        "asked": cluster.Asked(ipv4_pools='["infraestrutura"]'),
        "marks": marks(),
        "scheduled_at": NOW,
    }
    return cluster.Pod(**(values | changes))


def verdict(outcome: Outcome = Outcome.PASS, **changes: Any) -> Verdict:
    """The verdict of `job_pod()`: in its pool, as its status says."""
    values: dict[str, Any] = {
        "namespace": "gitlab-runners",
        "pod": "runner-4xyqa7plw-project-4217-concurrent-0-m83eneg4",
        "node": "node-1",
        "outcome": outcome,
        "grade": Grade.ADDRESS,
        "tier": "infra",
        "runner": "infra-platform",
        "project": "4217",
        "project_path": "platform/api",
        "intended": ("infraestrutura",),
        "requested": Requested(origin=Origin.POD, text='["infraestrutura"]', pools=("infraestrutura",)),
        "assigned": (Assigned(address=ip_address("172.16.84.128"), pool="infraestrutura"),),
        "job": JobClaim(id="7311000", url="https://gitlab.example.com/platform/api/-/jobs/7311000", name="build"),
    }
    return Verdict(**(values | changes))


def judgement(*verdicts: Verdict, **changes: Any) -> Judgement:
    """A judgement whose counts fit its verdicts."""
    marks = [(one.outcome, one.pending) for one in verdicts]
    counts = Counts(
        passed=marks.count((Outcome.PASS, False)),
        breach=marks.count((Outcome.BREACH, False)),
        unknown=marks.count((Outcome.UNKNOWN, False)),
        pending=marks.count((Outcome.UNKNOWN, True)),
        waived=sum(bool(one.waived) for one in verdicts),
    )
    values: dict[str, Any] = {"verdicts": verdicts, "counts": counts}
    return Judgement(**(values | changes))


def entry(kind: EntryKind = EntryKind.OPENED, **changes: Any) -> Entry:
    """A job pod on an address of the infra pool, at noon."""
    values: dict[str, Any] = {
        "at": NOON,
        "cluster": "prod-1",
        "pod_uid": "0b6f6ac1",
        "namespace": "gitlab-runners",
        "pod": "runner-4xyqa7plw-project-7-concurrent-0",
        "address": "172.16.12.2",
        "node": "node-1",
        "node_addresses": ("10.0.3.7",),
        "project": "7",
        "tier": "infra",
        "pool": "infraestrutura",
        "outcome": Outcome.PASS,
        "grade": Grade.ADDRESS,
    }
    return Entry(kind=kind, **(values | changes))


def state(**changes: Any) -> st.BridgeState:
    """A bridge that is well: it watches, judges, records and labels."""
    values: dict[str, Any] = {
        "at": NOW,
        "started_at": NOON,
        "version": "0.1.0",
        "cluster": "prod-1",
        "server": "https://10.0.0.1:6443",
        "mode": "label",
        "calico": st.CalicoState(explanation="pools and blocks in crd.projectcalico.org", is_judgeable=True),
        "policy": st.PolicyState(digest="0" * 64, file="policy.yaml", loaded_at=NOON),
        "watches": tuple(st.WatchState(kind=one, is_fresh=True, heard_at=NOW, tried_at=NOW) for one in cluster.Kind),
        "ledger": st.LedgerState(name="sqlite:///ledger.db", is_writable=True, entries=12, segment=1, head="ab" * 32),
    }
    return st.BridgeState(**(values | changes))
