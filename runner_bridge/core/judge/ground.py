"""
What verdicts stand on besides the pods: policy, pools, and what the caller knows, indexed once.

It changes when somebody edits the policy or a pool, so whoever judges for long keeps one `Ground` and puts each
`Evidence` on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.judge.ranges import RangeMap
from runner_bridge.core.marks import dns_part, label_value
from runner_bridge.core.policy.model import Project, ProjectPath, RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.model.cluster import Address, IPPool
    from runner_bridge.core.policy.model import Policy, Pool, Runner, Tier

MOST_PLACED: Final = 10_000
"""So many projects are remembered with their place."""


class TierView(Struct, frozen=True, gc=False):
    """A tier with what is asked of it for every pod."""

    tier: Tier
    pool_names: tuple[str, ...]
    families: frozenset[str]


class Owner(Struct, frozen=True, gc=False):
    """The runners that share one short id or one name, with the tiers that they belong to."""

    runners: tuple[Runner, ...]
    names: tuple[str, ...]
    """All names, declared or not, in alphabetical order."""
    tiers: frozenset[str]
    """Tiers of the declared ones; an undeclared runner counts as a tier of its own, with an empty name."""


class Placed(Struct, frozen=True, gc=False):
    """Where the policy puts a project, as far as that is known."""

    path: str = ""
    """From GitLab's list of projects; empty where it is not listed."""
    tier: str = ""
    checked: bool = False
    """False: without the path no rule can be chosen, so nothing is said about the project."""
    reason: str = ""
    """Why a checked project has no tier."""


