"""How the runner turns what stands in its file into marks of job pods, and which of them a policy can say."""

from __future__ import annotations

from runner_bridge.core.policy import forms


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
