"""
The answers of `jobs` and `job` for programs and spreadsheets. Keys and columns are only ever added.

Every moment is ISO 8601 in UTC. `standing` is null, or empty in CSV, where nothing confirms the claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json, to_builtins

from runner_bridge.ask.views import csv_table, in_one_line

if TYPE_CHECKING:
    from runner_bridge.ask.answers.jobs import Job, JobPod, JobsAnswer
    from runner_bridge.core.model.ledger import Fact, Interval

VERSION = 1
_COLUMNS = (
    *("job", "standing", "project", "project_path", "job_name", "stage", "ref", "pipeline", "status", "cluster"),
    *("namespace", "pod", "pod_uid", "live", "addresses", "node", "node_addresses", "runner", "tier", "pools"),
    *("outcome", "grade", "findings", "from", "to", "url", "note"),
)


def render_json(answer: JobsAnswer) -> str:
    """Return one indented document with a line end."""
    document = {
        "version": VERSION,
        "asked": answer.asked.number if answer.asked else None,
        "since": answer.since,
        "until": answer.until,
        "jobs": list(map(_job, answer.jobs)),
        "left_out": answer.left_out,
        "findings": [
            {"code": one.code.name, "subject": one.subject, "text": in_one_line(one)} for one in answer.findings
        ],
        "gaps": [to_builtins(gap) for gap in answer.gaps],
        "notes": list(answer.notes),
    }
    return json.format(json.encode(document), indent=2).decode() + "\n"


def render_csv(answer: JobsAnswer) -> str:
    """Return one row per pod under a header; values of a cell are separated by blanks."""
    return "".join(csv_table(_COLUMNS, (_row(job, pod) for job in answer.jobs for pod in job.pods)))


def _job(job: Job) -> dict[str, Any]:
    return {
        "job": job.key.number,
        "standing": job.standing,
        "project": job.key.project,
        "project_path": job.project_path,
        "url": job.url,
        "cluster": job.key.cluster,
        "gitlab": job.key.gitlab,
        "live": job.is_live,
        "outcome": job.outcome,
        "findings": list(job.findings),
        "fact": job.fact and _fact(job.fact),
        "history": list(map(_fact, job.history)),
        "pods": [
            {
                "namespace": pod.intervals[0].namespace,
                "pod": pod.intervals[0].pod,
                "pod_uid": pod.intervals[0].pod_uid,
                "live": pod.is_live,
                "fact": pod.fact and _fact(pod.fact),
                "intervals": [to_builtins(one) for one in pod.intervals],
            }
            for pod in job.pods
        ],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    told: dict[str, Any] = to_builtins(fact)
    return told


def _row(job: Job, pod: JobPod) -> dict[str, str]:
    fact, last = pod.fact, pod.intervals[-1]
    said = {name: getattr(fact, name) if fact else "" for name in ("job_name", "stage", "ref", "pipeline", "status")}
    return {
        **said,
        "job": job.key.number,
        "standing": fact.standing or "" if fact else "",
        "project": job.key.project,
        "project_path": job.project_path,
        "cluster": last.cluster,
        "namespace": last.namespace,
        "pod": last.pod,
        "pod_uid": last.pod_uid,
        "live": "yes" if pod.is_live else "no",
        "addresses": " ".join(dict.fromkeys(one.address for one in pod.intervals)),
        "node": last.node,
        "node_addresses": " ".join(last.node_addresses),
        "runner": last.runner,
        "tier": last.tier,
        "pools": " ".join(dict.fromkeys(one.pool for one in pod.intervals if one.pool)),
        "outcome": pod.outcome or "",
        "grade": last.grade or "",
        "findings": " ".join(dict.fromkeys(name for one in pod.intervals for name in one.findings)),
        "from": to_builtins(min(one.from_at for one in pod.intervals)),
        "to": "" if pod.is_live else _end(pod.intervals),
        "url": job.url,
        "note": fact.text if fact else "",
    }


def _end(intervals: tuple[Interval, ...]) -> str:
    ended: str = to_builtins(max(one.to_at for one in intervals if one.to_at is not None))
    return ended
