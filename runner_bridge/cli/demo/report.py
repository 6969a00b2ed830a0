"""How the demo ends: the questions that the verbs would be asked, answered by the same answers, and the comparison."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from runner_bridge.cli import CLEAN, FINDINGS, LEDGER
from runner_bridge.cli import ledger as ledger_verb
from runner_bridge.cli import who_had as who_had_verb
from runner_bridge.cli.demo.played import ended, frame_of
from runner_bridge.cli.demo.screen import held_line, tier_lines
from runner_bridge.cli.ledger_access import reading
from runner_bridge.cli.output import emit
from runner_bridge.core.moments import Stretch
from runner_bridge.simulate.runner import pod_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.cli.demo.played import Played
    from runner_bridge.ports.ledger import Ledger
    from runner_bridge.simulate.story.ending import Difference


def report(played: Played) -> int:
    """Say how it ended; return the exit code."""
    with reading(played.ledger) as ledger:
        _who_had(played, ledger)
        emit("\n$ runner-bridge ledger verify\n")
        damaged = ledger.verify()
        ledger_verb.tell(damaged, ledger_verb.held(ledger), witnessed=0, output="table")
    wrong = ended(played)
    _sum_up(played, wrong)
    return LEDGER if damaged else FINDINGS if wrong else CLEAN


def _who_had(played: Played, ledger: Ledger) -> None:
    first, second, last = played.day.shared
    verdict = played.told.verdicts.get(pod_name(first))
    if verdict is None or not verdict.assigned:
        return
    address = str(verdict.assigned[0].address)
    middle = played.time.at(second.starts_at_s).replace(microsecond=0)
    emit(f"\n$ runner-bridge who-had {address} --at {middle:%Y-%m-%dT%H:%M:%SZ} --skew 30s\n")
    _ask(played, ledger, (address, "", ""), Stretch(middle, middle).widened(timedelta(seconds=30)))
    at = played.time.at(last.starts_at_s + last.runs_s / 2).replace(microsecond=0)
    emit(f"\n$ runner-bridge who-had --node {last.node} --at {at:%Y-%m-%dT%H:%M:%SZ}\n")
    _ask(played, ledger, ("", last.node, ""), Stretch(at, at))


def _ask(played: Played, ledger: Ledger, named: tuple[str, str, str], stretch: Stretch) -> None:
    who_had_verb.show(who_had_verb.ask(ledger, named, stretch, now=played.time()), "table", UTC)


def _sum_up(played: Played, wrong: tuple[Difference, ...]) -> None:
    judged = played.day.judged
    frame = frame_of(played)
    emit("\nSIMULATED: the real bridge, on a pretend cluster that is simulated from a story.\n")
    emit("".join(f"{line}\n" for line in tier_lines(frame.tiers)))
    emit(held_line(frame.before, frame.held) + "\n")
    if not wrong:
        emit(f"All {len(judged)} jobs got the verdict and the label that stand in the story.\n")
        return
    emit(f"{len(wrong)} of {len(judged)} jobs did not get what stands in the story:\n\n")
    emit("".join(f"{line}\n" for line in _differences(wrong)))


def _differences(wrong: Iterable[Difference]) -> list[str]:
    rows = [("JOB", "IN THE STORY", "SAID", "LABEL")]
    rows += [(str(one.job.number), one.expected, one.happened, one.label or "none") for one in wrong]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
