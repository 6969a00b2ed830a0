"""How every linter puts a finding together: nothing secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model import Finding
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from runner_bridge.core.model import Code, Place


def found(
    code: Code,
    subject: str,
    place: Place,
    *,
    observed: str = "",
    expected: str = "",
    cause: str = "",
    remedy: str = "",
) -> Finding:
    """Return a finding whose texts hold no secret."""
    return Finding(
        code=code,
        subject=redact(subject),
        place=place,
        observed=redact(observed),
        expected=redact(expected),
        cause=redact(cause),
        remedy=redact(remedy),
    )
