"""An audit for programs: one JSON object, or CSV with a line for each leak and project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.ask.views import csv_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner_bridge.ask.answers.audit import AuditAnswer
    from runner_bridge.core.audit.leak import Leak
    from runner_bridge.core.model import Finding

_COLUMNS = ("code", "severity", "tier", "runner", "runner_id", "project", "project_id")


def render_json(answer: AuditAnswer, *, findings: Callable[[Iterable[Finding], Mapping[str, Any]], str]) -> str:
    """
    Return the answer as one JSON object; ends in a newline. Each leak names all of its projects.

    Args:
        answer: what was found.
        findings: writes findings below a head.
    """
    head = {
        "as_of": answer.as_of.isoformat(),
        "projects": answer.projects,
        "archived": answer.archived,
        "runners": answer.runners,
        "paused": answer.paused,
        "is_whole": answer.is_whole,
        "problem": answer.problem,
        "leaks": [
            {
                **_start(one),
                "projects": [{"id": project.id, "path": project.path} for project in one.projects],
                "cause": one.cause,
                "remedy": one.remedy,
            }
            for one in answer.leaks
        ],
    }
    return findings(answer.findings, head)


def render_csv(answer: AuditAnswer) -> str:
    """Return the leaks as CSV: a head line, then one for each leak and project, or for a leak without."""
    return "".join(csv_table(_COLUMNS, _lines(answer)))


def _lines(answer: AuditAnswer) -> Iterator[Mapping[str, str]]:
    for one in answer.leaks:
        start = {key: str(value or "") for key, value in _start(one).items()}
        for path, number in [(each.path, str(each.id)) for each in one.projects] or [("", "")]:
            yield {**start, "project": path, "project_id": number}


def _start(one: Leak) -> dict[str, Any]:
    return {
        "code": one.code.name,
        "severity": str(one.code.severity),
        "tier": one.tier,
        "runner": one.name,
        "runner_id": one.runner.id,
    }
