"""One verdict as one line: for a person who watches `run`, and as JSON for a program that reads its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runner_bridge.ask.views import well_formed
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.verdict import Verdict

_COLOUR = {"pass": "\x1b[32m", "breach": "\x1b[1;31m", "unknown": "\x1b[33m", "pending": "\x1b[2m"}
_PLAIN = "\x1b[0m"


def text_line(verdict: Verdict, at: datetime, *, colour: bool) -> str:
    """
    Return a verdict as a person reads it: moment, verdict, pod, addresses, tier, and why, on one line without its end.

    >>> from datetime import UTC, datetime
    >>> from runner_bridge.core.model.verdict import Grade, Origin, Requested, Verdict
    >>> asked = Requested(origin=Origin.POD)
    >>> one = Verdict(namespace="a", pod="b", outcome=Outcome.PASS, grade=Grade.BLOCK, requested=asked, tier="infra")
    >>> text_line(one, datetime(2026, 11, 25, 14, 0, tzinfo=UTC), colour=False)
    '14:00:00 pass     a/b  no address  infra'
    """
    word = word_of(verdict)
    shown = f"{_COLOUR[word]}{word:<8}{_PLAIN}" if colour else f"{word:<8}"
    held = ", ".join(f"{one.address} {one.pool or '(no pool)'}" for one in verdict.assigned) or "no address"
    proof = f" [{verdict.grade}]" if verdict.assigned else ""
    tier = verdict.tier or "tier unknown"
    line = f"{at:%H:%M:%S} {shown} {verdict.namespace}/{verdict.pod}  {held}{proof}  {tier}"
    why = [one for one in verdict.findings if one.code.outcome is not None]
    if why:
        codes = ", ".join(dict.fromkeys(one.code.name for one in why))
        line += f"  {codes}: {_seen(why[0])}"
    return _clean(line)


def json_line(verdict: Verdict, at: datetime) -> str:
    """Return a verdict as one line of JSON without its end; keys are only added."""
    tree = {
        "at": at.isoformat(timespec="milliseconds"),
        "event": "verdict",
        "verdict": word_of(verdict),
        "outcome": str(verdict.outcome),
        "evidence": str(verdict.grade),
        "namespace": verdict.namespace,
        "pod": verdict.pod,
        "uid": verdict.uid,
        "node": verdict.node,
        "tier": verdict.tier,
        "runner": verdict.runner,
        "project": {"id": verdict.project, "path": verdict.project_path},
        "job": {"id": verdict.job.id, "url": verdict.job.url},
        "got": [
            {"address": str(one.address), "pool": one.pool, "confirmed": one.confirmed} for one in verdict.assigned
        ],
        "findings": [_finding(one) for one in verdict.findings],
    }
    return msgspec.json.encode(_cleaned(tree)).decode()


def word_of(verdict: Verdict) -> str:
    """Return the outcome, or `pending` for a pod that has no address yet."""
    return "pending" if verdict.pending and verdict.outcome is Outcome.UNKNOWN else str(verdict.outcome)


def _seen(finding: Finding) -> str:
    seen = f"seen {finding.observed}" if finding.observed else finding.code.title
    return seen + (f", expected {finding.expected}." if finding.expected else ".") + f" {finding.cause}".rstrip()


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code.name,
        "observed": finding.observed,
        "expected": finding.expected,
        "cause": finding.cause,
        "remedy": finding.what_to_do,
    }


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - a tree of what JSON can hold
    """Claims of a job may hold anything."""
    if isinstance(value, str):
        return well_formed(redact(value))
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, list) else value


def _clean(line: str) -> str:
    return " ".join(well_formed(redact(line)).splitlines())
