"""When two URLs are one GitLab."""

from __future__ import annotations


def same_gitlab(url: str, other: str) -> bool:
    """
    Compare as the runner does, which drops a slash and `/ci` at the end (GitLab Runner, network/client.go).

    >>> same_gitlab("https://GitLab.example.com/ci/", "https://gitlab.example.com")
    True
    """
    return _tidy(url) == _tidy(other)


def _tidy(url: str) -> str:
    return url.strip().rstrip("/").removesuffix("/ci").rstrip("/").casefold()
