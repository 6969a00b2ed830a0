"""
The answer of `check` for programs: JSON and YAML of the same tree.

The shape is a promise: keys are only added. Every pod is in it, each finding with all its words; the words for
outcomes, grades and codes are those of the documentation.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import msgspec

from runner_bridge.ask.answers.check import Mark
from runner_bridge.ask.views import well_formed
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from runner_bridge.ask.answers.check import CheckAnswer, Row
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.verdict import Waived


def render_json(answer: CheckAnswer) -> str:
    """Return the answer as indented JSON with a line end."""
    return msgspec.json.format(msgspec.json.encode(tree(answer)), indent=2).decode() + "\n"


def render_compact(answer: CheckAnswer) -> bytes:
    """
    Return the same JSON in one line, encoded.

    One pod after the other: whoever shares the process with this gets its turn in between, however many there are.
    """
    head = msgspec.json.encode(_head(answer)).removesuffix(b"}")
    pods = b",".join(msgspec.json.encode(_pod(row)) for row in answer.rows)
    return b'%s,"pods":[%s]}\n' % (head, pods)


def render_yaml(answer: CheckAnswer) -> str:
    """Return the answer as YAML."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only this form needs it

    out = io.StringIO()
    writer = YAML(typ="safe")
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel annotates it as None
    writer.dump(tree(answer), out)
    return out.getvalue()


def tree(answer: CheckAnswer) -> dict[str, Any]:
    """Return the answer as what JSON can hold."""
    return {**_head(answer), "pods": [_pod(row) for row in answer.rows]}


def _head(answer: CheckAnswer) -> dict[str, Any]:
    return {
        "judged_at": answer.judged_at.isoformat(),
        "exit_code": answer.exit_code,
        "summary": answer.summary,
        "nothing_proven": answer.nothing_proven,
        "source": answer.source,
        "counts": {
            "job_pods": answer.job_pods,
            **{str(mark): answer.marks[mark] for mark in Mark},
            "unmanaged": answer.unmanaged,
            "probes": answer.probes,
            "other": answer.other,
        },
        "evidence": answer.evidence,
        "assumptions": list(answer.assumptions),
        "cluster": {
            "findings": [_finding(one) for one in answer.cluster],
            "waived": [_waived(one) for one in answer.cluster_waived],
        },
        "notes": [{**_finding(note.finding), "pods": note.pods} for note in answer.notes],
    }


def _pod(row: Row) -> dict[str, Any]:
    verdict = row.verdict
    return {
        "namespace": _text(verdict.namespace),
        "pod": _text(verdict.pod),
        "uid": _text(verdict.uid),
        "node": _text(verdict.node),
        "verdict": str(row.mark),
        "outcome": str(verdict.outcome),
        "evidence": str(verdict.grade),
        "finished": verdict.finished,
        "tier": verdict.tier,
        "runner": verdict.runner,
        "project": {"id": _text(verdict.project), "path": _text(verdict.project_path)},
        "job": {key: _text(getattr(verdict.job, key)) for key in ("id", "name", "ref", "url")},
        "wanted": list(verdict.intended),
        "asked": {
            "by": str(verdict.requested.origin),
            "pools": [_text(pool) for pool in verdict.requested.pools],
            "text": _text(verdict.requested.text),
        },
        "got": [
            {"address": str(one.address), "pool": one.pool, "confirmed": one.confirmed} for one in verdict.assigned
        ],
        "findings": [_finding(one) for one in verdict.findings],
        "waived": [_waived(one) for one in verdict.waived],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.name,
        "outcome": str(finding.code.outcome) if finding.code.outcome else None,
        "severity": str(finding.code.severity),
        "subject": _text(finding.subject),
        "title": finding.code.title,
        "observed": _text(finding.observed),
        "expected": _text(finding.expected),
        "cause": _text(finding.cause),
        "remedy": _text(finding.what_to_do),
    }


def _waived(one: Waived) -> dict[str, Any]:
    return {**_finding(one.finding), "until": one.until.isoformat(), "reason": _text(one.reason)}


def _text(text: str) -> str:
    """Claims of a job may hold anything."""
    return well_formed(redact(text))
