"""
The errors of the program, sorted by who must act; each carries the exit code of the command line.

A breach or a lint problem is not an error: it is a value (`model.Finding`). An error means that the program could
not do its work. Wording: subject, what was seen, what was expected, what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_bridge.core.model import Finding


class RunnerBridgeError(Exception):
    """Base of all; never raised itself."""

    exit_code = 5


class SettingsError(RunnerBridgeError):
    """The process was called or set up wrongly: a flag, a file that cannot be read, a folder that is a file."""

    exit_code = 2


class PolicyError(RunnerBridgeError):
    """The policy is wrong; holds every problem found, in the order of the files and lines."""

    exit_code = 2

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{first.headline}{more}")


class WireError(RunnerBridgeError):
    """A file or a neighbour holds what we do not understand."""

    exit_code = 2


class RenderError(RunnerBridgeError):
    """An artefact does not say what the policy says when it is parsed back: a defect of ours, nothing is written."""

    exit_code = 5


class LedgerError(RunnerBridgeError):
    """
    The ledger could not be written or read, or is damaged: disk full, locked, read-only, corrupt, clock set back.

    Whoever acts stops acting: an intent is recorded before the act.
    """

    exit_code = 4
