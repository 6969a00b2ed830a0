"""What the CNI plugin answers when it cannot."""

from __future__ import annotations


class IpamError(Exception):
    """An ADD failed; the text is the `msg` of the CNI error, to the letter."""
