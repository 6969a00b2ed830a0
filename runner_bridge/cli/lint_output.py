"""The report of `lint` in each of its formats."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.lint.run import Report
    from runner_bridge.core.model import Finding


def render(form: str, report: Report, *, problems: Sequence[str], fail_on: Severity) -> str:
    """
    Return the report as text that can be printed.

    Args:
        form: `text`, `json`, `codequality`, `junit` or `sarif`.
        report: what was found, a runner's answers merged in.
        problems: why files could not be read or told, one line each.
        fail_on: the mildest severity that fails.
    """
    match form:
        case "json":
            return _json(report, problems=problems, fail_on=fail_on)
        case "codequality":
            from runner_bridge.ask.views import codequality

            return codequality.render(_from_here(report.findings), path=next(iter(report.kinds), "."))
        case "sarif":
            from runner_bridge import __version__
            from runner_bridge.ask.views import sarif

            return sarif.render(_from_here(report.findings), version=__version__)
        case "junit":
            return _junit(report, problems=problems, fail_on=fail_on)
        case _:
            return _text(report, problems=problems, fail_on=fail_on)


def _text(report: Report, *, problems: Sequence[str], fail_on: Severity) -> str:
    from runner_bridge.ask.views import findings_text
    from runner_bridge.cli.output import is_terminal, width

    body = findings_text.render(report.findings, colour=is_terminal(), width=min(width(), 100))
    separator = "\n" if body else ""
    return f"{body}{separator}{_footer(report, problems=problems, fail_on=fail_on)}"


def _footer(report: Report, *, problems: Sequence[str], fail_on: Severity) -> str:
    """Return the last lines: what was looked at, what was found, what was not checked."""
    counts = Counter(finding.code.severity for finding in report.findings)
    found = ", ".join(_many(counts[severity], str(severity)) for severity in Severity if counts[severity])
    lines = [f"{_many(len(report.kinds), 'file')} checked{f': {found}' if found else ', nothing found'}."]
    if not report.kinds:
        lines = ["Nothing was checked."]
    if counts and all(severity.rank > fail_on.rank for severity in counts):
        lines.append(f"Nothing is as severe as --fail-on {fail_on}.")
    if problems:
        lines.append(f"{_many(len(problems), 'file')} not checked: see the messages.")
    if report.passed_over:
        lines.append(f"{_many(len(report.passed_over), 'file')} passed over: of no kind that lint knows.")
    unchecked = [finding for finding in report.findings if finding.code.name.endswith("-unchecked")]
    if unchecked:
        files = sorted({finding.place.file for finding in unchecked if finding.place})
        lines.append(f"Checked in part, because of templates: {', '.join(files)}.")
    return "".join(f"{line}\n" for line in lines)


def _many(count: int, word: str) -> str:
    plural = word if word == "advice" or count == 1 else f"{word}s"
    return f"{count:,} {plural}"


def _json(report: Report, *, problems: Sequence[str], fail_on: Severity) -> str:
    from runner_bridge.ask.views import findings_json

    counts = Counter(finding.code.severity for finding in report.findings)
    head: dict[str, Any] = {
        "files": [{"name": name, "kinds": [str(kind) for kind in kinds]} for name, kinds in report.kinds.items()],
        "passed_over": list(report.passed_over),
        "problems": list(problems),
        "fail_on": str(fail_on),
        "counts": {str(severity): counts[severity] for severity in Severity},
    }
    return findings_json.render(report.findings, head=head)


def _junit(report: Report, *, problems: Sequence[str], fail_on: Severity) -> str:
    from runner_bridge.ask.views.junit import Case, Mark, Suite
    from runner_bridge.ask.views.junit import render as junit

    cases: dict[str, list[Case]] = {name: [] for name in report.kinds}
    for finding in report.findings:
        name = finding.place.file if finding.place else next(iter(report.kinds))
        cases.setdefault(name, []).append(_case(finding, name, fail_on))
    suites = [
        Suite(name=name, cases=tuple(found) or (Case(name="nothing found", group=name, file=name),))
        for name, found in cases.items()
    ]
    unread = tuple(
        Case(name=problem.partition(": ")[0], group="files", mark=Mark.FAILED, message=problem, text=problem)
        for problem in problems
    )
    return junit([*suites, Suite(name="files", cases=unread)] if unread else suites)


def _case(finding: Finding, name: str, fail_on: Severity) -> Any:  # noqa: ANN401 - the view is imported late
    from runner_bridge.ask.views import findings_text, in_one_line
    from runner_bridge.ask.views.junit import Case, Mark

    line = f" (line {finding.place.line})" if finding.place and finding.place.line else ""
    return Case(
        name=f"{finding.code.name}: {finding.subject}{line}",
        group=name,
        file=name,
        mark=Mark.FAILED if finding.code.severity.rank <= fail_on.rank else Mark.SKIPPED,
        message=in_one_line(finding),
        text=findings_text.render([finding], colour=False, width=100),
    )


def _from_here(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings with paths below the current folder relative to it: reports name files of a repository."""
    from pathlib import Path

    here = Path.cwd()

    def relative(finding: Finding) -> Finding:
        place = finding.place
        if place is None or not Path(place.file).is_relative_to(here):
            return finding
        return replace(finding, place=replace(place, file=str(Path(place.file).relative_to(here))))

    return tuple(map(relative, findings))
