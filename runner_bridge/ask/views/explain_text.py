"""An explanation for people: one screen, 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from runner_bridge.ask.answers.explain import range_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner_bridge.ask.answers.explain import Explanation, Offer
    from runner_bridge.core.policy.model import Project, Rule, Runner, Tier

_NARROWEST = 20
"""Columns below which the last cell of a row goes to a line of its own."""
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def render(answer: Explanation, *, colour: bool, width: int) -> str:
    """Return the explanation; ends in a newline. Lines that are meant to be copied are never wrapped."""
    page = _Page(colour=colour, width=max(width, 40))
    page.line(f"{_named(answer.project)}: {_where(answer)}", bold=True)
    page.section("Why", _rules(answer))
    page.prose(answer.unsure, "Not sure: ")
    if answer.tier is not None:
        page.section("Address", _pools(answer.tier))
        page.section("Asked for by", _annotations(answer))
        page.section("Runners of the tier", _offers(answer))
        page.section("Also offered its jobs", [_elsewhere(one) for one in answer.elsewhere])
        page.sights(answer)
        page.prose(answer.assumed, "Assumed: ")
    return page.text()


class _Page:
    """Lines of a page that is built from top to bottom."""

    def __init__(self, *, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = width
        self._lines: list[str] = []

    def line(self, text: str, *, bold: bool = False) -> None:
        for part in textwrap.wrap(text, self._width, subsequent_indent="  ", break_on_hyphens=False):
            self._lines.append(f"{_BOLD}{part}{_RESET}" if bold and self._colour else part)

    def section(self, title: str, rows: Sequence[Sequence[str]]) -> None:
        """Add rows under a title, columns aligned; the last column is wrapped under itself. None for no rows."""
        if not rows:
            return
        self._lines.append("")
        self.line(title, bold=True)
        self._lines += self._table(rows)

    def _table(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        columns = max(map(len, rows))
        widths = [max(len(row[number]) for row in rows if len(row) > number + 1) for number in range(columns - 1)]
        for row in rows:
            start = "  " + "".join(f"{cell:<{widths[number]}}  " for number, cell in enumerate(row[:-1]))
            if len(row) > 1 and self._width - len(start) < _NARROWEST:
                yield start.rstrip()
                start = " " * 6
            yield from textwrap.wrap(
                row[-1],
                self._width,
                initial_indent=start,
                subsequent_indent=" " * len(start),
                break_long_words=False,
                break_on_hyphens=False,
            )

    def sights(self, answer: Explanation) -> None:
        """Add what each kind of destination sees."""
        self._lines.append("")
        self.line("What a destination sees as the source", bold=True)
        for sight in answer.sights:
            for indent, text in (("  ", f"{sight.destination}:"), ("    ", f"{sight.source} ({sight.because})")):
                self._lines += textwrap.wrap(
                    text, self._width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
                )

    def prose(self, sentences: Iterable[str], label: str) -> None:
        """Add remarks below everything, dimmed."""
        for sentence in sentences:
            self._lines.append("")
            for part in textwrap.wrap(f"{label}{sentence}", self._width, break_on_hyphens=False):
                self._lines.append(f"{_DIM}{part}{_RESET}" if self._colour else part)

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


def _named(project: Project) -> str:
    number = f"project {project.id}" if project.id is not None else ""
    return f"{project.path} ({number})" if project.path and number else project.path or number


def _where(answer: Explanation) -> str:
    if answer.tier is not None:
        return f"tier {answer.tier.name}"
    if answer.placement.tied:
        return f"tier unknown, {len(answer.placement.tied)} rules tie"
    return "no tier, no rule matches"


def _rules(answer: Explanation) -> list[list[str]]:
    placement = answer.placement
    rows = [_rule(rule, f"tier {rule.tier}", "ties") for rule in placement.tied]
    if placement.rule is not None:
        rows.append(_rule(placement.rule, f"tier {placement.rule.tier}", "wins"))
    rows += [_rule(rule, f"tier {rule.tier}", f"loses: {why}") for rule, why in placement.lost]
    return rows


def _rule(rule: Rule, tier: str, why: str) -> list[str]:
    return [rule.text, tier, f"{rule.place}", why]


def _pools(tier: Tier) -> list[list[str]]:
    return [[f"{pool.name} ({pool.pool_class})", range_of(pool)] for pool in tier.pools]


def _annotations(answer: Explanation) -> list[list[str]]:
    return [[f"{key}: '{value}'"] for key, value in answer.annotations.items()] or [
        ["no annotation: the cluster picks the pool"]
    ]


def _takes(runner: Runner) -> str:
    tags = f"jobs tagged {', '.join(runner.tags)}" if runner.tags else ""
    untagged = "jobs without tags" if runner.run_untagged else ""
    return " and ".join(filter(None, (tags, untagged))) or "no jobs"


def _offers(answer: Explanation) -> list[list[str]]:
    rows = [_offer(one) for one in answer.offers]
    if all(one.offered is False for one in answer.offers):
        rows.append(["none is offered to it: its jobs wait, or run elsewhere"])
    return rows


def _offer(offer: Offer) -> list[str]:
    words = {True: "offered to it", False: "not offered to it", None: "offered to it perhaps"}
    return [offer.runner.name, str(offer.runner.scope), f"{_takes(offer.runner)}; {words[offer.offered]}"]


def _elsewhere(runner: Runner) -> list[str]:
    return [runner.name, f"tier {runner.tier}", f"{_takes(runner)} then get addresses of tier {runner.tier}"]
