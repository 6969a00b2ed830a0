"""Frozen values that every room shares."""

from runner_bridge.core.model.finding import Code, Family, Finding, Outcome, Place, Severity

__all__ = ["Code", "Family", "Finding", "Outcome", "Place", "Severity"]
