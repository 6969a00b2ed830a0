"""An audit for people: a paragraph for each runner and reason, then what was looked at and what was not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runner_bridge.ask.views import age_of
from runner_bridge.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner_bridge.ask.answers.audit import AuditAnswer
    from runner_bridge.core.model import Finding


def render(answer: AuditAnswer, *, paragraphs: Callable[[Iterable[Finding]], str]) -> str:
    """
    Return the answer; ends in a newline.

    Args:
        answer: what was found.
        paragraphs: writes findings.
    """
    body = paragraphs(answer.findings)
    return f"{body}\n{_ending(answer)}" if body else _ending(answer)


def _ending(answer: AuditAnswer) -> str:
    counts = Counter(one.code.severity for one in answer.leaks)
    left_out = [
        _many(count, word)
        for count, word in ((answer.archived, "archived project"), (answer.paused, "paused runner"))
        if count
    ]
    lines = [
        f"{_many(answer.projects, 'project')} and {_many(answer.runners, 'runner')} looked at"
        + (f" ({' and '.join(left_out)} left out)" if left_out else "")
        + f"; projects as of {age_of(answer.now - answer.as_of)} ago."
    ]
    if counts:
        found = ", ".join(_many(counts[one], str(one)) for one in Severity if counts[one])
        lines.append(f"{_many(len(answer.leaks), 'leak')}: {found}.")
    if answer.unseen:
        lines.append(f"Not everything was seen ({_many(len(answer.unseen), 'gap')}): there may be more.")
    elif answer.problem:
        lines.append("GitLab could not be asked for projects now: newer ones were not seen.")
    elif not answer.leaks:
        lines.append("Nothing found: no runner could take jobs that are not its own.")
    return "".join(f"{line}\n" for line in lines)


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'s' * (count != 1)}"
