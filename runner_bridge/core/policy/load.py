"""The one way in: texts → `Policy`, or every problem at once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from runner_bridge.core.errors import PolicyError
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.files import Source
    from runner_bridge.core.policy.model import Policy


def load(sources: Sequence[Source], *, today: date) -> Policy:
    """
    Read a policy from its files.

    Args:
        sources: the files in the order in which problems are told; one, or those of a folder.
        today: the day against which waivers are held.

    Raises:
        PolicyError: with all problems, warnings among them, in the order of files and lines. A policy that is
            returned holds its warnings in `Policy.warnings`.
    """
    # pydantic and the YAML library cost more to import than a policy to read, and much of the program reads none.
    from runner_bridge.core.policy.compile import compile_policy  # noqa: PLC0415
    from runner_bridge.core.policy.report import Report  # noqa: PLC0415
    from runner_bridge.core.policy.shape import fit  # noqa: PLC0415
    from runner_bridge.core.policy.source import read  # noqa: PLC0415

    report = Report(tuple(source.name for source in sources))
    data = read(sources, report)
    # What a file that cannot be read would define is not missing.
    policy = None if report.is_partial else compile_policy(fit(data, report), report, today=today)
    if policy is None:
        raise PolicyError(_with_excerpts(report.findings(), sources))
    return replace(policy, warnings=_with_excerpts(policy.warnings, sources))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the policy file; see `schema.json_schema`."""
    from runner_bridge.core.policy import schema  # noqa: PLC0415 - pulls in pydantic

    return schema.json_schema()


def _with_excerpts(findings: tuple[Finding, ...], sources: Sequence[Source]) -> tuple[Finding, ...]:
    """Give each finding its line of the text."""
    from runner_bridge.core.text.yaml_errors import LINE_END  # noqa: PLC0415 - with the YAML library

    texts = {source.name: LINE_END.split(source.text.removeprefix("\ufeff")) for source in sources}

    @cache
    def line_at(file: str, line: int) -> tuple[str, ...]:
        # Thousands of problems may stand on one line of a megabyte.
        return tuple(map(redact, texts[file][line - 1 : line])) if line else ()

    return tuple(
        replace(one, excerpt=line_at(one.place.file, one.place.line)) if one.place else one for one in findings
    )
