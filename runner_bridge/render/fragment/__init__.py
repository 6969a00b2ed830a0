"""
One runner's TOML: the new text of a section, and `merge` into a file that exists.

Below its siblings: every artefact that carries a runner's section takes it from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.render import toml_text
from runner_bridge.render.fragment import proof
from runner_bridge.render.fragment.about import about
from runner_bridge.render.fragment.gitlab import same_gitlab
from runner_bridge.render.fragment.go_template import printed
from runner_bridge.render.fragment.governed import complete, global_keys, governed, pool_annotations, template_keys
from runner_bridge.render.fragment.merge import merge, merge_template

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy, Runner

__all__ = [
    "about",
    "global_keys",
    "merge",
    "merge_template",
    "pool_annotations",
    "same_gitlab",
    "section",
    "template_section",
]


def section(policy: Policy, runner: Runner) -> tuple[str, dict[str, Any]]:
    """Return the `[[runners]]` section of a new config.toml, and what it must parse to. It holds no token."""
    values = complete({}, governed(policy, runner))
    return toml_text.array_item("runners", values), values


def template_section(policy: Policy, runner: Runner, *, through_tpl: bool) -> str:
    """
    Return the section as a template for `gitlab-runner register --template-config`: no token, name or url.

    Args:
        policy: what is to be in force.
        runner: whose section it is.
        through_tpl: Helm will pass the text through its own templates, so `{{` is escaped.

    Raises:
        RenderError: what was written does not say what the policy says.
    """
    values = complete({}, template_keys(policy, runner, through_tpl=through_tpl))
    text = toml_text.array_item("runners", values)
    parsed = proof.parse_back(text, str(runner.name))
    proof.prove_same(str(runner.name), parsed, {"runners": [values]})
    proof.prove_section(str(runner.name), policy, runner, printed(parsed["runners"][0]))
    return text
