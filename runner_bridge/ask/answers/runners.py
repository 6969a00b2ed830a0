"""Declared runners beside GitLab's: who uses them, when they were heard of, how long their tokens are good for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.edits.runners import TYPES, differing
from runner_bridge.core.model.edit import FieldEdit
from runner_bridge.core.policy.model import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from runner_bridge.core.audit.unseen import Listing
    from runner_bridge.core.model.gitlab import Runner, RunnerManager
    from runner_bridge.core.policy.model import Policy, RunnerName
    from runner_bridge.core.policy.model import Runner as Declared


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerRow:
    """A runner: declared, live, or both."""

    declared: Declared | None
    """None: the policy does not have it."""
    live: Runner | None
    """None: it is none of those that were listed."""
    managers: tuple[RunnerManager, ...] | None
    """By system id; None: not asked, or not to be seen."""
    differs: tuple[FieldEdit, ...]
    """What GitLab has otherwise than declared."""

    def token_left(self, now: datetime) -> timedelta | None:
        """Return how long its token is good for, not above zero for one that has ended; None: it does not end."""
        ends = self.live.token_expires_at if self.live else None
        return None if ends is None else ends - now

    def is_in_order(self, now: datetime) -> bool:
        """Tell whether it is there as declared, with a token that is good; what is not declared always is."""
        if self.declared is None:
            return True
        left = self.token_left(now)
        return self.live is not None and not self.differs and (left is None or left.total_seconds() > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnersAnswer:
    """The answer."""

    rows: tuple[RunnerRow, ...]
    """Declared ones in the order of the policy, then the others by number, if asked for."""
    others: int
    """How many were listed that the policy does not have, shown or not."""
    missed: tuple[str, ...]
    """What could not be listed, for people."""
    now: datetime

    @property
    def is_in_order(self) -> bool:
        """Tell whether every declared runner is in order."""
        return all(one.is_in_order(self.now) for one in self.rows)

    @property
    def is_proven(self) -> bool:
        """Tell whether it would be the same answer if everything had been listed: one that is missing may be there."""
        return not self.missed or any(one.live is not None and not one.is_in_order(self.now) for one in self.rows)


def list_all(
    policy: Policy,
    listing: Listing,
    named: Mapping[int, RunnerName],
    managers: Mapping[int, tuple[RunnerManager, ...]],
    *,
    with_others: bool,
    now: datetime,
) -> RunnersAnswer:
    """
    Answer which runners there are.

    Args:
        policy: what is declared.
        listing: those of GitLab that were listed.
        named: GitLab's number → declared name, for those that have one.
        managers: GitLab's number → its managers, where they were seen.
        with_others: also those that the policy does not have.
        now: this moment.
    """
    by_number = sorted(listing.runners, key=lambda one: one.id)
    rows = []
    for declared in policy.runners.values():
        own = [one for one in by_number if named.get(one.id) == declared.name]
        rows += [_row(declared, one, managers, listing.groups) for one in own or (None,)]
    others = [one for one in by_number if one.id not in named]
    rows += [_row(None, one, managers, listing.groups) for one in others if with_others]
    return RunnersAnswer(rows=tuple(rows), others=len(others), missed=listing.missed, now=now)


def _row(
    declared: Declared | None,
    live: Runner | None,
    managers: Mapping[int, tuple[RunnerManager, ...]],
    groups: Mapping[int, str],
) -> RunnerRow:
    found = managers.get(live.id) if live else None
    return RunnerRow(
        declared=declared,
        live=live,
        managers=None if found is None else tuple(sorted(found, key=lambda one: one.system_id)),
        differs=(*_scope(declared, live, groups), *differing(declared, live)) if declared and live else (),
    )


def _scope(declared: Declared, live: Runner, groups: Mapping[int, str]) -> tuple[FieldEdit, ...]:
    """Return where a runner lies, if that is not its declared scope; a project's path is not known here."""
    kind, target = declared.scope.kind, declared.scope.target.lower()
    paths = [groups.get(number, "") for number in live.group_ids]
    if live.type is TYPES[kind]:
        is_elsewhere = (kind is ScopeKind.GROUP and bool(paths) and target not in [one.lower() for one in paths]) or (
            kind is ScopeKind.PROJECT and live.is_whole and target.isdecimal() and int(target) not in live.project_ids
        )
        if not is_elsewhere:
            return ()
    where = f"group:{paths[0]}" if paths else live.type.removesuffix("_type")
    return (FieldEdit(name="scope", before=where, after=str(declared.scope)),)
