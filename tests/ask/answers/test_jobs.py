"""Jobs are numbers in projects; what is a claim and what is confirmed is never mixed up."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from typing import Any

import pytest

from runner_bridge.ask.answers.jobs import Asked, JobsAnswer, answer_job, answer_jobs, asked_job
from runner_bridge.core import facts, intervals
from runner_bridge.core.errors import SettingsError
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.ledger import EntryKind, Fact, FactKey, Gap, Interval, Standing
from tests.make import NOON, entry

URL = "https://gitlab.example.com/platform/net/-/jobs/4711"
OVER = Gap(cluster="prod-1", reason="the bridge was not running", from_at=NOON, to_at=NOON + timedelta(hours=1))
SILENT = Gap(cluster="prod-1", reason="the bridge has recorded nothing since then", from_at=NOON)


def pod(uid: str = "a", at: float = 0, end: float | None = None, **changes: Any) -> Interval:
    values: dict[str, Any] = {"pod_uid": uid, "pod": f"runner-{uid}", "job": "4711"}
    came = entry(at=NOON + timedelta(seconds=at), **(values | changes))
    went = entry(EntryKind.CLOSED, pod_uid=uid, at=NOON + timedelta(seconds=end or 0), address=came.address)
    return reduce(intervals.fold, [went] if came.kind is EntryKind.CLOSED else [came, went] if end else [came], None)  # type: ignore[return-value] # one at least


def fact(uid: str = "a", standing: Standing | None = Standing.CONFIRMED, **changes: Any) -> Fact:
    values: dict[str, Any] = {"pod_uid": uid, "pod": f"runner-{uid}", "job": "4711", "standing": standing}
    return facts.fold(None, entry(EntryKind.FACT, **(values | changes)))


def of(*told: Fact) -> dict[FactKey, Fact]:
    return {one.key: one for one in told}


def job(*held: Interval, told: dict[FactKey, Fact] | None = None, gaps: tuple[Gap, ...] = ()) -> JobsAnswer:
    return answer_job(Asked("4711"), held, told or {}, {}, gaps)


@pytest.mark.parametrize(
    "text",
    ["4711", URL, f"{URL}#L12", f"{URL}?x=1", f"{URL}/raw", "http://localhost:8080/gitlab/a/b/-/jobs/4711"],
)
def test_a_job_is_named_by_number_or_page(text: str) -> None:
    assert asked_job(text).number == "4711"


@pytest.mark.parametrize("text", ["", "job", "-1", "４711", "https://gitlab.example.com/a/b/-/pipelines/3", "4" * 40])
def test_what_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="Write its number"):
        asked_job(text)


def test_pods_of_one_number_and_project_are_one_job() -> None:
    (one,) = job(pod("b", 50), pod("a", 0, 40)).jobs

    assert [each.name for each in one.pods] == ["gitlab-runners/runner-a", "gitlab-runners/runner-b"]
    assert (one.is_live, one.pods[0].is_live, one.outcome) == (True, False, Outcome.PASS)


def test_a_number_that_two_projects_claim_is_two_jobs_and_said() -> None:
    answer = job(pod("a", project="7"), pod("b", project="8"))

    assert [one.key.project for one in answer.jobs] == ["7", "8"]
    assert answer.notes[0].startswith("Pods of more than one project claim this number")


@pytest.mark.parametrize(
    ("standings", "stands"),
    [
        ([Standing.CONFIRMED], Standing.CONFIRMED),
        ([Standing.CONFIRMED, Standing.CONTRADICTED], Standing.CONTRADICTED),
        ([Standing.CONFIRMED, None], None),
        ([Standing.CONFIRMED, Standing.UNSEEN], Standing.UNSEEN),
        ([None, Standing.UNSEEN], None),
    ],
)
def test_of_several_pods_the_worst_claim_counts(standings: list[Standing | None], stands: Standing | None) -> None:
    pods = [pod(f"u{number}", number) for number in range(len(standings))]
    told = of(*(fact(f"u{number}", one) for number, one in enumerate(standings) if one is not None))

    assert job(*pods, told=told).jobs[0].standing is stands


def test_a_contradicted_claim_is_a_finding_with_its_reason() -> None:
    answer = job(pod(), told=of(fact(standing=Standing.CONTRADICTED, text="it ended before the pod was there.")))

    (found,) = answer.findings
    assert (found.code.name, found.cause) == ("job-claim-contradicted", "it ended before the pod was there.")
    assert answer.jobs[0].findings == ("job-claim-contradicted",)
    assert answer.jobs[0].outcome is Outcome.PASS
    assert answer.exit_code == 1


def test_what_was_not_confirmed_is_said() -> None:
    assert job(pod()).notes[0].startswith("claimed: ")
    assert job(pod(), told=of(fact(standing=Standing.UNSEEN))).notes[0].startswith("unseen: ")
    assert job(pod(), told=of(fact())).notes == ()


def test_gitlabs_words_come_before_the_pods() -> None:
    claimed = pod(project_path="old/path", job_url="https://elsewhere.example.com")
    (one,) = job(claimed, told=of(fact(project_path="platform/net", job_url=URL))).jobs
    (unasked,) = job(claimed).jobs

    assert (one.project_path, one.url) == ("platform/net", URL)
    assert (unasked.project_path, unasked.url) == ("old/path", "https://elsewhere.example.com")
    assert job(pod()).jobs[0].url == job(pod()).jobs[0].project_path == ""


def test_a_page_of_another_gitlab_is_another_job() -> None:
    here, there = pod("a", gitlab="https://gitlab.example.com"), pod("b", gitlab="https://git.example.org")

    assert [one.key.gitlab for one in answer_job(asked_job(URL), [here, there], {}, {}, ()).jobs] == [here.gitlab]


def test_retries_are_its_history() -> None:
    again = [fact("a", job="4700", status="failed"), fact("b", status="running")]
    answer = answer_job(Asked("4711"), [pod("b"), pod("c")], of(again[1]), {again[1].key: again}, ())

    assert [one.job for one in answer.jobs[0].history] == ["4700", "4711"]


def test_nobody_found_proves_nothing_where_nobody_looked() -> None:
    assert (job(gaps=(OVER,)).exit_code, job().exit_code) == (3, 0)
    assert job(pod(), gaps=(OVER, SILENT)).gaps == (SILENT,)
    assert job(pod(end=5), gaps=(OVER, SILENT)).gaps == ()


def test_a_pod_of_which_only_the_end_is_known_has_no_verdict() -> None:
    (one,) = answer_jobs([pod(kind=EntryKind.CLOSED, end=5)], {}, ()).jobs

    assert (one.outcome, one.key.number, one.key.pod_uid) == (None, "", "a")
    assert "only the end is known" in answer_jobs(one.intervals, {}, ()).notes[0]


def test_a_stretch_lists_the_newest_first_and_counts_the_rest() -> None:
    held = [pod(f"u{number}", number * 10, job=str(number), tier="infra") for number in range(4)]

    answer = answer_jobs(held, {}, (OVER,), since=NOON, most=3)

    assert [one.key.number for one in answer.jobs] == ["3", "2", "1"]
    assert (answer.left_out, answer.gaps, answer.asked) == (1, (OVER,), None)
    assert "older jobs in that time" in answer_jobs(held, {}, (), is_cut=True).notes[-1]


def test_a_stretch_is_cut_by_verdict_and_path() -> None:
    breach = pod("b", 1, job="2", outcome=Outcome.BREACH, findings=("address-routable",))
    held = [pod("a", 0), breach, pod("b", 2, job="2", address="fd00::1")]

    (one,) = answer_jobs(held, {}, (), outcome=Outcome.BREACH).jobs
    assert (one.key.number, one.findings) == ("2", ("address-routable",))
    told = of(fact("a", project_path="Platform/Net"))
    assert [each.key.number for each in answer_jobs(held, told, (), path="platform/net").jobs] == ["4711"]
