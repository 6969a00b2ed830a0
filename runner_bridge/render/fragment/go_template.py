"""Text that a Go template prints as it is: Helm passes `runners.config` through `tpl`."""

from __future__ import annotations

_OPEN = "{{"
_ESCAPED = "{{ `{{` }}"
"""Back quotes, so that it can stand inside of both kinds of TOML strings and parses before and after."""


def escape(text: str) -> str:
    """
    Escape every `{{`; a lone `}}` is text to a template.

    >>> escape("a {{ b }}")
    'a {{ `{{` }} b }}'
    """
    return text.replace(_OPEN, _ESCAPED)
