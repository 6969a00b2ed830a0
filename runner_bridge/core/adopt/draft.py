"""
From runners that exist, and what the admin said about them, to everything that the policy will say.

Whatever only the admin can know is asked for, all of it at once, with the flag that answers; nothing is guessed.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from runner_bridge.core.adopt.metadata import clean_url
from runner_bridge.core.adopt.pools import KnownPool, KnownPools
from runner_bridge.core.adopt.tiers import DEFAULT_NAMESPACE, TierDraft, draft_tiers
from runner_bridge.core.errors import SettingsError
from runner_bridge.core.marks import label_value
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner_bridge.core.adopt.existing import Existing, ExistingRunner

SHORT_ID_LENGTH = 9
CATCH_ALL = "**"
PER_JOB = "ci-job-*"
"""Namespaces that the runner makes with `namespace_per_job` (GitLab Runner, executors/kubernetes/kubernetes.go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the admin says beside the file; each field is the flag of the same name of `runner-bridge init`."""

    pools: tuple[KnownPool, ...] = ()
    dumped_pools: tuple[KnownPool, ...] = ()
    """From `--pools FILE`."""
    project_rules: tuple[tuple[str, str], ...] = ()
    """(tier, rule)"""
    gitlab_url: str = ""
    root_groups: tuple[str, ...] = ()
    cluster_name: str = ""
    namespace: str = ""
    """Of job pods, where the file leaves it to a template."""
    runner_name: str = ""
    """Where Helm values leave it to the chart."""


class Undecided(SettingsError):  # noqa: N818 - a state, reads as one: `except Undecided`
    """A policy cannot be written before something is known; holds every such thing, one sentence each."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "one thing is" if len(self.problems) == 1 else f"{len(self.problems)} things are"
        super().__init__(
            "\n".join([f"{file}: no policy can be written from it yet, {count} open:", *map(_item, problems)])
        )


def _item(text: str) -> str:
    """Fold one problem at 80 columns; what is there to be copied, a flag with its value or a command, stays whole."""
    whole = _COPIED.sub(lambda found: found[0].replace(" ", _GLUE), text)
    return textwrap.fill(
        whole, 80, initial_indent="  - ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    ).replace(_GLUE, " ")


_COPIED = re.compile(r"`[^`]*`|--[a-z-]+ [^\s,]+")
_GLUE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft:
    """Everything that the policy will say."""

    url: str
    root_groups: tuple[str, ...]
    cluster: str
    """Empty where nobody said how it is called."""
    settings: Mapping[str, int | str]
    pools: tuple[KnownPool, ...]
    """Those of the tiers in the order of use, then all others from which pods may get addresses."""
    namespaces: tuple[str, ...]
    """Where job pods live, each once; jobs run in the first of them unless their tier says otherwise."""
    tiers: tuple[TierDraft, ...]
    rules: Mapping[str, tuple[str, ...]]
    """Rules by tier; a tier without any is left for the admin to complete."""
    notes: tuple[str, ...]

    @property
    def dual_stack(self) -> bool:
        """Whether pods may get addresses of both families."""
        return len({one.cidr.version for one in self.pools}) > 1

    @property
    def scope(self) -> str:
        """A scope that a runner may have; the file does not say which it has."""
        return f"group:{self.root_groups[0]}" if _is_gitlab_com(self.url) else "instance"

    def job(self, tier: TierDraft) -> dict[str, int | str]:
        """Return the tier's `job:`, without what follows from the rest of the policy."""
        like = tier.like
        namespace = like.namespace or DEFAULT_NAMESPACE
        timeouts = [one.poll_timeout_s for one in tier.runners if one.poll_timeout_s > 0]
        values: dict[str, int | str] = {}
        if namespace != self.namespaces[0]:
            values["namespace"] = namespace
        if like.service_account:
            values["service_account"] = like.service_account
        if like.image and len({one.image for one in tier.runners}) == 1:
            values["image"] = like.image
        if timeouts:
            values["poll_timeout"] = max(timeouts)
        if like.annotation_overwrites:
            values["annotation_overwrites"] = like.annotation_overwrites
        if like.label_overwrites:
            values["label_overwrites"] = like.label_overwrites
        return values


def draft(existing: Existing, file: str, options: Options) -> PolicyDraft:
    """
    Decide what the policy says.

    Raises:
        Undecided: something must be known first.
    """
    url, runners, notes = _of_one_gitlab(existing.runners, options)
    bearers = Counter(one.short_id for one in runners)
    runners = tuple(_completed(one, options, told_by_token=bearers[one.short_id] == 1) for one in runners)
    problems = [*existing.problems, *_unsaid(url, runners, options)]
    pools = KnownPools(options.pools, options.dumped_pools)
    tiers, unknown = draft_tiers(runners, pools)
    problems += [*unknown, *_overlaps(pools.for_pods)]
    rules = _rules(tiers, options)
    names = [one.name for one in tiers]
    problems += [
        f"--project-rule {tier}={rule}: there is no tier {tier!r}. Tiers are {', '.join(names)}."
        for tier, rule in options.project_rules
        if names and tier not in names
    ]
    if problems:
        raise Undecided(file, [redact(problem) for problem in problems])
    return PolicyDraft(
        url=url,
        root_groups=options.root_groups,
        cluster=options.cluster_name,
        settings=existing.settings,
        pools=tuple(dict.fromkeys([*(pool for tier in tiers for pool in tier.pools), *pools.for_pods])),
        namespaces=_namespaces(tiers),
        tiers=tiers,
        rules=rules,
        notes=(*existing.notes, *notes),
    )


def _namespaces(tiers: Sequence[TierDraft]) -> tuple[str, ...]:
    named = [tier.like.namespace or DEFAULT_NAMESPACE for tier in tiers]
    per_job = [PER_JOB] if any(tier.like.namespace_per_job for tier in tiers) else []
    return tuple(dict.fromkeys([*named, *per_job]))


def _is_gitlab_com(url: str) -> bool:
    return re.match(r"(?i)https?://gitlab\.com(?![^:/])", url) is not None


def _is_template(text: str) -> bool:
    return "$" in text or "{{" in text


def _of_one_gitlab(
    runners: Sequence[ExistingRunner], options: Options
) -> tuple[str, tuple[ExistingRunner, ...], tuple[str, ...]]:
    """Return the GitLab of the policy, its runners, and a note for each runner of another GitLab."""
    written = {clean_url(one.url).casefold(): clean_url(one.url) for one in runners if _is_known(one.url)}
    url = clean_url(options.gitlab_url) or (next(iter(written.values())) if len(written) == 1 else "")
    if not url:
        return "", tuple(runners), ()
    others = [one for one in runners if _is_known(one.url) and clean_url(one.url).casefold() != url.casefold()]
    notes = [f"runner {one}: left alone, because it is of {_shown_url(one.url)}." for one in others]
    return url, tuple(one for one in runners if one not in others), tuple(notes)


def _is_known(url: str) -> bool:
    return bool(url) and not _is_template(url)


def _shown_url(url: str) -> str:
    """Return a URL without the user and password that it may hold."""
    return re.sub(r"//[^/]*@", "//", clean_url(url))


def _completed(runner: ExistingRunner, options: Options, *, told_by_token: bool) -> ExistingRunner:
    """
    Put in what the admin says where the file leaves it to a template, and leave out what a policy cannot use.

    A name that no label can hold becomes the one that job pods show already, if a merge finds the section by its token.
    """
    short = runner.short_id if told_by_token and len(runner.short_id) == SHORT_ID_LENGTH else ""
    return replace(
        runner,
        name=(label_value(runner.name) if short else "") or runner.name,
        short_id=short,
        namespace=options.namespace if options.namespace and _is_template(runner.namespace) else runner.namespace,
        service_account=_unless_helm(runner.service_account),
        image=_unless_helm(runner.image),
        annotation_overwrites=_unless_helm(runner.annotation_overwrites),
        label_overwrites=_unless_helm(runner.label_overwrites),
    )


def _unless_helm(text: str) -> str:
    """Return nothing for what only Helm can fill in: in a policy it would be plain text."""
    return "" if "{{" in text else text


def _unsaid(url: str, runners: Sequence[ExistingRunner], options: Options) -> Iterable[str]:
    if not runners:
        yield "no runner uses the Kubernetes executor, and a policy is about no other. Name another file."
        return
    if not url:
        seen = ", ".join(dict.fromkeys(_shown_url(one.url) or "none" for one in runners))
        yield f"a policy is about one GitLab, the runners name: {seen}. Give --gitlab-url URL; others are left alone."
    elif _shown_url(url) != url:
        yield f"the address of GitLab holds a user, as no policy does. Give --gitlab-url {_shown_url(url)}"
    elif _is_gitlab_com(url) and not options.root_groups:
        yield "on GitLab.com projects are never listed without a group. Give --root-group for each that is yours."
    for one in runners:
        if _is_template(one.namespace):
            yield f"runner {one}: the namespace of its job pods is a template, {one.namespace}. Give --namespace NAME."
        if one.name and label_value(one.name) != one.name:
            yield (
                f"runner {one}: a label on its job pods cannot hold this name. Rename it in the file with letters, "
                "digits and -_. only, at most 63, the first and last no mark; GitLab keeps its own description."
            )


def _overlaps(pools: Sequence[KnownPool]) -> Iterable[str]:
    for one, other in combinations(pools, 2):
        if one.cidr.version == other.cidr.version and one.cidr.overlaps(other.cidr):
            yield (
                f"pools {one.name!r} ({one.cidr}) and {other.name!r} ({other.cidr}) share addresses, so it cannot be "
                "told which of them a pod has. Correct --pool, or disable the one that is not in use."
            )


def _rules(tiers: Sequence[TierDraft], options: Options) -> dict[str, tuple[str, ...]]:
    """Return what was given; the one tier that asks for no pool takes every other project."""
    rules: dict[str, tuple[str, ...]] = {}
    for tier, rule in options.project_rules:
        rules[tier] = (*rules.get(tier, ()), rule)
    unpinned = [one.name for one in tiers if not one.pin]
    if len(unpinned) == 1 and not any(CATCH_ALL in each for each in rules.values()):
        rules[unpinned[0]] = (*rules.get(unpinned[0], ()), CATCH_ALL)
    return rules
