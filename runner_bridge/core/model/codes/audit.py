"""
Codes of `map --audit`: who could run whose jobs in GitLab, although the policy says otherwise.

Routing in GitLab knows tags, protection and scope alone (app/models/ci/runner.rb): a job goes to any runner that its
project may use, whose tags include the job's, and that takes protected refs only if the job's ref is protected.
"""

from __future__ import annotations

from runner_bridge.core.model.finding import Code, Family, Severity

RUNNER_OPEN_TO_OTHERS = Code(
    name="runner-open-to-others",
    family=Family.AUDIT,
    severity=Severity.ERROR,
    title="projects of other tiers can use the runner by asking for its tags",
    page="Tags are written by whoever writes `.gitlab-ci.yml`: they ask for a runner, they do not forbid one. What "
    "keeps projects away from a runner is its scope alone. Every project below a group runner's group that lets group "
    "runners in, every project that a project runner is given to, and for an instance runner every project with "
    "instance runners on, can send jobs into the tier's pool.",
    remedy="Give the runner a scope that holds the tier's projects alone.",
)
RUNNER_TAKES_UNTAGGED = Code(
    name="runner-takes-untagged",
    family=Family.AUDIT,
    severity=Severity.ERROR,
    title="untagged jobs of projects of other tiers land on the runner by themselves",
    page="`run_untagged` is on, as it is for every runner created without saying otherwise. Jobs without tags of all "
    "projects within its scope are offered to it, so that they get addresses of a tier that is not theirs without "
    "anybody having asked for it.",
    remedy="Set run_untagged to false.",
)
RUNNER_UNLOCKED = Code(
    name="runner-unlocked",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="maintainers can give the runner to other projects",
    page="A project runner that is not locked can be enabled in another project by anybody who maintains both. Locked "
    "it cannot, except by administrators. `locked` means nothing for group and instance runners.",
    remedy="Set locked to true.",
)
RUNNER_UNPROTECTED = Code(
    name="runner-unprotected",
    family=Family.AUDIT,
    severity=Severity.ERROR,
    title="jobs of unprotected refs can use the runner, which the policy protects",
    page="The policy says `protected: true`, and in GitLab the runner's access level is `not_protected`: everybody who "
    "may push a branch can run jobs on it, not only those who may push to protected ones.",
    remedy="Set access_level to ref_protected.",
)
JOBS_TAKEN_ELSEWHERE = Code(
    name="jobs-taken-elsewhere",
    family=Family.AUDIT,
    severity=Severity.ERROR,
    title="every job that asks for the tier's tags can be taken by this runner, which is not of the tier",
    page="The runner has all tags of a runner of the tier, and the tier's projects may use it. GitLab gives a job to "
    "whichever of the two asks first; on this one it gets no address of the tier's pools.",
    remedy="Take one of the tags off the runner.",
)
TAGS_SHARED = Code(
    name="tags-shared",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="a job that asks for some of the tier's tags can be taken by this runner, which is not of the tier",
    page="The runner has some of the tags of the tier's runner. A job that asks for all of them is safe; one that asks "
    "only for those that both have can be taken by either.",
    remedy="Ask for all tags in the tier's jobs, or take the shared ones off the runner.",
)
UNTAGGED_TAKEN_ELSEWHERE = Code(
    name="untagged-taken-elsewhere",
    family=Family.AUDIT,
    severity=Severity.ERROR,
    title="untagged jobs of the tier's projects are taken by this runner, which is not of the tier",
    page="The runner takes untagged jobs and the tier's projects may use it. Somebody who forgets `tags:` gets an "
    "address that is not the tier's, as a rule a routable one.",
    remedy="Turn the runner off for the tier's projects.",
)
RUNNER_UNIDENTIFIED = Code(
    name="runner-unidentified",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="a declared runner is none of those that were listed",
    page="A runner of GitLab is known as the declared one by its number or token in the configuration of its managers, "
    "by `short_ids` in the policy, or by our marker in its maintenance note. Without one of them it counts as "
    "somebody else's, and what its own scope lets in is not proven.",
    remedy="Name its config.toml with --config, or its short id in the policy.",
)
RUNNERS_UNLISTED = Code(
    name="runners-unlisted",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="not all runners could be listed",
    page="Instance runners are listed for administrators, a group's for its owners, a project's for its maintainers. A "
    "runner that was not listed may take jobs of any tier.",
    remedy="Use an administrator's token with the scope read_api.",
)
REACH_UNSEEN = Code(
    name="reach-unseen",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="not everything that runners are given to was seen",
    page="The token does not see some of the projects or groups that a runner is given to, the list was cut off at a "
    "hundred, or they lie outside of the policy's `root_groups`. In what was not seen the runner may be used too.",
    remedy="Use an administrator's token, or add the groups to root_groups.",
)
SWITCHES_UNSEEN = Code(
    name="switches-unseen",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="whether projects let runners of their groups or the instance in was not seen",
    page="Only maintainers and administrators see whether group runners are on in a project. Where it was not seen, "
    "they count as on.",
    remedy="Use the token of an administrator, or of a maintainer of the groups.",
)
PROJECTS_IN_DOUBT = Code(
    name="projects-in-doubt",
    family=Family.AUDIT,
    severity=Severity.WARNING,
    title="the tier of some projects cannot be told, so they were left out",
    page="Rules tie, or a rule on custom attributes could win and the token does not see those. Whether such a project "
    "is at home on a runner is not known.",
    remedy="See them with `runner-bridge map --tier none`, and place them by path or number.",
)
