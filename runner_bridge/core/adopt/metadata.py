"""How the runner turns what stands in its file into marks of job pods, and which of them a policy can say."""

from __future__ import annotations

import re

from runner_bridge.core.policy import forms

# The label `manager.runner.gitlab.com/id-short` is the first nine characters of the token behind such a prefix
# (GitLab Runner, helpers/shorten_token.go).
_TOKEN_PREFIX = re.compile(r"glrt-(?:t\d_)?|glrtr-|glcbt-|GR[0-9A-Fa-f]{7}")
_SHORT = 9


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


def label_value(text: str) -> str:
    """
    Return what a label of a job pod shows of a text: lossy, and empty where nothing is left.

    Source: GitLab Runner, executors/kubernetes/util.go.

    >>> label_value("grupo/produção (1)")
    'grupo_produ__o__1'
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", text).strip("-_.")
    return safe[:63].strip("-_.")


def clean_url(url: str) -> str:
    """
    Return the address of a GitLab as a policy has it; the runner, too, takes no notice of a slash or `/ci` at the end.

    >>> clean_url("https://gitlab.example.com/ci/")
    'https://gitlab.example.com'
    """
    return url.rstrip("/").removesuffix("/ci").rstrip("/")


OURS = "the key belongs to runner-bridge"
"""What `why_not` returns for marks that a render writes anew."""


def why_not(key: str, value: str, word: str) -> str:
    """Return why a policy cannot say a label or annotation; empty where it can."""
    owner = forms.owner_of(key)
    if owner:
        return f"the key belongs to {owner}"
    if not forms.is_label_key(key):
        return "Kubernetes refuses such a key, so no pod starts"
    if "{{" in value:
        return "only Helm knows the value"
    if word == "label" and value and "$" not in value and not forms.is_name(value):
        return "no label can hold the value, so the runner changes it"
    return ""


def ask_lint(file: str) -> str:
    """
    Return the command that shows what is wrong with a file, and where.

    >>> ask_lint("config.toml"), ask_lint("<stdin>")
    ('`runner-bridge lint config.toml`', '`runner-bridge lint -`')
    """
    return f"`runner-bridge lint {'-' if file == '<stdin>' else file}`"
