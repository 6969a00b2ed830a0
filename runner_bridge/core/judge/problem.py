"""
A finding before it is pinned on a pod, and the one way in which foreign text is quoted.

The same request or the same runner gives the same problems to thousands of pods; they are worked out once and pinned
on each pod with its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from runner_bridge.core.model import Finding
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from runner_bridge.core.model import Code

LONGEST_QUOTE = 160


class Problem(Struct, frozen=True, gc=False):
    """What is wrong, without saying with which pod."""

    code: Code
    observed: str = ""
    expected: str = ""
    cause: str = ""
    remedy: str = ""
    pool: str = ""
    """Where the problem is one address: the pool that covers it."""

    def on(self, subject: str) -> Finding:
        """Pin it on a pod `namespace/name`, a tier or the cluster."""
        return Finding(
            code=self.code,
            subject=subject,
            observed=self.observed,
            expected=self.expected,
            cause=self.cause,
            remedy=self.remedy,
        )


def quote(text: str) -> str:
    r"""
    Return foreign text on one printable line: secrets out, cut to `LONGEST_QUOTE`. Never raises.

    >>> quote('["infraestrutura"]')
    '["infraestrutura"]'
    >>> quote("a" + chr(10) + "b")
    "'a\\nb'"
    """
    shown = redact(text[: 4 * LONGEST_QUOTE])
    if len(shown) > LONGEST_QUOTE:
        shown = f"{shown[: LONGEST_QUOTE - 1]}…"
    return shown if shown.isprintable() else repr(shown)


MOST_LISTED = 20


def listed(names: tuple[str, ...] | list[str], nothing: str = "nothing") -> str:
    """
    Return names as a reader wants them; of very many the first.

    >>> listed(["a", "b"])
    'a, b'
    >>> listed([str(number) for number in range(100)])[-19:]
    '18, 19, and 80 more'
    """
    shown = [quote(name) for name in names[:MOST_LISTED]]
    more = len(names) - len(shown)
    return ", ".join([*shown, f"and {more} more"] if more else shown) or nothing
