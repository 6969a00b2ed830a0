"""Small worlds for the audit: a policy of two tiers with pools of their own and one without, projects, runners."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner_bridge.core.audit import leaks
from runner_bridge.core.audit.identity import identify
from runner_bridge.core.audit.reach import Reach
from runner_bridge.core.edits.marker import marker
from runner_bridge.core.mapping import Doubt, Mapped
from runner_bridge.core.model.gitlab import Project, Runner, RunnerType
from runner_bridge.core.policy import model as p
from tests import make

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.audit.leak import Leak

GROUPS = MappingProxyType({1: "platform", 2: "platform/net", 3: "product"})
LAB_POOL = make.pool("laboratory", "172.20.0.0/16", pool_class=p.PoolClass.ISOLATED)
INSTANCE = p.Scope(kind=p.ScopeKind.INSTANCE)
HSM = p.Scope(kind=p.ScopeKind.PROJECT, target="5")


def policy(*extra: p.Runner, **changes: Any) -> p.Policy:
    """Tiers infra (runner infra-platform), lab (lab) and default (shared); more runners by their tier."""
    of: dict[str, list[p.Runner]] = {
        "infra": [make.runner()],
        "lab": [
            make.runner("lab", "lab", scope=p.Scope(kind=p.ScopeKind.PROJECT, target="product/lab"), tags=("lab",))
        ],
        "default": [make.runner("shared", "default", scope=INSTANCE, tags=("linux",), run_untagged=True)],
    }
    for one in extra:
        same = [each for each in of[one.tier] if each.name != one.name]
        of[one.tier] = [*same, one]
    rule = p.Rule(
        kind=p.RuleKind.PATH, tier=p.TierName("infra"), text="platform/**", value="platform/**", place=make.HERE
    )
    return make.policy(
        make.tier("infra", runners=tuple(of["infra"]), rules=(rule,)),
        make.tier("lab", LAB_POOL, pin=False, runners=tuple(of["lab"])),
        make.tier("default", make.WORKLOAD, pin=False, runners=tuple(of["default"])),
        **changes,
    )


def project(number: int, path: str, tier: str | None = "infra", **more: Any) -> Mapped:
    """A project that lets everybody in, and its tier; a tier of None has no rule."""
    doubt = more.pop("doubt", Doubt.NO_RULE if tier is None else None)
    values = {"instance_runners": True, "group_runners": True} | more
    return Mapped(project=Project(id=number, path=path, **values), tier=p.TierName(tier) if tier else None, doubt=doubt)


def runner(number: int, kind: str = "group", name: str = "", **more: Any) -> Runner:
    """A runner; with a name it carries our marker."""
    values: dict[str, Any] = {
        "type": RunnerType(f"{kind}_type"),
        "description": name or "by hand",
        "maintenance_note": marker("prod-1", name) if name else "",
        "tags": (),
        "run_untagged": False,
        "is_locked": True,
        "group_ids": (1,) if kind == "group" else (),
        "project_count": len(more.get("project_ids", ())) if kind == "project" else None,
    }
    return Runner(id=number, **(values | more))


def found(declared: p.Policy, mapped: Iterable[Mapped], runners: Iterable[Runner]) -> tuple[Leak, ...]:
    every = tuple(runners)
    return leaks.find(declared, every, Reach(mapped, GROUPS), identify(declared, every, ()))


def told(some: Iterable[Leak]) -> list[str]:
    return [
        f"{one.code.name} #{one.runner.id} {one.tier}: {' '.join(each.path for each in one.projects)}".rstrip(": ")
        for one in some
    ]
