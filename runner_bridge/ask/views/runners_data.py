"""Runners for programs: one JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner_bridge.ask.views import well_formed
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.ask.answers.runners import RunnerRow, RunnersAnswer
    from runner_bridge.core.model.gitlab import Runner, RunnerManager


def render(answer: RunnersAnswer) -> str:
    """Return the answer as one JSON object; ends in a newline. What is not known is null."""
    value = {
        "at": answer.now.isoformat(),
        "is_in_order": answer.is_in_order,
        "others": answer.others,
        "missed": list(answer.missed),
        "runners": [_row(one, answer.now) for one in answer.rows],
    }
    return well_formed(json.dumps(value, indent=2, ensure_ascii=False)) + "\n"


def _row(one: RunnerRow, now: datetime) -> dict[str, Any]:
    declared = one.declared
    return {
        "name": declared and declared.name,
        "tier": declared and declared.tier,
        "scope": str(declared.scope) if declared else None,
        "is_in_order": one.is_in_order(now),
        "differs": [{"name": field.name, "live": field.before, "declared": field.after} for field in one.differs],
        "live": _live(one.live) if one.live else None,
        "managers": None if one.managers is None else [_manager(each) for each in one.managers],
    }


def _live(one: Runner) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": str(one.type),
        "description": redact(one.description),
        "tags": [redact(tag) for tag in one.tags],
        "run_untagged": one.run_untagged,
        "locked": one.is_locked,
        "access_level": str(one.access_level),
        "paused": one.is_paused,
        "maximum_timeout": one.max_timeout_s,
        "status": one.status,
        "contacted_at": _moment(one.contacted_at),
        "token_expires_at": _moment(one.token_expires_at),
    }


def _manager(one: RunnerManager) -> dict[str, Any]:
    return {
        "system_id": one.system_id,
        "version": one.version,
        "status": one.status,
        "busy": one.is_busy,
        "contacted_at": _moment(one.contacted_at),
        "ip_address": one.ip_address,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
