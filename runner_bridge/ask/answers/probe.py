"""The answer of `probe`: what one pod of a tier got and met, and what that comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from runner_bridge.core.model import Finding
    from runner_bridge.core.probe import Probed

_CLEAN, _FINDINGS, _UNPROVEN = 0, 1, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """The whole answer."""

    probed: Probed
    image: str
    at: datetime
    """When it was over."""
    source: str
    """What was asked of the cluster."""
    exit_code: int
    summary: str
    """One sentence."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, those about the address first."""
        of_address = self.probed.verdict.findings if self.probed.verdict is not None else ()
        return (*of_address, *self.probed.findings)


def answer(probed: Probed, *, image: str, at: datetime, source: str) -> ProbeAnswer:
    """
    Say what a probe comes to.

    Args:
        probed: what was seen.
        image: of the pod.
        at: when it was over.
        source: what was asked of the cluster.
    """
    if probed.is_wrong:
        code, summary = _FINDINGS, f"Tier {probed.tier} is not as declared."
    elif not probed.is_proven:
        code, summary = _UNPROVEN, f"Not everything about tier {probed.tier} could be seen."
    elif probed.seen is None:
        code, summary = _CLEAN, f"Tier {probed.tier} is as declared; no destination was asked what it saw (--echo)."
    else:
        code, summary = _CLEAN, f"Tier {probed.tier} is as declared, and a destination saw it."
    return ProbeAnswer(probed=probed, image=image, at=at, source=source, exit_code=code, summary=summary)
