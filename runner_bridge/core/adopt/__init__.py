"""
From what an admin already has to a policy that says the same.

The policy is rendered and merged by a function that the caller hands in, and what that would change in the file is
named, key by key: the promise is "differs in nothing but what it names", so it is computed and never predicted.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from runner_bridge.core.adopt import helm
from runner_bridge.core.adopt.differences import Difference, compare, describe
from runner_bridge.core.adopt.draft import Options, PolicyDraft, Undecided, draft
from runner_bridge.core.adopt.existing import Existing, parse, read, section_lines
from runner_bridge.core.adopt.policy_text import WIDTH, write
from runner_bridge.core.errors import PolicyError
from runner_bridge.core.model import Severity
from runner_bridge.core.model.codes.policy import OVERWRITE_NOT_PROVEN
from runner_bridge.core.policy import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Policy

__all__ = ["Adoption", "Difference", "Options", "Undecided", "adopt_helm_values", "adopt_runner_config"]

HOW_TO_NAME_RELEASE = (
    "The chart names it after the manager's pod, anew at every rollout. Give --runner-name NAME, or set RUNNER_NAME."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A policy that describes a file which exists."""

    policy: str
    """YAML; its first line names the schema, the comment below tells `report`."""
    differences: tuple[Difference, ...]
    """Every key that a render of the policy, merged into the same file, would add, change or remove."""
    report: tuple[str, ...]
    """What to tell the admin, in lines of at most 78 columns: the differences, and what stays in the file."""


def adopt_runner_config(text: str, file: str, *, options: Options, merge: Callable[[str, Policy], str]) -> Adoption:
    """
    Return a policy that describes the runners of a config.toml.

    Args:
        text: the file.
        file: what it is called.
        options: what the admin said beside it.
        merge: makes the file hold what a policy says (`render.fragment.merge`).

    Raises:
        WireError: it is not a config.toml.
        Undecided: something must be known, or mended, first; holds all of it.
    """
    before = parse(text, file)
    plan, policy = _accepted(read(before, file, lines=section_lines(text, file)), file, options)
    return _adoption(plan, file, before, parse(merge(text, policy), file))


def adopt_helm_values(text: str, file: str, *, options: Options, merge: Callable[[str, Policy], str]) -> Adoption:
    """
    Return a policy that describes the runner of one release of the chart gitlab-runner.

    Args:
        text: the values file of the release.
        file: what it is called.
        options: what the admin said beside it.
        merge: makes the values hold what a policy says.

    Raises:
        WireError: it is not a values file.
        Undecided: something must be known, or mended, first; holds all of it.
    """
    before = helm.parse_values(text, file)
    tree = helm.as_runner_config(before, options.runner_name, file)
    existing = read(tree, file, how_to_name=HOW_TO_NAME_RELEASE)
    existing = replace(existing, runners=tuple(replace(one, tags=helm.tags(before)) for one in existing.runners))
    plan, policy = _accepted(existing, file, options)
    return _adoption(plan, file, before, helm.parse_values(merge(text, policy), file))


def _accepted(existing: Existing, file: str, options: Options) -> tuple[PolicyDraft, Policy]:
    """
    Return a draft and the policy that it makes.

    Raises:
        Undecided: something must be known first, or a policy refuses what was found.
    """
    plan = draft(_without_refused(existing, file, options), file, options)
    try:
        return plan, _load(plan)
    except PolicyError as error:
        errors = [one for one in error.findings if one.code.severity is Severity.ERROR]
        raise Undecided(file, [_told(one) for one in errors]) from error


def _without_refused(existing: Existing, file: str, options: Options) -> Existing:
    """Close each overwrite that a policy refuses: without it, a runner may well be of the same trust as others."""
    if not any(one.annotation_overwrites or one.label_overwrites for one in existing.runners):
        return existing
    probe = draft(existing, file, replace(options, project_rules=()))
    try:
        _load(probe)
    except PolicyError as error:
        refused = {one.subject for one in error.findings if one.code is OVERWRITE_NOT_PROVEN}
    else:
        return existing

    def runners_with(key: str) -> set[int]:
        tiers = (tier for tier in probe.tiers if f"tiers.{tier.name}.job.{key}" in refused)
        return {one.number for tier in tiers for one in tier.runners}

    annotations, labels = runners_with("annotation_overwrites"), runners_with("label_overwrites")
    runners = tuple(
        replace(
            one,
            annotation_overwrites="" if one.number in annotations else one.annotation_overwrites,
            label_overwrites="" if one.number in labels else one.label_overwrites,
        )
        for one in existing.runners
    )
    return replace(existing, runners=runners)


def _load(plan: PolicyDraft) -> Policy:
    return load([Source(name="policy.yaml", text=write(plan))], today=date.min)  # it holds nothing that expires


def _adoption(plan: PolicyDraft, file: str, before: object, after: object) -> Adoption:
    differences = tuple(compare(before, after))
    report = tuple(_report(plan, file, differences))
    return Adoption(policy=write(plan, report), differences=differences, report=report)


def _told(finding: Finding) -> str:
    """Return a finding about the policy without its place: the admin has not seen that text."""
    return replace(finding, place=None).headline


def _report(plan: PolicyDraft, file: str, differences: tuple[Difference, ...]) -> Iterator[str]:
    width = WIDTH - len("# ")
    yield from textwrap.wrap(
        f"Made from {file}. Rendered and merged into that file, this policy changes there "
        + ("what follows, and nothing else:" if differences else "nothing."),
        width,
    )
    names = {str(one.number): str(one.name) for tier in plan.tiers for one in tier.runners}
    for line in describe(differences, names, width=width):
        if not line.startswith(" "):
            yield ""
        yield line
    if plan.notes:
        yield from ("", f"Left as it is in {file}:")
        for note in plan.notes:
            yield from textwrap.wrap(note, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
