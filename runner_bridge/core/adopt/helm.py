"""
What the values of one release of the chart gitlab-runner say of its one runner.

The chart writes its `runners.config` through Helm's templates and lets the manager register itself with it: name and
namespace may be known only when that happens. Sources: chart gitlab-runner, templates/_env_vars.tpl and configmap.yaml;
GitLab Runner, docs/install/kubernetes_helm_chart_configuration.md.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from runner_bridge.core.adopt.existing import KUBERNETES
from runner_bridge.core.adopt.metadata import ask_lint
from runner_bridge.core.errors import WireError
from runner_bridge.core.text import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASE_NAMESPACE = "{{.Release.Namespace}}"
"""Where the chart puts job pods when `runners.config` names no namespace."""
METRICS_PORT = 9252
SUBCHART = "gitlab-runner"
_OWN_KEYS = ("gitlabUrl", "envVars", "runners")

_SETTINGS: Mapping[str, str] = {
    "concurrent": "concurrent",
    "checkInterval": "check_interval",
    "shutdown_timeout": "shutdown_timeout",
    "logLevel": "log_level",
    "logFormat": "log_format",
}
"""Chart values that become global keys of config.toml."""


def parse_values(text: str, file: str) -> dict[str, Any]:
    """
    Return Helm values as a tree in which `runners.config` is parsed, too.

    Raises:
        WireError: it is not one YAML map, or its `runners.config` is no TOML before Helm has filled it in.
    """
    documents = [yaml.to_python(one) for one in yaml.parse(text, file)]
    if len(documents) != 1 or not isinstance(documents[0], dict):
        message = f"{file}: is not one map of Helm values. Name the values file of one gitlab-runner release."
        raise WireError(message)
    if {"apiVersion", "kind"} <= documents[0].keys():
        message = f"{file}: is an object of Kubernetes around Helm values. Name the values file that it hands to Helm."
        raise WireError(message)
    values = _chart_values(documents[0])
    runners = _dict(values.get("runners"))
    config = runners.get("config")
    if not isinstance(config, str):
        return values
    return {**values, "runners": {**runners, "config": _template(config, file)}}


def _chart_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return what the chart gets: in the values of an umbrella chart it stands below the chart's name."""
    inner = values.get(SUBCHART)
    return inner if isinstance(inner, dict) and values.keys().isdisjoint(_OWN_KEYS) else values


def _template(config: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(config)
    except (ValueError, RecursionError) as error:
        message = (
            f"{file}: runners.config is not TOML as long as Helm has not filled it in. {ask_lint(file)} "
            "shows where. If templates are the reason, adopt the config.toml of the running manager in its place."
        )
        raise WireError(message) from error


def as_runner_config(values: Mapping[str, Any], runner_name: str, file: str) -> dict[str, Any]:
    """
    Return the config.toml that the manager of a release makes for itself, as a tree.

    Args:
        values: what `parse_values` returned.
        runner_name: for a release that names its runner after the manager's pod, which changes at every rollout.
        file: what the values file is called.

    Raises:
        WireError: `runners.config` does not hold exactly one `[[runners]]`.
    """
    chart = _dict(values.get("runners"))
    sections = _dict(chart.get("config")).get("runners", [{}])
    if not (isinstance(sections, list) and len(sections) == 1 and isinstance(sections[0], dict)):
        message = f"{file}: runners.config does not hold one [[runners]], which is what the chart takes."
        raise WireError(message)
    environment = _environment(values)
    section = {
        **sections[0],
        "name": environment.get("RUNNER_NAME") or chart.get("name") or values.get("fullnameOverride") or runner_name,
        "url": values.get("gitlabUrl", ""),
        "token": values.get("runnerToken") or "",
        "executor": sections[0].get("executor") or chart.get("executor") or KUBERNETES,
    }
    if isinstance(section.get(KUBERNETES, {}), dict):
        section[KUBERNETES] = {"namespace": RELEASE_NAMESPACE, **section.get(KUBERNETES, {})}
    settings = {key: values[name] for name, key in _SETTINGS.items() if name in values}
    metrics = _dict(values.get("metrics"))
    if metrics.get("enabled") is True:
        settings["listen_address"] = f":{metrics.get('port', METRICS_PORT)}"
    return {**settings, "runners": [section]}


def tags(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags that the chart hands to GitLab: one text with commas."""
    text = _dict(values.get("runners")).get("tags")
    found = (tag.strip() for tag in text.split(",")) if isinstance(text, str) else ()
    return tuple(dict.fromkeys(tag for tag in found if tag))


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the manager's variables that are written in clear."""
    listed = values.get("envVars")
    pairs = [
        (one.get("name"), one.get("value"))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]
    pairs += _dict(values.get("extraEnv")).items()
    return {str(name): str(value) for name, value in pairs if value}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
