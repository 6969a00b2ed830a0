"""Switches for what goes wrong between a client and GitLab: refusals, web pages, delays, answers that are lost."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - a field
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the requests that match."""

    method: str = ""
    """`GET`, `POST` …; empty for any."""
    path: str = ""
    """A regular expression that is looked for in the path; empty for any."""
    times: int | None = 1
    """How many requests it hits; None for all until it is taken away."""
    status: int = 0
    """The answer's; 0: the true one."""
    body: bytes = b""
    """In place of the true one, where `status` is given."""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the answer, besides the usual ones."""
    delay_s: float = 0
    """The answer comes so much later, after the request was carried out."""
    is_carried_out: bool = False
    """The request is carried out, whatever is answered."""
    is_torn: bool = False
    """The connection goes away in place of an answer."""

    def meets(self, verb: str, path: str) -> bool:
        """Tell whether it is about this request."""
        return self.method in {"", verb} and re.search(self.path, path) is not None
