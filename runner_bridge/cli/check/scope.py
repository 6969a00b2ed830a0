"""Which pods `check` looks at, once or for as long as it watches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which pods are looked at."""

    namespace: str = ""
    """Empty for all."""
    selector: str = ""
    """As kubectl has it; also told to the API server."""