class Ground:
    """See the module."""

    def __init__(
        self,
        policy: Policy,
        pools: Iterable[IPPool] | None,
        *,
        pools_complete: bool = True,
        projects: Iterable[Project] | Mapping[str, Project] | None = None,
        short_ids: Iterable[tuple[str, str]] = (),
        stamps: Mapping[str, str] | None = None,
    ) -> None:
        """
        Index what does not change from pod to pod.

        Args:
            policy: what is meant.
            pools: of the cluster; None: nobody asked.
            pools_complete: no pool is missing among them.
            projects: GitLab's list of projects, or an index of it by number, which costs nothing here; None: not given.
            short_ids: further pairs (short id, runner's name), as a config.toml tells them; names need not be declared.
            stamps: the stamp that each declared runner's pods would carry now.
        """
        self.policy = policy
        self.stamps = stamps or {}
        self.pools_given = pools is not None
        self.pools_complete = self.pools_given and pools_complete
        self.projects: Mapping[str, Project] | None = _by_number(projects)
        self.tiers: dict[str, TierView] = {
            name: TierView(tier, tuple(str(pool.name) for pool in tier.pools), frozenset(tier.families))
            for name, tier in policy.tiers.items()
        }
        self.declared_by_name: dict[str, Pool] = {pool.name: pool for pool in policy.pools.values()}
        self.declared_families = frozenset(pool.family for pool in policy.pools.values())
        self._index_runners(short_ids)
        self._index_pools(tuple(pools or ()))
        self._placed: dict[str, Placed] = {}
        self._declared_namespaces: dict[str, bool] = {}

    def _index_runners(self, short_ids: Iterable[tuple[str, str]]) -> None:
        runners = self.policy.runners
        by_id: dict[str, set[str]] = {}
        for runner in runners.values():
            for short_id in runner.short_ids:
                by_id.setdefault(short_id, set()).add(runner.name)
        for short_id, name in short_ids:
            by_id.setdefault(short_id, set()).add(name)
        by_dns: dict[str, set[str]] = {}
        for short_id, names in by_id.items():
            by_dns.setdefault(dns_part(short_id), set()).update(names)
        by_name: dict[str, set[str]] = {}
        for name in runners:
            by_name.setdefault(label_value(name), set()).add(name)
        self.owners = self._owners(by_id)
        self.owners_by_dns = self._owners(by_dns)
        self.owners_by_name = self._owners(by_name)
        known = {name for names in by_id.values() for name in names}
        self.all_runners_known = all(name in known for name in runners)
        """Every declared runner has a known short id, so that a stranger's can be told from ours."""

    def _owners(self, index: dict[str, set[str]]) -> dict[str, Owner]:
        declared: dict[str, Runner] = {str(name): runner for name, runner in self.policy.runners.items()}
        return {
            key: Owner(
                runners=tuple(declared[name] for name in sorted(names) if name in declared),
                names=tuple(sorted(names)),
                tiers=frozenset(str(declared[name].tier) if name in declared else "" for name in names),
            )
            for key, names in index.items()
        }

    def _index_pools(self, observed: tuple[IPPool, ...]) -> None:
        self.declared_pools: RangeMap[Pool] = RangeMap((pool.cidr, pool) for pool in self.policy.pools.values())
        # The same pool seen through both API groups is one; equal names with different ranges are kept apart.
        seen = {(pool.name, pool.cidr): pool for pool in sorted(observed, key=_pool_order)}
        self.pools = tuple(seen.values())
        self.pools_by_name = {pool.name: pool for pool in self.pools}
        self.observed_pools: RangeMap[IPPool] = RangeMap((pool.cidr, pool) for pool in self.pools)
        self.pool_by_cidr: dict[object, str] = {pool.cidr: pool.name for pool in self.pools}
        self.pool_by_cidr |= {pool.cidr: str(pool.name) for pool in self.policy.pools.values()}

    def is_declared_namespace(self, name: str) -> bool:
        """Tell whether the policy lists the namespace for job pods; a policy that lists none leaves it open."""
        found = self._declared_namespaces.get(name)
        if found is None:
            patterns = self.policy.cluster.namespaces
            found = not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
            self._declared_namespaces[name] = found
        return found

    def place(self, project: str) -> Placed:
        """Return where the policy puts the project with this number (decimal text). Never raises."""
        found = self._placed.get(project)
        if found is None:
            if len(self._placed) >= MOST_PLACED:
                self._placed.clear()
            found = self._placed[project] = self._place(project)
        return found

    def _place(self, project: str) -> Placed:
        if not project.isdecimal() or len(project) > 19:
            return Placed()
        listed = (self.projects or {}).get(project)
        placement = self.policy.place(listed or Project(id=int(project)))
        path = str(listed.path or "") if listed else ""
        by_number = placement.rule is not None and placement.rule.kind is RuleKind.ID
        if not path and not by_number:
            return Placed()
        if placement.tier is not None:
            return Placed(path=path, tier=str(placement.tier), checked=True)
        tied = ", ".join(f"{rule.text} ({rule.tier})" for rule in placement.tied)
        return Placed(path=path, checked=True, reason=f"equally specific: {tied}" if tied else "no rule matches")

    def place_by_url(self, job_url: str) -> str:
        """Return the tier of the project that a job's URL names, if it is one of our GitLab; empty where unknown."""
        path, separator, _ = job_url.removeprefix(f"{self.policy.gitlab.url}/").partition("/-/")
        if not separator or path == job_url or "://" in path:
            return ""
        tier = self.policy.place(Project(path=ProjectPath(path))).tier
        return str(tier) if tier is not None else ""

    def version_of(self, pool: str) -> int:
        """Return the IP version of the pool with this name; 0 where none is known."""
        known = self.pools_by_name.get(pool) or self.declared_by_name.get(pool)
        return known.cidr.version if known else 0

    def pool_named(self, name: str) -> IPPool | None:
        """Return the cluster's pool that the policy or the cluster calls `name`."""
        declared = self.declared_by_name.get(name)
        same_range = (pool for pool in self.pools if declared is not None and pool.cidr == declared.cidr)
        return next(same_range, None) or self.pools_by_name.get(name)

    def covering_pool(self, address: Address) -> tuple[str, Pool | None]:
        """Return the name of the pool that covers `address`, empty where none is known, and its declaration."""
        declared = self.declared_pools.first(address)
        if declared is not None:
            return declared.name, declared
        observed = self.observed_pools.first(address)
        return (observed.name if observed else ""), None


def _by_number(projects: Iterable[Project] | Mapping[str, Project] | None) -> Mapping[str, Project] | None:
    if projects is None or isinstance(projects, Mapping):
        return projects
    return {str(one.id): one for one in projects}


def _pool_order(pool: IPPool) -> tuple[object, ...]:
    """Where one pool was seen twice with different states, the one that gives addresses is kept: it comes last."""
    return (pool.name, str(pool.cidr), pool.enabled, pool.groups)
