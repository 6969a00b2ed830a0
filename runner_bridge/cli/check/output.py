"""The answer of `check` in each of its forms, in pieces that can be written as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner_bridge.ask.answers.check import CheckAnswer, Row
    from runner_bridge.ask.views.junit import Case, Suite
    from runner_bridge.core.model import Finding


def pieces(form: str, answer: CheckAnswer, *, policy: str, colour: bool, width: int) -> Iterable[str]:
    """
    Return the answer in one form, in pieces.

    Args:
        form: one of `cli.check.FORMATS`.
        answer: what is printed.
        policy: the path of the policy: Code Quality asks for a file of the repository, and a pod has none.
        colour: whether ANSI sequences are written, where the form has any.
        width: columns, where the form has any.
    """
    match form:
        case "json":
            from runner_bridge.ask.views import verdict_data

            return (verdict_data.render_json(answer),)
        case "yaml":
            from runner_bridge.ask.views import verdict_data

            return (verdict_data.render_yaml(answer),)
        case "codequality":
            from runner_bridge.ask.views import codequality

            return (codequality.render(answer.findings, path=policy),)
        case "junit":
            from runner_bridge.ask.views import junit

            return (junit.render(_suites(answer)),)
        case _:
            from runner_bridge.ask.views import verdict_table

            return verdict_table.render(answer, colour=colour, width=width, wide=form == "wide")


def _suites(answer: CheckAnswer) -> Iterator[Suite]:
    """
    Yield one suite per tier with a case per job pod, and one for the cluster.

    What makes the exit code 1 or 3 fails; a pod without an address yet and a waived one are skipped, with the reason.
    """
    from runner_bridge.ask.views.junit import Case, Suite
    from runner_bridge.ask.views.junit import Mark as Ending

    cluster = [
        Case(name=one.code.name, group="cluster", mark=Ending.FAILED, message=one.headline, text=_story((one,)))
        for one in answer.cluster
    ]
    if answer.nothing_proven and answer.exit_code:
        message = answer.nothing_proven
        cluster.append(Case(name="expect-min", group="cluster", mark=Ending.FAILED, message=message))
    yield Suite(name="cluster", cases=tuple(cluster))
    tiers: dict[str, list[Case]] = {}
    for row in answer.rows:
        tiers.setdefault(row.tier, []).append(_case(row))
    for tier in sorted(tiers):
        yield Suite(name=f"tier {tier}", cases=tuple(tiers[tier]))


def _case(row: Row) -> Case:
    from runner_bridge.ask.answers.check import Mark, counting
    from runner_bridge.ask.views.junit import Case
    from runner_bridge.ask.views.junit import Mark as Ending

    findings = tuple(counting(row.verdict.findings))
    ending = {
        Mark.BREACH: Ending.FAILED,
        Mark.UNKNOWN: Ending.FAILED,
        Mark.PENDING: Ending.SKIPPED,
        Mark.WAIVED: Ending.SKIPPED,
        Mark.PASS: Ending.PASSED,
    }[row.mark]
    waived = "; ".join(f"{one.finding.code.name} waived until {one.until}: {one.reason}" for one in row.verdict.waived)
    said = "; ".join(f"{one.code.name}: {one.code.title}" for one in findings)
    return Case(
        name=f"{row.project} {row.pod}",
        group=f"tier.{row.tier}",
        mark=ending,
        message=f"{row.mark}: {said or waived}" if ending is not Ending.PASSED else "",
        text=_story(findings),
    )


def _story(findings: Iterable[Finding]) -> str:
    return "\n".join(f"{one.headline} {one.cause} {one.what_to_do}".replace("  ", " ") for one in findings)
