"""A judgement becomes an answer: grouped by cause, counted, with one exit code."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.ask.answers.check import CheckAnswer, Mark, answer
from runner_bridge.core.model import Family, Finding, Outcome, Severity
from runner_bridge.core.model.codes import job_pods
from runner_bridge.core.model.verdict import Assigned, Counts, Grade, Origin, Requested, Waived
from tests import make

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Judgement, Verdict

NOTE = make.code("a-note", family=Family.JOB_PODS, severity=Severity.ADVICE, outcome=None)


def found(code: Any = job_pods.ANNOTATION_MISSING, cause: str = "Nobody set it.", **changes: Any) -> Finding:
    return Finding(**({"code": code, "subject": "n/p", "cause": cause} | changes))


def breach(*findings: Finding, **changes: Any) -> Verdict:
    return make.verdict(Outcome.BREACH, findings=findings or (found(),), **changes)


def unknown(**changes: Any) -> Verdict:
    return make.verdict(Outcome.UNKNOWN, **({"findings": (found(job_pods.BLOCK_UNREAD),)} | changes))


WAIVED = Waived(finding=found(job_pods.HOST_NETWORK), until=date(2027, 3, 31), reason="node agent")


def answered(*verdicts: Verdict, expect_min: int = 0, judgement: Judgement | None = None) -> CheckAnswer:
    return answer(
        judgement or make.judgement(*verdicts), source="nothing asked", judged_at=make.NOW, expect_min=expect_min
    )


@pytest.mark.parametrize(
    ("verdicts", "expect_min", "code"),
    [
        ([], 0, 0),
        ([], 1, 3),
        ([make.verdict()], 0, 0),
        ([make.verdict()], 1, 0),
        ([make.verdict()], 2, 3),
        ([make.verdict(), breach()], 0, 1),
        ([make.verdict(), breach()], 9, 1),
        ([breach(), unknown()], 0, 1),
        ([make.verdict(), unknown()], 0, 3),
        ([unknown(pending=True)], 0, 0),
        ([unknown(pending=True)], 2, 3),
        ([make.verdict(waived=(WAIVED,))], 0, 0),
    ],
)
def test_the_exit_code_is_that_of_the_worst(verdicts: list[Any], expect_min: int, code: int) -> None:
    assert answered(*verdicts, expect_min=expect_min).exit_code == code


def test_findings_about_the_cluster_count_too() -> None:
    overlap = found(job_pods.POOLS_OVERLAP, subject="pools")
    assert answered(judgement=make.judgement(make.verdict(), findings=(overlap,))).exit_code == 3
    note = found(NOTE, subject="projects")
    result = answered(judgement=make.judgement(make.verdict(), findings=(overlap, note)))
    assert result.cluster == (overlap,)
    assert [one.finding for one in result.notes] == [note]


def test_pods_with_one_cause_stand_together_and_the_worst_first() -> None:
    other = found(cause="A job set another.")
    verdicts = [make.verdict(), breach(), breach(other), breach(found(observed="x")), unknown(), unknown(pending=True)]
    groups = answered(*verdicts).groups
    assert [(group.mark, len(group.rows)) for group in groups] == [
        (Mark.BREACH, 2),
        (Mark.BREACH, 1),
        (Mark.UNKNOWN, 1),
        (Mark.PENDING, 1),
        (Mark.PASS, 1),
    ]
    assert groups[0].findings == (found(),)


def test_too_many_causes_under_one_code_become_one_group_with_each_cause_once() -> None:
    verdicts = [breach(found(cause=f"Cause {number % 20}.")) for number in range(500)]
    (group,) = answered(*verdicts).groups
    assert len(group.rows) == 500
    assert sorted(one.cause for one in group.findings) == sorted(f"Cause {number}." for number in range(20))


def test_findings_of_a_group_keep_the_order_of_its_first_pod() -> None:
    two = (found(job_pods.ANNOTATION_OVERWRITTEN), found(job_pods.ADDRESS_ROUTABLE))
    (group,) = answered(breach(*two), breach(*two)).groups
    assert [one.code.name for one in group.findings] == ["annotation-overwritten", "address-routable"]


def test_a_waived_pod_is_shown_as_waived_and_counted_apart_from_the_passes() -> None:
    result = answered(make.verdict(), make.verdict(waived=(WAIVED,)))
    assert result.marks == {Mark.PASS: 1, Mark.WAIVED: 1}
    assert result.groups[0].waived == (WAIVED,)
    assert result.groups[0].rows[0].codes == ("host-network",)


def test_notes_change_nothing_and_are_said_once() -> None:
    verdicts = [make.verdict(findings=(found(NOTE),)), make.verdict(findings=(found(NOTE),))]
    result = answered(*verdicts)
    assert [(one.pods, one.finding.code.name) for one in result.notes] == [(2, "a-note")]
    assert result.findings == ()
    assert len(result.groups) == 1


def test_the_summary_counts_every_mark() -> None:
    verdicts = [*[make.verdict()] * 9, breach(), unknown(), make.verdict(waived=(WAIVED,))]
    counts = Counts(passed=10, breach=1, unknown=1, waived=1, unmanaged=3, other=1)
    result = answered(judgement=make.judgement(*verdicts, counts=counts))
    assert result.summary == (
        "12 job pods: 9 pass, 1 breach, 1 unknown, 1 waived; 3 unmanaged; 1 other pod; evidence: address only"
    )
    assert len(result.findings) == 2


@pytest.mark.parametrize(
    ("grades", "words"),
    [
        ([Grade.ADDRESS, Grade.ADDRESS], "address only"),
        ([Grade.BLOCK, Grade.ADDRESS, Grade.BLOCK], "2 block, 1 address"),
        ([Grade.WEAK, Grade.PROBED], "1 probed, 1 weak"),
    ],
)
def test_evidence_is_counted_by_grade(grades: list[Grade], words: str) -> None:
    result = answered(*(make.verdict(grade=grade) for grade in grades), make.verdict(assigned=(), grade=Grade.WEAK))
    assert result.evidence == words


def test_no_job_pods_prove_nothing_and_too_few_prove_too_little() -> None:
    assert answered().nothing_proven == "No job pod of a declared runner was seen: nothing is proven."
    strangers = answered(judgement=make.judgement(counts=Counts(unmanaged=6))).nothing_proven
    assert strangers.startswith(
        "No job pod of a declared runner was seen: nothing is proven. 6 job pods of other runners:"
    )
    assert answered(expect_min=2).nothing_proven.endswith("At least 2 expected (--expect-min).")
    assert answered(make.verdict(), expect_min=2).nothing_proven == (
        "Only 1 job pod, at least 2 expected (--expect-min)."
    )
    assert answered(make.verdict(), expect_min=1).nothing_proven == ""
    assert answered().summary == "0 job pods"
    absent = found(job_pods.CALICO_IPAM_ABSENT, subject="cluster")
    nobody = answered(judgement=make.judgement(findings=(absent,)))
    assert (nobody.nothing_proven, nobody.exit_code) == ("No job pod was judged: nothing is proven.", 3)


def test_a_row_says_what_was_wanted_asked_and_got() -> None:
    both = (
        Assigned(address=ip_address("10.10.0.9"), pool="workload"),
        Assigned(address=ip_address("fd00::9")),
    )
    asked = Requested(origin=Origin.NAMESPACE, pools=("workload", "other"))
    (row,) = answered(breach(assigned=both, requested=asked, intended=("a", "b"))).rows
    assert (row.project, row.wanted, row.asked, row.asked_by) == (
        "platform/api",
        "a, b",
        "workload, other",
        "by namespace",
    )
    assert (row.got, row.got_pool) == ("10.10.0.9, fd00::9", "workload, no known pool")
    assert row.pod == "gitlab-runners/runner-4xyqa7plw-project-4217-concurrent-0-m83eneg4"


def test_what_is_not_known_is_said_plainly() -> None:
    silent = Requested(origin=Origin.UNREAD)
    (row,) = answered(make.verdict(project_path="", tier="", requested=silent)).rows
    assert (row.project, row.tier, row.asked, row.asked_by) == ("project 4217", "unknown", "", "namespace unread")
    (row,) = answered(make.verdict(project_path="", project="")).rows
    assert row.project == "unknown"
    malformed = Requested(origin=Origin.POD, text="infraestrutura")
    (row,) = answered(breach(requested=malformed)).rows
    assert row.asked == "infraestrutura"


def test_a_token_in_what_a_job_claims_is_not_shown() -> None:
    (row,) = answered(make.verdict(project_path="platform/glrt-FAKETOKEN0000000000")).rows
    assert "FAKETOKEN" not in row.project
