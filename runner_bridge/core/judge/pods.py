"""
The judgement of one pod: identity, then the three facts (intended, requested, assigned), then waivers.

Total and pure: any pod gets an answer and nothing is raised. It fails closed: a pass needs a confirmed identity, a
request that is the tier's, and an address inside the tier's pools; every way around one of them ends in a finding.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import structs

from runner_bridge.core.judge.assigned import Assignment, assignment_of
from runner_bridge.core.judge.identity import Identity, identify
from runner_bridge.core.judge.problem import Problem, listed, quote
from runner_bridge.core.judge.requested import Request, request_of
from runner_bridge.core.judge.waiting import why_no_address
from runner_bridge.core.judge.waivers import Match, split
from runner_bridge.core.model import Finding, Outcome
from runner_bridge.core.model.cluster import Marks
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.verdict import Grade, JobClaim, Origin, PodClass, Verdict, Waived
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.judge.evidence import Evidence
    from runner_bridge.core.judge.ground import TierView
    from runner_bridge.core.model.cluster import Pod

_NO_MARKS = Marks()
_NO_ADDRESS = Assignment()
_RANK = {Outcome.BREACH: 0, Outcome.UNKNOWN: 1, None: 2, Outcome.PASS: 3}
LONGEST_CLAIM = 1000
"""The address of a job holds the path of its project, of which GitLab cuts each group at 255 characters."""


def judge_pod(evidence: Evidence, pod: Pod, *, now: datetime) -> Verdict | None:
    """
    Judge one pod; None for a pod that is no job pod of a declared runner.

    Args:
        evidence: what may be looked at.
        pod: the pod.
        now: an aware instant, from which pending times and waivers count.

    Never raises.
    """
    identity = identify(evidence, pod)
    return judge_job_pod(evidence, pod, identity, now) if identity.kind is PodClass.JOB else None


def judge_probe(evidence: Evidence, pod: Pod, *, tier: str, now: datetime) -> Verdict:
    """
    Judge a pod that was made to probe a tier, as a job pod of a confirmed runner of it would be.

    Args:
        evidence: what may be looked at.
        pod: the pod.
        tier: a name of the policy.
        now: an aware instant.

    Never raises.
    """
    return judge_job_pod(evidence, pod, Identity(PodClass.PROBE, tier=tier), now)


def judge_job_pod(evidence: Evidence, pod: Pod, identity: Identity, now: datetime) -> Verdict:
    """Judge a pod that `identify` took for a job pod. Never raises."""
    view = evidence.ground.tiers.get(identity.tier)
    request = request_of(evidence, pod, view, identity.runner)
    if pod.host_network:
        assignment = _NO_ADDRESS  # it has the node's
        problems = [*identity.problems, *_host_network(pod)]
    else:
        assignment = assignment_of(evidence, pod, view)
        problems = [*identity.problems, *request.problems]
        if request.silent and view is not None:
            problems += _silent(evidence, pod, view, identity.runner, request, assignment)
        problems += _explained(assignment, request)
        if not assignment.assigned:
            problems = _with(problems, why_no_address(evidence, pod, view, request.requested.pools, now))
        if pod.set_later:
            problems.append(_SET_LATER)
    problems += _notes(evidence, pod, identity)
    return _verdict(evidence, pod, identity, request, assignment, problems, now)


_SET_LATER = Problem(
    codes.ANNOTATION_AFTER_CREATION,
    observed="managedFields name a later writer",
    expected="annotations as the pod was created",
)


_RUN_AGAIN = "Run the job again once that is mended: a pod keeps its address."
"""For an address whose cause is another finding of the same pod, which says what to mend."""
_PLACES = frozenset({codes.ADDRESS_OUTSIDE_TIER_POOLS, codes.ADDRESS_ROUTABLE, codes.ADDRESS_IN_NO_POOL})


def _explained(assignment: Assignment, request: Request) -> tuple[Problem, ...]:
    """Say of an address outside the tier's pools how it came there, as far as the request tells."""
    if not assignment.outside:
        return assignment.problems
    remedy = ""
    if any(problem.code.outcome is Outcome.BREACH for problem in request.problems):
        remedy = _RUN_AGAIN
        cause = "It follows from what the pod asks for."
    elif request.silent:
        remedy = _RUN_AGAIN
        cause = "Nothing asked for the tier's pools when the pod's network was made, so Calico chose."
    elif request.problems:
        cause = "What the pod asks for is not proven either."
    elif request.requested.pools:
        cause = (
            "What is asked for now is right, so it was not in force when the pod's network was made: Calico reads the "
            "annotations once, and one that is added later does nothing."
        )
    else:
        cause = "Nothing was asked for: Calico's own selection, or the CNI configuration's, leads to this pool."
    return tuple(
        structs.replace(problem, cause=f"{problem.cause} {cause}".lstrip(), remedy=remedy)
        if problem.code in _PLACES
        else problem
        for problem in assignment.problems
    )


def _with(problems: list[Problem], reason: Problem) -> list[Problem]:
    """Add why there is no address; where the request already says it, its cause is told there."""
    if all(problem.code is not reason.code for problem in problems):
        return [*problems, reason]
    told = f" Seen too: {reason.observed}."
    return [
        structs.replace(problem, cause=problem.cause + told) if problem.code is reason.code else problem
        for problem in problems
    ]


