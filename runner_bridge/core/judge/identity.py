"""
Whose pod is it: a job pod of a declared runner, somebody else's, or no job pod at all.

Only the labels `project.runner.gitlab.com/id` and `manager.runner.gitlab.com/id-short` are believed: GitLab Runner
drops every label under `*.runner.gitlab.com` that a job or a configuration tries to set. Annotations and names are
claims; they may make a pod more suspect, never less. What looks like ours and is not proven is unknown, never skipped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.judge.problem import Problem, listed, quote
from runner_bridge.core.model.cluster import Marks
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.verdict import PodClass

if TYPE_CHECKING:
    from runner_bridge.core.judge.evidence import Evidence
    from runner_bridge.core.judge.ground import Owner
    from runner_bridge.core.model.cluster import Pod

# gitlab-runner, common/build.go (ProjectUniqueName), then made a DNS name; older runners let Kubernetes add a suffix.
_NAME = re.compile(r"runner-(?P<short>[-a-z0-9]*?)-project-(?P<project>\d+)-concurrent-\d+")
_NEAR_2_TO_63 = 1 << 62
_NO_MARKS = Marks()


class Identity(Struct, frozen=True, gc=False):
    """What is known about who made a pod."""

    kind: PodClass
    tier: str = ""
    """The tier that request and address are judged by; empty: they are not."""
    runner: str = ""
    project: str = ""
    problems: tuple[Problem, ...] = ()


_OTHER = Identity(PodClass.OTHER)
_PAUSE = Identity(PodClass.PAUSE)
_CANARY = Identity(PodClass.CANARY)
_PROBE = Identity(PodClass.PROBE)
_UNMANAGED = Identity(PodClass.UNMANAGED)


def identify(evidence: Evidence, pod: Pod) -> Identity:
    """Return who made the pod. Never raises."""
    marks = pod.marks or _NO_MARKS
    if not marks.project:
        return _by_name(evidence, pod, marks)
    if marks.project == "0" and _is_canary(marks.job):
        return _CANARY
    owner = evidence.ground.owners.get(marks.short_id)
    if owner is None or not owner.runners:
        return _unmapped(evidence, marks, owner)
    return _mapped(evidence, marks, owner)


def _is_canary(job: str) -> bool:
    """Tell the runner's own check at start-up (gitlab-runner, commands/boot_verify.go) by its number near 2^63."""
    return job.isdecimal() and len(job) <= 19 and int(job) > _NEAR_2_TO_63


def _mapped(evidence: Evidence, marks: Marks, owner: Owner) -> Identity:
    tiers = owner.tiers
    if len(tiers) > 1:
        found = Problem(
            codes.RUNNER_AMBIGUOUS,
            observed=f"short id {quote(marks.short_id)} of {listed(owner.names)}",
            expected="one runner, or several of one tier",
            cause=f"The name label says {quote(marks.manager)}, which proves nothing while the token is shared.",
        )
        return Identity(PodClass.JOB, project=marks.project, problems=(found,))
    named = evidence.ground.owners_by_name.get(marks.manager)
    runner = owner.runners[0] if len(owner.runners) == 1 else None
    if named is not None:
        if tiers.isdisjoint(named.tiers):
            return _contradicted(marks, owner, named)
        runner = runner or next((one for one in owner.runners if one in named.runners), None)
    problems = _project_problems(evidence, marks, str(owner.runners[0].tier))
    return Identity(
        PodClass.JOB,
        tier=str(owner.runners[0].tier),
        runner=str(runner.name) if runner else "",
        project=marks.project,
        problems=problems,
    )


def _contradicted(marks: Marks, owner: Owner, named: Owner) -> Identity:
    found = Problem(
        codes.IDENTITY_UNCONFIRMED,
        observed=f"short id {quote(marks.short_id)} of {listed(owner.names)}, name {quote(marks.manager)}",
        expected="both to belong to one tier",
        cause=f"The name is that of a runner of tier {listed(sorted(named.tiers))}: a section of config.toml with "
        "another's token, or a short id under the wrong runner in the policy.",
        remedy="Correct `short_ids` in the policy, or the token in config.toml.",
    )
    return Identity(PodClass.JOB, project=marks.project, problems=(found,))


