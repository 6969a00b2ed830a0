"""Projects and their tiers for programs: one JSON object, or CSV with a head line."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner_bridge.ask.answers.mapping import MappingAnswer
    from runner_bridge.core.mapping import Mapped

_COLUMNS = ("project", "id", "tier", "rule", "doubt", "why", "archived")


def render_json(answer: MappingAnswer) -> str:
    """Return the answer as one JSON object; ends in a newline."""
    value = {
        "as_of": answer.as_of.isoformat(),
        "problem": answer.problem,
        "counts": dict(answer.counts),
        "projects": [
            _row(one) | {"topics": list(one.project.topics), "between": [rule.text for rule in one.rules]}
            for one in answer.rows
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def render_csv(answer: MappingAnswer) -> str:
    """Return the answer as CSV (RFC 4180): a head line, then one line for each project."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(_row(one) for one in answer.rows)
    return text.getvalue()


def _row(one: Mapped) -> dict[str, Any]:
    return {
        "project": one.project.path,
        "id": one.project.id,
        "tier": one.tier,
        "rule": one.rule.text if one.rule else None,
        "doubt": one.doubt,
        "why": one.why,
        "archived": one.project.is_archived,
    }