def _host_network(pod: Pod) -> list[Problem]:
    seen = listed([str(address) for address in pod.addresses], "no address yet")
    cause = "A `pod_spec` patch of the runner sets hostNetwork; the pool annotation has no effect on such a pod."
    return [Problem(codes.HOST_NETWORK, f"hostNetwork, {seen}", "an address of the tier's pools", cause)]


def _silent(
    evidence: Evidence, pod: Pod, view: TierView, runner: str, request: Request, assignment: Assignment
) -> list[Problem]:
    """Say what it means that nothing that was read asks for the pinned tier's pools."""
    expected = listed(view.pool_names)
    unread = request.requested.origin is Origin.UNREAD
    if not unread or assignment.outside:
        cause = "Neither the pod nor its namespace carries the annotation."
        if unread:
            cause = "The pod carries none, and its address shows that its namespace did not ask for the pools either."
        if runner in evidence.configured_runners:
            cause += (
                f" Other job pods of {runner} carry it: another section of config.toml with the same token, or an "
                "earlier state of it, made this one."
            )
        else:
            cause += f" The configuration of {runner or 'the runner'} does not set it."
        return [Problem(codes.ANNOTATION_MISSING, "no pool annotation", expected, cause)]
    if evidence.namespaces_given:
        return []  # the request says so already
    cause = f"The annotation of namespace {quote(pod.namespace)} may ask for them; it was not read."
    return [Problem(codes.REQUEST_UNPROVEN, "no pool annotation on the pod", expected, cause)]


def _notes(evidence: Evidence, pod: Pod, identity: Identity) -> list[Problem]:
    found = [
        Problem(codes.SNAPSHOT_INCOMPLETE, quote(problem), "an object that can be read") for problem in pod.problems
    ]
    if pod.privileged:
        found.append(Problem(codes.PRIVILEGED, "privileged", "a pod that does not own its node"))
    if not evidence.ground.is_declared_namespace(pod.namespace):
        expected = listed(evidence.ground.policy.cluster.namespaces)
        found.append(Problem(codes.NAMESPACE_UNDECLARED, quote(pod.namespace), expected))
    stamp = evidence.ground.stamps.get(identity.runner)
    if stamp and pod.marks and pod.marks.stamp and pod.marks.stamp != stamp:
        found.append(Problem(codes.STAMP_STALE, quote(pod.marks.stamp), stamp))
    return found


def _grade(pod: Pod, assignment: Assignment) -> Grade:
    if pod.privileged or pod.host_network:
        return Grade.WEAK
    return Grade.BLOCK if assignment.confirmed else Grade.ADDRESS


def _verdict(
    evidence: Evidence,
    pod: Pod,
    identity: Identity,
    request: Request,
    assignment: Assignment,
    problems: list[Problem],
    now: datetime,
) -> Verdict:
    placed = evidence.ground.place(identity.project)
    intended = evidence.ground.tiers.get(placed.tier or identity.tier) if identity.tier else None
    tier = str(intended.tier.name) if intended else ""
    pools = intended.pool_names if intended else ()
    findings: tuple[Finding, ...] = ()
    waived: tuple[Waived, ...] = ()
    if problems:
        problems.sort(key=_rank)
        subject = f"{pod.namespace}/{pod.name}"
        findings = tuple(problem.on(subject) for problem in problems)
        if evidence.ground.policy.waivers:
            match = Match(project_path=placed.path, tier=tier, namespace=pod.namespace)
            covering = tuple(one.pool for one in assignment.assigned)
            matches = [
                structs.replace(match, pools=(*pools, *((problem.pool,) if problem.pool else covering)))
                for problem in problems
            ]
            pairs = zip(findings, matches, strict=True)
            findings, waived = split(evidence.ground.policy.waivers, pairs, now.date())
    outcome, pending = _outcome(findings)
    marks = pod.marks or _NO_MARKS
    return Verdict(
        namespace=pod.namespace,
        pod=pod.name,
        uid=pod.uid,
        node=pod.node,
        outcome=outcome,
        grade=_grade(pod, assignment),
        pending=pending,
        finished=pod.finished,
        findings=findings,
        waived=waived,
        tier=tier,
        runner=identity.runner,
        project=identity.project,
        project_path=placed.path,
        intended=pools,
        requested=request.requested,
        assigned=assignment.assigned,
        job=JobClaim(
            id=_claimed(marks.job),
            url=_claimed(marks.job_url),
            name=_claimed(marks.job_name),
            ref=_claimed(marks.job_ref),
        ),
    )


def _claimed(text: str) -> str:
    """Return what the pod claims of its job, which goes into the ledger: a job may write there whatever it likes."""
    return text if text.isdecimal() and len(text) < 20 else _told(text[:LONGEST_CLAIM])


# Names and refs come again with each job, and all of it when a pod is judged again.
@lru_cache(maxsize=4096)
def _told(claim: str) -> str:
    return redact(claim)


def _rank(problem: Problem) -> int:
    return _RANK[problem.code.outcome]


def _outcome(findings: tuple[Finding, ...]) -> tuple[Outcome, bool]:
    """Return the worst outcome, and whether it is unknown for pending reasons only."""
    if not findings:
        return Outcome.PASS, False
    worst = findings[0].code.outcome
    if worst is None:
        return Outcome.PASS, False
    pending = worst is Outcome.UNKNOWN and all(
        finding.code.pending for finding in findings if finding.code.outcome is Outcome.UNKNOWN
    )
    return worst, pending
