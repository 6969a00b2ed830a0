"""
A new `config.toml`: globals first, then one `[[runners]]` for each runner of the policy.

Tokens are never written. The whole text is parsed back and compared before it is returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.render import toml_text
from runner_bridge.render.fragment import about, global_keys, proof, section
from runner_bridge.render.heading import heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy

FILE = "config.toml"


def render(policy: Policy) -> Mapping[str, str]:
    """
    Return `config.toml` of a GitLab Runner that serves every runner of the policy.

    Raises:
        RenderError: what was written does not say what the policy says.
    """
    values = global_keys(policy)
    parts = [
        heading(
            "Tokens are never written here: add each where its section says so, or keep them by merging into the file",
            "that has them: runner-bridge render config.toml --into /etc/gitlab-runner/config.toml --write",
            digest=policy.digest,
        ),
        "\n".join(toml_text.lines((), values, 0)),
        "\n",
    ]
    expected: dict[str, Any] = {**values}
    sections = []
    for runner in policy.runners.values():
        text, meant = section(policy, runner)
        parts.append(f"\n{about(runner)}{text}")
        sections.append(meant)
    if sections:
        expected["runners"] = sections
    whole = "".join(parts)
    _prove(policy, whole, expected)
    return {FILE: whole}


def _prove(policy: Policy, text: str, expected: dict[str, Any]) -> None:
    parsed = proof.parse_back(text, FILE)
    proof.prove_same(FILE, parsed, expected)
    for runner, found in zip(policy.runners.values(), parsed.get("runners", []), strict=True):
        proof.prove_section(FILE, policy, runner, found)
