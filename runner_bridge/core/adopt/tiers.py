"""
Sorts runners into tiers: those whose job pods get the same pools, metadata, namespace and account are of one trust.

A tier is named after its pools where that tells it apart, else after what does. Names are for the admin to change;
nothing in the runner's file depends on them but the label `runner-bridge.dev/tier`.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_bridge.core.adopt.pools import AUTOMATIC, HOW_TO_ANSWER, KnownPool, KnownPools
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.adopt.existing import ExistingRunner

DEFAULT_NAMESPACE = "default"
"""Where the runner makes job pods when its section names no namespace (GitLab Runner, executors/kubernetes)."""
UNPINNED = "default"
NAMED_AT_MOST = 8
"""So many runners are named in one problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDraft:
    """A tier as it will be written."""

    name: str
    pools: tuple[KnownPool, ...]
    pin: bool
    runners: tuple[ExistingRunner, ...]
    """At least one; they differ in nothing that a tier says."""

    @property
    def like(self) -> ExistingRunner:
        """One runner that speaks for all in what a tier says."""
        return self.runners[0]


def draft_tiers(runners: Sequence[ExistingRunner], pools: KnownPools) -> tuple[tuple[TierDraft, ...], tuple[str, ...]]:
    """Return the tiers in the order of their first runners, and what must be known before they can be written."""
    found, problems = _resolve(runners, pools)
    if problems:
        return (), problems
    groups: dict[object, list[ExistingRunner]] = {}
    for one in runners:
        groups.setdefault(_trust(one, found[one.number]), []).append(one)
    drafts = [
        TierDraft(name="", pools=found[same[0].number], pin=bool(same[0].pools), runners=tuple(same))
        for same in groups.values()
    ]
    return tuple(_named(drafts)), ()


def _trust(runner: ExistingRunner, pools: Sequence[KnownPool]) -> object:
    return (
        bool(runner.pools),
        tuple(one.name for one in pools),
        frozenset(runner.labels.items()),
        frozenset(runner.annotations.items()),
        runner.namespace,
        runner.namespace_per_job,
        runner.service_account,
        runner.annotation_overwrites,
        runner.label_overwrites,
    )


def _resolve(
    runners: Sequence[ExistingRunner], pools: KnownPools
) -> tuple[dict[int, tuple[KnownPool, ...]], tuple[str, ...]]:
    """Return the pools of each runner by its number; every pool that is not known is a problem, all of them at once."""
    missing: dict[str, list[ExistingRunner]] = {}
    found: dict[int, tuple[KnownPool, ...]] = {}
    for one in runners:
        known = [pools.find(entry) for entry in one.pools]
        for entry, pool in zip(one.pools, known, strict=True):
            if pool is None:
                missing.setdefault(entry, []).append(one)
        found[one.number] = tuple(dict.fromkeys(pool for pool in known if pool))
    problems = [_unknown_pool(entry, by) for entry, by in missing.items()]
    unpinned = [one for one in runners if not one.pools]
    rest = pools.of_unpinned({pool.name for each in found.values() for pool in each})
    found |= {one.number: rest for one in unpinned}
    if unpinned and (unclear := _unclear_rest(unpinned, rest)):
        problems.append(unclear)
    if problems:
        problems[-1] += f" {HOW_TO_ANSWER}"
    problems += [
        f"runner {one} asks for pools of different classes, {_classes(found[one.number])}, and Calico uses any of "
        "them. Let it ask for pools of one class."
        for one in runners
        if one.pools and _mixes(found[one.number])
    ]
    return found, tuple(problems)


def _unclear_rest(unpinned: Sequence[ExistingRunner], rest: Sequence[KnownPool]) -> str:
    """Return why it is not known which pools the cluster gives by itself; empty where it is."""
    ask = f"{_list(unpinned)} {'ask' if len(unpinned) > 1 else 'asks'} for no pool"
    if not rest:
        return (
            f"{ask}, and those that the cluster gives by itself are not known. Give --pool NAME=CIDR,CLASS,{AUTOMATIC}."
        )
    if _mixes(rest):
        return (
            f"{ask}, and those that the cluster may give by itself are of different classes: {_classes(rest)}. "
            f"Mark the right ones: --pool NAME=CIDR,CLASS,{AUTOMATIC}."
        )
    return ""


def _mixes(pools: Sequence[KnownPool]) -> bool:
    return len({one.pool_class for one in pools}) > 1


def _classes(pools: Sequence[KnownPool]) -> str:
    return ", ".join(f"{one.name} ({one.pool_class})" for one in pools)


def _unknown_pool(entry: str, by: Sequence[ExistingRunner]) -> str:
    name = redact(entry)
    flag = f"--pool NAME={name},CLASS" if "/" in entry else f"--pool {name}=CIDR,CLASS"
    return (
        f"pool {name!r} of {_list(by)}: its CIDR and class are not known, and the runner's file never holds them. "
        f"Give {flag}."
    )


def _list(runners: Sequence[ExistingRunner]) -> str:
    names = [str(one) for one in runners[:NAMED_AT_MOST]]
    more = f" and {len(runners) - len(names)} more" if len(runners) > len(names) else ""
    return f"runner{'s' if len(runners) > 1 else ''} {', '.join(names)}{more}"


def _named(drafts: Sequence[TierDraft]) -> list[TierDraft]:
    """Give each draft the first kind of name that no other draft has of the same kind; a number where all are taken."""
    kinds = [[kind(one) for one in drafts] for kind in (_by_pools, _by_namespace, _by_account, _by_runner)]
    counts = [Counter(names) for names in kinds]
    taken: set[str] = set()
    names: list[str] = []
    for at in range(len(drafts)):
        wanted = next(
            (kind[at] for kind, count in zip(kinds, counts, strict=True) if count[kind[at]] == 1), kinds[-1][at]
        )
        free = (f"{wanted}-{number}" for number in itertools.count(2))
        names.append(wanted if wanted not in taken else next(name for name in free if name not in taken))
        taken.add(names[-1])
    return [replace(one, name=name) for one, name in zip(drafts, names, strict=True)]


def _by_pools(draft: TierDraft) -> str:
    return _slug("-".join(one.name for one in draft.pools)) if draft.pin else UNPINNED


def _by_namespace(draft: TierDraft) -> str:
    return _slug(f"{_by_pools(draft)}-{draft.like.namespace or DEFAULT_NAMESPACE}")


def _by_account(draft: TierDraft) -> str:
    return _slug(f"{_by_pools(draft)}-{draft.like.service_account or DEFAULT_NAMESPACE}")


def _by_runner(draft: TierDraft) -> str:
    return _slug(draft.like.name)


def _slug(text: str) -> str:
    """Return a name of lower-case letters, digits and hyphens, at most 40 long."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-") or "tier"
