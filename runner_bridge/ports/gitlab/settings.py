"""How GitLab is asked: time-outs, threads, patience, and whose certificates are trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner_bridge import __version__
from runner_bridge.ports.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How GitLab is asked."""

    connect_s: float = 10.0
    answer_s: float = 30.0
    """Longest time without a byte."""
    whole_s: float = 60.0
    """Longest time for one answer in all."""
    threads: int = 4
    """REST requests at once."""
    ca_file: str = ""
    """Certificates to trust; empty for those of the system."""
    patience: Patience = Patience(attempts=5, first_s=1.0, longest_s=90.0)  # noqa: RUF009 - it is frozen
    now: Callable[[], datetime] = _utc_now
    """To tell how far away a moment is that GitLab names."""
    agent: str = f"runner-bridge/{__version__}"
