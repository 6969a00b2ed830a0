"""
A pod as GitLab Runner would make it for a job of a tier, to see what such a job gets.

Namespace, account, node selector, labels and annotations are those of the rendered configuration. The rest is as small
and as harmless as Kubernetes' Pod Security Standard `restricted` asks for, and it ends by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from runner_bridge.render.fragment.governed import kubernetes_keys
from runner_bridge.render.probe_script import SCRIPT

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy, Tier

PROBE_LABEL: Final = "runner-bridge.dev/probe"
"""By this label, without any mark of a runner, the bridge and `check` know the pod for what it is."""
WAIT_S: Final = 5
"""How long the pod waits for each answer."""
_PORTS: Final = {"http": 80, "https": 443}
_NOBODY: Final = 65534
_NOT_DNS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where GitLab is."""

    host: str
    port: int


def gitlab_of(policy: Policy) -> Target:
    """Return where the policy's GitLab is."""
    url = urlsplit(policy.gitlab.url)
    return Target(host=url.hostname or "", port=url.port or _PORTS.get(url.scheme, 443))


def is_address(host: str) -> bool:
    """Tell whether a host is written as an address, so that there is no name to resolve."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def probe_name(tier: str, suffix: str) -> str:
    """
    Return the name of a pod.

    >>> probe_name("Infra_a", "x7k2")
    'runner-bridge-probe-infra-a-x7k2'
    """
    return f"runner-bridge-probe-{_NOT_DNS.sub('-', tier.lower()).strip('-')[:30]}-{suffix}"


def probe_pod(policy: Policy, tier: Tier, *, name: str, image: str, echo: str = "", lives_s: int) -> dict[str, Any]:
    """
    Return the pod.

    A label or annotation whose text holds a variable of CI (`$CI_…`) is left out: only a job has its value.

    Args:
        policy: what is meant.
        tier: one of the policy that is not for Windows.
        name: of the pod.
        image: with a shell and the programs of a BusyBox.
        echo: address of an end point that answers with the source address that it saw; empty for none.
        lives_s: after so many seconds Kubernetes ends the pod, whoever forgot it.
    """
    keys = kubernetes_keys(policy, tier)
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": lives_s,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": keys["automount_service_account_token"],
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(policy, image=image, echo=echo, lives_s=lives_s)],
    }
    if "service_account" in keys:
        spec["serviceAccountName"] = keys["service_account"]
    if "node_selector" in keys:
        spec["nodeSelector"] = keys["node_selector"]
    metadata = {
        "name": name,
        "namespace": keys["namespace"],
        "labels": {**_fixed(keys["pod_labels"]), PROBE_LABEL: str(tier.name)},
        "annotations": _fixed(keys["pod_annotations"]),
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _fixed(texts: dict[str, str]) -> dict[str, str]:
    return {key: text for key, text in texts.items() if "$" not in text}


def _container(policy: Policy, *, image: str, echo: str, lives_s: int) -> dict[str, Any]:
    gitlab = gitlab_of(policy)
    values = {
        "RB_NAME": "" if is_address(gitlab.host) else gitlab.host,
        "RB_GITLAB_HOST": gitlab.host,
        "RB_GITLAB_PORT": str(gitlab.port),
        "RB_ECHO": echo,
        "RB_WAIT": str(WAIT_S),
        "RB_STAY": str(lives_s),
    }
    return {
        "name": "probe",
        "image": image,
        "command": ["/bin/sh", "-c", _literal(SCRIPT)],
        "env": [{"name": key, "value": _literal(value)} for key, value in values.items()],
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "200m", "memory": "64Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _literal(text: str) -> str:
    """Keep Kubernetes from reading `$(…)` as one of its variables: two dollar signs are one (k8s.io, expansion.go)."""
    return text.replace("$", "$$")
