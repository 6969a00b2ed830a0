"""What the tests of edits start from: GitLab and a cluster that are as the policy of `make` says."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from runner_bridge.core.edits.live import Known, LiveConfiguration, LiveRunners
from runner_bridge.core.edits.marker import marker
from runner_bridge.core.edits.plan import Live
from runner_bridge.core.model.cluster import IPPool
from runner_bridge.core.model.gitlab import Runner, RunnerType
from runner_bridge.core.policy import model as p
from tests import make

MARK = marker("prod-1", "infra-platform")
SECRET = p.Store(kind=p.StoreKind.SECRET, namespace="gitlab-runners", name="runner-config", key="config.toml")
TOKENS = p.Store(kind=p.StoreKind.SECRET, namespace="gitlab-runners", name="runner-tokens")


def installation(**changes: Any) -> p.Installation:
    values: dict[str, Any] = {
        "name": "ci-main",
        "runners": (p.RunnerName("infra-platform"), p.RunnerName("shared")),
        "configuration": SECRET,
        "tokens": TOKENS,
        "metrics": ("http://127.0.0.1:9252/metrics",),
        "logs": (),
        "place": make.HERE,
    }
    return p.Installation(**(values | changes))


def policy(*runners: p.Runner, **changes: Any) -> p.Policy:
    declared = runners or (make.runner(),)
    tiers = (
        make.tier(runners=declared),
        make.tier(
            "default",
            make.WORKLOAD,
            pin=False,
            runners=(
                make.runner("shared", "default", scope=p.Scope(kind=p.ScopeKind.INSTANCE), tags=(), run_untagged=True),
            ),
        ),
    )
    return make.policy(*tiers, **{"installations": {"ci-main": installation()}} | changes)


def infra(**changes: Any) -> Runner:
    values: dict[str, Any] = {
        "id": 17,
        "type": RunnerType.GROUP,
        "description": "infra-platform",
        "maintenance_note": MARK,
        "tags": ("infra",),
        "run_untagged": False,
        "short_sha": "AAAAAAAA",
        "group_ids": (7,),
    }
    return Runner(**(values | changes))


SHARED = Runner(id=3, type=RunnerType.INSTANCE, description="made by hand", short_sha="BBBBBBBB")


def live_runners(*runners: Runner, **changes: Any) -> LiveRunners:
    known = {
        p.RunnerName("infra-platform"): Known(id=17, short_id="AAAAAAAAA", is_signed_in=True, is_kept=True),
        p.RunnerName("shared"): Known(id=3, short_id="BBBBBBBBB", is_signed_in=True),
    }
    targets = {"group:platform": 7, "instance": None, "project:19241": 19241}
    values: dict[str, Any] = {"runners": runners or (infra(), SHARED), "targets": targets, "known": known}
    return LiveRunners(**(values | changes))


def ip_pool(**changes: Any) -> IPPool:
    values: dict[str, Any] = {
        "name": "infraestrutura",
        "cidr": ip_network("172.16.0.0/16"),
        "nat_outgoing": True,
        "block_size": 25,
        "assignment_mode": "Manual",
    }
    return IPPool(**(values | changes))


def live(**changes: Any) -> Live:
    values: dict[str, Any] = {
        "runners": live_runners(),
        "configurations": {"ci-main": LiveConfiguration(before="x = 1\n", after="x = 1\n")},
        "pools": (ip_pool(),),
        "pool_texts": {"infraestrutura": "kind: IPPool\n"},
    }
    return Live(**(values | changes))
