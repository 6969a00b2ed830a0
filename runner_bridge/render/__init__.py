"""
Policy → text of artefacts. Pure like `core`; siblings are strangers, all stand on `fragment`.

Every artefact is parsed back and compared with the policy before it is returned. A new artefact is one module and one
line in `ARTEFACTS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.render import helm_values, ip_pools, quarantine, runner_config, runner_operator, workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.core.policy.model import Policy

ARTEFACTS: Mapping[str, Callable[[Policy], Mapping[str, str]]] = {
    "config.toml": runner_config.render,
    "helm-values": helm_values.render,
    "operator": runner_operator.render,
    "ip-pools": ip_pools.render,
    "workloads": workloads.render,
    "quarantine": quarantine.render,
}
"""Name of an artefact → its files: relative name → text. Pure; the same policy gives the same bytes."""


FOLDERS = ("calico", "helm", "operator", "quarantine", "workloads")
"""Where files of artefacts lie, beside those at the top: what is ours there and no longer called for is stale."""


def render_all(policy: Policy) -> dict[str, str]:
    """
    Return every file that the policy calls for, by relative name, in the order of `ARTEFACTS`.

    Raises:
        RenderError: what was written does not say what the policy says; then nothing is returned.
    """
    return {name: text for render in ARTEFACTS.values() for name, text in render(policy).items()}
