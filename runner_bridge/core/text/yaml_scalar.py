"""
One value as YAML on one line, for everything that we write.

Plain only where every reader takes it for the same text. Words that YAML 1.1 takes for booleans (`on`, `y`) are quoted,
because kubectl and Helm read YAML 1.1; so is `!all()`, which unquoted is a tag: the pool would be open to every pod.
"""

from __future__ import annotations

import json
import re

# Names and paths; addresses (`https://…`, `group:platform`); ranges (`172.16.0.0/16`).
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*|\d+(?:\.\d+)+/\d+")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


def scalar(value: bool | int | str) -> str:  # noqa: FBT001 - the value itself, not a switch
    r"""
    Return a value on one line; text is quoted unless every reader takes it for the same text.

    >>> scalar("!all()"), scalar("on"), scalar('["infra"]'), scalar("172.16.0.0/16")
    ('"!all()"', '"on"', '\'["infra"]\'', '172.16.0.0/16')
    >>> scalar("https://gitlab.example.com"), scalar("**"), scalar(5), scalar(True)
    ('https://gitlab.example.com', '"**"', '5', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if value.isprintable() and '"' in value and "'" not in value:
        return f"'{value}'"
    # JSON is YAML, but for halves of characters beyond the first plane and for what YAML takes for a line end.
    return re.sub(r"[^ -~]", _escape, json.dumps(value, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else f"\\U{ord(found[0]):08x}"
