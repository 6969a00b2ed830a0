"""What `run` says while it runs: lines for a person, or JSON lines for a program."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from runner_bridge.ask.views.verdict_lines import json_line, text_line, word_of
from runner_bridge.cli.output import emit, note
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger

    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.cluster import Gap
    from runner_bridge.core.model.verdict import Verdict


class Says:
    """
    Tells what the controller has to say (`flow.controller.Says`).

    Args of the constructor:
        json: JSON lines on standard output instead of text; what is no verdict goes there too.
        colour: of the text.
        log: takes what is no verdict and no word about the picture.
    """

    def __init__(self, *, json: bool, colour: bool, log: FilteringBoundLogger) -> None:
        self._json = json
        self._colour = colour
        self._log = log

    def verdict(self, verdict: Verdict, at: datetime) -> None:
        """Tell a verdict that is new or has changed."""
        line = json_line(verdict, at) if self._json else text_line(verdict, at, colour=self._colour)
        emit(f"{line}\n")

    def doubt(self, gaps: tuple[Gap, ...], at: datetime) -> None:
        """Tell why nothing is judged now (`snapshot-incomplete`); no gaps: it is over."""
        reasons = [redact(gap.reason) for gap in gaps]
        if self._json:
            self._tell(at, "snapshot-incomplete" if gaps else "snapshot-whole", reasons=reasons)
        elif gaps:
            note(f"{at:%H:%M:%S} snapshot-incomplete: nothing is judged until it is whole again: {'; '.join(reasons)}.")
        else:
            note(f"{at:%H:%M:%S} the picture of the cluster is whole again; everything is judged anew.")

    def finding(self, finding: Finding, at: datetime) -> None:
        """Tell a finding about the cluster, because of which nothing is judged."""
        if self._json:
            self._tell(at, "finding", code=finding.code.name, text=finding.headline)
        else:
            note(f"{at:%H:%M:%S} {finding.code.name}: {finding.headline} {finding.what_to_do}")

    def note(self, text: str) -> None:
        """Tell what could not be done."""
        self._log.warning("trouble", text=text)

    def summary(self, verdicts: Iterable[Verdict], *, done: int, failed: int, at: datetime) -> None:
        """Tell how it stands at the end."""
        words = Counter(word_of(one) for one in verdicts)
        counts = {word: words[word] for word in ("breach", "unknown", "pending", "pass")}
        if self._json:
            self._tell(at, "summary", job_pods=words.total(), **counts, written=done, failed=failed)
            return
        parts = ", ".join(f"{number} {word}" for word, number in counts.items())
        wrote = f"{done} label patch{'es' * (done != 1)} and Events written" if done else "nothing written"
        trouble = f", {failed} failed" if failed else ""
        note(f"{words.total()} job pod{'s' * (words.total() != 1)}: {parts}. To the cluster: {wrote}{trouble}.")

    @staticmethod
    def _tell(at: datetime, event: str, **more: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
        tree = {"at": at.isoformat(timespec="milliseconds"), "event": event, **more}
        emit(msgspec.json.encode(tree).decode() + "\n")
