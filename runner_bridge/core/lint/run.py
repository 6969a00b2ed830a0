"""
One run of `lint`: which linter reads which text, and what they found together.

Pools are judged over all texts of the run, because overlaps stand between files. The policy of the run, if there is
exactly one, is what pools are compared with.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_bridge.core.lint import config_map, helm_values, ip_pools, policy, runner_config, with_excerpts
from runner_bridge.core.lint.kinds import Kind, is_policy_part, kinds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from runner_bridge.core.lint.context import Context
    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One text and where it came from."""

    name: str
    text: str
    folder: str = ""
    """The folder that was named and searched; empty where the user named the file itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a run."""

    findings: tuple[Finding, ...]
    """In the order of the texts, then of the lines, then the worst first; with excerpts."""
    kinds: Mapping[str, tuple[Kind, ...]]
    """The texts that were linted, and as what."""
    passed_over: tuple[str, ...]
    """Files of searched folders that are somebody else's."""
    unknown: tuple[str, ...]
    """Files that the user named and that are of no kind: nothing was checked."""


def _runner_config(text: str, name: str) -> tuple[Finding, ...]:
    return runner_config.lint(text, name, template="template" in posixpath.basename(name))


_LINTERS: Mapping[Kind, Callable[[str, str], tuple[Finding, ...]]] = {
    Kind.RUNNER_CONFIG: _runner_config,
    Kind.HELM_VALUES: helm_values.lint,
    Kind.CONFIG_MAP: config_map.lint,
}
"""Those that look at one text by itself."""


def lint(sources: Sequence[Source], *, kind: Kind | None, context: Context, today: date) -> Report:
    """
    Lint every text. Never raises for what stands in them.

    Args:
        sources: names are used once.
        kind: what every text is, whatever it looks like; None tells each by its content.
        context: what is known besides the files.
        today: the day against which waivers of policies are held.
    """
    kinds = {source.name: (kind,) if kind else _kinds(source) for source in sources}
    kinds |= _policy_parts(sources, kinds)
    findings: list[Finding] = []
    for source in sources:
        for each in kinds[source.name]:
            if each in _LINTERS:
                findings += _LINTERS[each](source.text, source.name)
    found, accepted = _policies([source for source in sources if Kind.POLICY in kinds[source.name]], today)
    findings += found
    if context.policy is None and len(accepted) == 1:
        context = replace(context, policy=accepted[0])
    pools = [(source.text, source.name) for source in sources if Kind.IP_POOLS in kinds[source.name]]
    findings += ip_pools.lint(pools, context)
    none = [source for source in sources if not kinds[source.name]]
    return Report(
        findings=in_order(findings, sources),
        kinds={name: found for name, found in kinds.items() if found},
        passed_over=tuple(source.name for source in none if source.folder),
        unknown=tuple(source.name for source in none if not source.folder),
    )


def _policy_parts(sources: Sequence[Source], kinds: Mapping[str, tuple[Kind, ...]]) -> Mapping[str, tuple[Kind, ...]]:
    """Find parts of a policy that only their folder tells: `cluster:` alone could be anybody's."""
    folders = {posixpath.dirname(source.name) for source in sources if Kind.POLICY in kinds[source.name]}
    return {
        source.name: (Kind.POLICY,)
        for source in sources
        if source.folder and not kinds[source.name] and posixpath.dirname(source.name) in folders
        if is_policy_part(source.text, source.name)
    }


def _policies(sources: Sequence[Source], today: date) -> tuple[list[Finding], list[Policy]]:
    findings: list[Finding] = []
    accepted: list[Policy] = []
    for group in policy.grouped([(source.text, source.name, source.folder) for source in sources]):
        found, one = policy.lint(group, today=today)
        findings += found
        accepted += [one] if one else []
    return findings, accepted


def _kinds(source: Source) -> tuple[Kind, ...]:
    found = kinds_of(source.text, source.name)
    named = not source.folder and posixpath.splitext(source.name)[1] == ".toml"
    return found or ((Kind.RUNNER_CONFIG,) if named else ())


def in_order(findings: Sequence[Finding], sources: Sequence[Source]) -> tuple[Finding, ...]:
    """Return findings in the order of the texts, then of the lines, then the worst first; with excerpts."""
    by_file: dict[str, list[Finding]] = {source.name: [] for source in sources}
    for finding in findings:
        by_file.setdefault(finding.place.file if finding.place else "", []).append(finding)
    texts = {source.name: source.text for source in sources}
    result: list[Finding] = []
    for name, found in by_file.items():
        result += with_excerpts(sorted(found, key=_position), texts.get(name, ""))
    return tuple(result)


def _position(finding: Finding) -> tuple[int, int, int]:
    place = finding.place
    return (place.line if place else 0, place.column if place else 0, finding.code.severity.rank)