def _project_problems(evidence: Evidence, marks: Marks, tier: str) -> tuple[Problem, ...]:
    found: list[Problem] = []
    if marks.claimed_project and marks.claimed_project != marks.project:
        found.append(
            Problem(
                codes.CLAIM_CONTRADICTED,
                observed=f"annotation says project {quote(marks.claimed_project)}, job {quote(marks.job)}",
                expected=f"project {quote(marks.project)}, as the label",
                cause="Only a job variable KUBERNETES_POD_ANNOTATIONS_… or the runner's configuration can have written "
                "this, so annotations of this pod are not to be believed.",
            )
        )
    placed = evidence.ground.place(marks.project)
    if not placed.checked or placed.tier == tier:
        return tuple(found)
    project = f"project {quote(placed.path or marks.project)}"
    if placed.tier:
        found.append(
            Problem(
                codes.WRONG_RUNNER_FOR_PROJECT,
                observed=f"{project} on a runner of tier {tier}",
                expected=f"a runner of tier {placed.tier}",
                cause=f"The policy places the project in {placed.tier}; GitLab let a runner of {tier} take the job.",
            )
        )
    else:
        found.append(
            Problem(
                codes.PROJECT_UNPLACED,
                observed=f"{project} on a runner of tier {tier}",
                expected="one rule that decides",
                cause=f"In the policy {placed.reason}.",
            )
        )
    return tuple(found)


def _unmapped(evidence: Evidence, marks: Marks, owner: Owner | None) -> Identity:
    """Tell a stranger's pod from one that may be ours: a declared name, or a project of a pinned tier."""
    named = evidence.ground.owners_by_name.get(marks.manager)
    pinned = _pinned_tier(evidence, marks.project, marks.job_url)
    if named is None and not pinned:
        return _UNMANAGED
    if named is not None:
        cause = f"{listed(named.names)} is declared, but no short id of it is known."
        remedy = f"If the runner is ours, write `short_ids: [{quote(marks.short_id)}]` under {listed(named.names)}, or "
        remedy += "give `--config config.toml`."
    else:
        cause = f"The project belongs to the pinned tier {pinned}, and no runner of it has this short id."
        remedy = "If the runner is ours, declare it, with the short id; if not, find out why it may serve this project."
    if not marks.short_id:
        cause, remedy = "The pod has lost the label with the runner's short id.", "Find out who changes labels of pods."
    seen = f"short id {quote(marks.short_id) or 'missing'}, name {quote(marks.manager) or 'missing'}"
    if owner is not None:
        cause = f"{listed(owner.names)} has this short id and is not in the policy. {cause}"
    found = Problem(
        codes.IDENTITY_UNCONFIRMED,
        observed=seen,
        expected="a short id that the policy or a config.toml maps to a runner",
        cause=cause,
        remedy=remedy,
    )
    return Identity(PodClass.JOB, project=marks.project, problems=(found,))


def _pinned_tier(evidence: Evidence, project: str, job_url: str) -> str:
    """
    Return the pinned tier that the project belongs to; empty where it belongs to none or nothing is known.

    Where the path is not known the job's URL serves as a hint: a forged one can only make a stranger's pod unknown.
    """
    placed = evidence.ground.place(project)
    tier = placed.tier if placed.checked else evidence.ground.place_by_url(job_url)
    view = evidence.ground.tiers.get(tier)
    return tier if view is not None and view.tier.pin else ""


def _by_name(evidence: Evidence, pod: Pod, marks: Marks) -> Identity:
    """Recognise pods of runners before 17.9: annotations since 15.9, before that only the name."""
    name = _NAME.match(pod.name)
    if name is None and not (marks.job or marks.claimed_project or marks.job_pod):
        # Nothing can hide here: a job can take neither its project label off nor, where there was none yet, its name.
        if marks.pause:
            return _PAUSE
        # That label alone would be no proof: where label overwrites are allowed, a job could set it.
        return _PROBE if pod.labels.probe and not marks.pod else _OTHER
    short = name["short"] if name else ""
    project = name["project"] if name else marks.claimed_project
    owner = evidence.ground.owners_by_dns.get(short)
    pinned = _pinned_tier(evidence, project, marks.job_url)
    if owner is None and not pinned and evidence.ground.all_runners_known:
        return _UNMANAGED
    tiers = owner.tiers if owner else frozenset()
    tier = next(iter(tiers)) if len(tiers) == 1 else ""
    runner = owner.names[0] if owner and tier and len(owner.names) == 1 else ""
    found = Problem(
        codes.IDENTITY_UNCONFIRMED,
        observed=f"no label of the runner; the name says runner {quote(short) or 'nothing'}",
        expected="the labels that GitLab Runner writes since 17.9",
        cause="The runner that made it is older, or its labels were taken off; names and annotations prove nothing.",
        remedy="Update GitLab Runner to 17.9 or newer.",
    )
    return Identity(PodClass.JOB, tier=tier, runner=runner, project=project, problems=(found,))
