"""The one error of the readers in this room: a text that is not what it claims to be, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from runner_bridge.core.model import Place


class Malformed(WireError):  # noqa: N818 - a state of a text, reads as one: `except Malformed`
    """
    A text cannot be read as YAML or TOML at all; whoever lints turns it into a finding.

    The four parts are kept apart so that a view can lay them out; `str()` is the one line for everybody else.
    """

    def __init__(self, *, place: Place, observed: str, expected: str, remedy: str) -> None:
        self.place = place
        self.observed = observed
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"{place}: {observed}, expected {expected}. {remedy}")
