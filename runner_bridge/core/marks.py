"""
How GitLab Runner turns what stands in its file into marks of job pods.

Each way loses characters, so names never decide alone.
"""

from __future__ import annotations

import re

# GitLab Runner, helpers/shorten_token.go: the prefix goes, nine characters stay.
_TOKEN_PREFIX = re.compile(r"glrt-(?:t\d_)?|glrtr-|glcbt-|GR[0-9A-Fa-f]{7}")
_SHORT = 9
_PARTITION = re.compile(r"t[0-9a-f]+_")
FEWEST = 5
"""Fewer characters of a token than these would name others too."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_NOT_DNS = re.compile(r"[^-a-z0-9]")
LONGEST_LABEL = 63


def has_token_prefix(token: str) -> bool:
    """Tell whether a text begins like a token that GitLab gave out."""
    return _TOKEN_PREFIX.match(token) is not None


def short_id(token: str) -> str:
    """
    Return what the label `manager.runner.gitlab.com/id-short` shows of a token; empty for a reference (`$TOKEN`).

    >>> short_id("glrt-t1_4xYqA7pLwFAKETOKEN00")
    '4xYqA7pLw'
    """
    if "$" in token or "{{" in token:
        return ""
    found = _TOKEN_PREFIX.match(token)
    return label_value(token[found.end() if found else 0 :][:_SHORT])


def is_of_token(short: str, shown: str) -> bool:
    """
    Tell whether a short id is of the token whose first characters GitLab shows (`shortSha`).

    Some versions of GitLab show the marker of the partition, others do not (app/models/ci/runner.rb, short_sha).

    >>> is_of_token("4xYqA7pLw", "t1_4xYqA"), is_of_token("4xYqA7pLw", "4xYqA7pL"), is_of_token("4xYqA7pLw", "")
    (True, True, False)
    """
    start = start_of_token(shown)
    return bool(start) and short.startswith(start)


def start_of_token(shown: str) -> str:
    """
    Return the first characters of a short id by what GitLab shows of the token; empty: too few to tell, else 5 to 9.

    >>> start_of_token("t1_4xYqA"), start_of_token("4xYq")
    ('4xYqA', '')
    """
    found = _PARTITION.match(shown)
    start = label_value(shown[found.end() if found else 0 :])[:_SHORT]
    return start if len(start) >= FEWEST else ""


def label_value(text: str) -> str:
    """
    Return what the value of a label shows of a text; empty where nothing is left (executors/kubernetes/util.go).

    >>> label_value("Runner da Plataforma – produção")
    'Runner_da_Plataforma___produ__o'
    """
    return _UNSAFE.sub("_", text).strip("-_.")[:LONGEST_LABEL].strip("-_.")


def dns_part(short: str) -> str:
    """
    Return how a short id stands in a pod's name (helpers/dns/utils.go).

    >>> dns_part("4xYqA7_Lw")
    '4xyqa7lw'
    """
    return _NOT_DNS.sub("", short.lower())
