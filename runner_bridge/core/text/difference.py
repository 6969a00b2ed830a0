"""The difference of two texts as people read it: a unified diff without secrets."""

from __future__ import annotations

from difflib import unified_diff

from runner_bridge.core.redact import redact


def difference(name: str, before: str, after: str) -> str:
    r"""
    Return a unified diff, or empty text where nothing differs. Line ends that differ are shown; secrets are not.

    >>> print(difference("a", "x = 1\n", "x = 2\n"), end="")
    --- a
    +++ a (as the policy says)
    @@ -1 +1 @@
    -x = 1
    +x = 2
    """
    lines = unified_diff(_lines(before), _lines(after), name, f"{name} (as the policy says)", n=3)
    return redact("".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines))


def _lines(text: str) -> list[str]:
    return [line.replace("\r", "\\r") for line in text.splitlines(keepends=True)]
