"""
Runners as blocks of Terraform, for shops that keep them there: one `gitlab_user_runner` for each declared runner.

A runner that exists gets an `import` block; its token is not part of the state then, as GitLab shows none twice.
Source: gitlabhq/terraform-provider-gitlab, docs/resources/user_runner.md.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner_bridge.core.edits.marker import marker
from runner_bridge.core.edits.runners import TYPES, access_level
from runner_bridge.core.policy.model import ScopeKind
from runner_bridge.render.heading import heading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner_bridge.core.policy.model import Policy, Runner, RunnerName

_TARGETS = {ScopeKind.GROUP: "group_id", ScopeKind.PROJECT: "project_id"}


def blocks(policy: Policy, *, targets: Mapping[str, int | None], existing: Mapping[RunnerName, int]) -> str:
    """
    Return a block for each runner of the policy, in its order.

    Args:
        policy: what is declared.
        targets: scope of a runner as text → number of its group or project; None where GitLab shows us none.
        existing: name of a runner → its number, where there is one.
    """
    head = heading(
        "Runners of the policy for the provider gitlabhq/gitlab. They are created paused: take that out, or unpause",
        "them, once their managers have loaded a configuration that pins their jobs to the right pool.",
        digest=policy.digest,
    )
    parts = [
        _block(policy, one, targets.get(str(one.scope)), existing.get(one.name)) for one in policy.runners.values()
    ]
    return head + "\n".join(parts)


def _block(policy: Policy, runner: Runner, target: int | None, number: int | None) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(runner.name))
    name = name if name[:1].isalpha() else f"runner_{name}"
    values = dict(_values(policy, runner, target, is_new=number is None))
    longest = max(map(len, values))
    lines = [f'resource "gitlab_user_runner" "{name}" {{']
    lines += [f"  {key:<{longest}} = {text}" for key, text in values.items()]
    lines += ["}"]
    if number is not None:
        lines += ["", "import {", f"  to = gitlab_user_runner.{name}", f"  id = {_text(str(number))}", "}"]
    return "".join(f"{line}\n" for line in lines)


def _values(policy: Policy, runner: Runner, target: int | None, *, is_new: bool) -> Iterator[tuple[str, str]]:
    yield "runner_type", _text(str(TYPES[runner.scope.kind]))
    if key := _TARGETS.get(runner.scope.kind):
        yield key, str(target) if target is not None else f"null # {runner.scope}: not seen in GitLab"
    yield "description", _text(str(runner.name))
    yield "tag_list", f"[{', '.join(map(_text, sorted(runner.tags)))}]"
    yield "untagged", str(runner.run_untagged).lower()
    yield "access_level", _text(str(access_level(runner)))
    if runner.locked is not None:
        yield "locked", str(runner.locked).lower()
    if is_new or runner.paused is not None:
        yield "paused", str(is_new or bool(runner.paused)).lower()
    if runner.maximum_timeout_s is not None:
        yield "maximum_timeout", str(runner.maximum_timeout_s)
    yield "maintenance_note", _text(marker(policy.cluster.name, runner.name))


def _text(value: str) -> str:
    """Return a string of HCL: JSON's, but for the two marks that begin a template."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
