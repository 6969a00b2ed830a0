"""
Frozen values that every room shares.

`core.model.cluster` and `core.model.verdict` are imported by their own names: they stand on msgspec, and this package
is loaded by every verb's `--help`.
"""

from runner_bridge.core.model.finding import Code, Family, Finding, Outcome, Place, Severity

__all__ = ["Code", "Family", "Finding", "Outcome", "Place", "Severity"]
