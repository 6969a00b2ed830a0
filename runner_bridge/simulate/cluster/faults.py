"""Switches for what goes wrong between a client and an API server: refusals, delays, and streams that end badly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.status import StatusError


class Ending(StrEnum):
    """How a broken answer ends."""

    CLOSE = "close"
    """In order, as when the server's own time-out is over."""
    RESET = "reset"
    """Torn: the connection goes away in the middle of the body."""
    SILENCE = "silence"
    """Not at all: nothing comes any more, and the connection stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the requests that match. Without `refusal`, `delay_s` and `ending` nothing does."""

    verbs: frozenset[str] = frozenset()
    """`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`; empty for any."""
    path: str = ""
    """A regular expression that is looked for in the path; empty for any."""
    times: int | None = 1
    """How many requests it hits; None for all until it is taken away."""
    refusal: StatusError | None = None
    """The request is not carried out, this is the answer."""
    delay_s: float = 0
    """The request is carried out after so many seconds."""
    ending: Ending | None = None
    """The body of the answer (or the stream of a watch) ends so, after `after_bytes`."""
    after_bytes: int = 0
    inserted: bytes = b""
    """These bytes come first in the stream of a watch, before anything that is true."""
    is_half_line: bool = False
    """A watch ends in the middle of its next line instead; `after_bytes` is not looked at."""

    def meets(self, verb: str, path: str) -> bool:
        """Tell whether it is about this request."""
        return (not self.verbs or verb in self.verbs) and re.search(self.path, path) is not None
