"""Names in Kubernetes, and of files, that follow from names in the policy."""

from __future__ import annotations

import re
from hashlib import sha256

_FORBIDDEN = re.compile(r"[^a-z0-9-]+")
_LONGEST = 53
"""Of a Helm release; every other name here may be longer."""


def dns_name(name: str) -> str:
    """
    Return a name that Kubernetes and Helm accept.

    One that had to be changed ends in a short hash, so that two names of the policy never become one.

    >>> dns_name("infra-platform"), dns_name("Infra_1")
    ('infra-platform', 'infra-1-9c2212')
    """
    tidy = _FORBIDDEN.sub("-", name.lower()).strip("-")
    if name and tidy == name and len(name) <= _LONGEST:
        return name
    digest = sha256(name.encode()).hexdigest()[:6]
    return f"{tidy[: _LONGEST - 7].strip('-') or 'runner'}-{digest}"


def token_secret(runner: str) -> str:
    """Return the name of the Secret that holds a runner's token; somebody else creates it."""
    return f"{dns_name(runner)}-token"
