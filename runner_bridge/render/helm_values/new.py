"""
Values for the chart gitlab-runner, one file and one release for each runner.

The chart passes `runners.config` through `tpl` and hands it to `gitlab-runner register --template-config`, so the file
holds one `[[runners]]`, no globals, no token, and every `{{` in it is escaped (GitLab Runner,
docs/install/kubernetes_helm_chart_configuration.md; chart gitlab-runner, templates/configmap.yaml and _env_vars.tpl).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.render import yaml_text
from runner_bridge.render.fragment import template_section
from runner_bridge.render.heading import heading
from runner_bridge.render.names import dns_name, token_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Runner

METRICS_PORT = 9252  # common/consts.go


def render(policy: Policy) -> Mapping[str, str]:
    """
    Return one values file for each runner.

    Raises:
        RenderError: what was written does not say what the policy says.
    """
    return {f"helm/{runner.name}.values.yaml": _file(policy, runner) for runner in policy.runners.values()}


def _file(policy: Policy, runner: Runner) -> str:
    name, namespace = dns_name(runner.name), policy.tiers[runner.tier].job.namespace
    secret = token_secret(runner.name)
    values = _values(policy, runner)
    text = heading(
        "Values of the chart gitlab-runner for one runner; each runner is a release of its own:",
        f"  helm upgrade --install {name} gitlab-runner --repo https://charts.gitlab.io \\",
        f"    --namespace {namespace} --values {runner.name}.values.yaml",
        "The token stands in a Secret, never in this file:",
        f"  kubectl --namespace {namespace} create secret generic {secret} \\",
        "    --from-literal=runner-registration-token= --from-file=runner-token=/dev/stdin",
        "`podAnnotations` and `podLabels` of this chart belong to the manager's pod; those of job pods stand in",
        "runners.config. A change there means a rollout: the manager builds its config.toml when it starts.",
        "envVars: by default the chart's runner is named after the manager's pod, and changes at every rollout.",
    ) + yaml_text.dump(values)
    yaml_text.prove(str(runner.name), text, values)
    return text


def _values(policy: Policy, runner: Runner) -> dict[str, Any]:
    manager = policy.manager
    values: dict[str, Any] = {"gitlabUrl": policy.gitlab.url, "concurrent": runner.limit or manager.concurrent}
    if manager.check_interval_s is not None:
        values["checkInterval"] = manager.check_interval_s
    if manager.shutdown_timeout_s is not None:
        values["shutdown_timeout"] = manager.shutdown_timeout_s
    if manager.log_level is not None:
        values["logLevel"] = manager.log_level
    if manager.log_format is not None:
        values["logFormat"] = manager.log_format
    if manager.listen_address is not None:
        values["metrics"] = {"enabled": True, "port": _port(manager.listen_address)}
    values["rbac"] = {"create": True}
    values["envVars"] = [{"name": "RUNNER_NAME", "value": str(runner.name)}]
    values["runners"] = {
        "secret": token_secret(runner.name),
        "config": yaml_text.Literal(template_section(policy, runner, through_tpl=True)),
    }
    return values


def _port(address: str) -> int:
    port = address.rpartition(":")[2]
    return int(port) if port.isdecimal() else METRICS_PORT
