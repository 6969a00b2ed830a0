"""
Findings that somebody accepted until a day: taken out of the verdict, never out of sight.

A waiver is matched by facts only: what a pod's annotations claim or ask for must not earn it one. The project's path
comes from GitLab's list of projects; the pools are those of the tier and those that cover the addresses.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.model.verdict import Waived

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Waiver


class Match(Struct, frozen=True, gc=False, kw_only=True):
    """What a waiver is compared with."""

    project_path: str = ""
    tier: str = ""
    namespace: str = ""
    pools: tuple[str, ...] = ()
    """A waiver's pool must be one of them."""


def split(
    waivers: tuple[Waiver, ...], findings: Iterable[tuple[Finding, Match]], today: date
) -> tuple[tuple[Finding, ...], tuple[Waived, ...]]:
    """Return the findings that stay and those that are waived on `today`, each in order. Never raises."""
    stay: list[Finding] = []
    waived: list[Waived] = []
    for finding, match in findings:
        waiver = next((one for one in waivers if _holds(one, finding, match, today)), None)
        if waiver is None:
            stay.append(finding)
        else:
            waived.append(Waived(finding=finding, until=waiver.until, reason=waiver.reason))
    return tuple(stay), tuple(waived)


def _holds(waiver: Waiver, finding: Finding, match: Match, today: date) -> bool:
    return (
        waiver.code == finding.code.name
        and today <= waiver.until
        and (not waiver.project or path_matches(waiver.project, match.project_path))
        and (not waiver.tier or waiver.tier == match.tier)
        and (not waiver.namespace or fnmatchcase(match.namespace, waiver.namespace))
        and (not waiver.pool or waiver.pool in match.pools)
    )


def path_matches(pattern: str, path: str) -> bool:
    """
    Tell whether a project's path fits a pattern of the policy: `*` is one segment, `**` at the end all that follow.

    As in rules, upper and lower case are one: GitLab keeps no two paths that differ only in it.

    >>> path_matches("platform/**", "platform/net/tools"), path_matches("platform/*", "platform/net/tools")
    (True, False)
    """
    if not path:
        return False
    wanted, seen = pattern.lower().split("/"), path.lower().split("/")
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        if len(seen) <= len(wanted):
            return False
        seen = seen[: len(wanted)]
    return len(wanted) == len(seen) and all(one in {"*", two} for one, two in zip(wanted, seen, strict=True))
