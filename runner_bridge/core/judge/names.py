"""How GitLab Runner writes names and short ids on pods; both ways lose characters, so names never decide alone."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_NOT_DNS = re.compile(r"[^-a-z0-9]")
LONGEST_LABEL = 63


def label_value(text: str) -> str:
    """
    Return what GitLab Runner writes for `text` as a label's value (executors/kubernetes/util.go).

    >>> label_value("Runner da Plataforma – produção")
    'Runner_da_Plataforma___produ__o'
    """
    return _UNSAFE.sub("_", text).strip("-_.")[:LONGEST_LABEL].strip("-_.")


def dns_part(short_id: str) -> str:
    """
    Return how a short id stands in a pod's name (gitlab-runner, helpers/dns/utils.go): lossy.

    >>> dns_part("4xYqA7_Lw")
    '4xyqa7lw'
    """
    return _NOT_DNS.sub("", short_id.lower())
