"""Text that a Go template prints as it is: Helm passes `runners.config` through `tpl`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPEN = "{{"
_ESCAPED = "{{ `{{` }}"
"""Back quotes, so that it can stand inside of both kinds of TOML strings and parses before and after."""


def escape(table: Mapping[str, Any]) -> dict[str, Any]:
    """
    Escape every `{{` in the keys and values of a table; a lone `}}` is text to a template.

    >>> escape({"a": {"b": "{{ c }}"}})
    {'a': {'b': '{{ `{{` }} c }}'}}
    """
    return _replaced(table, _OPEN, _ESCAPED)


def printed(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table as the template prints it, where only our own escapes are in it."""
    return _replaced(table, _ESCAPED, _OPEN)


def _replaced(table: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    replaced: dict[str, Any] = {}
    for key, item in table.items():
        if isinstance(item, dict):
            item = _replaced(item, old, new)  # noqa: PLW2901 - the same item, written otherwise
        elif isinstance(item, str):
            item = item.replace(old, new)  # noqa: PLW2901
        replaced[key.replace(old, new)] = item
    return replaced
