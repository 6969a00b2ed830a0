"""The answers of `job` and `jobs` read well at eighty columns, in one zone, whatever a job claims of itself."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.answers.jobs import Asked, answer_job, answer_jobs
from runner_bridge.ask.views import jobs_text
from runner_bridge.core import facts, intervals
from runner_bridge.core.model.ledger import EntryKind, Fact, Gap, Standing
from tests.make import NOON, entry

URL = "https://gitlab.example.com/platform/net/-/jobs/4711"
END = NOON + timedelta(minutes=5)
LIVE = intervals.fold(None, entry(job="4711", job_url="https://x.example.com", runner="infra-platform"))
GAP = Gap(cluster="prod-1", reason="the bridge was not running", from_at=NOON, to_at=END)
SILENT = Gap(cluster="prod-1", reason="the bridge has recorded nothing since then", from_at=END)


def fact(**changes: object) -> Fact:
    told = {
        "job": "4711",
        "standing": Standing.CONFIRMED,
        "project_path": "platform/net",
        "job_url": URL,
        "job_name": "deploy",
        "stage": "deploy",
        "ref": "main",
        "pipeline": "90",
        "status": "running",
    }
    return facts.fold(None, entry(EntryKind.FACT, at=END, **(told | changes)))


def test_a_confirmed_job_is_told_with_its_retries() -> None:
    now = fact()
    histories = {now.key: [fact(job="4700", status="failed"), now]}
    answer = answer_job(Asked("4711"), [LIVE], {now.key: now}, histories, [SILENT])

    assert jobs_text.render_job(answer, zone=ZoneInfo("Europe/Paris"), width=80) == (
        "job 4711 (confirmed): live, pass\n"
        "  project platform/net (7)\n"
        "  name deploy, stage deploy, ref main, pipeline 90\n"
        "  GitLab said running at 2026-11-20 13:05:00 CET\n"
        "  https://gitlab.example.com/platform/net/-/jobs/4711\n"
        "  tries of deploy: 4700 failed → 4711 running\n"
        "\n"
        "pod gitlab-runners/runner-4xyqa7plw-project-7-concurrent-0 on prod-1\n"
        "  tier infra, runner infra-platform\n"
        "  address 172.16.12.2, pool infraestrutura, 2026-11-20 13:00:00 CET to now\n"
        "  pass, evidence address\n"
        "  node node-1 10.0.3.7\n"
        "\n"
        "- Not known from 2026-11-20 13:05:00 CET until now (prod-1): the bridge has\n"
        "  recorded nothing since then; pods that came and went then are missing.\n"
    )


def test_a_claim_is_called_one() -> None:
    bare = intervals.fold(
        None, entry(pod_uid="z", job="12", project="", pool="", node="", outcome=None, grade=None, tier="")
    )
    out = jobs_text.render_job(answer_job(Asked("12"), [LIVE, bare], {}, {}, []), zone=UTC, width=80)

    assert out.startswith("job 12 (claimed): live, no verdict\n\npod ")
    assert "\n\njob 4711 (claimed): live, pass\n  project 7\n  as it claims: https://x.example.com\n" in out
    assert "- claimed: the number stands in an annotation" in out


def test_a_contradiction_says_why_and_what_to_do() -> None:
    told = fact(standing=Standing.CONTRADICTED, text="It ended at 12:00, before the pod was there.", status="")
    out = jobs_text.render_job(answer_job(Asked("4711"), [LIVE], {told.key: told}, {}, []), zone=UTC, width=80)

    assert out.startswith("job 4711 (contradicted): live, pass\n")
    assert "\n  It ended at 12:00, before the pod was there.\n" in out
    assert "find the job by the project, the runner and the time" in " ".join(out.split())


def test_a_job_that_nobody_recorded_says_what_was_not_watched() -> None:
    unwatched = jobs_text.render_job(answer_job(Asked("1"), [], {}, {}, [GAP]), zone=UTC, width=80)
    watched = jobs_text.render_job(answer_job(Asked("1"), [], {}, {}, []), zone=UTC, width=80)

    assert watched == "job 1: no pod is recorded that claims it.\n"
    assert unwatched.startswith(f"{watched}The cluster was not watched all the time")


def test_jobs_are_lines_with_their_number_below() -> None:
    later = entry(pod_uid="b", at=END, job="4711", address="172.16.12.9")
    nameless = entry(pod_uid="c", at=END + timedelta(seconds=1), project="", tier="", pool="", node="", outcome=None)
    closed = intervals.fold(
        intervals.fold(None, nameless), entry(EntryKind.CLOSED, pod_uid="c", at=END + timedelta(minutes=1))
    )
    now = fact()
    held = [LIVE, intervals.fold(None, later), closed]
    answer = answer_jobs(held, {now.key: now}, [GAP], since=NOON, until=END + timedelta(hours=1))

    lines = list(jobs_text.render_jobs(answer, zone=UTC, width=80))
    assert [" ".join(line.split()) for line in lines[:4]] == [
        "JOB CLAIM PROJECT TIER ADDRESS POOL NODE VERDICT FROM",
        "- - - - 172.16.12.2 - - - 2026-11-20 12:05:01 UTC",
        "4711 claimed platform/net infra 172.16.12.9 (2 pods) infraestrutura node-1 pass 2026-11-20 12:00:00 UTC live",
        "2 jobs since 2026-11-20 12:00:00 UTC until 2026-11-20 13:05:00 UTC, 0 confirmed by GitLab.",
    ]
    assert any("Not known from 2026-11-20 12:00:00 UTC until 2026-11-20" in line for line in lines)


def test_no_jobs_and_left_out_ones_are_counted() -> None:
    first = Gap(cluster="prod-1", reason="the ledger begins then", to_at=NOON)
    none = "".join(jobs_text.render_jobs(answer_jobs([], {}, [first]), zone=UTC, width=80))
    some = "".join(jobs_text.render_jobs(answer_jobs([LIVE], {}, [], most=0), zone=UTC, width=80))

    assert none.startswith("0 jobs, 0 confirmed by GitLab.\n\n- Not known until 2026-11-20 12:00:00 UTC (prod-1)")
    assert some == "1 job, 0 confirmed by GitLab; the 1 oldest are not listed.\n"


@given(st.text(), st.text())
def test_no_claim_steers_the_terminal(job: str, project: str) -> None:
    held = [intervals.fold(None, entry(job=job, job_url=job, project_path=project))]
    outs = [
        jobs_text.render_job(answer_job(Asked("1"), held, {}, {}, []), zone=UTC, width=20),
        *jobs_text.render_jobs(answer_jobs(held, {}, []), zone=UTC, width=20),
    ]

    assert all(letter.isprintable() or letter == "\n" for out in outs for letter in out)
