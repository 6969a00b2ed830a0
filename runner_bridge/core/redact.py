"""
The one function that takes secrets out of text before it leaves the program.

Everything that prints a piece of somebody's file passes it here first: excerpts, diffs, error texts. It knows the
shapes of GitLab tokens (https://docs.gitlab.com/security/tokens/#token-prefixes), Slack tokens, webhook secrets, JSON
Web Tokens and private keys, and the values of keys and variables that hold secrets by name.
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
    r"|(?:xox[a-z]|xapp)-[\w-]{8,}"
    r"|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*)"
)

# Name and password of `https://user:password@host`, or a key in the place of both.
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@:\"'`]*:[^\s/@\"'`]+(?=@)|(?<=https://)[A-Za-z0-9_-]{16,}(?=@)")

# A private key, and lines from the middle of one: a diff shows no more than that.
_PRIVATE_KEY = re.compile(
    r"(?s:-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))"
    r"|(?m:(?<![\w+/])[A-Za-z0-9+/]{64}$)"
)

# Variables whose name says it: `AWS_SECRET_ACCESS_KEY`, `DB_PASSWORD`.
_VARIABLE = r"(?-i:[A-Z0-9_]*(?:TOKEN|PASSWORD|PASSWD|SECRET|SECRET_KEY|ACCESS_KEY|PRIVATE_KEY|API_KEY))"

# `token = "…"`, `bearer_token: …`, `"password": "…"`. A reference to a variable ($TOKEN) is no secret; neither is an
# empty value.
_ASSIGNED = re.compile(
    rf"""(?ix)
    (?P<key> ["']? (?<![\w-])
        (?: (?:runner_?|bearer|registration|job|private|access|api|session)?(?:registration)?[_-]?token
          | password | passwd | secret | (?:Secret|Access|Account|Private)Key | client_secret | \.dockercfg
          | {_VARIABLE} ) ["']? \s* [=:] \s* )
    (?: (?P<quote>["']) (?!\$) (?: \\. | (?!(?P=quote)) [^\\\n] )+ (?P=quote) | (?![$\["'{{]) [^\s"',}}\#]+ )
    """
)

# The value on the line below: `- name: DB_PASSWORD` and `value: …`, also as lines of a diff.
_NAMED = re.compile(
    rf"""(?ix)
    (?P<key> \bname["']? \s* : \s* ["']? {_VARIABLE} ["']? ,? [^\S\n]*+ (?: \# [^\n]*+ )? \n? [ +-]? \s*
        ["']? value ["']? \s* : [^\S\n]* ) (?! \[secret\] | ["']? \$ ) [^\n,}}\s] [^\n,}}]*
    """
)

# Log-ins of registries, in DOCKER_AUTH_CONFIG also with escaped quotes; and those in headers.
_LOGIN = re.compile(
    r"""(?ix) (?P<key> \b(?:auth|identitytoken) \\*["'] \s* : \s* \\*["'] | \bAuthorization["']? \s* [:=] \s* ["']?
        (?:Bearer|Basic) \s+ ) (?! \[secret\] ) [^\s"'\\]+ """
)


# What every secret that is known here holds. Most texts (names, uids, lists of pools) hold none of it, and ten thousand
# pods have a hundred thousand of them.
_SUSPECT = re.compile(r"=|:(?!//)|@|-----|gl[a-z]{2}|GR1348941|whsec_|xox|xapp-|eyJ|[A-Za-z0-9+/]{64}")


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

    if _SUSPECT.search(text) is None:
        return text
    for secrets in (_PRIVATE_KEY, _URL_PASSWORD, _TOKENS):
        text = secrets.sub(MASK, text)
    for secrets in (_LOGIN, _NAMED):
        text = secrets.sub(rf"\g<key>{MASK}", text)
    return _ASSIGNED.sub(assigned, text)
