"""
The GitLab Runner Operator: a ConfigMap with the section, one with variables, and a `Runner`, for each runner.

The Operator has no field for annotations of job pods; a template in a ConfigMap is the way, and some keys of a template
do not apply because it sets variables of its own: those stand in `spec.env` again (GitLab Runner,
docs/configuration/configuring_runner_operator.md). It uses no Helm `tpl`: nothing is escaped.
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


def render(policy: Policy) -> Mapping[str, str]:
    """
    Return one manifest for each runner.

    Raises:
        RenderError: what was written does not say what the policy says.
    """
    return {f"operator/{runner.name}.yaml": _file(policy, runner) for runner in policy.runners.values()}


def _file(policy: Policy, runner: Runner) -> str:
    namespace = policy.tiers[runner.tier].job.namespace
    documents = _documents(policy, runner, namespace)
    text = heading(
        "GitLab Runner Operator: apply in the namespace where its job pods are to run.",
        f"The token stands in the Secret {token_secret(runner.name)}, key runner-token, never in this file.",
        "`spec.podSpec` and `spec.deploymentSpec` patch the manager, not job pods; annotations of job pods stand in",
        "the template. request_concurrency, output_limit and poll_timeout of a template do not apply: set them in the",
        "ConfigMap of variables (RUNNER_REQUEST_CONCURRENCY, RUNNER_OUTPUT_LIMIT, KUBERNETES_POLL_TIMEOUT).",
    ) + "---\n".join(map(yaml_text.dump, documents))
    yaml_text.prove(str(runner.name), text, *documents)
    return text


def _documents(policy: Policy, runner: Runner, namespace: str) -> tuple[dict[str, Any], ...]:
    name, job = dns_name(runner.name), policy.tiers[runner.tier].job
    config, variables = f"{name}-config", f"{name}-env"
    return (
        _config_map(
            config, namespace, {"config.toml": yaml_text.Literal(template_section(policy, runner, through_tpl=False))}
        ),
        _config_map(
            variables,
            namespace,
            {"KUBERNETES_POLL_TIMEOUT": str(job.poll_timeout_s), "RUNNER_NAME": str(runner.name)},
        ),
        {
            "apiVersion": "apps.gitlab.com/v1beta2",
            "kind": "Runner",
            "metadata": {"name": name, "namespace": namespace},
            "spec": _spec(policy, runner, config, variables),
        },
    )


def _config_map(name: str, namespace: str, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _spec(policy: Policy, runner: Runner, config: str, variables: str) -> dict[str, Any]:
    manager, image = policy.manager, policy.tiers[runner.tier].job.image
    spec: dict[str, Any] = {
        "gitlabUrl": policy.gitlab.url,
        "token": token_secret(runner.name),
        "config": config,
        "env": variables,
        "concurrent": runner.limit or manager.concurrent,
        "interval": manager.check_interval_s,
        "shutdownTimeout": manager.shutdown_timeout_s,
        "logLevel": manager.log_level,
        "logFormat": manager.log_format,
        "listenAddr": manager.listen_address,
        # The Operator's own default image would win over the template's.
        "buildImage": image,
    }
    return {key: item for key, item in spec.items() if item is not None}
