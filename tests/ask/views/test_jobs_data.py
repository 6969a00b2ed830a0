"""The answers of `job` and `jobs` for programs say the same as those for people."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

from runner_bridge.ask.answers.jobs import Asked, answer_job, answer_jobs
from runner_bridge.ask.views import jobs_data
from runner_bridge.core import facts, intervals
from runner_bridge.core.model.ledger import EntryKind, Standing
from tests.make import NOON, entry

OPENED = intervals.fold(None, entry(job="4711", sequence=2**60 + 1))
CLOSED = intervals.fold(OPENED, entry(EntryKind.CLOSED, at=NOON + timedelta(seconds=9)))
FACT = facts.fold(
    None, entry(EntryKind.FACT, job="4711", standing=Standing.CONTRADICTED, job_name="=1+1", text="It is another's.")
)


def test_the_document_holds_pods_facts_and_findings() -> None:
    answer = answer_job(Asked("4711"), [OPENED], {FACT.key: FACT}, {FACT.key: [FACT, FACT]}, [])
    document = json.loads(jobs_data.render_json(answer))

    (job,) = document["jobs"]
    assert (document["asked"], job["job"], job["standing"], job["live"]) == ("4711", "4711", "contradicted", True)
    assert job["pods"][0]["intervals"][0]["sequence"] == 2**60 + 1
    assert job["pods"][0]["fact"]["text"] == "It is another's."
    assert [one["job"] for one in job["history"]] == ["4711", "4711"]
    assert document["findings"][0]["code"] == "job-claim-contradicted"


def test_a_row_is_a_pod_and_no_formula() -> None:
    told = jobs_data.render_csv(answer_jobs([CLOSED], {FACT.key: FACT}, []))
    (row,) = csv.DictReader(io.StringIO(told, newline=""))

    assert (row["job"], row["standing"], row["live"], row["to"]) == (
        "4711",
        "contradicted",
        "no",
        "2026-11-20T12:00:09Z",
    )
    assert (row["job_name"], row["outcome"], row["pools"]) == ("'=1+1", "pass", "infraestrutura")


def test_what_nobody_confirmed_is_empty() -> None:
    (row,) = csv.DictReader(io.StringIO(jobs_data.render_csv(answer_jobs([OPENED], {}, []))))
    document = json.loads(jobs_data.render_json(answer_jobs([OPENED], {}, [])))

    assert (row["standing"], row["status"], row["live"], row["to"]) == ("", "", "yes", "")
    assert (document["asked"], document["jobs"][0]["standing"], document["jobs"][0]["fact"]) == (None, None, None)
