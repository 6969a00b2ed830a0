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


class NeighbourError(RunnerBridgeError):
    """A neighbour could not be asked, so nothing is proven; base of those below, never raised itself."""

    exit_code = 3


class UnavailableError(NeighbourError):
    """It did not answer, answered 5xx or 429, or its stream broke off: wait with jitter and ask again."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        """How long the neighbour wants to be left alone, in seconds; None where it does not say."""
        super().__init__(message)


class DeniedError(NeighbourError):
    """401 or 403: it does not know us, or does not let us; asking again soon changes nothing."""

    def __init__(self, message: str, *, verb: str, resource: str, namespace: str = "") -> None:
        self.verb = verb
        """`get`, `list`, `watch`, `create`, `update`, `patch` or `delete`."""
        self.resource = resource
        """As in RBAC, with its group where it has one: `pods`, `ipamblocks.crd.projectcalico.org`."""
        self.namespace = namespace
        """Empty for the whole cluster."""
        super().__init__(message)


class StaleError(NeighbourError):
    """409 or 410: what we know is older than what the neighbour has; read again, judge again."""


class NotServedError(StaleError):
    """404 for a whole collection: the API server does not serve it (any more); look again what it serves."""


class InvalidError(NeighbourError):
    """400, 405, 415, 422 and the like: it does not take what we ask in this form; asking again changes nothing."""

    def __init__(self, message: str, *, status: int, fields: tuple[str, ...] = ()) -> None:
        self.status = status
        """The HTTP status."""
        self.fields = fields
        """Paths of the fields that it objects to, where it names them: `metadata.uid`."""
        super().__init__(message)


class FencedError(NeighbourError):
    """The Lease that allows writing is not ours (any more), so nothing was sent: another process goes on."""
