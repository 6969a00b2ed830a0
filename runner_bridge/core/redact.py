"""
The one function that takes secrets out of text before it leaves the program.

Everything that prints a piece of somebody's file passes it here first: excerpts, diffs, error texts. It knows the
shapes of GitLab tokens (https://docs.gitlab.com/security/tokens/#token-prefixes), Slack tokens, webhook secrets and
JSON Web Tokens, and the values of keys that hold secrets by name.
"""

from __future__ import annotations

import re

MASK = "[secret]"

# A GitLab prefix is `gl` and two to six letters; runner tokens may carry a partition such as `t1_`. A name such as
# `gl-code-quality-report` is none: at least one more hyphen-free run of sixteen characters must follow.
_TOKENS = re.compile(
    r"\b(?:gl[a-z]{2,6}-(?:t\d_)?[\w.-]{10,}"
    r"|GR1348941[\w-]{10,}"
    r"|whsec_[\w+/=-]{8,}"
    r"|xox[a-z]-[\w-]{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*)"
)

# Name and password of `https://user:password@host`.
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@:\"'`]*:[^\s/@\"'`]+(?=@)")

# `token = "…"`, `bearer_token: …`, `"password": "…"`. A reference to a variable ($TOKEN) is no secret; neither is an
# empty value.
_ASSIGNED = re.compile(
    r"""(?ix)
    (?P<key> ["']? (?<![\w-])
        (?: (?:runner|bearer|registration|job|private|access|api)?[_-]?token | password | passwd | secret
          | (?:Secret|Access)Key | client_secret | \.dockercfg ) ["']? \s* [=:] \s* )
    (?: (?P<quote>["']) (?!\$) (?: \\. | (?!(?P=quote)) [^\\\n] )+ (?P=quote) | (?![$\["'{]) [^\s"',}\#]+ )
    """
)


def redact(text: str) -> str:
    """
    Replace each secret in `text` by `[secret]`; the rest stays as it is. Idempotent. Never raises.

    >>> redact('token = "abc123"')
    'token = "[secret]"'
    >>> redact("pod_annotations = 1")
    'pod_annotations = 1'
    """

    def assigned(found: re.Match[str]) -> str:
        quote = found["quote"] or ""
        return f"{found['key']}{quote}{MASK}{quote}"

    return _ASSIGNED.sub(assigned, _TOKENS.sub(MASK, _URL_PASSWORD.sub(MASK, text)))
